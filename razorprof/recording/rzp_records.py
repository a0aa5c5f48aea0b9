"""What stands in a segment, unpacked: records, one after the other; razorprof-recording(5) describes each.

The numbers and struct layouts that the encoder and the decoder share. A record is its type, the length of its body
and the body, so that whoever does not know a type passes over it; a body may be longer than what is known of it.
Definitions (strings, frames, labels ...) count from 1 in their order, each kind for itself; 0 is the empty one.
"""

from __future__ import annotations

import struct
from enum import IntEnum

HEAD = struct.Struct("<BI")


class RecordType(IntEnum):
    STRING = 1  # UTF-8, lone surrogates as three bytes
    FRAME = 2
    STACK = 3  # frames, in the order of whoever refers to it
    LABELS = 4  # pairs of strings
    METRIC = 5
    TARGET = 6
    LAYOUT = 7  # what a scrape's samples are of
    SERIES = 8  # the labels of a row
    SCRAPE = 16
    ENDED = 17
    TICK = 18
    ADD = 19  # a target is looked at from now on
    FORGET = 20
    DECLARE = 21  # what a source gives
    COST = 22
    ROW = 23  # what the store took
    CHANGE = 24  # of an alert
    MARK = 25
    CARRIED = 26  # up to here: what was so before the segment began


class StructureType(IntEnum):
    GC = 1
    GIL = 2
    THREADS = 3
    SAMPLING = 4
    DETECTED = 5
    KERNEL = 6


U32 = struct.Struct("<I")
PAIR = struct.Struct("<II")
TRIPLE = struct.Struct("<III")

FRAME = struct.Struct("<IIq")  # function, file, line
METRIC = struct.Struct("<IBII")  # name, kind, unit, help; label names follow
TARGET = struct.Struct("<qqIdIIBq")  # pid, start, name, started, selector, job, has a parent, parent
SCRAPE = struct.Struct("<IIIddBIII")  # target, source, layout, time, duration, flags, stacks, structures, missing
SAMPLED = struct.Struct("<IdIqI")  # stack, weight, unit, native thread id, thread's name
STRUCTURE = struct.Struct("<BI")  # type, bytes of the body
ENDED = struct.Struct("<IdI")  # target, time, how
TICK = struct.Struct("<dq")  # time, number
FORGET = struct.Struct("<qq")  # pid, start
DECLARE = struct.Struct("<IB")  # source, open-ended; metrics follow
COST = struct.Struct("<dBdd")  # time, flags, CPU ratio, resident bytes
ROW = struct.Struct("<IBd")  # series, flags, time; values follow
CHANGE = struct.Struct("<dBIIiIIBddBddddI")
# time, state before; the rule's file, group, place and name; labels, state, value, active at, flags, fired at,
# resolved at, keeps firing since, evaluated, number of annotations (pairs of strings), which follow
MARK = struct.Struct("<dII")  # time, kind, text

HAS_ERROR, IS_FINAL = 1, 2  # flags of a scrape
HAS_CPU, HAS_RESIDENT, IS_BEHIND = 1, 2, 4  # flags of a cost
IS_RULED = 1  # flag of a row: a rule's result
HAS_FIRED, HAS_RESOLVED, HAS_KEPT = 1, 2, 4  # flags of a change: which of its times there are

GC = struct.Struct("<dI")  # time, interpreters
INTERPRETER = struct.Struct("<qHqqHdB")  # id, flags, frozen, garbage, generations, gc_seconds, quality
GENERATION = struct.Struct("<qqqqqq")
GC_MORE = struct.Struct("<IIIBd")  # collectors, pools, figures, has a CPU ratio, CPU ratio
COLLECTOR = struct.Struct("<IBqdBqqdI")
# name, flags, collections, seconds, quality, forced, lost, last end, number of pauses
PAUSE = struct.Struct("<dd")  # end, seconds
POOL = struct.Struct("<IBqqq")  # name, flags, used, committed, max
GC_FIGURE = struct.Struct("<IIIBdB")  # name, unit, reason, has a value, value, quality
GIL = struct.Struct("<ddqIqdI")  # time, seconds, looks, reason, late looks, late seconds, locks
LOCK = struct.Struct("<HdqdqIII")  # flags, held, holder, mean waiters, switches; interpreters, holders, waiters
HOLDER = struct.Struct("<Bqd")  # is known, native id, share
THREADS = struct.Struct("<dIIIIBqIII")
# time, stacks_reason, locks_reason, tasks_reason, mode, has tasks, tasks; threads, groups, deadlocks
THREAD = struct.Struct("<HqIQBIIddddIIBQqI")
# flags, native id, name, id, state, kernel state, stack, stack age, cpu, user, system;
# waits on: kind, what, flags, address, owner, owner's quality
GROUP = struct.Struct("<BII")  # state, stack, number of threads
DEADLOCK = struct.Struct("<III")  # confidence, why, number of threads
THREADS_MORE = struct.Struct("<IBIII")  # kind, has a GIL; findings, threads and groups with more to tell
TEXT = struct.Struct("<I")
WAITED = struct.Struct("<IBdIqI")  # place, has waited, waited, started by (a stack), number, what
NUMBER = struct.Struct("<q")
SAMPLING = struct.Struct("<ddqqqdIdd")
# start, seconds, rounds, samples, errors, rate, mode, cost seconds, stopped seconds
DETECTED = struct.Struct("<IdIBIIII")  # target, time, runtime, has a version, version, reason, name, command
KERNEL = struct.Struct("<II")  # letter, image

# Order is the format: new values go to the end.
KINDS = ("counter", "gauge", "histogram")
QUALITIES = ("exact", "sampled", "estimated")
THREAD_STATES = ("python", "running", "waiting", "idle", "unknown")
ALERT_STATES = ("inactive", "pending", "firing")
