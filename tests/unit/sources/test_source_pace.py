"""Dear reads are spaced by what they cost."""

from __future__ import annotations

from razorprof.sources.pace import Pace


def test_the_first_read_is_due_at_once() -> None:
    assert Pace(shortest=5.0, longest=60.0, share=0.002).is_due(0.0)


def test_a_cheap_read_waits_the_shortest_time() -> None:
    pace = Pace(shortest=5.0, longest=60.0, share=0.002)
    pace.done(100.0, 0.0007)
    assert not pace.is_due(104.9)
    assert pace.is_due(105.0)


def test_a_dear_read_waits_until_its_share_is_kept() -> None:
    pace = Pace(shortest=5.0, longest=60.0, share=0.002)
    pace.done(100.0, 0.05)
    assert not pace.is_due(124.9)
    assert pace.is_due(125.0)


def test_even_the_dearest_read_comes_again_after_the_longest_time() -> None:
    pace = Pace(shortest=5.0, longest=60.0, share=0.002)
    pace.done(100.0, 30.0)
    assert pace.is_due(160.0)
