"""``razorprof rules test FILE...``: runs test files of rules in promtool's form, and shows what differs.

Reads options and prints; tests are run by alerting.rule_tests, documents and verdicts are
cli.rules_test_report's.
"""

# ruff: noqa: PT028 (a command named test, not a test)
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from razorprof.cli.rules_test_report import Tested

EPILOG = """\
\b
Examples:
  razorprof rules test tests/*.yml
  razorprof rules test tests/worker.yml --run 'memory|gc'
  razorprof rules test tests/*.yml --junit rules.xml

\b
A test file names rule files, series and what is expected of them:
  rule_files: [rules.yml]              relative to the test file, with * ? [a-z]
  evaluation_interval: 1m              of every group, whatever its own
  tests:
  - name: a busy worker is reported
    interval: 1m                       between samples
    input_series:
    - series: 'process_cpu_seconds_total{pid="7"}'
      values: '0+60x20'                also 1 2 3, 5x9, _ and _x4 (missing), stale
    alert_rule_test:
    - eval_time: 15m
      alertname: WorkerCpuHigh
      exp_alerts:                      those that fire, none if left out
      - exp_labels: {pid: "7", severity: page}
        exp_annotations: {summary: "..."}
    promql_expr_test:
    - expr: ALERTS{alertstate="pending"}
      eval_time: 5m
      exp_samples: [{labels: 'ALERTS{...}', value: 1}]

Other fields: group_eval_order, fuzzy_compare, and of a test external_labels, external_url and start_timestamp.
Verdicts are promtool's; native histograms are not supported.

Ends with 0 when all tests pass, 1 when one fails or a test file is bad, 5 when one fails only for what razorprof
does not support, 6 when a test file could not be read.

With --json: {"verdict", "passed", "failed", "unsupported", "files": [{"file", "verdict", "problems": [{"line",
"kind", "message", "hint"}], "tests": [{"name", "line", "verdict", "failures": [{"kind", "line", "file", "subject",
"time", "message", "details", "expected", "got", "unsupported"}]}]}]}. A verdict is pass, fail, unsupported or (of
a file) bad or unreadable; the kind of a failure alerts, samples, rule, expression or setup; time is seconds after
the start; expected and got are lists of {"labels", "annotations"} or {"labels", "value"}.
"""


def test(
    files: Annotated[list[str], typer.Argument(metavar="FILE", help="Test files.", show_default=False)],
    run: Annotated[
        list[str] | None,
        typer.Option(
            "--run",
            metavar="REGEX",
            help="Only tests in whose name this is found; may be repeated.",
            show_default=False,
        ),
    ] = None,
    junit: Annotated[
        str | None, typer.Option("--junit", metavar="FILE", help="Write a JUnit report for CI.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the report if it exists.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> int:
    """Run tests of rule files, in promtool's form."""
    from razorprof.cli import output
    from razorprof.cli.rules_test_report import as_document, exit_code, junit_text, name_pattern, run_file
    from razorprof.recording.output_files import check_output, write_whole

    names = name_pattern(run or [])
    if junit is not None:
        check_output(Path(junit), force=force)
    tested = []
    for file in files:
        tested.append(run_file(file, names))
        if not as_json:
            _print(tested[-1])
    if as_json:
        output.print_json(as_document(tested))
    if junit is not None:
        write_whole(Path(junit), junit_text(tested).encode(), force=force)
    return exit_code(tested)


def _print(tested: Tested) -> None:
    from razorprof.cli import output
    from razorprof.cli.rules_test_report import summary, test_lines
    from razorprof.errors import ToolFailed
    from razorprof.render.text import printable

    if tested.unreadable:
        output.print_error(ToolFailed("cannot read the test file", value=tested.unreadable))
        return
    for line, style in test_lines(tested):
        _line(line, style)
    words, style = summary(tested)
    _line(f"{printable(tested.file)}: {words}", style)


def _line(text: str, style: str) -> None:
    import sys

    from razorprof.cli import output

    is_colored = style and output.color_wanted(sys.stdout)
    output.print_text(f"\x1b[{style}m{text}\x1b[0m" if is_colored else text)
