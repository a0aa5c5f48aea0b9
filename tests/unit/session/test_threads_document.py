from __future__ import annotations

import json

from razorprof.analysis.stack_groups import group_threads
from razorprof.model.frame import Frame
from razorprof.model.target import Identity, Target
from razorprof.model.threads import Deadlock, Local, ThreadDump, ThreadInfo, ThreadState, WaitsOn
from razorprof.session.threads_document import threads_document

THREAD = ThreadInfo(
    11,
    "worker",
    id=7,
    state=ThreadState.WAITING,
    waits_on=WaitsOn("rlock", "RLock 0x10", 16, 12, "exact", False),
    frames=(Frame("inner", "a.py", 2), Frame("outer", "a.py", 9)),
    locals=((Local("password", "'hunter2'"),), ()),
)
DUMP = ThreadDump(
    5.0,
    (THREAD,),
    groups=group_threads((THREAD,)),
    deadlocks=(Deadlock("confirmed", (11, 12), "why"),),
    tasks_reason="from 3.14 on",
)


def test_the_document_has_the_shape_of_the_contract() -> None:
    target = Target(Identity(3, 4), "app", started=2.0)
    document = threads_document(target, "cpython", "3.11.7", DUMP)
    assert document["target"] == {
        "pid": 3,
        "start_time": 2.0,
        "name": "app",
        "runtime": "cpython",
        "version": "3.11.7",
    }
    (thread,) = document["threads"]
    assert thread["waits_on"]["owner"] == 12
    assert thread["waits_on"]["kind"] == "rlock"
    assert [frame["function"] for frame in thread["frames"]] == ["inner", "outer"]
    assert document["groups"] == [
        {"count": 1, "state": "waiting", "frames": thread["frames"], "threads": [11]},
    ]
    assert document["deadlocks"] == [{"confidence": "confirmed", "threads": [11, 12], "why": "why"}]
    assert document["asyncio_tasks"] is None
    assert document["asyncio_tasks_reason"] == "from 3.14 on"


def test_variables_stand_in_it_only_when_they_are_asked_for_here_too() -> None:
    target = Target(Identity(3, 4), "app")
    assert "hunter2" not in json.dumps(threads_document(target, "cpython", None, DUMP))
    with_locals = threads_document(target, "cpython", None, DUMP, with_locals=True)
    assert with_locals["threads"][0]["frames"][0]["locals"] == [
        {"name": "password", "value": "'hunter2'", "argument": False}
    ]
