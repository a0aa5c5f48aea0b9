"""razorprof.toml(5) is written by hand: it says what the program reads, no more and no less."""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from razorprof import __version__
from razorprof.config.settings import Settings, read_settings
from razorprof.errors import UsageError
from razorprof.tui.actions import ACTIONS

PAGE = Path(__file__).resolve().parents[2] / "man" / "razorprof.toml.5"
TEXT = PAGE.read_text("ascii").replace("\\-", "-")
TOP_KEYS = re.findall(r"^\.TP\n\.B (\w+)$", TEXT.partition('.SS "[top]"')[2].partition('.SS "[keys]"')[0], re.M)


def literal_blocks() -> list[str]:
    return re.findall(r"^\.nf\n(.*?)^\.fi$", TEXT, re.M | re.S)


def settings_from(toml: str, folder: Path) -> Settings:
    path = folder / "razorprof.toml"
    path.write_text(toml)
    path.chmod(0o600)
    return read_settings(path)


def test_the_example_is_read_and_changes_what_it_names(tmp_path: Path) -> None:
    [example] = [block for block in literal_blocks() if block.startswith("[top]")]
    settings = settings_from(example, tmp_path)
    assert settings.interval == 0.5
    assert settings.history_bytes == 64 << 20
    assert settings.keys == {"pause": "space,z"}


def test_every_setting_is_on_the_page() -> None:
    fields = {field.name for field in dataclasses.fields(Settings)} - {"keys"}
    assert len(TOP_KEYS) == len(fields)
    assert {key for key in TOP_KEYS if not key.startswith("history")} <= fields


@pytest.mark.parametrize("key", TOP_KEYS)
def test_a_setting_of_the_page_exists(key: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        settings_from(f"[top]\n{key} = []\n", tmp_path)
    assert error.value.hint.startswith("it takes ")
    assert "no such setting" not in error.value.hint


def test_every_action_is_on_the_page_with_its_default_keys() -> None:
    [listed] = [block for block in literal_blocks() if block.startswith("quit")]
    assert [tuple(line.split()) for line in listed.splitlines()] == [(a.name, a.keys) for a in ACTIONS]


def test_the_page_is_of_this_version() -> None:
    assert f'"razorprof {__version__}"' in TEXT.splitlines()[0]


def test_mandoc_finds_nothing_to_say_about_the_pages_by_hand() -> None:
    mandoc = shutil.which("mandoc")
    if mandoc is None:
        pytest.skip("mandoc is not installed (make test-deps)")
    pages = [path for path in PAGE.parent.iterdir() if path.suffix != ".1"]
    assert PAGE in pages
    checked = subprocess.run(
        [mandoc, "-T", "lint", "-W", "style", *pages], capture_output=True, text=True, timeout=60
    )
    assert (checked.stdout, checked.stderr, checked.returncode) == ("", "", 0)
