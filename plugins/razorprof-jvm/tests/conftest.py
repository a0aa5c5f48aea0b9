"""Blocks of performance data as a JVM would write them, for the tests of this package."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping

import pytest
from hypothesis import HealthCheck, settings

# A machine that others use too is slow now and then: that says nothing of what is tried.
settings.register_profile("razorprof", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("razorprof")

Value = int | str
MakeBlock = Callable[..., bytes]


def make_block(
    counters: Mapping[str, Value],
    *,
    order: str = "<",
    accessible: int = 1,
    version: int = 2,
    overflow: int = 0,
    count: int | None = None,
    used: int | None = None,
    size: int = 32_768,
) -> bytes:
    """A block with these counters: whole numbers as longs, texts as bytes."""
    entries = b"".join(_entry(order, name, value) for name, value in counters.items())
    total = 32 + len(entries)
    head = b"\xca\xfe\xc0\xc0" + bytes((order == "<", version, 0, accessible))
    numbers = struct.pack(
        order + "iiqii",
        total if used is None else used,
        overflow,
        1,
        32,
        len(counters) if count is None else count,
    )
    return (head + numbers + entries).ljust(size, b"\0")


def _entry(order: str, name: str, value: Value) -> bytes:
    text = name.encode() + b"\0"
    text += b"\0" * (-len(text) % 8 + 4)  # the header's 20 bytes and the name end on a border of 8
    if isinstance(value, int):
        data, vector, kind = struct.pack(order + "q", value), 0, b"J"
    else:
        data = value.encode() + b"\0"
        data += b"\0" * (-len(data) % 8)
        vector, kind = len(data), b"B"
    start = 20 + len(text)
    return (
        struct.pack(order + "iii", start + len(data), 20, vector)
        + kind
        + bytes(3)
        + struct.pack(order + "i", start)
        + text
        + data
    )


@pytest.fixture
def perf_block() -> MakeBlock:
    return make_block


@pytest.fixture
def g1_counters() -> dict[str, Value]:
    """What a JVM with G1 tells, some counters of many."""
    return {
        "sun.os.hrt.frequency": 1_000_000_000,
        "sun.rt.createVmBeginTime": 1_700_000_000_000,
        "sun.gc.policy.name": "GarbageFirst",
        "sun.gc.collector.0.name": "G1 young collection pauses",
        "sun.gc.collector.0.invocations": 216,
        "sun.gc.collector.0.time": 825_000_000,
        "sun.gc.collector.0.lastEntryTime": 4_996_000_000,
        "sun.gc.collector.0.lastExitTime": 5_000_000_000,
        "sun.gc.collector.1.name": "G1 full collection pauses",
        "sun.gc.collector.1.invocations": 0,
        "sun.gc.collector.1.time": 0,
        "sun.gc.collector.1.lastExitTime": 0,
        "sun.gc.collector.2.name": "G1 concurrent cycle pauses",
        "sun.gc.collector.2.invocations": 6,
        "sun.gc.collector.2.time": 2_144_935,
        "sun.gc.generation.0.maxCapacity": 67_108_888,
        "sun.gc.generation.0.space.0.name": "eden",
        "sun.gc.generation.0.space.0.capacity": 33_554_440,
        "sun.gc.generation.0.space.0.maxCapacity": 67_108_872,
        "sun.gc.generation.0.space.0.used": 31_457_280,
        "sun.gc.generation.0.space.1.capacity": 8,
        "sun.gc.generation.0.space.1.maxCapacity": 8,
        "sun.gc.generation.0.space.1.used": 0,
        "sun.gc.generation.0.space.2.capacity": 3_145_736,
        "sun.gc.generation.0.space.2.maxCapacity": 67_108_872,
        "sun.gc.generation.0.space.2.used": 2_631_712,
        "sun.gc.generation.1.maxCapacity": 67_108_872,
        "sun.gc.generation.1.space.0.name": "space",
        "sun.gc.generation.1.space.0.capacity": 30_408_712,
        "sun.gc.generation.1.space.0.maxCapacity": 67_108_872,
        "sun.gc.generation.1.space.0.used": 20_400_640,
        "sun.gc.metaspace.used": 85_520,
        "sun.gc.metaspace.capacity": 327_680,
        "sun.gc.metaspace.maxCapacity": 1_140_850_688,
        "sun.gc.compressedclassspace.used": 3400,
        "sun.gc.compressedclassspace.capacity": 131_072,
        "sun.gc.compressedclassspace.maxCapacity": 1_073_741_824,
        "java.threads.live": 6,
        "java.threads.daemon": 5,
        "java.threads.livePeak": 7,
        "java.threads.started": 9,
        "java.cls.loadedClasses": 4,
        "java.cls.sharedLoadedClasses": 400,
        "java.cls.unloadedClasses": 1,
        "java.cls.sharedUnloadedClasses": 2,
        "java.ci.totalTime": 9_223_151,
        "sun.ci.totalCompiles": 9,
        "sun.rt.safepoints": 232,
        "sun.rt.safepointTime": 1_024_211_763,
        "sun.rt.safepointSyncTime": 1_953_739,
        "java.rt.vmArgs": "-Xmx64m -XX:MaxMetaspaceSize=128m",
        "java.property.java.vm.name": "OpenJDK 64-Bit Server VM",
        "java.property.java.vm.vendor": "Debian",
        "java.property.java.vm.version": "17.0.21.1+2",
    }
