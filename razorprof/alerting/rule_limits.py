"""What the evaluation of one rule may cost where rules are evaluated beside the processes that they are about.

Tighter than Prometheus's own limits: it has a machine to itself. For whoever makes an Evaluator in earnest.
"""

from __future__ import annotations

from dataclasses import replace

from razorprof.query.limits import DEFAULT_LIMITS, Limits

MOST_SAMPLES = 5_000_000  # 40 MB; a session's store holds fewer
MOST_SERIES = 50_000
LONGEST = 5.0  # seconds, within a tick


def rule_limits(interval: float) -> Limits:
    """interval: seconds between evaluations, which is the step of a subquery that gives none, as in Prometheus."""
    return replace(
        DEFAULT_LIMITS,
        samples=MOST_SAMPLES,
        series=MOST_SERIES,
        seconds=LONGEST,
        subquery_step=max(1, round(interval * 1000)),
    )
