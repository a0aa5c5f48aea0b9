"""The manual pages: complete, well formed, and the same bytes from the same command line."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import typer

from razorprof.cli.app import build_app
from razorprof.errors import ExitCode

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = typer.main.get_command(build_app())


def pages_wanted(command: Any, page: str) -> Iterator[tuple[str, Any]]:
    """Each command that is shown, and each of its own, with the name of its page."""
    yield page, command
    for name, one in getattr(command, "commands", {}).items():
        if not one.hidden:
            yield from pages_wanted(one, f"{page}-{name}")


COMMANDS = dict(pages_wanted(PROGRAM, "razorprof"))


def write_pages(folder: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the generator as `make man` and `make lint` do."""
    kept = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    return subprocess.run(
        [sys.executable, ROOT / "scripts" / "man.py", *options, folder],
        cwd=ROOT,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The pages as they are now, by file name."""
    folder = tmp_path_factory.mktemp("man")
    assert write_pages(folder).returncode == 0
    return {path.name: path.read_text("ascii") for path in folder.iterdir()}


def test_there_is_a_page_for_the_program_and_for_every_command(pages: dict[str, str]) -> None:
    assert {"razorprof-ps", "razorprof-rules", "razorprof-rules-check"} <= COMMANDS.keys()
    assert pages.keys() == {f"{page}.1" for page in COMMANDS}


def test_every_option_stands_on_the_page_of_its_command(pages: dict[str, str]) -> None:
    for name, command in COMMANDS.items():
        page = pages[f"{name}.1"].replace("\\-", "-")
        for parameter in command.params:
            if parameter.param_type_name == "option" and not parameter.hidden:
                assert all(f"\\fB{option}\\fP" in page for option in parameter.opts), (name, parameter.opts)


def test_a_command_with_commands_lists_them_and_they_name_it(pages: dict[str, str]) -> None:
    for name, command in COMMANDS.items():
        for own in getattr(command, "commands", {}):
            assert f".B {name}-{own}(1)\n" in pages[f"{name}.1"].replace("\\-", "-")
            assert f".BR {name} (1)," in pages[f"{name}-{own}.1"].replace("\\-", "-")


def test_the_pages_that_others_name_are_there(pages: dict[str, str]) -> None:
    by_hand = {path.name for path in (ROOT / "man").iterdir() if path.suffix != ".1"}
    for name, page in pages.items():
        for see, section in re.findall(r"^\.BR (\S+) \((\d)\)", page.replace("\\-", "-"), re.M):
            assert f"{see}.{section}" in pages.keys() | by_hand, (name, see)


def test_every_page_has_an_example_and_an_exit_status(pages: dict[str, str]) -> None:
    for name, page in pages.items():
        assert '.SH "EXAMPLES"\n.nf\nrazorprof' in page, name
        assert '.SH "EXIT STATUS"' in page, name


def test_the_program_s_page_tells_every_exit_code(pages: dict[str, str]) -> None:
    status = pages["razorprof.1"].partition('.SH "EXIT STATUS"')[2].partition(".SH")[0]
    assert [line.split()[1] for line in status.splitlines() if line.startswith(".B ")] == [
        str(int(code)) for code in ExitCode
    ]


def test_mandoc_finds_nothing_to_say(pages: dict[str, str], tmp_path: Path) -> None:
    mandoc = shutil.which("mandoc")
    if mandoc is None:
        pytest.skip("mandoc is not installed (make test-deps)")
    for name, page in pages.items():
        (tmp_path / name).write_text(page, "ascii")
    checked = subprocess.run(
        [mandoc, "-T", "lint", "-W", "style", *(tmp_path / name for name in pages)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (checked.stdout, checked.stderr, checked.returncode) == ("", "", 0)


def test_a_second_run_writes_the_same_bytes(pages: dict[str, str], tmp_path: Path) -> None:
    write_pages(tmp_path)
    assert {path.name: path.read_text("ascii") for path in tmp_path.iterdir()} == pages


def test_the_date_is_source_date_epoch_s(tmp_path: Path) -> None:
    write_pages(tmp_path, SOURCE_DATE_EPOCH="86400")
    assert (tmp_path / "razorprof.1").read_text().splitlines()[0].split()[3] == "1970-01-02"
    checked = write_pages(tmp_path, "--check")
    assert checked.returncode == 0, "a packager's date is no drift"


def test_without_source_date_epoch_the_date_is_that_of_the_newest_release(pages: dict[str, str]) -> None:
    day = date.fromisoformat(pages["razorprof.1"].splitlines()[0].split()[3])
    assert f"] - {day.isoformat()}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


@pytest.mark.parametrize("harm", ["edited", "removed", "left over"])
def test_the_check_tells_a_page_that_is(harm: str, tmp_path: Path) -> None:
    write_pages(tmp_path)
    page = tmp_path / ("razorprof-gone.1" if harm == "left over" else "razorprof-ps.1")
    if harm == "removed":
        page.unlink()
    else:
        page.write_text(".TH RAZORPROF-PS 1 2026-01-01\nby hand\n", "ascii")
    checked = write_pages(tmp_path, "--check")
    assert checked.returncode == 1
    assert page.name in checked.stderr
