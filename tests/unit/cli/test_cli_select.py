"""From TARGET arguments to targets, on a frozen /proc and a manual clock."""

from __future__ import annotations

import io
import sys
import threading
from pathlib import Path

import pytest

from razorprof.cli.select import Choice, each_once, parse_wait, select_targets
from razorprof.clock import ManualClock
from razorprof.errors import AmbiguousTarget, TargetNotFound, UsageError
from razorprof.model.target import Identity, Target
from tests.unit.targets.frozen_proc import FrozenProc


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class BusyClock(ManualClock):
    """A clock in whose waits process 102 uses CPU."""

    def __init__(self, proc: FrozenProc) -> None:
        super().__init__()
        self._proc = proc

    def wait(self, event: threading.Event, timeout: float) -> bool:
        self._proc.set_cpu(102, 20)
        return super().wait(event, timeout)


@pytest.fixture
def proc(tmp_path: Path) -> FrozenProc:
    frozen = FrozenProc(tmp_path)
    frozen.add(1, ["/sbin/init"], ppid=0)
    for pid, ppid in ((100, 1), (101, 100), (102, 100)):
        frozen.add(pid, ["python3", "web.py", f"--password=p{pid}"], ppid=ppid)
    frozen.add(300, ["python3", "\x1b[31mjob.py"])
    return frozen


def pids(proc: FrozenProc, *texts: str, choice: Choice | None = None) -> list[int]:
    return [target.pid for target in select_targets(texts, choice, clock=ManualClock(), proc=proc.root)]


def test_several_targets_come_in_the_order_of_the_arguments_and_each_once(proc: FrozenProc) -> None:
    assert pids(proc, "300", "pid:101", "101") == [300, 101]


@pytest.mark.parametrize(
    ("texts", "selector"),
    [
        (("101", "url:http://127.0.0.1:18101"), "url:http://127.0.0.1:18101"),
        (("url:http://127.0.0.1:18101", "101"), "url:http://127.0.0.1:18101"),
        (("port:18101", "101", "url:http://127.0.0.1:18101"), "url:http://127.0.0.1:18101"),
        (("101", "port:18101"), "port:18101"),
        (("101", "name:web.py"), "101"),
    ],
)
def test_of_arguments_that_mean_one_process_the_one_with_the_page_counts(
    texts: tuple[str, ...], selector: str
) -> None:
    named = [Target(Identity(101, 5), "web.py", selector=text, job=f"job {text}") for text in texts]
    other = Target(Identity(300, 5), "job.py", selector="300")
    target, last = each_once([named[0], other, *named[1:]])
    assert (target.selector, target.job, last) == (selector, f"job {texts[0]}", other)


def test_a_child_that_was_named_by_its_page_keeps_the_page() -> None:
    child = Target(Identity(101, 5), "web.py", selector="name:gunicorn", parent=100)
    page = Target(Identity(101, 5), "web.py", selector="url:http://127.0.0.1:18101")
    for found in ([child, page], [page, child]):
        (target,) = each_once(found)
        assert (target.selector, target.parent) == (page.selector, None)


def test_several_matches_without_a_terminal_are_an_error_that_lists_them_busiest_first(proc: FrozenProc) -> None:
    with pytest.raises(AmbiguousTarget) as error:
        select_targets(["web.py"], clock=BusyClock(proc), proc=proc.root)
    candidates = error.value.as_json()["candidates"]
    assert [candidate["pid"] for candidate in candidates] == [102, 100, 101]
    assert candidates[0]["cpu_ratio"] == pytest.approx(0.2 / 0.25)
    assert candidates[0]["command"] == "python3 web.py --password=[redacted]"
    assert "--all" in error.value.hint


def test_all_takes_every_match(proc: FrozenProc) -> None:
    assert pids(proc, "web.py", choice=Choice(take_all=True)) == [100, 101, 102]


def test_children_take_the_tree_and_workers_of_one_tree_are_not_ambiguous(proc: FrozenProc) -> None:
    targets = select_targets(["web.py"], Choice(children=True), clock=ManualClock(), proc=proc.root)
    assert [(target.pid, target.parent) for target in targets] == [(100, None), (101, 100), (102, 100)]


def test_the_job_is_what_was_asked_for(proc: FrozenProc) -> None:
    (target,) = select_targets(["300"], Choice(job="batch"), proc=proc.root)
    assert target.job == "batch"


def test_waiting_ends_when_the_target_appears(proc: FrozenProc) -> None:
    class Clock(ManualClock):
        def wait(self, event: threading.Event, timeout: float) -> bool:
            if self.monotonic() > 1002 and not (proc.root / "500").exists():
                proc.add(500, ["late"], comm="late")
            return super().wait(event, timeout)

    clock = Clock()
    (target,) = select_targets(["late"], Choice(wait=10), clock=clock, proc=proc.root)
    assert target.pid == 500
    assert 1002 < clock.monotonic() < 1003


def test_waiting_ends_when_the_time_is_over(proc: FrozenProc) -> None:
    clock = ManualClock()
    with pytest.raises(TargetNotFound, match="after 3 s"):
        select_targets(["never"], Choice(wait=3), clock=clock, proc=proc.root)
    assert clock.monotonic() == pytest.approx(1003)


def test_no_target_and_two_where_one_is_meant_are_usage_errors(proc: FrozenProc) -> None:
    with pytest.raises(UsageError):
        pids(proc)
    with pytest.raises(UsageError):
        pids(proc, "100", "300", choice=Choice(one=True))
    with pytest.raises(UsageError):
        parse_wait("soon")
    assert parse_wait("1m") == 60


@pytest.mark.parametrize(
    ("answer", "chosen"),
    [("\n", [102]), ("2\n", [100]), ("9\nx\n3\n", [101]), ("1, 3\n", [102, 101]), ("a\n", [102, 100, 101])],
)
def test_a_person_at_a_terminal_picks_by_number(
    proc: FrozenProc, monkeypatch: pytest.MonkeyPatch, answer: str, chosen: list[int]
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    monkeypatch.setattr(sys, "stderr", shown := Terminal())
    found = select_targets(["web.py"], clock=BusyClock(proc), proc=proc.root)
    assert [target.pid for target in found] == chosen
    assert "p102" not in shown.getvalue()


@pytest.mark.parametrize("answer", ["q\n", ""])
def test_q_and_the_end_of_input_pick_nothing(
    proc: FrozenProc, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    monkeypatch.setattr(sys, "stderr", Terminal())
    with pytest.raises(KeyboardInterrupt):
        pids(proc, "web.py")


def test_nobody_is_asked_when_json_is_wanted(proc: FrozenProc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("1\n"))
    monkeypatch.setattr(sys, "stderr", Terminal())
    with pytest.raises(AmbiguousTarget):
        pids(proc, "web.py", choice=Choice(as_json=True))


def test_hostile_names_reach_the_terminal_escaped(proc: FrozenProc, monkeypatch: pytest.MonkeyPatch) -> None:
    proc.add(301, ["python3", "\x1b[31mjob.py"])
    monkeypatch.setattr(sys, "stdin", Terminal("1\n"))
    monkeypatch.setattr(sys, "stderr", shown := Terminal())
    monkeypatch.setenv("NO_COLOR", "1")
    assert pids(proc, "*job.py") == [300]
    assert "\x1b" not in shown.getvalue()
    assert r"\x1b[31mjob.py" in shown.getvalue()
