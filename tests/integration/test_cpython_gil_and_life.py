"""The GIL of real processes, and what the gc reader does when they exec, exit, start or refuse."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from razorprof.errors import NotSupported, TargetGone, ToolFailed
from razorprof.model.target import Identity, Target
from razorprof.plugin.protocols import SourceOptions
from razorprof.remote.process import ProcessView
from razorprof.runtimes.cpython.gc_source import GcSource
from tests.integration.cpython_targets import answering, eventually, gc_reader, gc_state, gil_state, samples
from tests.live_targets import PythonBuild, StartProgram

IDS = """
import json, sys, threading, time
def ids(*threads):
    main = threading.main_thread()
    print(json.dumps([thread.native_id for thread in (main, *threads)]), "ready")
"""
BURN_FOUR = (
    IDS
    + """
def burn():
    while True:
        sum(range(1000))
threads = [threading.Thread(target=burn, daemon=True) for _ in range(4)]
for thread in threads: thread.start()
ids(*threads)
time.sleep(300)
"""
)
SLEEP = (
    IDS
    + """
threads = [threading.Thread(target=time.sleep, args=(300,), daemon=True) for _ in range(3)]
for thread in threads: thread.start()
ids(*threads)
time.sleep(300)
"""
)


@pytest.mark.edges
def test_four_busy_threads_hold_the_gil_in_turn_while_the_others_wait(
    python_build: PythonBuild, start_program: StartProgram, tmp_path: Path
) -> None:
    source = tmp_path / "burn.py"
    source.write_text(BURN_FOUR)
    program = start_program(python_build, source)
    main, *workers = json.loads(program.wait_for("ready").split(" ready")[0])
    with gc_reader(program.pid) as reader:
        list(reader.read())
        time.sleep(3)
        readings = list(reader.read())
        state = gil_state(readings)
        (gil,) = state.gils
        assert state.reason == ""
        assert gil.interpreters == (0,)
        assert gil.held_ratio is not None
        assert gil.held_ratio > 0.7  # on a crowded machine the next holder is not run at once
        shares = {holder.native_id: holder.share for holder in gil.holders}
        assert set(shares) <= {main, *workers}, "a holder that is none of its threads"
        assert all(shares.get(worker, 0.0) > 0.02 for worker in workers), shares
        assert sum(shares.values()) == pytest.approx(gil.held_ratio)
        assert gil.waiters is not None
        assert set(gil.waiters) <= set(workers)
        assert gil.mean_waiters is not None
        # Three wait at any time; one whose wait has just timed out, every 5 ms, is runnable for a while instead.
        assert 0.5 < gil.mean_waiters <= 4.0
        assert samples(readings, "python_gil_held_ratio")[()] == gil.held_ratio
        assert samples(readings, "python_gil_waiters")[()] == gil.mean_waiters
        before = samples(readings, "python_gil_switches_total")[()]
        time.sleep(1)
        assert samples(list(reader.read()), "python_gil_switches_total")[()] > before


def test_sleeping_threads_neither_hold_the_gil_nor_wait_for_it(
    python_build: PythonBuild, start_program: StartProgram, tmp_path: Path
) -> None:
    source = tmp_path / "sleep.py"
    source.write_text(SLEEP)
    program = start_program(python_build, source)
    program.wait_for("ready")
    with gc_reader(program.pid) as reader:
        list(reader.read())
        time.sleep(1.5)
        (gil,) = gil_state(list(reader.read())).gils
        assert gil.held_ratio is not None
        assert gil.held_ratio < 0.05
        assert gil.mean_waiters == 0.0
        assert gil.waiters == ()
        assert gil.holder is None


def test_an_interpreter_with_a_gil_of_its_own_is_told_apart(
    python_builds: tuple[PythonBuild, ...], start_program: StartProgram, tmp_path: Path
) -> None:
    build = next((build for build in python_builds if build.version >= (3, 13)), None)
    if build is None:
        pytest.skip("no Python 3.13 on this machine")
    body = """
