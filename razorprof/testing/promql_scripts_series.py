"""Where the series notation is found by those who imported it from here; it lives in query.series_notation."""

from razorprof.query.series_notation import (
    MOST_POINTS,
    Points,
    SeriesLine,
    parse_labels,
    parse_number,
    parse_points,
    parse_series,
    unquoted,
)

__all__ = [
    "MOST_POINTS",
    "Points",
    "SeriesLine",
    "parse_labels",
    "parse_number",
    "parse_points",
    "parse_series",
    "unquoted",
]
