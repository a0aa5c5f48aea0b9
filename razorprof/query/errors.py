"""What goes wrong while a query runs. What is wrong with its text is a UsageError or NotSupported, at load."""

from __future__ import annotations

from razorprof.errors import ToolFailed


class EvaluationFailed(ToolFailed):
    """The query is well formed but has no answer on these series (two matches where one is wanted, say)."""

    name = "execution"


class QueryTooLarge(ToolFailed):
    """The query would hold more samples or series than it may."""

    name = "query_limit"
