"""What a plan says about itself before it runs."""

from __future__ import annotations

import pytest

from razorprof.query.engine import compile_query
from razorprof.query.plan import reach


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("x > 5", 0),
        ("1 + 1", 0),
        ("x offset 5m", 300),
        ("x offset -5m", 0),
        ("rate(x[5m]) / rate(y[10m] offset 1m)", 660),
        ("max_over_time(rate(x[5m])[1h:1m])", 3900),
        ("max_over_time(max_over_time(x[5m:])[1h:1m] offset 1h)", 7500),
    ],
)
def test_a_query_reaches_as_far_back_as_its_ranges_and_offsets_together(text: str, seconds: int) -> None:
    assert reach(compile_query(text).program) == seconds * 1000
