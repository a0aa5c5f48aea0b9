"""JVMs that run the programs beside: compiled once, started on demand, ended by pid."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from razorprof.model.target import Target
from razorprof.remote.process import ProcessView

PROGRAMS = Path(__file__).resolve().parents[1] / "programs"
PATIENCE = 60.0

StartJvm = Callable[..., Target]
AsNobody = Callable[[Callable[[], bool]], bool]


@pytest.fixture(scope="session")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled programs; skips where there is no JDK."""
    if shutil.which("javac") is None or shutil.which("java") is None:
        pytest.skip("no JDK on this machine (make test-deps)")
    folder = tmp_path_factory.mktemp("classes")
    sources = sorted(map(str, PROGRAMS.glob("*.java")))
    subprocess.run(["javac", "-d", str(folder), *sources], check=True, capture_output=True, timeout=PATIENCE)
    for path in (folder, *folder.parents):
        if path.owner() != "root" or path == Path("/tmp"):
            break
        path.chmod(path.stat().st_mode | 0o055)  # another user runs them, too
    return folder


@pytest.fixture(scope="module")
def start_jvm(classes: Path) -> Iterator[StartJvm]:
    """Starts a program in a JVM with options, and waits until it says that it is ready."""
    started: list[subprocess.Popen[bytes]] = []

    def start(
        program: str, *options: str, arguments: tuple[str, ...] = (), prefix: tuple[str, ...] = ()
    ) -> Target:
        command = [*prefix, "java", "-Xmx64m", "-Xshare:auto", *options, "-cp", str(classes), program, *arguments]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=classes, env=_environment()
        )
        started.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line == b"ready\n", (command, line, process.poll())
        return Target(ProcessView(process.pid).identity, program)

    yield start
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGCONT)
            process.kill()
        process.wait(timeout=PATIENCE)
        assert process.stdout is not None
        process.stdout.close()
        for place in (classes, Path("/tmp")):
            (place / f".java_pid{process.pid}").unlink(missing_ok=True)


@pytest.fixture
def stopped() -> Iterator[Callable[[Target], None]]:
    """Stops a JVM for the time of a test, so that its counters stand still."""
    ids: list[int] = []

    def stop(target: Target) -> None:
        os.kill(target.pid, signal.SIGSTOP)
        ids.append(target.pid)
        deadline = time.monotonic() + PATIENCE
        while ProcessView(target.pid).stat().state != "T":
            assert time.monotonic() < deadline
            time.sleep(0.01)

    yield stop
    for pid in ids:
        os.kill(pid, signal.SIGCONT)


@pytest.fixture
def as_nobody() -> AsNobody:
    """Calls something in a child that has given up root, and hands back what it said; False where it failed."""
    return _in_child


def _in_child(look: Callable[[], bool]) -> bool:
    """What `look` says in a child that has given up root."""
    child = os.fork()
    if not child:
        try:
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
            os._exit(0 if look() else 1)
        except BaseException as error:
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
            os._exit(2)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 0


def _environment() -> dict[str, str]:
    return {
        name: text for name, text in os.environ.items() if name not in ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS")
    }
