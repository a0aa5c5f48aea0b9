"""``razorprof query``: PromQL over series in files, at one time, over a range, or many requests from a batch.

Reads options and hands on: the data are cli.query_data's, the questions cli.query_request's, what is printed
cli.query_print's. The engine is razorprof.query.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from razorprof.cli.several_recordings import Shift, parse_shifts

if TYPE_CHECKING:
    from razorprof.cli.query_data import Data
    from razorprof.cli.query_request import Moment, Request, Span
    from razorprof.query.limits import Limits

EPILOG = """\
\b
Examples:
  razorprof query 'sum by (job) (rate(requests_total[5m]))' --openmetrics series.om
  razorprof query up --openmetrics series.om --time 2023-11-14T22:13:20Z --json
  razorprof query 'rate(process_cpu_seconds_total[1m])' --recording incident.rzp --plot
  razorprof query 'topk(3, python_function_cpu_ratio)' --recording incident.rzp --time 03:12
  razorprof query 'sum by (instance) (process_threads)' --recording a.rzp --recording b.rzp
  razorprof query load --openmetrics series.om --start 1700000000 --end 1700003600 --step 1m
  razorprof query --batch requests.jsonl --openmetrics series.om > answers.jsonl

A recording (razorprof record) holds the series that razorprof had then: `up`, functions and stale markers too.
Several are asked as one. Its times may be written as +90s after its start, -5m before its end, or as 03:12.

An OpenMetrics file is text: NAME{LABELS} VALUE SECONDS, one sample a line, and # EOF at its end. Where no sample
has a time stamp, as on a page saved with curl -H 'Accept: application/openmetrics-text' .../metrics, all stand at
the time when the file was written. Calendar functions of NaN and Inf give NaN.

A line of a batch is {"query": "up", "time": 1700000000} or {"query": "up", "start": ..., "end": ...,
"step": ...}; its answer is {"status": "success", "data": ...} or {"status": "error", "errorType": ...,
"error": ...}.

Native histograms and functions that are experimental in Prometheus are refused with exit code 5. A text has at
most 16 KiB, a range at most 11,000 steps.
"""


def query(
    expression: Annotated[
        str | None, typer.Argument(metavar="EXPR", help="A PromQL expression.", show_default=False)
    ] = None,
    openmetrics: Annotated[
        Path | None,
        typer.Option("--openmetrics", metavar="FILE", help="The series, as OpenMetrics text.", show_default=False),
    ] = None,
    recording: Annotated[
        list[Path] | None,
        typer.Option(
            "--recording",
            metavar="FILE",
            help="A recording. Several are asked as one: of several hosts, say.",
            show_default=False,
        ),
    ] = None,
    shift: Shift = None,
    time: Annotated[
        str | None,
        typer.Option(
            "--time",
            metavar="TIME",
            help="Ask for this moment: Unix seconds or RFC 3339 (default: the end of the data).",
            show_default=False,
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--start", metavar="TIME", help="Ask for a range: its start (default: that of the data)."),
    ] = None,
    end: Annotated[
        str | None, typer.Option("--end", metavar="TIME", help="The range's end (default: that of the data).")
    ] = None,
    step: Annotated[
        str | None,
        typer.Option(
            "--step", metavar="DURATION", help="Seconds or 15s, 1m, between points (default: about 250 points)."
        ),
    ] = None,
    plot: Annotated[bool, typer.Option("--plot", help="Draw the range in the terminal.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="The `data` object of Prometheus's HTTP API on stdout.")
    ] = False,
    batch: Annotated[
        str | None,
        typer.Option(
            "--batch",
            metavar="FILE",
            help="Requests, one JSON object a line (- for standard input); an answer a line on stdout.",
            show_default=False,
        ),
    ] = None,
    max_samples: Annotated[
        int,
        typer.Option("--max-samples", metavar="N", min=1, help="Samples that may be held, of file and of query."),
    ] = 50_000_000,
) -> None:
    """Ask PromQL of series in a file, with Prometheus's meaning."""
    from razorprof.cli.query_data import check_sources, open_data
    from razorprof.cli.query_request import Request, when_of
    from razorprof.errors import UsageError
    from razorprof.query.limits import Limits

    limits, recordings = Limits(samples=max_samples), recording or []
    shifts = parse_shifts(shift, recordings)
    if batch is not None:
        given = {"EXPR": expression, "--time": time, "--start": start, "--end": end, "--step": step}
        named = next((name for name, value in given.items() if value is not None), "--plot" if plot else None)
        if named is not None:
            raise UsageError("--batch brings its own expressions and times", value=named)
        from razorprof.cli.query_batch import answer_all, open_requests

        with open_requests(batch) as requests:
            data = open_data(openmetrics=openmetrics, recordings=recordings, shifts=shifts, samples=max_samples)
            answer_all(requests, data, limits)
        return
    if expression is None:
        raise UsageError("no expression", hint="give one, such as 'up', or many with --batch FILE")
    if plot and as_json:
        raise UsageError("--plot and --json exclude each other", hint="leave one of them out")
    check_sources(openmetrics, recordings)
    if recordings and (time, start, end) != (None, None, None):
        time, start, end = _recorded_times(recordings, shifts, time, start, end)
    request = Request(expression, when_of(time, start, end, step, ranged=plot))
    _check(request.text, request.when)
    data = open_data(openmetrics=openmetrics, recordings=recordings, shifts=shifts, samples=max_samples)
    _answer(request, data, limits, plot=plot, as_json=as_json)


def _recorded_times(
    recordings: list[Path], shifts: list[float], time: str | None, start: str | None, end: str | None
) -> tuple[str | None, str | None, str | None]:
    """The times in Unix seconds, where they were given."""
    from razorprof.cli.query_data import recorded_span
    from razorprof.cli.recording_time import parse_moment

    span = recorded_span(recordings, shifts)

    def resolve(text: str | None, what: str) -> str | None:
        return None if text is None else f"{parse_moment(text, span, what):.3f}"

    return resolve(time, "time"), resolve(start, "start"), resolve(end, "end")


def _check(text: str, when: Moment | Span) -> None:
    """Find out before the data are read what is wrong with the question."""
    from razorprof.cli.query_request import Span
    from razorprof.errors import UsageError
    from razorprof.query.engine import compile_query, grid

    compile_query(text)
    if isinstance(when, Span) and when.start is not None and when.end is not None:
        if when.step is not None:
            grid(when.start, when.end, when.step)
        elif when.end < when.start:
            raise UsageError("the end lies before the start", value=f"{when.end:.15g} < {when.start:.15g}")


def _answer(request: Request, data: Data, limits: Limits, *, plot: bool, as_json: bool) -> None:
    from razorprof.cli import output, query_request

    when = request.when
    if as_json:
        output.print_json(query_request.answer_data(request, data, limits))
        return
    from razorprof.cli import query_print

    if isinstance(when, query_request.Span):
        answer = query_request.over_range(request, when, data, limits)
        if plot:
            query_print.print_plot(answer)
        else:
            query_print.print_range(answer)
    else:
        query_print.print_instant(*query_request.instant(request, when, data, limits))
