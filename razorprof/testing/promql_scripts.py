"""Query scripts: series, queries and what they should answer, in the text form of Prometheus' promqltest.

    load 1m
        requests_total{job="api"} 0+60x10

    eval instant at 10m rate(requests_total[5m])
        {job="api"} 1

For tests of PromQL, ours and anybody's: `check_script` for pytest, `run_script` for the failures of one text, and
`python -m razorprof.testing.promql_scripts FILE...` for files. Every instant query is asked as a range query too,
and names are removed only at the end (delayed name removal), both as promqltest does. What needs native histograms
is told as unsupported; warnings and infos, which we have none of, are not compared.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from razorprof.errors import NotSupported, RazorprofError
from razorprof.model.labels import Labels
from razorprof.model.series import Series
from razorprof.query.engine import compile_query
from razorprof.query.limits import Limits
from razorprof.query.plan import selections
from razorprof.render.text import printable
from razorprof.store.fixed import FixedView
from razorprof.testing.promql_scripts_answers import Answer, ask, difference
from razorprof.testing.promql_scripts_parse import Broken, Clear, Eval, Load, Message, Span, parse_script

LARGEST_SCRIPT = 16 << 20
_AROUND = 60_000
_LIMITS = Limits(seconds=30.0, delayed_names=True)
_NO_SAMPLE = np.zeros(1)
_UNKNOWN = "unknown function"  # of a version newer than the parser, or misspelt: no wrong answer either way


@dataclass(frozen=True, slots=True)
class Failure:
    """What did not come out as a script says. unsupported: because the script needs something that razorprof does
    not have (native histograms, experimental functions), not because an answer is wrong."""

    line: int
    expression: str
    message: str
    unsupported: bool = False

    def __str__(self) -> str:
        what = "unsupported: " if self.unsupported else ""
        asked = f" in {printable(self.expression)}" if self.expression else ""
        return f"line {self.line}: {what}{printable(self.message)}{asked}"


def run_script(text: str) -> list[Failure]:
    """Everything in which the answers differ from what the script expects, in its order; empty is good."""
    run = _Run()
    for command in parse_script(text):
        match command:
            case Broken():
                run.failures.append(Failure(command.line, "", command.message))
            case Clear():
                run.clear()
            case Load():
                run.load(command)
            case Eval():
                run.evaluate(command)
    return run.failures


def check_script(text: str) -> None:
    """For pytest: AssertionError with all failures; what is unsupported is one too."""
    failures = run_script(text)
    if failures:
        raise AssertionError("\n".join(map(str, failures)))


@dataclass(slots=True)
class _Run:
    """The series loaded so far, and what went wrong."""

    failures: list[Failure] = field(default_factory=list)
    samples: dict[Labels, dict[int, float]] = field(default_factory=dict)
    native: set[Labels] = field(default_factory=set)
    view: FixedView | None = None

    def clear(self) -> None:
        self.samples, self.native, self.view = {}, set(), None

    def load(self, command: Load) -> None:
        self.view = None
        self.native.update(command.native)
        for one in command.series:
            samples = self.samples.setdefault(one.labels, {})
            # As bits: a stale marker would not survive as a float of arithmetic, but does as one of an array.
            times = (np.flatnonzero(one.points.there) * command.step).tolist()
            samples.update(zip(times, one.points.values[one.points.there].tolist(), strict=True))

    def evaluate(self, command: Eval) -> None:
        if any(points.native for _, points in command.series):
            self._fail(command, "native histograms", unsupported=True)
            return
        if self.view is None:
            self.view = FixedView(_series(self.samples))
        try:
            wrong = self._difference(self.view, command)
        except NotSupported as error:
            self._fail(command, str(error), unsupported=True)
            return
        if wrong is not None and self._looks_at_native(command.expression):
            self._fail(command, "native histograms or start times", unsupported=True)
        elif wrong is not None:
            self._fail(command, wrong)

    def _difference(self, view: FixedView, command: Eval) -> str | None:
        """What is not as expected; None if all is. Raises NotSupported."""
        try:
            answer = ask(view, command.expression, command.when, _LIMITS)
        except NotSupported:
            raise
        except RazorprofError as error:
            if _UNKNOWN in error.message:
                raise NotSupported(error.message) from None
            if command.failure is None:
                return f"failed: {error}"
            return None if _says(command.failure, error) else f"failed as expected, but said: {error}"
        if command.failure is not None:
            return "expected to fail, but it did not"
        wrong = difference(command, answer)
        if wrong is None and not command.when.step and not command.ordered and command.grid is command.when:
            wrong = self._asked_as_a_range(view, command, answer)
        return wrong

    def _asked_as_a_range(self, view: FixedView, command: Eval, answer: Answer) -> str | None:
        """What differs if the same is asked for the minutes around: the steps must not touch each other."""
        if answer.text is not None or "start()" in command.expression or "end()" in command.expression:
            return None  # these words mean another time there
        now = command.when.start
        around = Span(max(0, now - _AROUND), now + _AROUND, _AROUND)
        if (now - around.start) % _AROUND:
            return None
        try:
            ranged = ask(view, command.expression, around, _LIMITS)
        except RazorprofError as error:
            # At another time it may fail as it should: two series may meet there that do not meet here.
            return None if type(error).__name__ == "EvaluationFailed" else f"as a range query: {error}"
        wrong = difference(command, ranged.at(now, scalar=answer.scalar is not None))
        return None if wrong is None else f"as a range query: {wrong}"

    def _looks_at_native(self, expression: str) -> bool:
        """Whether any selector finds a series of native histograms: floats alone are then no answer."""
        if not self.native:
            return False
        try:
            program = compile_query(expression).program
        except RazorprofError:
            return False
        holders = FixedView(Series(labels, _NO_SAMPLE, _NO_SAMPLE) for labels in self.native)
        return any(holders.select(matchers, 0.0, 0.0) for matchers in selections(program))

    def _fail(self, command: Eval, message: str, *, unsupported: bool = False) -> None:
        self.failures.append(Failure(command.line, command.expression, message, unsupported))


def _says(expected: Message, error: RazorprofError) -> bool:
    said = (error.message, str(error))
    if expected.exact is not None:
        return any(expected.exact.strip('"') == one for one in said)
    if expected.pattern is None:
        return True
    try:
        pattern = re.compile(expected.pattern.strip('"'))
    except re.error:
        return False
    return any(pattern.search(one) for one in said)


def _series(samples: dict[Labels, dict[int, float]]) -> Iterable[Series]:
    for labels, points in samples.items():
        if points:
            times = sorted(points)
            yield Series(
                labels, np.array(times, np.float64) / 1000, np.array([points[time] for time in times], np.float64)
            )


def main(arguments: Sequence[str]) -> int:
    """Run script files. 0: all as expected; 1: failures; 6: a file that cannot be read."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print("usage: python -m razorprof.testing.promql_scripts FILE...")
        return 0 if arguments else 2
    code = 0
    for name in arguments:
        try:
            with Path(name).open("rb") as file:
                content = file.read(LARGEST_SCRIPT + 1)
        except OSError as error:
            print(f"razorprof: cannot read a script ({printable(name)}): {error.strerror}", file=sys.stderr)
            code = 6
            continue
        if len(content) > LARGEST_SCRIPT:
            print(f"razorprof: the script is too large ({printable(name)})", file=sys.stderr)
            code = 6
            continue
        text = content.decode("utf-8", "replace")
        failures = run_script(text)
        for failure in failures:
            print(f"{printable(name)}: {failure}")
        asked = [command for command in parse_script(text) if isinstance(command, Eval)]
        wrong = sum(not failure.unsupported for failure in failures)
        told = f"{len(asked)} queries, {wrong} failed, {len(failures) - wrong} unsupported"
        unchecked = sum(command.annotations for command in asked)
        print(f"{printable(name)}: {told}" + (f", {unchecked} warnings not checked" if unchecked else ""))
        code = max(code, 1 if failures else 0)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
