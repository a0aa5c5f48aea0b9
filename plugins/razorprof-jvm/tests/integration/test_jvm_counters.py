"""Real JVMs: their counters are the ones that jstat prints, and what cannot be had is told with its reason."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from razorprof_jvm import Jvm
from razorprof_jvm.detect import detect_jvm
from razorprof_jvm.gc_source import GcSource

from razorprof.errors import NotSupported, PermissionDenied, TargetGone
from razorprof.model.gc import GcState
from razorprof.model.metric import Sample
from razorprof.model.scrape import Reading
from razorprof.model.target import Identity, Target
from razorprof.plugin.loading import find_runtime
from razorprof.plugin.protocols import Capability, SourceOptions
from razorprof.remote.process import ProcessView
from razorprof.testing import conformance

StartJvm = Callable[..., Target]
Stop = Callable[[Target], None]
AsNobody = Callable[[Callable[[], bool]], bool]
KIB = 1024.0
HALF_DIGIT = 0.0501  # jstat prints a tenth of a KiB

needs_jstat = pytest.mark.skipif(shutil.which("jstat") is None, reason="no jstat on this machine (make test-deps)")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="takes root, to be another user")


def read(target: Target) -> tuple[GcState, dict[tuple[str, str], float]]:
    """The state and the samples by name and their one label."""
    reader = GcSource().open(target, SourceOptions())
    try:
        return split(reader.read())
    finally:
        reader.close()


def split(readings: Iterable[Reading]) -> tuple[GcState, dict[tuple[str, str], float]]:
    readings = list(readings)
    (state,) = [one for one in readings if isinstance(one, GcState)]
    samples = [one for one in readings if isinstance(one, Sample)]
    return state, {(one.name, one.labels.get("gc") or one.labels.get("pool") or ""): one.value for one in samples}


def jstat(option: str, target: Target) -> dict[str, float]:
    done = subprocess.run(
        ["jstat", option, str(target.pid)], capture_output=True, text=True, check=True, timeout=60
    )
    names, values = (line.split() for line in done.stdout.splitlines()[:2])
    return {name: float(value) for name, value in zip(names, values, strict=False) if value != "-"}


@needs_jstat
@pytest.mark.parametrize(
    ("option", "young", "old", "pools"),
    [
        ("G1", "G1 Young Generation", "G1 Old Generation", ("G1 Eden Space", "G1 Survivor Space", "G1 Old Gen")),
        ("Parallel", "PS Scavenge", "PS MarkSweep", ("PS Eden Space", "PS Survivor Space", "PS Old Gen")),
        ("Serial", "Copy", "MarkSweepCompact", ("Eden Space", "Survivor Space", "Tenured Gen")),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isalnum() else "",
)
def test_figures_equal_those_of_jstat(
    start_jvm: StartJvm, stopped: Stop, option: str, young: str, old: str, pools: tuple[str, str, str]
) -> None:
    target = start_jvm("Garbage", f"-XX:+Use{option}GC", "-Xmn8m")
    reader = GcSource().open(target, SourceOptions())
    try:
        _, samples = split(reader.read())
        while samples["jvm_gc_collection_seconds_count", young] < 3:
            _, samples = split(reader.read())
        stopped(target)
        state, samples = split(reader.read())
    finally:
        reader.close()
    seen = jstat("-gc", target)
    count, spent = "jvm_gc_collection_seconds_count", "jvm_gc_collection_seconds_sum"
    assert (samples[count, young], samples[count, old]) == (seen["YGC"], seen["FGC"])
    assert samples[spent, young] == pytest.approx(seen["YGCT"], abs=0.000501)
    assert samples[spent, old] == pytest.approx(seen["FGCT"], abs=0.000501)
    assert sum(one.seconds or 0.0 for one in state.collectors) == pytest.approx(seen["GCT"], abs=0.000501)
    eden, survivor, tenured = pools
    for pool, used, committed in (
        (eden, seen["EU"], seen["EC"]),
        (survivor, seen["S0U"] + seen["S1U"], seen["S0C"] + seen["S1C"]),
        (tenured, seen["OU"], seen["OC"]),
        ("Metaspace", seen["MU"], seen["MC"]),
        ("Compressed Class Space", seen["CCSU"], seen["CCSC"]),
    ):
        assert samples["jvm_memory_pool_used_bytes", pool] / KIB == pytest.approx(used, abs=2 * HALF_DIGIT), pool
        found = samples["jvm_memory_pool_committed_bytes", pool] / KIB
        assert found == pytest.approx(committed, abs=2 * HALF_DIGIT), pool
    if option != "G1":
        return  # the rest does not depend on the collector
    loaded, compiled = jstat("-class", target), jstat("-compiler", target)
    assert samples["jvm_classes_loaded_total", ""] == loaded["Loaded"]
    assert samples["jvm_classes_unloaded_total", ""] == loaded["Unloaded"]
    assert samples["jvm_compilations_total", ""] == compiled["Compiled"]
    assert samples["jvm_compilation_time_seconds_total", ""] == pytest.approx(compiled["Time"], abs=0.00501)


def test_it_is_found_through_its_entry_point_with_its_version(start_jvm: StartJvm) -> None:
    target = start_jvm("Garbage")
    assert find_runtime("jvm").name == "jvm"
    detection = detect_jvm(ProcessView(target.pid))
    assert detection is not None
    told = subprocess.run(["java", "-version"], capture_output=True, text=True, check=True, timeout=60).stderr
    assert f'"{detection.version}"' in told
    assert detection.implementation == "HotSpot"
    support = Jvm().capabilities(detection)
    assert support[Capability.GC].available
    assert not support[Capability.CPU].available
    assert "JFR" in support[Capability.CPU].reason


@pytest.mark.parametrize("options", [(), ("-XX:+PerfDisableSharedMem",), ("-XX:-UsePerfData",)], ids=" ".join)
def test_it_keeps_to_what_every_plugin_must(start_jvm: StartJvm, options: tuple[str, ...]) -> None:
    target = start_jvm("Garbage", *options)
    conformance.expect(conformance.check_runtime(Jvm(), own=target.pid, foreign=[os.getpid()]))


def test_a_python_is_no_jvm() -> None:
    assert detect_jvm(ProcessView(os.getpid())) is None


def test_without_counters_it_is_known_all_the_same_and_said_why_it_has_none(start_jvm: StartJvm) -> None:
    target = start_jvm("Garbage", "-XX:-UsePerfData")
    detection = detect_jvm(ProcessView(target.pid))
    assert detection is not None
    assert detection.version  # by the JDK's release file
    support = Jvm().capabilities(detection)
    assert not support[Capability.GC].available
    assert "-XX:-UsePerfData" in support[Capability.GC].reason
    assert support[Capability.HEAP].available
    with pytest.raises(NotSupported, match="UsePerfData"):
        GcSource().open(target, SourceOptions())


def test_counters_that_are_not_shared_are_read_out_of_its_memory(start_jvm: StartJvm) -> None:
    target = start_jvm("Garbage", "-XX:+PerfDisableSharedMem")
    detection = detect_jvm(ProcessView(target.pid))
    assert detection is not None
    assert Jvm().capabilities(detection)[Capability.GC].intrusiveness == 1
    state, samples = read(target)
    assert state.collectors
    assert samples["jvm_threads_current", ""] > 3


def test_a_file_that_a_cleaner_removed_is_read_on(start_jvm: StartJvm) -> None:
    target = start_jvm("Garbage")
    reader = GcSource().open(target, SourceOptions())
    before, _ = split(reader.read())
    (file,) = Path("/tmp").glob(f"hsperfdata_*/{target.pid}")
    file.unlink()
    for again in (split(reader.read())[0], read(target)[0]):
        assert [one.name for one in again.collectors] == [one.name for one in before.collectors]
    reader.close()


def test_it_ends_with_the_process(start_jvm: StartJvm) -> None:
    target = start_jvm("Garbage")
    reader = GcSource().open(target, SourceOptions())
    os.kill(target.pid, 9)
    os.waitid(os.P_PID, target.pid, os.WEXITED | os.WNOWAIT)
    with pytest.raises(TargetGone):
        reader.read()
    reader.close()
    with pytest.raises(TargetGone):
        GcSource().open(Target(Identity(target.pid, 1), "stranger"), SourceOptions())


@as_root
def test_another_users_jvm_is_told_by_its_name_only(start_jvm: StartJvm, as_nobody: AsNobody) -> None:
    target = start_jvm("Garbage")
    process = ProcessView(target.pid)

    def look() -> bool:
        detection = detect_jvm(process)
        assert detection is not None
        assert detection.version is None
        assert "name only" in detection.detail["reason"]
        assert not Jvm().capabilities(detection)[Capability.GC].available
        with pytest.raises(PermissionDenied):
            GcSource().open(target, SourceOptions())
        return True

    assert as_nobody(look)
