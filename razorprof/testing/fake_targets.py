"""The programs that FakeView plays: a busy web worker, an idle one, one that ended, families,
hostile names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from razorprof.model.frame import Frame, Stack, ThreadId
from razorprof.model.gc import GcState, Generation, InterpreterGc
from razorprof.model.gil import Gil, GilState, HolderShare
from razorprof.model.metric import Quality
from razorprof.model.scrape import ReadError
from razorprof.model.target import Identity, Life, Target
from razorprof.model.threads import ThreadInfo, ThreadState, WaitsOn
from razorprof.model.verdict import Evidence, Limit, Verdict
from razorprof.session.view import SourceStatus, TargetStatus
from razorprof.testing.fake_view import START, FakeTarget, SeriesKey, Wave, series_key

MIB = 2.0**20
HOSTILE = "\x1b[31mevil\x07\n\u202egnp.exe [bold]x[/] " + "y" * 300

_UNREAD = (
    ("process_io_bytes_total", "no permission"),
    ("process_unique_memory_bytes", "no permission"),
    ("process_open_fds", "permission denied (/proc/1400/fd)"),
)
_BOOT = Frame("_bootstrap", "threading.py", 1002)
_SERVE = Frame("serve_forever", "gunicorn/workers/gthread.py", 211)
_HANDLE = Frame("handle_request", "app/views.py", 57)
_GET = Frame("get", "queue.py", 171)
_RENDER = Frame("render", "app/render.py", 88)


def worker(pid: int = 1234, *, name: str = "gunicorn: worker [app]", busy: float = 1.03) -> FakeTarget:
    """A web worker with five busy threads that fight for the GIL, and memory that grows."""
    return FakeTarget(
        _status(pid, name),
        worker_series(busy),
        worker_stacks(),
        worker_threads(),
        worker_gc(),
        Verdict(
            Limit.GIL,
            0.97,
            "limited by the GIL: 97 % held, 3.1 threads waiting; 38 % of it in app/render.py:render",
            {Limit.PYTHON: 0.88, Limit.NATIVE: 0.15, Limit.GIL: 3.1, Limit.IDLE: 2.0},
            (Evidence("GIL held", 0.97, "python_gil"),),
            10.0,
        ),
        worker_gil(pid),
    )


def modern(pid: int = 1900) -> FakeTarget:
    """The worker on a Python that keeps the length of each collection (3.15), with two interpreters."""
    found = worker(pid)
    series = {key: wave for key, wave in found.series.items() if key[0] != "python_gc_seconds_total"}
    series[series_key("python_gc_seconds_total", quality="exact")] = Wave(0.031, 0.012, 21, counter=True)
    total = 0.0
    for bound, rate in (("0.0001", 9.0), ("0.00025", 2.4), ("0.0005", 0.9), ("0.001", 0.0), ("0.0025", 0.07)):
        total += rate
        series[series_key("python_gc_pause_seconds_bucket", le=bound)] = Wave(total, counter=True, whole=True)
    series[series_key("python_gc_pause_seconds_bucket", le="+Inf")] = Wave(total, counter=True, whole=True)
    for interpreter in ("0", "1"):
        for generation, rate in (("0", 6.2), ("1", 0.5), ("2", 0.04)):
            labels = {"interpreter": interpreter, "generation": generation}
            key = series_key("python_interpreter_gc_collections_total", **labels)
            series[key] = Wave(rate, counter=True, whole=True)
    main = worker_gc().interpreters[0]
    exact = replace(main, gc_seconds=41.3, gc_seconds_quality=Quality.EXACT, frozen=None)
    gc = GcState(START, (exact, replace(exact, id=1, enabled=False, garbage=3)))
    gil = GilState(START, (*worker_gil(pid).gils, Gil((1,), 0.12)), 2.0, 48, "waiters need Linux on x86-64")
    status = replace(found.status, version="3.15.0")
    return replace(found, status=status, series=series, gc=gc, gil=gil)


def idle(pid: int = 1300) -> FakeTarget:
    """A process that sleeps."""
    series = {**_process(0.002, 41 * MIB, 0.0, 3), series_key("python_gil_held_ratio"): Wave(0.01)}
    threads = (
        ThreadInfo(pid, "MainThread", state=ThreadState.IDLE, kernel_state="S", cpu_ratio=0.002,
                   frames=(Frame("select", "selectors.py", 468), Frame("main", "cron.py", 12)), stack_age=0.4),
    )  # fmt: skip
    verdict = Verdict(Limit.IDLE, 0.99, "idle: 99 % of the time asleep", seconds=10.0)
    return FakeTarget(_status(pid, "cron.py"), series, {}, threads, None, verdict)


def unsupported(pid: int = 1400) -> FakeTarget:
    """A process that is not Python: process figures only, and it says why."""
    status = TargetStatus(
        Target(Identity(pid, 5000), "postgres", START - 90_000),
        Life.ALIVE,
        sources=(
            SourceStatus("process", True, missing=_UNREAD),
            SourceStatus("cgroup", False, ReadError("permission_denied", "cannot read memory.max", "run as root")),
        ),
        stack_reason="not a Python process: hot functions need CPython 3.8 or newer",
    )
    verdict = Verdict(Limit.UNCLEAR, None, "two looks disagree: 41 % on CPU, 38 % in I/O", seconds=10.0)
    return FakeTarget(status, _process(0.41, 220 * MIB, 0.0, 1), verdict=verdict)


def gone(pid: int = 1500) -> FakeTarget:
    """A target that was gone before the first look at the screen."""
    found = worker(pid, name="celery worker")
    how = "killed by SIGKILL; the container counted an OOM kill; 1.02 GiB at the last look"
    status = replace(found.status, life=Life.GONE, ended=START + 100, how=how)
    return replace(found, status=status, stacks={}, verdict=None)


def stopped(pid: int = 1600) -> FakeTarget:
    """A target that somebody stopped."""
    found = idle(pid)
    verdict = Verdict(Limit.STOPPED, 1.0, "stopped by a signal")
    return replace(found, status=replace(found.status, life=Life.STOPPED), verdict=verdict)


def hostile(pid: int = 1700) -> FakeTarget:
    """A target whose every name carries escapes, markup, line feeds, right-to-left marks and 300 characters."""
    bad = Frame(HOSTILE, HOSTILE, 7)
    thread = ThreadId(pid, HOSTILE)
    status = TargetStatus(
        Target(Identity(pid, 1), HOSTILE, START - 5),
        Life.ALIVE,
        runtime="cpython",
        version=HOSTILE,
        command=HOSTILE,
        sources=(SourceStatus("pyspy", False, ReadError("tool_failed", HOSTILE, HOSTILE)),),
    )
    info = ThreadInfo(
        pid, HOSTILE, state=ThreadState.WAITING, kernel_state="\x1b", frames=(bad, bad), stack_age=1.0,
        waits_on=WaitsOn(HOSTILE, HOSTILE, owner=3), cpu_ratio=0.5,
    )  # fmt: skip
    verdict = Verdict(Limit.CPU, 0.9, f"limited by {HOSTILE}", seconds=10.0)
    stacks: dict[tuple[ThreadId, Stack], float] = {(thread, (bad, bad)): 4.0, (thread, (bad,)): 2.0}
    return FakeTarget(status, _process(0.5, 30 * MIB, 0.0, 1), stacks, (info,), None, verdict)


def family(count: int = 8) -> list[FakeTarget]:
    """A parent with workers of which one is sick: it uses three times the CPU of its siblings."""
    targets = [replace(idle(2000), status=_status(2000, "gunicorn: master [app]"))]
    for number in range(1, count):
        sick = number == count - 2
        found = worker(2000 + number, busy=0.93 if sick else 0.30 + 0.01 * (number % 5))
        deviation = 9.4 if sick else 0.3 * (number % 4)
        status = replace(found.status, deviation=deviation, deviation_of="cpu")
        targets.append(replace(found, status=replace(status, target=replace(status.target, parent=2000))))
    return targets


def huge(pid: int = 1800, *, functions: int = 5000, threads: int = 500) -> FakeTarget:
    """A target with more functions and threads than any screen holds."""
    main = ThreadId(pid, "MainThread")
    stacks: dict[tuple[ThreadId, Stack], float] = {
        (main, (_BOOT, Frame(f"function_{n}", f"package_{n % 70}/module_{n % 300}.py", n))): 1.0 + (n * 37) % 100
        for n in range(functions)
    }
    infos = tuple(
        ThreadInfo(pid + n, f"worker-{n}", state=ThreadState.IDLE, kernel_state="S", cpu_ratio=n * 13 % 50 / 1000,
                   frames=(Frame("wait", "queue.py", 10 + n % 7), _BOOT), stack_age=0.5)
        for n in range(threads)
    )  # fmt: skip
    return FakeTarget(_status(pid, "huge"), _process(1.0, 900 * MIB, 0.0, threads), stacks, infos)


def worker_series(busy: float = 1.03) -> dict[SeriesKey, Wave]:
    """The figures of the busy worker."""
    return {
        **_process(busy, 790 * MIB, 0.02 * MIB, 12),
        series_key("process_unique_memory_bytes"): Wave(768 * MIB, 2 * MIB, 35, 0.02 * MIB),
        series_key("process_swap_bytes"): Wave(0.0),
        series_key("container_memory_working_set_bytes"): Wave(806 * MIB, 3 * MIB, 30, 0.02 * MIB),
        series_key("container_spec_memory_limit_bytes"): Wave(1024 * MIB),
        series_key("container_cpu_cfs_throttled_seconds_total"): Wave(0.004, 0.003, 25, counter=True),
        series_key("container_oom_events_total"): Wave(0.0),
        series_key("container_pressure_cpu_waiting_seconds_total"): Wave(0.06, 0.05, 33, counter=True),
        series_key("container_pressure_memory_waiting_seconds_total"): Wave(0.0, counter=True),
        series_key("container_pressure_io_waiting_seconds_total"): Wave(0.01, counter=True),
        series_key("python_gil_held_ratio"): Wave(0.95, 0.03, 17),
        series_key("python_gil_waiters"): Wave(2.7, 0.5, 13),
        series_key("python_gil_switches_total"): Wave(171, 20, 13, counter=True),
        series_key("python_arena_bytes"): Wave(512 * MIB, 0.0, 20, 0.02 * MIB),
        series_key("python_gc_seconds_total", quality="estimated"): Wave(0.031, 0.012, 21, counter=True),
        **_collections(),
    }


def worker_stacks() -> dict[tuple[ThreadId, Stack], float]:
    """The stacks of the busy worker over ten seconds: 38 % own time in render."""
    stacks: dict[tuple[ThreadId, Stack], float] = {}
    for number in range(4):
        thread = ThreadId(1240 + number, f"gthread-{number}")
        base = (_BOOT, _SERVE, _HANDLE)
        for tail, weight in _SHARES:
            stacks[thread, (*base, *tail)] = weight * (0.8 + 0.1 * number)
    return stacks


def worker_threads() -> tuple[ThreadInfo, ...]:
    """The threads of the busy worker: one holds the GIL, three wait for it, some wait for a lock, some sleep."""
    accept = (Frame("select", "selectors.py", 468), Frame("run", "gunicorn/arbiter.py", 209))
    made = [
        ThreadInfo(1234, "MainThread", 1, ThreadState.IDLE, "S", False, False, WaitsOn("io", "select"), accept,
                   0.4, 0.001,
                   0.0, 0.001),
        ThreadInfo(1240, "gthread-0", 2, ThreadState.PYTHON, "R", True, False, None,
                   (_RENDER, _HANDLE, _SERVE, _BOOT), 0.4, 0.31, 0.27, 0.04),
    ]  # fmt: skip
    made += [
            ThreadInfo(1240 + n, f"gthread-{n}", 2 + n, ThreadState.WAITING, "S", False, True, WaitsOn("gil"),
                       (Frame("dumps", "json/__init__.py", 183), _HANDLE, _SERVE, _BOOT),
                       0.4, 0.24 - n / 50, 0.2, 0.03)
        for n in range(1, 4)
    ]  # fmt: skip
    made += [
            ThreadInfo(1250 + n, f"cache-writer-{n}", 10 + n, ThreadState.WAITING, "S", False, False,
                       WaitsOn("lock", "app/cache.py:31", owner=1240),
                       (Frame("put", "app/cache.py", 31), Frame("run", "threading.py", 982), _BOOT),
                       0.4, 0.0, 0.0, 0.0)
        for n in range(2)
    ]  # fmt: skip
    made += [
            ThreadInfo(1260 + n, f"pool-{n}", 20 + n, ThreadState.IDLE, "S", False, False, WaitsOn("sleep"),
                       (_GET, Frame("_worker", "concurrent/futures/thread.py", 81), _BOOT),
                       0.4, 0.0, 0.0, 0.0)
        for n in range(5)
    ]  # fmt: skip
    return tuple(made)


def worker_gil(pid: int) -> GilState:
    """The lock of the busy worker: four request threads share it, three wait."""
    holders = tuple(HolderShare(1240 + number, share) for number, share in enumerate((0.41, 0.24, 0.18, 0.13)))
    held = Gil((0,), 0.96, 1240, (*holders, HolderShare(pid, 0.004)), (1241, 1242, 1243), 2.9, 171_000)
    return GilState(START, (held,), 2.0, 96)


def worker_gc() -> GcState:
    """The collector of the busy worker."""
    generations = (
        Generation(0, 412, 700, 182_344, 1_204_551, 0),
        Generation(1, 7, 10, 16_576, 88_213, 0),
        Generation(2, 3, 10, 1_176, 12_090, 0),
    )
    return GcState(START, (InterpreterGc(0, True, False, 0, 0, generations, 214.2),))


_SHARES: tuple[tuple[Stack, float], ...] = (
    ((_RENDER,), 3.82),
    ((_RENDER, Frame("escape", "markupsafe/__init__.py", 44)), 0.94),
    ((_RENDER, Frame("url_for", "flask/app.py", 1080), Frame("build", "werkzeug/routing/map.py", 801)), 0.71),
    ((_RENDER, Frame("format_date", "app/dates.py", 19), Frame("strftime", "babel/dates.py", 655)), 0.67),
    ((Frame("dumps", "json/__init__.py", 183), Frame("iterencode", "json/encoder.py", 257)), 1.19),
    ((Frame("dumps", "json/__init__.py", 183), Frame("default", "app/encoders.py", 22)), 0.31),
    ((Frame("load_user", "app/auth.py", 73), Frame("execute", "sqlalchemy/engine/base.py", 1416)), 0.83),
    (
        (
            Frame("load_user", "app/auth.py", 73),
            Frame("execute", "sqlalchemy/engine/base.py", 1416),
            Frame("_process_row_of_a_result_set_with_a_long_name", "sqlalchemy/engine/result.py", 540),
        ),
        0.55,
    ),
    ((Frame("log_request", "app/logs.py", 12), Frame("emit", "logging/__init__.py", 1100)), 0.42),
    ((Frame("compress", "gzip.py", 210),), 0.38),
    ((Frame("sign", "itsdangerous/signer.py", 90), Frame("digest", "hashlib.py", 120)), 0.18),
)


def _collections() -> dict[SeriesKey, Wave]:
    """Collections and what they freed, by generation; a full one every twelve seconds or so."""
    made = {}
    for generation, (rate, swing, freed) in enumerate(((12.4, 3.0, 6.6), (1.13, 0.2, 5.3), (0.08, 0.02, 10.3))):
        labels = {"generation": str(generation)}
        made[series_key("python_gc_collections_total", **labels)] = Wave(rate, swing, 15, counter=True, whole=True)
        made[series_key("python_gc_objects_collected_total", **labels)] = Wave(
            rate * freed, swing * freed, 15, counter=True, whole=True
        )
    return made


def _status(pid: int, name: str) -> TargetStatus:
    return TargetStatus(
        Target(Identity(pid, 100_000 + pid), name, START - 8040),
        Life.ALIVE,
        runtime="cpython",
        version="3.11.7",
        command=f"{name} --bind 127.0.0.1:8000",
        sources=(SourceStatus("process", True), SourceStatus("pyspy", True)),
    )


def _process(cpu: float, resident: float, slope: float, threads: int) -> Mapping[SeriesKey, Wave]:
    return {
        series_key("process_cpu_seconds_total"): Wave(cpu, cpu / 8, 23, counter=True),
        series_key("process_cpu_user_seconds_total"): Wave(cpu * 0.86, cpu / 9, 23, counter=True),
        series_key("process_cpu_system_seconds_total"): Wave(cpu * 0.14, cpu / 72, 23, counter=True),
        series_key("process_run_delay_seconds_total"): Wave(cpu / 50, counter=True),
        series_key("process_resident_memory_bytes"): Wave(resident, resident / 400, 37, slope),
        series_key("process_virtual_memory_bytes"): Wave(resident * 3.1),
        series_key("process_open_fds"): Wave(34),
        series_key("process_max_fds"): Wave(1024),
        series_key("process_threads"): Wave(threads),
        series_key("process_io_bytes_total", direction="read"): Wave(
            1.1 * MIB * cpu, 0.4 * MIB * cpu, 9, counter=True
        ),
        series_key("process_io_bytes_total", direction="write"): Wave(
            90_000 * cpu, 60_000 * cpu, 14, counter=True
        ),
        series_key("process_context_switches_total", kind="voluntary"): Wave(
            412 * cpu, 90 * cpu, 11, counter=True
        ),
        series_key("process_context_switches_total", kind="involuntary"): Wave(
            131 * cpu, 40 * cpu, 7, counter=True
        ),
        series_key("process_page_faults_total", kind="minor"): Wave(240 * cpu, 80 * cpu, 19, counter=True),
        series_key("process_page_faults_total", kind="major"): Wave(0.0, counter=True),
    }
