"""What reading a JVM's counters costs, with `jstat` beside it in the same run.

Run: python benchmarks/jvm_perfdata.py. Needs the plug-in razorprof-jvm and a JDK. The target allocates all the
time (G1, 64 MiB). Detection, opening and reads are wall time, median of many; the source is CPU time of this
process a read; `jstat -gc PID` is one process each time, and `jstat -gc PID 100 N` one for many reads. Both read
the same file. The attach protocol is timed with the first question, which wakes the JVM, and later ones.
"""

from __future__ import annotations

import resource
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from razorprof.errors import RazorprofError
from razorprof.model.target import Target
from razorprof.plugin.captures import DumpsThreads, HeapRequest, RecordsHeap, ThreadsRequest, Watch
from razorprof.plugin.loading import find_runtime
from razorprof.plugin.protocols import Runtime, SourceOptions
from razorprof.remote.process import ProcessView

PROGRAM = Path(__file__).parents[1] / "plugins/razorprof-jvm/tests/programs/Garbage.java"
READS = 2000
JSTAT_READS = 30


def main() -> None:
    try:
        runtime = find_runtime("jvm")
    except RazorprofError as error:
        print(f"skipped: {error}")
        return
    if not all(map(shutil.which, ("java", "javac", "jstat"))):
        print("skipped: no JDK on this machine")
        return
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["javac", "-d", folder, str(PROGRAM)], check=True)
        command = ["java", "-Xmx64m", "-cp", folder, "Garbage"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            try:
                assert process.stdout is not None
                process.stdout.readline()
                time.sleep(1.0)
                measure(runtime, process.pid)
            finally:
                process.kill()
                Path(f"/tmp/.java_pid{process.pid}").unlink(missing_ok=True)


def measure(runtime: Runtime, pid: int) -> None:
    view = ProcessView(pid)
    target = Target(view.identity, "Garbage")
    detection = runtime.detect(view)
    assert detection is not None
    print(f"target: {detection.implementation} {detection.version}\n")
    source = next(one for one in runtime.sources(detection) if one.name == "gc")
    reader = source.open(target, SourceOptions())
    row("detection", median(lambda: runtime.detect(view), 30))
    row("open and close", median(lambda: source.open(target, SourceOptions()).close(), 30))
    row("a read of all counters", median(lambda: list(reader.read()), READS))
    began = time.process_time()
    for _ in range(READS):
        list(reader.read())
    row("its CPU time", (time.process_time() - began) / READS)
    reader.close()
    row("jstat -gc, one read", median(lambda: jstat(pid), 5))
    row(f"its CPU time, one of {JSTAT_READS} reads", children_cpu(lambda: jstat(pid, "100", str(JSTAT_READS))))
    dumps, records = runtime, runtime
    assert isinstance(dumps, DumpsThreads)
    assert isinstance(records, RecordsHeap)
    threads, heap = ThreadsRequest(allow_signal=True), HeapRequest(0.0, allow_signal=True, windows=0)
    row("thread dump, the first", median(lambda: dumps.dump_threads(target, detection, threads, Watch()), 1))
    row("thread dump, later", median(lambda: dumps.dump_threads(target, detection, threads, Watch()), 20))
    row("class histogram", median(lambda: records.record_heap(target, detection, heap, Watch()), 20))


def median(call: Callable[[], object], times: int) -> float:
    """Seconds of wall time."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def children_cpu(call: Callable[[], object]) -> float:
    """Seconds of CPU of a child, for each of its reads."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    call()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / JSTAT_READS


def jstat(pid: int, *more: str) -> None:
    subprocess.run(["jstat", "-gc", str(pid), *more], check=True, stdout=subprocess.DEVNULL)


def row(what: str, seconds: float) -> None:
    print(f"{what:<36}{seconds * 1e6:>12,.0f} us")


if __name__ == "__main__":
    main()
