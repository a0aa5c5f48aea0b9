"""Control groups seen from other namespaces, pressure of a real v2 group, and what a stranger may see."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from razorprof.remote.cgroup import ContainerView
from tests.integration.source_targets import (
    AS_NOBODY,
    TIMEOUT,
    Obedient,
    remove_group,
    skip_unless_other_users_can_run,
    v1_group,
    wait_until,
)

MIB = 2**20

_LOOK_FROM_WITHIN = """
import json, os, sys
from razorprof.remote.cgroup import ContainerView
from razorprof.remote.process import ProcessView
figures = ContainerView(ProcessView(int(sys.argv[1]) or os.getpid())).figures()
groups = open("/proc/self/cgroup").read()
print(json.dumps([groups, figures.limit_bytes, figures.usage_bytes, figures.reasons.get("memory")]))
"""


@pytest.fixture
def memory() -> Iterator[Path]:
    yield from v1_group("memory")


@pytest.fixture
def child() -> Iterator[Obedient]:
    started = Obedient()
    yield started
    started.end()


@pytest.fixture
def v2_group() -> Iterator[Path]:
    points = [
        line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines() if " - cgroup2 " in line
    ]
    if not points or not os.access(points[0], os.W_OK):
        pytest.skip("no writable cgroup v2 hierarchy is mounted")
    folder = Path(points[0]) / f"razorprof-test-{uuid.uuid4().hex[:12]}"
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"may not make a v2 cgroup: {error.strerror}")
    yield folder
    remove_group(folder)


def look(group: Path, pid: int) -> list[object]:
    """The figures as razorprof sees them from within `group` and a cgroup namespace of its own (0: of itself)."""
    if os.getuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("needs root and unshare to make a cgroup namespace")
    into = 'echo 0 > "$1/cgroup.procs" && shift && exec unshare --cgroup "$@"'
    answer = subprocess.run(
        ["sh", "-c", into, "sh", str(group), sys.executable, "-c", _LOOK_FROM_WITHIN, str(pid)],
        capture_output=True, text=True, timeout=TIMEOUT,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    found: list[object] = json.loads(answer.stdout)
    return found


def test_a_group_that_calls_itself_the_root_is_found_with_its_limit(memory: Path) -> None:
    (memory / "memory.limit_in_bytes").write_text(str(256 * MIB))
    groups, limit, usage, reason = look(memory, 0)
    assert ":memory:/\n" in str(groups)  # the namespace hides where it is
    assert (limit, reason) == (256 * MIB, None)
    assert isinstance(usage, int)
    assert 0 < usage < 256 * MIB


def test_a_neighbours_group_is_found_from_within_a_namespace(memory: Path, child: Obedient) -> None:
    other = memory.with_name(memory.name + "-other")
    other.mkdir()
    try:
        (other / "memory.limit_in_bytes").write_text(str(128 * MIB))
        (other / "cgroup.procs").write_text(str(child.pid))
        assert look(memory, child.pid)[1] == 128 * MIB
    finally:
        child.end()
        remove_group(other)


def test_pressure_of_a_v2_group_is_told(v2_group: Path, child: Obedient) -> None:
    (v2_group / "cgroup.procs").write_text(str(child.pid))
    view = ContainerView(child.view)
    if not view.figures().pressure:
        pytest.skip("this kernel counts no pressure")
    assert {("cpu", "waiting"), ("memory", "stalled"), ("io", "waiting")} <= set(view.figures().pressure)
    before = view.figures().pressure["cpu", "waiting"]
    command = "[sys.executable, '-c', 'while True: pass']"
    child.do("import subprocess, sys")  # more busy processes than CPUs: some always wait
    child.do(f"work = [subprocess.Popen({command}) for _ in range({(os.cpu_count() or 1) + 1})]")
    try:
        wait_until(lambda: view.figures().pressure["cpu", "waiting"] > before + 0.2)
    finally:
        child.do("[(p.kill(), p.wait()) for p in work]")


_WAITS_AS_STRANGER = """
import json, sys
from razorprof.remote.process import ProcessView
from razorprof.remote.tasks import TaskReader
from razorprof.remote.waits import describe_wait
view = ProcessView(int(sys.argv[1]))
(task,) = TaskReader(view).read(with_syscalls=True)
print(json.dumps([task.state, task.syscall_reason, describe_wait(task, view)]))
"""


def test_a_stranger_sees_threads_but_not_their_system_calls(child: Obedient) -> None:
    skip_unless_other_users_can_run()
    answer = subprocess.run(
        [*AS_NOBODY, sys.executable, "-c", _WAITS_AS_STRANGER, str(child.pid)],
        capture_output=True, text=True, timeout=TIMEOUT,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout) == ["S", "no permission to see its system calls", None]
