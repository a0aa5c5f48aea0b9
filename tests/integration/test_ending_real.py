"""How real processes end, seen by somebody who is not their parent's wait."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from razorprof.errors import TargetGone
from razorprof.model.ending import ExitInfo, OomKills, OomScope
from razorprof.remote.pidfd import ProcessHandle
from razorprof.remote.witness import EndWitness
from tests.integration.source_targets import (
    AS_NOBODY,
    TIMEOUT,
    Obedient,
    remove_group,
    skip_unless_other_users_can_run,
    v1_group,
    wait_until,
)

KERNEL = tuple(int(part) for part in os.uname().release.split("-")[0].split(".")[:2])


@pytest.fixture
def memory() -> Iterator[Path]:
    yield from v1_group("memory")


@pytest.fixture
def child() -> Iterator[Obedient]:
    started = Obedient()
    yield started
    started.end()


@pytest.mark.parametrize(
    ("line", "info"),
    [
        ("import os; os._exit(3)", ExitInfo(code=3)),
        ("import os; os._exit(0)", ExitInfo(code=0)),
        ("import os; os.kill(os.getpid(), 9)", ExitInfo(signal=9)),
        ("import os; os.kill(os.getpid(), 15)", ExitInfo(signal=15)),
    ],
)
def test_the_end_is_seen_in_the_zombie_and_its_status_is_left_to_the_parent(
    child: Obedient, line: str, info: ExitInfo
) -> None:
    with ProcessHandle(child.target.identity) as handle:
        assert not handle.has_ended()
        assert handle.exit_info() == ExitInfo(reason="it still runs")
        child.tell(line)
        assert handle.has_ended(TIMEOUT)
        assert handle.exit_info() == info
        assert child.process.wait(TIMEOUT) == (-info.signal if info.signal else info.code)


@pytest.mark.parametrize(("line", "info"), [("os._exit(3)", ExitInfo(code=3)), ("os.abort()", ExitInfo(signal=6))])
def test_the_end_is_told_after_the_parent_reaped_it(child: Obedient, line: str, info: ExitInfo) -> None:
    with ProcessHandle(child.target.identity) as handle:
        child.tell("import os, resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); " + line)
        child.process.wait(TIMEOUT)
        found = handle.exit_info()
    if KERNEL < (6, 15):
        assert not found.is_known
        assert found.reason
    else:
        assert (found.code, found.signal) == (info.code, info.signal)


def test_a_handle_wakes_a_poll_when_the_process_ends(child: Obedient) -> None:
    with ProcessHandle(child.target.identity) as handle:
        child.tell("raise SystemExit")
        readable, _, _ = select.select([handle], [], [], TIMEOUT)
        assert readable == [handle]


def test_no_handle_is_given_on_what_ended(child: Obedient) -> None:
    os.kill(child.pid, signal.SIGKILL)
    wait_until(lambda: child.view.stat().is_zombie)
    with pytest.raises(TargetGone):
        ProcessHandle(child.target.identity)


_WATCH_AS_STRANGER = """
import json, sys
from razorprof.remote.pidfd import ProcessHandle
from razorprof.remote.process import ProcessView
with ProcessHandle(ProcessView(int(sys.argv[1])).identity) as handle:
    print("watching", flush=True)
    handle.has_ended(60)
    zombie = handle.exit_info()
    print("ended", flush=True)
    sys.stdin.readline()
    reaped = handle.exit_info()
    print(json.dumps([[i.code, i.signal, i.reason] for i in (zombie, reaped)]))
"""


def test_another_users_zombie_does_not_pass_for_a_clean_exit(child: Obedient) -> None:
    skip_unless_other_users_can_run()
    command = [*AS_NOBODY, sys.executable, "-c", _WATCH_AS_STRANGER, str(child.pid)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as watcher:
        assert watcher.stdin is not None
        assert watcher.stdout is not None
        assert watcher.stdout.readline() == "watching\n"
        child.tell("import os; os._exit(7)")
        assert watcher.stdout.readline() == "ended\n"
        child.process.wait(TIMEOUT)
        answer, _ = watcher.communicate("go\n", timeout=TIMEOUT)
    zombie, reaped = json.loads(answer)
    assert zombie == [None, None, "no permission to see its exit status"]
    if KERNEL >= (6, 15):
        assert reaped == [7, None, ""]


def test_an_oom_kill_in_a_real_group_is_told(memory: Path, child: Obedient) -> None:
    (memory / "memory.limit_in_bytes").write_text(str(64 << 20))
    (memory / "cgroup.procs").write_text(str(child.pid))
    witness = EndWitness(child.target.identity)
    child.do("block = bytearray(40 << 20)")
    witness.look()
    child.tell("more = bytearray(400 << 20)")
    assert witness.has_ended(TIMEOUT)
    assert witness.exit_info() == ExitInfo(signal=9)
    assert witness.oom_kills() == OomKills(1)
    words = witness.tell()
    assert words.startswith("killed by SIGKILL; the container's OOM killer struck (oom_kill +1), resident ")
    assert words.endswith(" MiB of 64 MiB at the last look")
    child.process.wait(TIMEOUT)
    assert witness.tell() == words  # also after it was reaped
    witness.close()


def test_a_kill_is_told_also_when_it_was_counted_before_the_last_look(memory: Path, child: Obedient) -> None:
    """A large process takes a while to die; a look may fall into that time."""
    (memory / "cgroup.procs").write_text(str(child.pid))
    victim = Obedient()
    witness = EndWitness(child.target.identity)
    try:
        (memory / "memory.limit_in_bytes").write_text(str(64 << 20))
        (memory / "cgroup.procs").write_text(str(victim.pid))
        victim.tell("more = bytearray(400 << 20)")
        victim.process.wait(TIMEOUT)
        witness.look()
        witness.look()
        os.kill(child.pid, signal.SIGKILL)
        assert witness.has_ended(TIMEOUT)
        assert witness.oom_kills() == OomKills(1)
    finally:
        witness.close()
        victim.end()


def test_where_the_group_went_with_the_process_the_machines_counter_is_asked(memory: Path) -> None:
    child = Obedient()
    (memory / "cgroup.procs").write_text(str(child.pid))
    witness = EndWitness(child.target.identity)
    child.end()
    remove_group(memory)
    kills = witness.oom_kills()
    witness.close()
    assert kills is not None
    assert kills.scope is OomScope.HOST


def test_a_process_whose_main_thread_ended_has_not_ended(child: Obedient) -> None:
    child.do("import ctypes, threading; stop = threading.Event()")
    child.do("threading.Thread(target=stop.wait).start()")
    child.tell("ctypes.CDLL(None).pthread_exit(None)")
    wait_until(lambda: child.view.stat().is_zombie)
    with ProcessHandle(child.target.identity) as handle:
        assert not handle.has_ended()


def test_a_plain_kill_is_not_called_an_oom_kill(memory: Path, child: Obedient) -> None:
    (memory / "cgroup.procs").write_text(str(child.pid))
    witness = EndWitness(child.target.identity)
    os.kill(child.pid, signal.SIGKILL)
    assert witness.has_ended(TIMEOUT)
    words = witness.tell()
    witness.close()
    assert words.startswith("killed by SIGKILL, resident ")
    assert words.endswith("; no OOM kill was counted in its container")