import _interpreters
def run():
    second = _interpreters.create()
    _interpreters.exec(second, "while True: sum(range(1000))")
threading.Thread(target=run, daemon=True).start()
"""
    with answering(start_program, build, tmp_path, body) as target, gc_reader(target.pid) as reader:
        list(reader.read())
        time.sleep(2.5)
        readings = list(reader.read())
        first, second = gil_state(readings).gils
        assert (first.interpreters, second.interpreters) == ((0,), (1,))
        assert second.held_ratio is not None
        assert second.held_ratio > 0.8
        assert first.held_ratio is not None
        assert first.held_ratio < 0.2
        assert samples(readings, "python_interpreter_gil_held_ratio")[("interpreter", "1"),] == second.held_ratio


def test_a_process_that_execs_another_python_is_attached_to_anew(
    python_builds: tuple[PythonBuild, ...], start_program: StartProgram, tmp_path: Path
) -> None:
    before, after = python_builds[0], python_builds[-1]
    second = tmp_path / "second.py"
    second.write_text("import gc, time\ngc.set_threshold(123)\nprint('second')\ntime.sleep(300)\n")
    first = tmp_path / "first.py"
    first.write_text(
        "import os, signal, sys\nprint('first')\nsignal.pause = getattr(signal, 'pause')\n"
        "signal.signal(signal.SIGUSR1, lambda *_: os.execv(sys.argv[1], [sys.argv[1], sys.argv[2]]))\n"
        "while True: signal.pause()\n"
    )
    program = start_program(before, first, str(after.executable), str(second))
    program.wait_for("first")
    with gc_reader(program.pid) as reader:
        assert samples(list(reader.read()), "python_gc_threshold")[("generation", "0"),] != 123
        program.send(signal.SIGUSR1)
        program.wait_for("second")
        readings = list(reader.read())
        assert samples(readings, "python_gc_threshold")[("generation", "0"),] == 123
        version = ".".join(map(str, after.version))
        assert (("implementation", "CPython"), ("version", version)) in samples(readings, "python_info")


def test_a_process_that_execs_something_else_is_refused_with_the_reason(
    start_program: StartProgram, tmp_path: Path
) -> None:
    source = tmp_path / "first.py"
    source.write_text(
        "import os, signal\nsignal.signal(signal.SIGUSR1, lambda *_: os.execv('/bin/sleep', ['sleep', '300']))\n"
        "print('first')\nwhile True: signal.pause()\n"
    )
    program = start_program(sys.executable, source)
    program.wait_for("first")
    with gc_reader(program.pid) as reader:
        list(reader.read())
        program.send(signal.SIGUSR1)
        eventually(lambda: True if b"sleep" in Path(f"/proc/{program.pid}/cmdline").read_bytes()[:5] else None)
        with pytest.raises(NotSupported, match="not a Python process"):
            reader.read()


def test_a_process_that_ends_while_it_is_read_is_gone_and_nothing_else_is_read(
    python_build: PythonBuild, start_program: StartProgram, tmp_path: Path
) -> None:
    source = tmp_path / "churn.py"
    source.write_text("import gc\nprint('ready')\nwhile True: gc.collect(0)\n")
    program = start_program(python_build, source)
    program.wait_for("ready")
    with gc_reader(program.pid) as reader:
        for _ in range(20):
            assert gc_state(list(reader.read())).interpreters
        program.process.kill()

        def gone() -> TargetGone | None:
            try:
                reader.read()
            except TargetGone as error:
                return error
            return None

        eventually(gone)
        program.process.wait(10)
        with pytest.raises(TargetGone):
            reader.read()


def test_a_pid_that_belongs_to_another_process_now_is_never_opened(
    start_program: StartProgram, tmp_path: Path
) -> None:
    source = tmp_path / "sleep.py"
    source.write_text(SLEEP)
    program = start_program(sys.executable, source)
    program.wait_for("ready")
    earlier = Identity(program.pid, ProcessView(program.pid).identity.start_ticks - 1)
    with pytest.raises(TargetGone):
        GcSource().open(Target(earlier, "earlier"), SourceOptions())


def test_a_python_that_is_only_starting_is_read_once_it_runs(
    python_build: PythonBuild, start_program: StartProgram, tmp_path: Path
) -> None:
    source = tmp_path / "sleep.py"
    source.write_text(SLEEP)
    for _ in range(3):
        program = start_program(python_build, source)
        process = ProcessView(program.pid)
        eventually(lambda p=process: True if b"sleep.py" in p.read("cmdline") else None)  # type: ignore[misc]

        def look(program_pid: int = program.pid) -> bool | None:
            try:
                with gc_reader(program_pid) as reader:
                    return gc_state(list(reader.read())).interpreters[0].generations is not None
            except ToolFailed:
                return None
            except NotSupported as error:
                # while the loader still maps libpython, the executable alone is no Python
                if "not a Python process" in str(error):
                    return None
                raise

        eventually(look)
        program.end()


def test_a_python_that_is_linked_but_never_started_is_refused_for_now(
    tmp_path: Path, start_program: StartProgram
) -> None:
    compiler = shutil.which("cc")
    libraries = sorted(Path("/usr/lib").glob("*/libpython3.*.so.1.0"))
    if compiler is None or not libraries:
        pytest.skip("no compiler or no libpython")
    source = tmp_path / "links.c"
    source.write_text(
        "#include <dlfcn.h>\n#include <stdio.h>\n#include <unistd.h>\nint main(int n, char **v) {\n"
        'if (!dlopen(v[1], RTLD_NOW)) return 3; puts("ready"); fflush(stdout); sleep(300); return 0; }\n'
    )
    program_file = tmp_path / "links"
    subprocess.run([compiler, source, "-o", program_file, "-ldl"], check=True, timeout=60)
    program = start_program(program_file, str(libraries[0]))
    program.wait_for("ready")
    with (
        gc_reader(program.pid) as reader,
        pytest.raises(ToolFailed, match="not started"),
    ):
        reader.read()


def test_another_users_process_is_refused_as_a_matter_of_permission(
    start_program: StartProgram, tmp_path: Path
) -> None:
    setpriv = shutil.which("setpriv")
    if os.geteuid() != 0 or setpriv is None:
        pytest.skip("needs root and setpriv to become another user")
    source = tmp_path / "sleep.py"
    source.write_text(SLEEP)
    program = start_program(sys.executable, source)
    program.wait_for("ready")
    code = f"""
from razorprof.errors import RazorprofError
from razorprof.model.target import Target
from razorprof.plugin.protocols import SourceOptions
from razorprof.remote.process import ProcessView
from razorprof.runtimes.cpython.detect import detect_python
from razorprof.runtimes.cpython.gc_source import GcSource
process = ProcessView({program.pid})
print(detect_python(process))
try:
    GcSource().open(Target(process.identity, "x"), SourceOptions())
except RazorprofError as error:
    print(type(error).__name__, int(error.code))
"""
    nobody = ["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]
    site = [path for path in sys.path if path]
    answer = subprocess.run(
        [setpriv, *nobody, "/usr/bin/python3", "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        cwd="/",
        env={"PYTHONPATH": os.pathsep.join(site), "PYTHONDONTWRITEBYTECODE": "1"},
        check=False,
    )
    if "Permission denied" in answer.stderr or "ModuleNotFoundError" in answer.stderr:
        pytest.skip(f"another user cannot import razorprof from here: {answer.stderr.strip().splitlines()[-1]}")
    told, refused = answer.stdout.splitlines()
    assert "told by its name only" in told
    assert refused == "PermissionDenied 4"
