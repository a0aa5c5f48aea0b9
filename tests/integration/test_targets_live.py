"""Selectors, family, containers and namespaces on real processes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from razorprof.errors import NotSupported, TargetGone, TargetNotFound, UsageError
from razorprof.remote.process import ProcessView
from razorprof.targets.resolve import resolve
from razorprof.targets.selector import parse_selector
from tests.integration.targets_room import TIME_OUT, pids, razorprof, require_root, select
from tests.live_targets import Program, PythonBuild, StartProgram

LOOK_AT_ALL = """
from razorprof.targets.resolve import resolve
from razorprof.targets.selector import parse_selector
print(*(entry.pid for entry in resolve(parse_selector("name:*"))))
"""
SLEEPER = "import time\nprint('ready')\ntime.sleep(120)\n"
FORKING_SERVER = """
import os, socket, sys, time
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen()
for _ in range(2):
    if os.fork() == 0:
        time.sleep(120)
        os._exit(0)
if "close" in sys.argv:
    port = listener.getsockname()[1]
    listener.close()
else:
    port = listener.getsockname()[1]
print("port", port, "end", flush=True)
import signal
signal.signal(signal.SIGTERM, lambda *_: (os.killpg(0, signal.SIGKILL)))
time.sleep(120)
"""


def write(folder: Path, name: str, source: str) -> Path:
    path = folder / name
    path.write_text(source)
    return path


def test_a_program_is_found_by_pid_script_and_command_on_every_python(
    python_build: PythonBuild, start_program: StartProgram, tmp_path: Path
) -> None:
    word = f"word{uuid.uuid4().hex}"
    program = start_program(python_build, write(tmp_path, f"find_{word}.py", SLEEPER), "--mark", word)
    program.wait_for("ready")
    for text in (f"{program.pid}", f"name:find_{word}.py", f"find_{word}", f"cmd:--mark {word}", f"name:*{word}*"):
        assert pids(text) == [program.pid], text
    (target,) = select(f"find_{word}")
    assert (target["name"], target["job"]) == (f"find_{word}.py", f"find_{word}")
    assert abs(target["started"] - time.time()) < TIME_OUT


def test_a_module_is_found_by_its_name(start_program: StartProgram, tmp_path: Path) -> None:
    module = f"module_{uuid.uuid4().hex[:12]}"
    write(tmp_path, f"{module}.py", SLEEPER)
    program = start_program(sys.executable, "-m", module, PYTHONPATH=str(tmp_path))
    program.wait_for("ready")
    assert pids(f"name:{module}") == [program.pid]


@pytest.fixture
def group_leader() -> Iterator[list[subprocess.Popen[str]]]:
    """Programs that are in a process group of their own, ended with it."""
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, 9)
        process.wait(TIME_OUT)
        assert process.stdout is not None
        process.stdout.close()


@pytest.mark.parametrize("argument", ["keep", "close"])
def test_the_forking_server_is_found_by_its_port_not_its_workers(
    argument: str, group_leader: list[subprocess.Popen[str]]
) -> None:
    command = [sys.executable, "-c", FORKING_SERVER, argument]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    group_leader.append(server)
    assert server.stdout is not None
    port = int(server.stdout.readline().split()[1])
    assert pids(f"port:{port}") == [server.pid]
    family = select(f"port:{port}", children=True)
    assert family[0]["pid"] == server.pid
    assert [target["parent"] for target in family] == [None, server.pid, server.pid]


def test_our_own_listener_is_never_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(TargetNotFound):
        resolve(parse_selector(f"port:{listener.getsockname()[1]}"))


def test_an_ipv6_listener_is_found(start_program: StartProgram, tmp_path: Path) -> None:
    source = write(
        tmp_path,
        "six.py",
        "import socket, time\ns = socket.create_server(('::1', 0), family=socket.AF_INET6)\n"
        "print('port', s.getsockname()[1], 'end')\ntime.sleep(120)\n",
    )
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as error:
        pytest.skip(f"no IPv6 loopback here: {error}")
    program = start_program(sys.executable, source)
    port = int(program.wait_for("end").split()[1])
    assert pids(f"port:{port}") == [program.pid]


def in_namespaces(*flags: str, code: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["unshare", *flags, "--fork", "--kill-child", sys.executable, "-c", code],
        stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def test_a_listener_in_another_network_namespace_is_found(group_leader: list[subprocess.Popen[str]]) -> None:
    require_root()
    code = (
        "import socket, time; s = socket.create_server(('0.0.0.0', 0));"
        "print(s.getsockname()[1], flush=True); time.sleep(120)"
    )
    outer = in_namespaces("--net", code=code)
    group_leader.append(outer)
    assert outer.stdout is not None
    port = int(outer.stdout.readline())
    (found,) = pids(f"port:{port}")
    assert ProcessView(found).stat().ppid == outer.pid


def test_a_process_in_another_pid_namespace_has_the_pid_that_we_see(
    group_leader: list[subprocess.Popen[str]],
) -> None:
    require_root()
    word = uuid.uuid4().hex
    code = f"import os, time; print(os.getpid(), flush=True); time.sleep(120)  # {word}"
    outer = in_namespaces("--pid", "--mount-proc", code=code)
    group_leader.append(outer)
    assert outer.stdout is not None
    assert outer.stdout.readline() == "1\n"
    (found,) = [ProcessView(pid) for pid in pids(f"cmd:{word}") if pid != outer.pid]
    assert found.stat().ppid == outer.pid
    assert found.status()["NSpid"].split() == [str(found.pid), "1"]


def test_a_proc_of_another_pid_namespace_is_refused() -> None:
    require_root()
    prefix = ("unshare", "--pid", "--fork", "--kill-child")
    answer = razorprof("doctor", "1", prefix=prefix)
    assert answer.returncode == 5
    assert "another PID namespace" in answer.stderr
    alone = razorprof("doctor", prefix=prefix)
    assert alone.returncode == 5
    assert "unshare --mount-proc" in alone.stdout


@pytest.fixture
def container_group() -> Iterator[tuple[str, Path]]:
    """A control group that is named as docker names a container's: (id, folder)."""
    require_root()
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    folders = [Path(mount[1]) for mount in mounts if mount[2] in ("cgroup", "cgroup2")]
    folders = [f for f in folders if f.name in ("pids", "unified", "cgroup") and os.access(f, os.W_OK)]
    if not folders:
        pytest.skip("no control group hierarchy that a test may write")
    found = uuid.uuid4().hex * 2
    folder = folders[0] / f"docker-{found}.scope"
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made: {error}")
    yield found, folder
    deadline = time.monotonic() + 10
    while (folder / "cgroup.procs").read_text().strip() and time.monotonic() < deadline:
        time.sleep(0.05)
    folder.rmdir()


