"""All functions by name, and those that we refuse with the reason. The plan checks calls against this when a query
is loaded; the evaluator calls through it.

Stable functions of Prometheus 3 on floats only. What its documentation marks as experimental, and what means
something for native histograms only, is in UNSUPPORTED.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from razorprof.model.series import Floats
from razorprof.query.functions import (
    dates,
    elementwise,
    histograms,
    over_time,
    rates,
    regression,
    relabel,
    vectors,
)
from razorprof.query.functions.call import Call, Function, Kind
from razorprof.query.values import Value

__all__ = ["FUNCTIONS", "UNSUPPORTED", "Call", "Function", "Kind"]

S, V, R, X = Kind.SCALAR, Kind.VECTOR, Kind.RANGE, Kind.TEXT
Calls = Mapping[str, Callable[[Call], Value]]

_CHANGES: Mapping[str, Callable[[Floats], Floats]] = {
    "abs": np.abs,
    "ceil": np.ceil,
    "floor": np.floor,
    "exp": np.exp,
    "ln": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "sqrt": np.sqrt,
    "sgn": elementwise.sign,
    "deg": elementwise.degrees,
    "rad": elementwise.radians,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
}
_MATH: Calls = {name: elementwise.elementwise(change) for name, change in _CHANGES.items()}
_CALENDAR: Calls = {
    name: dates.calendar(getattr(dates, name))
    for name in (
        "minute",
        "hour",
        "day_of_week",
        "day_of_month",
        "day_of_year",
        "days_in_month",
        "month",
        "year",
    )
}
_OF_A_VECTOR: Calls = {
    "absent": vectors.absent,
    "sort": vectors.sort,
    "sort_desc": vectors.sort_desc,
    "timestamp": vectors.timestamp,
}
_OF_A_RANGE: Calls = {
    "absent_over_time": vectors.absent_over_time,
    "avg_over_time": over_time.over_time(over_time.mean),
    "changes": over_time.changes,
    "count_over_time": over_time.count_over_time,
    "delta": rates.extrapolated(counter=False, per_second=False),
    "deriv": regression.deriv,
    "idelta": rates.instantaneous(per_second=False),
    "increase": rates.extrapolated(counter=True, per_second=False),
    "irate": rates.instantaneous(per_second=True),
    "last_over_time": over_time.last_over_time,
    "max_over_time": over_time.over_time(over_time.greatest),
    "min_over_time": over_time.over_time(over_time.least),
    "present_over_time": over_time.present_over_time,
    "rate": rates.extrapolated(counter=True, per_second=True),
    "resets": over_time.resets,
    "stddev_over_time": over_time.over_time(over_time.deviation),
    "stdvar_over_time": over_time.over_time(over_time.variance),
    "sum_over_time": over_time.over_time(over_time.total),
}


def _all() -> Mapping[str, Function]:
    functions = [
        *(Function(name, (V,), V, call) for name, call in _MATH.items()),
        *(Function(name, (V,), V, call, optional=1) for name, call in _CALENDAR.items()),
        *(Function(name, (V,), V, call) for name, call in _OF_A_VECTOR.items()),
        *(Function(name, (R,), V, call) for name, call in _OF_A_RANGE.items()),
        Function("clamp", (V, S, S), V, elementwise.clamp),
        Function("clamp_max", (V, S), V, elementwise.clamp_max),
        Function("clamp_min", (V, S), V, elementwise.clamp_min),
        Function("histogram_fraction", (S, S, V), V, histograms.histogram_fraction),
        Function("histogram_quantile", (S, V), V, histograms.histogram_quantile),
        Function("label_join", (V, X, X, X), V, relabel.label_join, optional=1, variadic=True),
        Function("label_replace", (V, X, X, X, X), V, relabel.label_replace),
        Function("pi", (), S, vectors.pi),
        Function("predict_linear", (R, S), V, regression.predict_linear),
        Function("quantile_over_time", (S, R), V, over_time.quantile_over_time),
        Function("round", (V, S), V, elementwise.round_, optional=1),
        Function("scalar", (V,), S, vectors.scalar),
        Function("time", (), S, vectors.time),
        Function("vector", (S,), V, vectors.vector),
    ]
    return MappingProxyType({function.name: function for function in functions})


FUNCTIONS: Mapping[str, Function] = _all()

_EXPERIMENTAL = "experimental in Prometheus"
_NATIVE = "for native histograms only"
UNSUPPORTED: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(
        (
            "double_exponential_smoothing",
            "end",
            "first_over_time",
            "histogram_quantiles",
            "info",
            "integral",
            "mad_over_time",
            "max_of",
            "min_of",
            "range",
            "sort_by_label",
            "sort_by_label_desc",
            "start",
            "step",
            "ts_of_first_over_time",
            "ts_of_last_over_time",
            "ts_of_max_over_time",
            "ts_of_min_over_time",
        ),
        _EXPERIMENTAL,
    )
    | dict.fromkeys(
        ("histogram_avg", "histogram_count", "histogram_stddev", "histogram_stdvar", "histogram_sum"), _NATIVE
    )
    | {"holt_winters": "removed in Prometheus 3"}
)
