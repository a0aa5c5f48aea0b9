"""``razorprof check``: one verdict on rules, for a runbook or a monitoring plugin.

Reads options and hands on: session.check_run watches processes, cli.check_remote asks a running watch,
alerting.rule_watch judges recorded series; render.plugin_output writes what a monitoring system reads.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from razorprof.cli.complete import complete_target
from razorprof.cli.select import Choice, Job, Probe, TakeAll, WithChildren, select_targets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from razorprof.alerting.rules import RuleFile
    from razorprof.model.judgement import Judgement
    from razorprof.model.target import Target

EPILOG = """\
\b
Examples:
  razorprof check name:gunicorn --rules worker.yml
  razorprof check 1234 --rules worker.yml --for 2m --json
  razorprof check name:worker --all --rules worker.yml --from http://127.0.0.1:9106
  razorprof check --rules worker.yml --from incident.rzp

\b
Output and exit codes are those of the Monitoring Plugins (Nagios, Icinga and their kin):
  0 OK        nothing fires; what is pending is told
  1 WARNING   an alert fires
  2 CRITICAL  an alert of severity critical or page fires
  3 UNKNOWN   a rule cannot be judged: its metric is not there, its evaluation fails, it needs to be watched
              for longer than --for; or check itself failed, bad usage included
An alert of severity none, such as a heartbeat, is told and is no finding. Of several, CRITICAL counts before
WARNING, WARNING before UNKNOWN.

It watches for as long as the rules need (their `for` and their ranges), never longer than --for, and reads only
what they ask for. With --from URL it asks a running watch, or a Prometheus, whose memory is longer: the TARGETs
and --rules then choose what counts, and may be left out; a TARGET that is not known there is UNKNOWN. With
--from FILE it judges the end of a recording (see: razorprof record), or of series as OpenMetrics text.
"""

DEFAULT_SECONDS = "30s"
_TERMINATED = 143


def check(
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TARGET]...",
            help="A pid, name:GLOB, cmd:SUBSTRING, port:N, url:URL or container:ID; a bare word is name:.",
            autocompletion=complete_target,
            show_default=False,
        ),
    ] = None,
    rules: Annotated[
        list[str] | None,
        typer.Option("--rules", metavar="FILE", help="Rules as Prometheus reads them; may come again."),
    ] = None,
    seconds: Annotated[
        str, typer.Option("--for", metavar="DURATION", help="Watch at most so long.")
    ] = DEFAULT_SECONDS,
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="URL|FILE",
            help="Ask a running watch, or judge the end of a recording or of OpenMetrics text.",
            show_default=False,
        ),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option("--token-file", metavar="FILE", help="The bearer token for --from URL.", show_default=False),
    ] = None,
    take_all: TakeAll = False,
    children: WithChildren = False,
    job: Job = "",
    probe: Probe = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document in place of the text.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Start even where little memory is left in this container.")
    ] = False,
) -> int:
    """Evaluate rules on processes and give one verdict, as a monitoring plugin does."""
    from razorprof.errors import ToolFailed

    choice = Choice(take_all, children, None, job, as_json=True)
    try:
        judgement = _judge(
            targets or [], rules or [], seconds, source, token_file, choice, probe=probe, force=force
        )
        return _print(judgement, as_json=as_json)
    except KeyboardInterrupt:
        ended = "interrupted"
    except SystemExit as request:
        if request.code != _TERMINATED:
            raise
        ended = "ended by SIGTERM"
    from razorprof.cli.check_failure import report_failure

    return report_failure(ToolFailed(f"{ended} before there was a verdict"), as_json=as_json)


def _judge(
    texts: Sequence[str],
    rules: Sequence[str],
    seconds: str,
    source: str | None,
    token_file: Path | None,
    choice: Choice,
    *,
    probe: bool,
    force: bool,
) -> Judgement:
    from razorprof.errors import UsageError
    from razorprof.session import protect
    from razorprof.units import parse_duration

    most = parse_duration(seconds)
    asks = source is not None and source.lower().startswith(("http://", "https://"))
    if not rules and not asks:
        raise UsageError("no rules given", hint="name a file: --rules FILE")
    if token_file is not None and not asks:
        raise UsageError("--token-file is for --from URL", value=token_file)
    if source is None and not texts:
        raise UsageError("no target given", hint="give a pid, a name or port:NUMBER; see: razorprof ps")
    if source is not None and not asks and texts:
        raise UsageError("recorded series have no target to be chosen", value=" ".join(texts), hint="leave it out")
    if source is None:
        protect.check_headroom(force=force)
    files = _read(rules)
    protect.step_back()
    if source is None:
        return _watch(files, select_targets(texts, choice), most, probe=probe)
    if not asks:
        return _recorded(files, Path(source))
    from razorprof.cli.check_remote import check_remote

    targets = select_targets(texts, choice) if texts else []
    return check_remote(source, files, targets, token_file=token_file, seconds=most)


def _read(paths: Sequence[str]) -> tuple[RuleFile, ...]:
    from razorprof.cli.rule_files import read_trusted

    return read_trusted(paths)


def _watch(files: tuple[RuleFile, ...], targets: Sequence[Target], seconds: float, *, probe: bool) -> Judgement:
    from razorprof.plugin import loading
    from razorprof.session.check_run import CheckPlan, run_check

    plan = CheckPlan(files, tuple(targets), seconds, probe)
    return run_check(plan, loading.sources, loading.runtimes)


def _recorded(files: tuple[RuleFile, ...], path: Path) -> Judgement:
    from razorprof.alerting.rule_watch import judge_span
    from razorprof.cli.query_data import open_file

    data = open_file(path)
    return judge_span(files, data.view, data.start, data.end)


def _print(judgement: Judgement, *, as_json: bool) -> int:
    """Print it; the exit code, also where nobody reads to the end."""
    from razorprof.cli import output
    from razorprof.render.plugin_output import plugin_lines

    lines = plugin_lines(judgement)
    try:
        if as_json:
            from razorprof.cli.check_document import check_document

            output.print_json(check_document(judgement, lines[0].partition(" | ")[0]))
        else:
            for line in lines:
                output.print_text(line)
        output.flush()
    except BrokenPipeError:
        output.close_quietly()  # the verdict stands all the same
    return int(judgement.mark)
