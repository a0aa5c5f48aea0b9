"""Real processes are told to be CPython, or not: libpython, static, stripped, renamed, deleted, pretended."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from razorprof.remote.elf import Elf
from razorprof.remote.maps import read_maps
from razorprof.remote.process import ProcessView, all_processes
from razorprof.runtimes.cpython.binary import inspect_elf
from razorprof.runtimes.cpython.detect import detect_python, find_python
from tests.integration.cpython_targets import eventually, gc_reader, gc_state
from tests.live_targets import Program, PythonBuild, StartProgram

SLEEPS = "import sys, time\nprint('ready')\ntime.sleep(300)\n"


@pytest.fixture
def sleeps(tmp_path: Path) -> Path:
    source = tmp_path / "sleeps.py"
    source.write_text(SLEEPS)
    return source


@pytest.fixture
def static_python(python_builds: tuple[PythonBuild, ...]) -> PythonBuild:
    """A build whose interpreter is in the executable itself."""
    for build in python_builds:
        linked = subprocess.run(["ldd", build.executable], capture_output=True, text=True, timeout=20, check=False)
        if "libpython" not in linked.stdout:
            return build
    pytest.skip("no static Python on this machine")


def running(start_program: StartProgram, python: PythonBuild | Path, sleeps: Path) -> Program:
    program = start_program(python, sleeps)
    program.wait_for("ready")
    return program


def version_of(build: PythonBuild) -> str:
    return ".".join(map(str, build.version))


def test_every_build_is_told_with_its_exact_version_in_milliseconds(
    python_build: PythonBuild, start_program: StartProgram, sleeps: Path
) -> None:
    program = running(start_program, python_build, sleeps)
    detection = detect_python(ProcessView(program.pid))
    assert detection is not None
    assert (detection.runtime, detection.version) == ("cpython", version_of(python_build))
    assert detection.implementation == "CPython"
    assert "embedded" not in detection.detail
    assert "free_threaded" not in detection.detail

    def quick() -> float | None:
        started = time.perf_counter()
        detect_python(ProcessView(program.pid))
        took = time.perf_counter() - started
        return took if took < 0.01 else None

    eventually(quick)  # the machine may be busy once, not for ever


def test_a_program_that_is_no_python_is_none_whatever_its_name(
    start_program: StartProgram, tmp_path: Path
) -> None:
    sleep = Path(shutil.which("sleep") or "/bin/sleep")
    pretender = tmp_path / "python3.11"
    shutil.copy(sleep, pretender)
    for executable in (sleep, pretender):
        program = start_program(executable, "300")
        eventually(lambda p=program: True if ProcessView(p.pid).comm() in ("sleep", "python3.11") else None)  # type: ignore[misc]
        assert detect_python(ProcessView(program.pid)) is None


def test_a_renamed_static_binary_is_told_as_embedded(
    static_python: PythonBuild, start_program: StartProgram, sleeps: Path, tmp_path: Path
) -> None:
    renamed = tmp_path / "uwsgi"
    shutil.copy(static_python.executable, renamed)
    program = running(start_program, renamed, sleeps)
    detection = detect_python(ProcessView(program.pid))
    assert detection is not None
    assert detection.version == version_of(static_python)
    assert detection.detail["embedded"] == "yes"
    assert detection.detail["linkage"] == "static"


def test_a_stripped_binary_is_read_all_the_same(
    static_python: PythonBuild, start_program: StartProgram, sleeps: Path, tmp_path: Path
) -> None:
    strip, objcopy = shutil.which("strip"), shutil.which("objcopy")
    if strip is None or objcopy is None:
        pytest.skip("no binutils on this machine")
    stripped = tmp_path / "python3"
    subprocess.run([strip, "-s", static_python.executable, "-o", stripped], check=True, timeout=60)
    program = running(start_program, stripped, sleeps)
    detection = detect_python(ProcessView(program.pid))
    assert detection is not None
    assert detection.version == version_of(static_python)
    with gc_reader(program.pid) as reader:
        assert gc_state(list(reader.read())).interpreters[0].generations is not None


def test_a_deleted_binary_is_read_all_the_same(
    python_build: PythonBuild, start_program: StartProgram, sleeps: Path, tmp_path: Path
) -> None:
    """An upgrade replaces the files under a running process."""
    binary = tmp_path / "moved" / python_build.executable.name
    binary.parent.mkdir()
    shutil.copy(python_build.executable, binary)
    library = next(iter(python_build.executable.parent.parent.glob("lib/libpython3.*.so.1.0")), None)
    environment = {"PYTHONHOME": str(python_build.executable.parent.parent)}
    if library is not None and python_build.name != "system":
        shutil.copy(library, binary.parent)
        environment["LD_LIBRARY_PATH"] = str(binary.parent)
        patched = "LD_LIBRARY_PATH may lose against a run path"
    else:
        patched = ""
    program = start_program(binary, sleeps, **environment)
    program.wait_for("ready")
    shutil.rmtree(binary.parent)
    found = find_python(ProcessView(program.pid))
    assert found is not None, patched
    assert found.binary.version == version_of(python_build)
    with gc_reader(program.pid) as reader:
        assert gc_state(list(reader.read())).interpreters[0].generations is not None


def test_the_image_in_memory_tells_what_the_file_tells(
    python_build: PythonBuild, start_program: StartProgram, sleeps: Path
) -> None:
    program = running(start_program, python_build, sleeps)
    found = find_python(ProcessView(program.pid))
    assert found is not None
    base = found.regions[0].start
    memory = os.open(f"/proc/{program.pid}/mem", os.O_RDONLY)
    try:
        image = Elf(lambda offset, size: os.pread(memory, size, base + offset), memory_base=base)
        told = inspect_elf(image, found.regions[0].raw_path)
        assert told is not None
        assert told.runtime == found.binary.runtime
        assert told.hexversion == found.binary.hexversion
        assert told.build_id == found.binary.build_id
        assert base - image.first_address == found.bias
    finally:
        os.close(memory)


def test_a_chroot_shows_another_path_and_is_read_all_the_same(
    static_python: PythonBuild, start_program: StartProgram, tmp_path: Path
) -> None:
    unshare = shutil.which("unshare")
    if os.geteuid() != 0 or unshare is None:
        pytest.skip("needs root and unshare to make a mount and PID namespace")
    code = "import sys, time; print('ready', flush=True); time.sleep(300)"
    program = start_program(
        Path(unshare), "--mount", "--pid", "--fork", "--kill-child", str(static_python.executable), "-c", code
    )
    try:
        program.wait_for("ready")
    except AssertionError:
        if "Operation not permitted" in program.errors:
            pytest.skip("no new namespaces allowed here")
        raise
    (child,) = [v for v in all_processes() if v.pid != program.pid and v.stat().ppid == program.pid]
    detection = detect_python(child)
    assert detection is not None
    assert detection.version == version_of(static_python)
    with gc_reader(child.pid) as reader:
        assert gc_state(list(reader.read())).interpreters[0].generations is not None


def test_kernel_threads_and_zombies_are_none(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    view = ProcessView(child.pid)
    eventually(lambda: True if view.stat().is_zombie else None)
    try:
        assert read_maps(view) == []
        assert detect_python(view) is None
    finally:
        child.wait()
