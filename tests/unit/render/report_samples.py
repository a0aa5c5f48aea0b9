"""Reports for tests: one whose every text means harm, and one with nothing in it."""

from __future__ import annotations

import numpy as np

from razorprof.model.frame import Frame
from razorprof.model.gc import GcState, Generation, InterpreterGc
from razorprof.model.gil import Gil, GilState, HolderShare
from razorprof.model.heap import MemoryKind, MemoryMapView, MemoryShare
from razorprof.model.threads import Deadlock, ThreadDump, ThreadGroup, ThreadInfo, ThreadState, WaitsOn
from razorprof.model.verdict import Evidence, Limit, Verdict
from razorprof.render.catalog import FIGURES
from razorprof.render.report import Report
from razorprof.render.report_plots import Plot
from razorprof.render.trace import Trace
from tests.unit.render.test_flame_files import EVIL, HOSTILE

TIMES = np.arange(8.0) + 1_700_000_000.0
FRAMES = (Frame(EVIL, EVIL, 1),)
DUMP = ThreadDump(
    1_700_000_000.0,
    tuple(
        ThreadInfo(
            n, EVIL, state=ThreadState.WAITING, frames=FRAMES, waits_on=WaitsOn("lock", EVIL), cpu_ratio=0.5
        )
        for n in (11, 12)
    ),
    groups=(ThreadGroup(ThreadState.WAITING, FRAMES, (11, 12)),),
    deadlocks=(Deadlock("confirmed", (11, 12), f"{EVIL}; 12 waits for 11"),),
    stacks_reason=EVIL,
)
FACTS = {
    "command": EVIL,
    "executable": EVIL,
    "working_folder": EVIL,
    "user": {"uid": 0, "gid": 0, "name": EVIL},
    "container": {"id": EVIL, "limit_bytes": 1 << 30, "working_set_bytes": None, "quota": 50, "period": 100},
    "namespaces": {"pid": {"link": EVIL, "is_ours": False}, "net": None},
    "limits": [{"name": "Max open files", "soft": 1024, "hard": None, "unit": "files"}],
    "descriptors": {
        "count": 1,
        "by_kind": {EVIL: 1},
        "first": [{"number": 3, "kind": "file", "name": EVIL, "local": EVIL, "peer": EVIL, "is_listening": False}],
    },
    "environment_names": [EVIL, "PATH"],
    "reasons": {EVIL: EVIL},
}
EVERYTHING = Report(
    pid=1234,
    name=EVIL,
    host=EVIL,
    created=1_700_000_000.0,
    seconds=7.0,
    runtime=EVIL,
    version=EVIL,
    ended=EVIL,
    interrupted=True,
    verdict=Verdict(Limit.GIL, 0.8, f"the GIL {EVIL}", {Limit.GIL: 0.8}, (Evidence(EVIL, 0.5, EVIL),), 7.0),
    dump=DUMP,
    plots=[
        Plot("CPU", Trace(TIMES, np.linspace(0.2, 0.9, 8)), FIGURES["cpu"].show),
        Plot("resident", Trace(TIMES, np.full(8, 13.6 * (1 << 20))), FIGURES["rss"].show),
    ],
    cpu=HOSTILE,
    heap=HOSTILE,
    gc=GcState(1.0, (InterpreterGc(0, True, False, 0, None, (Generation(0, 1, 700, 5, 6, 0),), None),)),
    gil=GilState(
        1.0, (Gil((0,), 0.7, 11, (HolderShare(11, 0.7), HolderShare(None, 0.1)), None, 1.5),), reason=EVIL
    ),
    memory=MemoryMapView(1.0, {MemoryKind.HEAP: MemoryShare(1, 4096, 4096)}, MemoryShare(1, 4096, 4096)),
    facts=FACTS,
    checks=[(EVIL, False, EVIL, EVIL), ("runtime", None, "", "")],
    skipped={EVIL: EVIL},
    links=[("cpu.json", "CPU profile")],
)
NOTHING = Report(pid=1, name="", host="", created=0.0, skipped={"threads": "no permission", "advice": "too short"})
