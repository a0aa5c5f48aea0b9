"""What the shell is offered for TARGET."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from razorprof.cli.complete import complete_target
from razorprof.targets import table
from tests.unit.targets.frozen_proc import FrozenProc


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FrozenProc:
    frozen = FrozenProc(tmp_path)
    frozen.add(12, ["nginx"], comm="nginx")
    frozen.add(120, ["python3", "web.py", "--token", "abc"], comm="python3")
    frozen.add(121, ["python3", "web.py"], comm="python3")
    read = table.read_table
    monkeypatch.setattr(table, "read_table", lambda: read(frozen.root))
    return frozen


def test_pids_and_names_are_offered_python_programs_first(proc: FrozenProc) -> None:
    values = [value for value, _ in complete_target("")]
    assert values == ["120", "121", "12", "web.py", "nginx"]
    assert dict(complete_target("12")) == {
        "120": "web.py web.py --token ...",
        "121": "web.py web.py",
        "12": "nginx",
    }
    assert complete_target("we") == [("web.py", "2 processes")]


def test_nothing_that_a_shell_could_evaluate_is_offered(proc: FrozenProc) -> None:
    for pid, name in enumerate(
        (r"\$(touch /tmp/x)", "`id`", "a;b", "x'y\"z", "[red]", "\x1b[31m", "a\nb", "é"), 500
    ):
        proc.add(pid, [name, name], comm=name[:15])
    offered = complete_target("")
    assert {str(pid) for pid in range(500, 508)} <= {value for value, _ in offered}
    for value, words in offered:
        assert re.fullmatch(r"[A-Za-z0-9._+-]+", value)
        assert re.fullmatch(r"[A-Za-z0-9._+/=@, -]*", words)


def test_a_machine_that_shows_no_processes_offers_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise PermissionError

    monkeypatch.setattr(table, "read_table", refuse)
    assert complete_target("") == []
