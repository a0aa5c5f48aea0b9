"""Plug-ins that do harm, each in a way of its own, around one that is good. Copied by test_bad_plugins.py."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from typing import Any, ClassVar

from razorprof.model.labels import Labels
from razorprof.model.metric import Metric, Sample, counter, gauge
from razorprof.model.target import Target
from razorprof.plugin.protocols import SourceOptions

GOOD = gauge("good_figure", "", "What no neighbour may cost.")
UNDECLARED = gauge("undeclared_figure", "", "Not in metrics.")
FALLING = counter("falling_total", "", "A counter that falls.")
LIAR = gauge("kind_figure", "", "Declared as a gauge.")


class Reader:
    """Gives what `give` returns."""

    def __init__(self, source: Any) -> None:
        self._source = source

    def read(self) -> Iterable[Any]:
        given: Iterable[Any] = self._source.give()
        return given

    def close(self) -> None:
        self._source.shut()


class Good:
    name: ClassVar[str] = "good"
    metrics: ClassVar[tuple[Metric, ...]] = (GOOD,)

    def open(self, target: Target, options: SourceOptions) -> Reader:
        return Reader(self)

    def give(self) -> Iterable[Any]:
        return [Sample(GOOD, 42.0)]

    def shut(self) -> None:
        pass


class Raising(Good):
    name: ClassVar[str] = "raising"
    metrics: ClassVar[tuple[Metric, ...]] = ()

    def give(self) -> Iterable[Any]:
        raise ZeroDivisionError("in a read")

    def shut(self) -> None:
        raise ZeroDivisionError("in a close")


class Leaving(Raising):
    name: ClassVar[str] = "leaving"

    def give(self) -> Iterable[Any]:
        sys.exit(3)

    def shut(self) -> None:
        sys.exit(3)


class Hanging(Raising):
    name: ClassVar[str] = "hanging"

    def give(self) -> Iterable[Any]:
        time.sleep(3600)
        return []


class Lying(Raising):
    """Of its metrics: one that it never declared, one of another kind."""

    name: ClassVar[str] = "lying"
    metrics: ClassVar[tuple[Metric, ...]] = (LIAR,)

    def give(self) -> Iterable[Any]:
        return [
            Sample(UNDECLARED, 1.0),
            Sample(counter("kind_figure", "", "And given as a counter."), 1.0),
            Sample(LIAR, 7.0, Labels(pid="1")),
        ]


class Typeless(Raising):
    name: ClassVar[str] = "typeless"
    metrics: ClassVar[tuple[Metric, ...]] = (LIAR,)

    def give(self) -> Iterable[Any]:
        return [Sample("kind_figure", 1.0)]  # type: ignore[arg-type]


class Nonsense(Raising):
    name: ClassVar[str] = "nonsense"

    def give(self) -> Iterable[Any]:
        return ["no reading", 7, None]


class Unopenable(Raising):
    name: ClassVar[str] = "unopenable"

    def open(self, target: Target, options: SourceOptions) -> Reader:
        raise LookupError("in open")


class Choosy(Raising):
    name: ClassVar[str] = "choosy"

    def applies(self, target: Target, options: SourceOptions) -> bool:
        raise LookupError("in applies")


class Shapeless(Raising):
    name: ClassVar[str] = "shapeless"
    metrics: ClassVar[Any] = "no metrics"


class BadRuntime:
    """Raises for every process; loaded before the good ones by its name."""

    name: ClassVar[str] = "aaa_bad"

    def detect(self, process: Any) -> Any:
        raise ZeroDivisionError("in detect")

    def capabilities(self, detection: Any) -> Any:
        raise ZeroDivisionError("in capabilities")

    def sources(self, detection: Any) -> Any:
        raise ZeroDivisionError("in sources")
