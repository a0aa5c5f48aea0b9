"""``razorprof run`` as its user runs it: what passes through, what is measured, how it ends."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from razorprof.remote.process import ProcessView
from tests.live_targets import PythonBuild

PROGRAMS = Path(__file__).parents[1] / "programs"
COMMAND = (sys.executable, "-m", "razorprof", "run")
BURN = "import time\nwhile time.process_time() < {seconds}: sum(range(1000))\n"


def run(*arguments: object, given: str = "", **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], input=given, capture_output=True, text=True, timeout=100, **more
    )


def last_line(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


@pytest.fixture
def budget(tmp_path: Path) -> Any:
    def write(text: str) -> Path:
        path = tmp_path / "budget.toml"
        path.write_text(f"version = 1\n{text}")
        return path

    return write


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("sh", "-c", "exit 7"), 7),
        (("sh", "-c", "kill -TERM $$"), 128 + signal.SIGTERM),
        (("sh", "-c", "kill -KILL $$"), 128 + signal.SIGKILL),
        (("no-such-command-here",), 127),
        (("./a\nb; touch $(touch x)",), 127),
        (("",), 127),
        (("/etc/hostname",), 126),
        (("/",), 126),
    ],
    ids=["code", "term", "kill", "not found", "hostile name", "empty name", "no program", "folder"],
)
def test_the_exit_code_is_the_programs(command: tuple[str, ...], code: int) -> None:
    done = run("--", *command)
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert "\n\n" not in done.stderr


def test_input_output_and_arguments_pass_through_unchanged() -> None:
    done = run(
        "--", "sh", "-c", 'cat; echo err >&2; printf "%s|" "$@"', "-", "--json", "*", "a b", "$HOME", given="in\n"
    )
    assert done.stdout == "in\n--json|*|a b|$HOME|"
    assert done.stderr.startswith("err\n")


def test_descriptors_signals_priority_and_environment_are_as_without_it() -> None:
    script = "cat /proc/self/oom_score_adj; nice; env | sort | grep -v -e ^_= -e ^SHLVL=; cat <&9"
    reading, writing = os.pipe()
    os.write(writing, b"from nine\n")
    os.close(writing)
    plain_in, plain_out = os.pipe()
    os.write(plain_out, b"from nine\n")
    os.close(plain_out)
    shell = f'exec 9<&{reading}; exec "$@"'
    plain = subprocess.run(
        ["bash", "-c", shell.replace(str(reading), str(plain_in)), "-", "sh", "-c", script],
        pass_fds=(plain_in,),
        capture_output=True,
        text=True,
        timeout=60,
    )
    ours = subprocess.run(
        ["bash", "-c", shell, "-", *COMMAND, "--", "sh", "-c", script],
        pass_fds=(reading,),
        capture_output=True,
        text=True,
        timeout=60,
    )
    os.close(reading)
    os.close(plain_in)
    assert ours.stdout == plain.stdout
    assert ours.stdout.endswith("from nine\n")


def test_the_program_is_not_stepped_back_with_razorprof_that_samples(tmp_path: Path) -> None:
    script = (
        "import os; print(os.getpriority(os.PRIO_PROCESS, 0), open('/proc/self/oom_score_adj').read().strip())"
    )
    mine = f"{os.getpriority(os.PRIO_PROCESS, 0)} {Path('/proc/self/oom_score_adj').read_text().strip()}\n"
    assert run("--cpu", tmp_path / "p.json", "--", sys.executable, "-c", script).stdout == mine


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_is_passed_on_once_and_the_program_decides(number: signal.Signals, tmp_path: Path) -> None:
    program = (
        "import signal, sys, time\nheard = []\n"
        f"signal.signal({int(number)}, lambda n, f: heard.append(n))\nprint('up', flush=True)\n"
        "end = time.time() + 60\nwhile not heard and time.time() < end: time.sleep(0.01)\n"
        "time.sleep(0.3)\nprint(heard)\nsys.exit(5)\n"
    )
    process = subprocess.Popen([*COMMAND, "--", sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    process.send_signal(number)
    rest = process.stdout.read()
    assert process.wait(60) == 5
    assert rest == f"[{int(number)}]\n"


def test_a_program_outlives_razorprof_and_no_tool_stays(tmp_path: Path) -> None:
    program = (
        "import os, time\nprint(os.getppid(), os.getpid(), flush=True)\n"
        + BURN.format(seconds=2.5)
        + "print('end')"
    )
    process = subprocess.Popen(
        [*COMMAND, "--cpu", tmp_path / "p.json", "--", sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    parent, child = map(int, process.stdout.readline().split())
    time.sleep(0.7)
    process.kill()
    process.wait(30)
    assert ProcessView(child).stat().state in "RSD"
    assert process.stdout.read() == "end\n"
    deadline = time.monotonic() + 20
    while Path(f"/proc/{parent}").exists() and ProcessView(parent).stat().state != "Z":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    tools = [p for p in Path("/proc").glob("[0-9]*/cmdline") if str(child).encode() in _read(p).split(b"\0")]
    assert tools == []


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


@pytest.mark.edges
def test_limits_are_judged_and_written_on_every_python(
    python_build: PythonBuild, tmp_path: Path, budget: Any
) -> None:
    limits = budget(
        '[functions]\n"sixty" = { self = "30%" }\n"ten" = { self = "60%" }\n'
        '[process]\npeak_memory = "200MiB"\ngc = "50%"\nwall = "99s"\ncpu = "99s"\n'
    )
    done = run(
        *("--budget", limits, "--rate", 200, "--junit", tmp_path / "j.xml", "--markdown", tmp_path / "m.md"),
        *("--cpu", tmp_path / "cpu.pb.gz", "--json", "--"),
        *(python_build.executable, PROGRAMS / "gate_work.py", 100),
        given="\n",
    )
    assert done.returncode == 1, done.stderr
    told = last_line(done)
    outcomes = {entry["name"]: entry["outcome"] for entry in told["budgets"]}
    assert outcomes == {
        "sixty self": "fail",
        "ten self": "pass",
        **dict.fromkeys(("wall", "cpu", "peak_memory", "gc"), "pass"),
    }
    counted = float(done.stdout.splitlines()[1].split()[1])
    assert counted <= told["runs"][0]["cpu_seconds"] <= counted + 1.0
    assert told["samples"] > 50
    assert 'failures="1"' in (tmp_path / "j.xml").read_text()
    assert "**FAIL**" in (tmp_path / "m.md").read_text()
    for name in ("j.xml", "m.md", "cpu.pb.gz"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_the_gc_time_of_a_program_is_exact_also_in_children_and_when_it_is_killed(budget: Any) -> None:
    program = (
        "import gc, os, signal, sys, time\nmine = [0.0, 0.0]\n"
        "def heard(phase, info):\n"
        "    if phase == 'start': mine[1] = time.thread_time()\n"
        "    else: mine[0] += time.thread_time() - mine[1]\n"
        "gc.callbacks.insert(0, heard)\n"
        "def work():\n"
        "    kept = [[n] for n in range(300000)]\n"
        "    for _ in range(10): gc.collect()\n"
        "work()\npid = os.fork()\n"
        "if not pid: mine[0] = 0.0; work(); print(mine[0], flush=True); os.kill(os.getpid(), signal.SIGKILL)\n"
        "os.waitpid(pid, 0)\nprint(mine[0], flush=True)\nos._exit(0)\n"
    )
    done = run("--budget", budget('[process]\ngc = "1%"\n'), "--json", "--", sys.executable, "-c", program)
    assert done.returncode == 1, done.stderr
    truth = sum(float(line) for line in done.stdout.splitlines()[:2])
    assert last_line(done)["runs"][0]["gc_seconds"] == pytest.approx(truth, rel=0.1)


@pytest.mark.parametrize("flag", ["-I", "-S", "-E"])
def test_a_python_that_cannot_count_its_gc_is_not_judged(flag: str, budget: Any) -> None:
    done = run("--budget", budget('[process]\ngc = "99%"\n'), "--", sys.executable, flag, "-c", "print(1)")
    assert (done.returncode, done.stdout) == (6, "1\n")
    assert "INCONCLUSIVE" in done.stderr


def test_a_sitecustomize_that_is_there_runs_as_before(tmp_path: Path, budget: Any) -> None:
    (tmp_path / "sitecustomize.py").write_text("import builtins\nbuiltins.customized = __file__\n")
    program = (
        "import sys, sitecustomize\n"
        "print(customized == sitecustomize.__file__, len([p for p in sys.path if 'razorprof-' in p]))"
    )
    done = run(
        *("--budget", budget('[process]\ngc = "99%"\n'), "--", sys.executable, "-c", program),
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert (done.returncode, done.stdout) == (0, "True 0\n"), done.stderr


def test_what_is_no_python_is_judged_by_time_and_memory(budget: Any, tmp_path: Path) -> None:
    limits = budget('[functions]\n"f" = { self = "9%" }\n[process]\nwall = "50s"\npeak_memory = "90MiB"\n')
    done = run("--budget", limits, "--cpu", tmp_path / "p.json", "--json", "--", "sh", "-c", "sleep 0.2; exit 0")
    told = last_line(done)
    assert done.returncode == 6
    outcomes = {entry["name"]: entry["outcome"] for entry in told["budgets"]}
    assert outcomes == {"f self": "inconclusive", "wall": "pass", "peak_memory": "pass"}
    assert any("nothing to sample" in note for note in told["notes"])


def test_the_peak_is_that_of_the_largest_process_and_not_ours(budget: Any) -> None:
    program = "import os\nif not os.fork(): x = bytearray(90 << 20); os._exit(0)\nos.wait()\n"
    done = run(
        "--budget", budget('[process]\npeak_memory = "50MiB"\n'), "--json", "--", sys.executable, "-c", program
    )
    peak = last_line(done)["runs"][0]["peak_memory_bytes"]
    assert done.returncode == 1
    assert 90 << 20 <= peak <= 130 << 20
    small = run("--json", "--", sys.executable, "-S", "-c", "pass")
    assert last_line(small)["runs"][0]["peak_memory_bytes"] < 16 << 20


def test_a_pipeline_a_program_that_execs_and_orphans_are_all_profiled(tmp_path: Path) -> None:
    burn = "end = time.process_time() + 1\n    while time.process_time() < end: sum(range(1000))\n"
    code = (
        f"import os, sys, time\ndef before():\n    {burn}def after():\n    {burn}"
        "if len(sys.argv) < 2:\n    before()\n"
        "    os.execv(sys.executable, [sys.executable, __file__, 'x'])\nafter()\n"
    )
    program = tmp_path / "execs.py"
    program.write_text(code)
    done = run("--cpu", tmp_path / "p.json", "--", "sh", "-c", f"{sys.executable} {program} | cat; exit 3")
    assert done.returncode == 3
    shown = subprocess.run(
        [sys.executable, "-m", "razorprof", "show", tmp_path / "p.json", "--json"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    found = json.loads(shown.stdout)
    shares = {entry["function"]: entry["total_ratio"] for entry in found["functions"]}
    assert shares["before"] > 0.2
    assert shares["after"] > 0.2
    assert found["total"] == pytest.approx(2.0, abs=0.8)


def test_a_daemon_goes_on_and_nobody_waits_for_it(tmp_path: Path) -> None:
    program = (
        "import os, sys, time\nif os.fork(): os._exit(0)\nos.setsid()\n"
        "if os.fork(): os._exit(0)\n"
        f"for fd in range(3): os.close(fd)\ntime.sleep(2)\nopen({str(tmp_path / 'done')!r}, 'w').close()\n"
    )
    begun = time.monotonic()
    done = run("--", sys.executable, "-c", program)
    assert done.returncode == 0
    assert not (tmp_path / "done").exists() or time.monotonic() - begun > 2
    deadline = time.monotonic() + 20
    while not (tmp_path / "done").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_program_that_ends_at_once_leaves_a_profile_that_says_so(tmp_path: Path) -> None:
    done = run("--cpu", tmp_path / "p.json", "--json", "--", "true")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "p.json").is_file()
    assert last_line(done)["samples"] == 0


@pytest.mark.parametrize(
    "options",
    [
        ("--cpu", "{}/none/p.json"),
        ("--cpu", "{}/p.unknown"),
        ("--cpu", "-"),
        ("--cpu", "{}/there.json"),
        ("--cpu", "{}/a.json", "--heap", "{}/a.json"),
        ("--junit", "{}/there.json"),
        ("--budget", "{}/none.toml"),
        ("--rate", "0"),
        ("--require-baseline",),
        ("--write-baseline", "{}/b.collapsed"),
    ],
)
def test_what_is_wrong_before_the_start_is_said_and_nothing_is_started(
    options: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "there.json").write_text("mine")
    done = run(*(option.format(tmp_path) for option in options), "--", "touch", tmp_path / "started")
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("razorprof: ")
    assert not (tmp_path / "started").exists()
    assert (tmp_path / "there.json").read_text() == "mine"
