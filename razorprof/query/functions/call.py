"""What a function is and what it is called with. The evaluator builds Calls; functions answer with Values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from razorprof.model.series import Floats
from razorprof.query.values import Millis, RangeVector, Scalar, Text, Value, Vector
from razorprof.store.view import Matcher

V = TypeVar("V", Vector, Scalar, Text, RangeVector)


class Kind(StrEnum):
    """The types of PromQL, by the words of its error messages."""

    SCALAR = "scalar"
    VECTOR = "instant vector"
    RANGE = "range vector"
    TEXT = "string"


@dataclass(slots=True)
class Call:
    """One call, for all T evaluation times at once.

    at: (T,) ms, the evaluation times; arguments: the evaluated arguments, shorter where optional ones are missing;
    matchers: those of an argument that is a selector as it stands (for absent and absent_over_time), else empty;
    sample_times: (T, S) seconds, when the argument is an instant selector as it stands (for timestamp).
    """

    at: Millis
    arguments: tuple[Value, ...]
    matchers: tuple[Matcher, ...] = ()
    sample_times: Floats | None = None

    def vector(self, place: int) -> Vector:
        return self._argument(place, Vector)

    def scalar(self, place: int) -> Scalar:
        return self._argument(place, Scalar)

    def range(self, place: int) -> RangeVector:
        return self._argument(place, RangeVector)

    def text(self, place: int) -> str:
        return self._argument(place, Text).text

    def _argument(self, place: int, kind: type[V]) -> V:
        argument = self.arguments[place]
        if not isinstance(argument, kind):  # a bug of the evaluator: it checks the kinds when a query is loaded
            raise TypeError(f"argument {place + 1} is a {type(argument).__name__}, not a {kind.__name__}")
        return argument


@dataclass(frozen=True, slots=True)
class Function:
    """arguments: their kinds; optional: how many of the last may be missing; variadic: the last may come again."""

    name: str
    arguments: tuple[Kind, ...]
    returns: Kind
    call: Callable[[Call], Value]
    optional: int = 0
    variadic: bool = False
