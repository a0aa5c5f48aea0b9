"""Profiles for the tests of formats: one that uses every field, and a strategy for many."""

from __future__ import annotations

from hypothesis import strategies as st

from razorprof.model.frame import Frame, ThreadId
from razorprof.model.profile import Block, Measure, Origin, Profile, StackKey

MAIN, WORKER = ThreadId(7, "main"), ThreadId(8)
ROOT = Frame("<module>", "shop/__main__.py", 3)
LOOP = Frame("Day.run", "shop/day.py", 40)
PRICE = Frame("price.<locals>.<lambda>", "shop/pricing.py", 12)
OTHER_LINE = Frame("Day.run", "shop/day.py", 44)
NATIVE = Frame("work<T>(int)", "")

SHALLOW = StackKey(MAIN, (ROOT, LOOP))
DEEP = StackKey(MAIN, (ROOT, LOOP, PRICE))
RECURSIVE = StackKey(WORKER, (ROOT, LOOP, OTHER_LINE, LOOP, NATIVE))
FREED = StackKey(WORKER, (ROOT,))

FULL = Profile(
    {SHALLOW: 0.25, DEEP: 2.5, RECURSIVE: 1.25},
    seconds=4.0,
    samples=401,
    errors=3,
    rate_hz=100.0,
    mode="nonblocking",
    value="cpu",
    also=(Measure("switches", "count", {DEEP: 12.0, FREED: 2.0}),),
    start=1_700_000_000.5,
    blocks=(
        Block(1_700_000_000.5, 2.0, {SHALLOW: 0.25, DEEP: 1.0}, 200),
        Block(1_700_000_002.5, 2.0, {DEEP: 1.5, RECURSIVE: 1.0}, 201),
    ),
    rounds=399,
    stopped_seconds=0.125,
    complete=True,
    others_ratio=0.25,
    origin=Origin(1234, "shop", "cpython", "3.12.1", "host", "python -m shop"),
    notes=("the rate lagged behind", "second note"),
)

_names = st.text(max_size=12)
_frames = st.builds(Frame, _names, _names, st.integers(0, 100_000))
_threads = st.builds(ThreadId, st.integers(0, 1 << 31), _names)
_keys = st.builds(StackKey, _threads, st.lists(_frames, max_size=6).map(tuple))
_weights = st.dictionaries(_keys, st.integers(1, 10**9).map(lambda n: n / 1000), max_size=6)


@st.composite
def profiles(draw: st.DrawFn) -> Profile:
    """Profiles of any names. Weights are whole milliseconds, or whole, so that no format has to round."""
    in_blocks = draw(st.lists(_weights, max_size=3))
    weights: dict[StackKey, float] = {}
    for held in in_blocks or [draw(_weights)]:
        for key, weight in held.items():
            weights[key] = round(weights.get(key, 0.0) + weight, 3)
    unit = draw(st.sampled_from(["seconds", "bytes", "count"])) if not in_blocks else "seconds"
    if unit != "seconds":
        weights = {key: round(weight * 1000) for key, weight in weights.items()}
    return Profile(
        weights,
        unit=unit,
        seconds=draw(st.integers(0, 10**6)) / 1000,
        samples=draw(st.integers(0, 10**6)),
        errors=draw(st.integers(0, 100)),
        rate_hz=draw(st.sampled_from([None, 100.0, 250.0])),
        mode=draw(_names),
        value=draw(st.sampled_from(["cpu", "wall", "allocated"])),
        blocks=tuple(Block(float(n), 1.0, held, n) for n, held in enumerate(in_blocks)),
        origin=draw(st.one_of(st.none(), st.builds(Origin, pid=st.integers(0, 1 << 22), name=_names))),
        notes=tuple(draw(st.lists(_names, max_size=3))),
    )
