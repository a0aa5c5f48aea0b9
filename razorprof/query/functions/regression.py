"""deriv and predict_linear: a straight line through the samples of a window, by least squares."""

from __future__ import annotations

import numpy as np

from razorprof.model.series import Floats
from razorprof.query.functions.call import Call
from razorprof.query.functions.sums import exact_sum
from razorprof.query.functions.windows import Cut, over, reduced
from razorprof.query.values import Millis, Vector


def deriv(call: Call) -> Vector:
    """The slope per second. Times count from the window's first sample."""

    def slope(cut: Cut) -> Floats:
        return line(cut, cut.times[:, 0])[0]

    return over(call, call.range(0), reduced(slope, least=2))


def predict_linear(call: Call) -> Vector:
    """predict_linear(range, seconds): the value then, counted from the evaluation time, whatever the offset."""
    ahead = call.scalar(1).values

    def then(cut: Cut) -> Floats:
        slope, intercept = line(cut, cut.at)
        return slope * ahead[cut.rows][:, None] + intercept

    return over(call, call.range(0), reduced(then, least=2))


def line(cut: Cut, origin: Millis) -> tuple[Floats, Floats]:
    """Slope per second and value at `origin` (t,) of each series: (t, S) each. A constant is its own line; an
    infinite constant has none (NaN)."""
    values, count = cut.values, cut.values.shape[1]
    x = ((cut.times - origin[:, None]) / 1000)[:, :, None]
    sum_x, sum_xx = exact_sum(x), exact_sum(x * x)
    sum_y, sum_xy = exact_sum(values), exact_sum(x * values)
    slope = (sum_xy - sum_x * sum_y / count) / (sum_xx - sum_x * sum_x / count)
    intercept = sum_y / count - slope * sum_x / count
    begin = values[:, 0]
    constant = (values == begin[:, None]).all(axis=1)
    endless = np.isinf(begin)
    slope = np.where(constant, np.where(endless, np.nan, 0.0), slope)
    return slope, np.where(constant, np.where(endless, np.nan, begin), intercept)