def test_a_container_is_found_by_the_beginning_of_its_id(
    container_group: tuple[str, Path], start_program: StartProgram, tmp_path: Path
) -> None:
    found, folder = container_group
    program = start_program(sys.executable, write(tmp_path, "contained.py", SLEEPER))
    program.wait_for("ready")
    (folder / "cgroup.procs").write_text(str(program.pid))
    assert pids(f"container:{found[:12]}") == [program.pid]
    assert pids(f"container:{found}") == [program.pid]
    (target,) = select(f"container:{found[:12]}")
    assert target["job"] == found[:12]
    program.end()


@pytest.fixture
def zombie() -> Iterator[int]:
    child = os.fork()
    if child == 0:
        os._exit(0)
    while Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
        time.sleep(0.01)
    yield child
    os.waitpid(child, 0)


def test_a_zombie_is_told_from_a_process_that_never_was(zombie: int) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "razorprof", "top", str(zombie), "--once"],
        capture_output=True, text=True, timeout=TIME_OUT, check=False,
    )  # fmt: skip
    assert answer.returncode == 3
    assert "zombie" in answer.stderr


def test_our_own_pid_is_refused_and_our_ancestors_never_match(start_program: StartProgram, tmp_path: Path) -> None:
    other = start_program(sys.executable, write(tmp_path, "other.py", SLEEPER))
    other.wait_for("ready")
    with pytest.raises(UsageError):
        resolve(parse_selector(str(os.getpid())))
    looking = subprocess.Popen([sys.executable, "-c", LOOK_AT_ALL], stdout=subprocess.PIPE, text=True)
    seen, _ = looking.communicate(timeout=60)
    everything = {int(line) for line in seen.split()}
    assert other.pid in everything  # a child of ours is a stranger to the one that looks
    assert everything.isdisjoint({looking.pid, os.getpid(), os.getppid(), 1})


def test_kernel_threads_are_refused() -> None:
    comm = Path("/proc/2/comm")
    if not comm.exists() or comm.read_text().strip() != "kthreadd":
        pytest.skip("no kernel threads in this PID namespace")
    with pytest.raises(NotSupported):
        resolve(parse_selector("2"))
    with pytest.raises(TargetNotFound):
        resolve(parse_selector("name:kthreadd"))


def test_an_identity_outlives_no_process(start_program: StartProgram, tmp_path: Path) -> None:
    program: Program = start_program(sys.executable, write(tmp_path, "short.py", SLEEPER))
    program.wait_for("ready")
    (entry,) = resolve(parse_selector(str(program.pid)))
    assert entry.view.is_same(entry.identity)
    program.end()
    assert not entry.view.is_same(entry.identity)
    with pytest.raises((TargetNotFound, TargetGone)):
        resolve(parse_selector(str(program.pid)))
