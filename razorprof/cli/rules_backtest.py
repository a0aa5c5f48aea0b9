"""``razorprof rules backtest RULES RECORDING...``: when would each alert have been pending, firing, resolved.

Reads options; evaluating is alerting.backtest's, printing cli.backtest_report's.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from razorprof.cli.several_recordings import Shift, parse_shifts

if TYPE_CHECKING:
    from razorprof.alerting.backtest import Backtest
    from razorprof.alerting.expectations import Expectation
    from razorprof.alerting.rules import RuleFile
    from razorprof.recording.rzp_merged import Recording

EPILOG = """\
\b
Examples:
  razorprof rules backtest rules.yml incident.rzp
  razorprof rules backtest rules.yml incident.rzp --from 03:10 --to 03:20
  razorprof rules backtest rules.yml incident.rzp --expect 'Leak firing within +60s..+5m'
  razorprof rules backtest rules.yml incident.rzp --expect 'Hot{job="web"} resolved' --expect-none Gone
  razorprof rules backtest rules.yml monday.rzp tuesday.rzp --json
  razorprof rules backtest rules.yml web1.rzp web2.rzp --together

Rules are evaluated at the ticks of the recording, over what was known at each: what comes out is what `top`
would have told with these rules, to the tick (`watch`: with the same evaluation interval). Each recording is tried
for itself, from its start on; with --together all are one, of several hosts or times, as razorprof-recording(5)
describes: for rules that sum over hosts, say.

An expectation is ALERT STATE or ALERT{labels} STATE, with the state pending, firing, resolved or silent (never
firing), and within FROM..TO where it must happen in that time. All must be met in each recording.

The strip of an alert stands for the time that was tried: full blocks where it fired, half ones where it was
pending.

Ends with 0, with 1 when an expectation is not met, 2 when a rule file is bad.
"""

SHORTEST, LONGEST = 0.1, 86400.0


def backtest(
    rules: Annotated[Path, typer.Argument(metavar="RULES", help="A rule file.", show_default=False)],
    recordings: Annotated[
        list[Path], typer.Argument(metavar="RECORDING...", help="What to try them on.", show_default=False)
    ],
    more_rules: Annotated[
        list[Path] | None,
        typer.Option("--rules", metavar="FILE", help="More rules; may be repeated.", show_default=False),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="TIME", help="Evaluate from then on: 03:12, +90s, Unix seconds or RFC 3339."
        ),
    ] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Evaluate until then.")] = None,
    expect: Annotated[
        list[str] | None,
        typer.Option(
            "--expect",
            metavar="EXPECTATION",
            help="What must come out: 'ALERT firing within FROM..TO'; may be repeated.",
            show_default=False,
        ),
    ] = None,
    expect_none: Annotated[
        list[str] | None,
        typer.Option(
            "--expect-none",
            metavar="ALERT",
            help="An alert that must not fire; may be repeated.",
            show_default=False,
        ),
    ] = None,
    evaluation_interval: Annotated[
        str | None,
        typer.Option(
            "--evaluation-interval",
            metavar="SECONDS",
            help="Between evaluations of groups that give none (default: the recording's interval).",
        ),
    ] = None,
    shift: Shift = None,
    as_one: Annotated[bool, typer.Option("--together", help="Try them on all recordings as one.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> int:
    """Tell when each alert would have been pending, firing and resolved."""
    from razorprof.alerting.rule_file import read_rule_file
    from razorprof.cli.backtest_report import Report, print_report, print_reports_json
    from razorprof.cli.show_recording import say_damage
    from razorprof.errors import ExitCode
    from razorprof.recording.rzp_merged import open_recordings

    files = [read_rule_file(path) for path in dict.fromkeys([rules, *(more_rules or [])])]
    interval = parse_interval(evaluation_interval)
    reports = []
    paths = list(dict.fromkeys(recordings))
    shifts = dict(zip(paths, parse_shifts(shift, paths), strict=True))
    for together in [paths] if as_one else [[path] for path in paths]:
        with open_recordings(together, [shifts[path] for path in together]) as recording:
            window = _window(recording, start, end)
            expected = _expectations(files, recording, window, expect or (), expect_none or ())
            tried = _try(files, recording, window, interval)
            reports.append(Report(recording, tried, *window, tuple(expected)))
            say_damage(recording)
    if as_json:
        print_reports_json(reports)
    else:
        for report in reports:
            print_report(report)
    met = all(report.is_met(one) for report in reports for one in report.expectations)
    return ExitCode.DONE if met else ExitCode.FINDING


def parse_interval(text: str | None) -> float | None:
    """Seconds; None for each tick. Raises UsageError."""
    from razorprof.errors import UsageError
    from razorprof.units import parse_duration

    if text is None:
        return None
    seconds = parse_duration(text)
    if not SHORTEST <= seconds <= LONGEST:
        hint = f"between {SHORTEST:g} s and a day"
        raise UsageError("the evaluation interval is out of range", value=text, hint=hint)
    return seconds


def _window(recording: Recording, start: str | None, end: str | None) -> tuple[float, float]:
    """Raises ToolFailed where nothing was recorded, UsageError where no tick lies in it."""
    from razorprof.cli.recording_time import parse_window
    from razorprof.errors import ToolFailed, UsageError

    span = recording.span
    if span is None:
        hint = "razorprof show tells what is in it"
        raise ToolFailed("nothing was recorded", value=recording.path, hint=hint)
    low, high = parse_window(start, end, span)
    if not len(recording.ticks(low, high)):
        raise UsageError(
            "nothing was recorded in this time", value=f"{start or 'its start'} to {end or 'its end'}",
            hint=f"the recording reaches from {span[0]:.0f} to {span[1]:.0f}",
        )  # fmt: skip
    return low, high


def _expectations(
    files: Sequence[RuleFile],
    recording: Recording,
    window: tuple[float, float],
    expect: Sequence[str],
    none: Sequence[str],
) -> list[Expectation]:
    from razorprof.alerting.expectations import parse_expectation, parse_none
    from razorprof.alerting.rules import AlertingRule
    from razorprof.cli.recording_time import parse_moment

    span = recording.span or window
    rules = [rule for file in files for group in file.groups for rule in group.rules]
    alerts = [rule.key.name for rule in rules if isinstance(rule, AlertingRule)]
    found = [parse_expectation(text, window, lambda time: parse_moment(time, span), alerts) for text in expect]
    return found + [parse_none(text, window, alerts) for text in none]


def _try(
    files: Sequence[RuleFile], recording: Recording, window: tuple[float, float], interval: float | None
) -> Backtest:
    from razorprof.alerting.backtest import Backtest
    from razorprof.alerting.evaluator import EvaluatorOptions
    from razorprof.alerting.needs import Needs
    from razorprof.cli.query_data import ReadingLine
    from razorprof.query.limits import DEFAULT_LIMITS

    start, end = window
    look = Needs(files).longest_look + DEFAULT_LIMITS.look_back / 1000
    offset = max((abs(group.offset or 0.0) for file in files for group in file.groups), default=0.0)
    reading, trying = ReadingLine(recording.path.name), ReadingLine(f"{recording.path.name}, with rules")
    try:
        series = recording.series(start - look - offset, end, ruled=False, progress=reading.tell)
        reading.clear()
        options = EvaluatorOptions(interval=recording.header.interval if interval is None else interval)
        tried = Backtest(files, recording.ticks(start, end), series.as_of, options)
        tried.advance(progress=trying.tell)
    finally:
        reading.clear()
        trying.clear()
    return tried
