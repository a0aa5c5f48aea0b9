"""The store beside a plain dictionary of lists: any sequence of rows, ends and reads gives the same samples."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from razorprof.model.labels import Labels
from razorprof.model.metric import Sample, gauge
from razorprof.model.series import STALE_BITS
from razorprof.store.memory import MemoryStore
from razorprof.store.view import equal

LOAD = gauge("load", "ratio", "load")
BASE = Labels(job="web", pid="7")
# One step: which series have a value in this row, and how often the row is repeated (to fill chunks).
steps = st.lists(st.tuples(st.sets(st.integers(0, 12), max_size=8), st.integers(1, 90)), max_size=12)


@settings(max_examples=60, deadline=None)
@given(steps=steps, start=st.integers(0, 400), length=st.integers(0, 600), resolved=st.booleans())
def test_what_is_read_is_what_was_written(
    steps: list[tuple[set[int], int]], start: int, length: int, resolved: bool
) -> None:
    store = MemoryStore()
    group = store.group(BASE)
    model: dict[int, list[tuple[float, float | None]]] = {}
    alive: set[int] = set()
    time = 0.0
    for shards, times in steps:
        order = sorted(shards, reverse=True)
        row = group.resolve([Labels(__name__="load", shard=f"s{shard}") for shard in order])
        for _ in range(times):
            time += 1.0
            if resolved:
                group.append_row(time, row, np.array([shard + time for shard in order], dtype=np.float64))
            else:
                group.append(time, [Sample(LOAD, shard + time, Labels(shard=f"s{shard}")) for shard in order])
            for shard in alive - shards:
                model[shard].append((time, None))
            for shard in shards:
                model.setdefault(shard, []).append((time, shard + time))
            alive = set(shards)

    end = float(start + length)
    expected = {
        f"s{shard}": [sample for sample in samples if start <= sample[0] <= end]
        for shard, samples in model.items()
    }
    found = {
        series.labels["shard"]: [
            (float(at), None if value.view(np.uint64) == STALE_BITS else float(value))
            for at, value in zip(series.times, series.values, strict=True)
        ]
        for series in store.select([equal("pid", "7")], float(start), end)
    }
    assert found == {shard: samples for shard, samples in expected.items() if samples}
    assert {labels["shard"]: value for labels, value in group.live()} == {f"s{s}": s + time for s in alive}
    seen = [labels for block in store.blocks([], 0.0, 9e9) for labels in block.labels]
    assert len(seen) == len(set(seen)) == store.series
    for block in store.blocks([], float(start), end):
        assert block.values.shape == (len(block.times), len(block.labels))
    store.forget(group)
    assert (store.bytes, store.series) == (0, 0)
