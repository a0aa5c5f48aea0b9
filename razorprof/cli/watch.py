"""``razorprof watch``: rules evaluated on processes, people told, evidence captured, until it is stopped.

Checks what can be wrong, then runs a session beside a desk of alerting (session.alert_desk) and tells what it
hears (cli.watch_words). Targets need not be there yet, and may come back.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from razorprof.cli.listening import LISTEN_HELP, TlsCert, TlsKey, TokenFile
from razorprof.cli.long_lived import Interval
from razorprof.cli.select import Choice, Job, Probe, TakeAll, Targets, WithChildren

EPILOG = """\
\b
Examples:
  razorprof watch name:gunicorn --children --rules worker.yml --alertmanager http://127.0.0.1:9093
  razorprof watch port:8000 --rules worker.yml --actions captures.yml --webhook http://127.0.0.1:8080/hook
  razorprof watch name:worker --all --rules worker.yml --listen 127.0.0.1:9106 --heartbeat
  razorprof watch 1234 --rules worker.yml --notify bell

A TARGET that is no pid is waited for, and one that takes its place is found; the rules are evaluated meanwhile.

The series `up` of a process is 1 while it is there and 0 once it is gone. What razorprof says of a process waits,
5 seconds at most, until it is known whether a runtime is recognised: the label runtime belongs to all its series.
Where that takes longer, they begin without the label and go on under it later, and an alert on `up` that had
fired resolves and fires again, as the alert of another series. A TARGET that is no pid and has never been there
has up 0, too, with the labels job, instance (the host) and target, as it was given: who counts processes asks for
up{pid!=""}.

SIGHUP reads rules, actions and silences again: files that are bad keep the old ones in force, and that is told.
SIGTERM and Ctrl-C end it with 0. Over a restart it goes on where it was: nobody is told twice.

\b
The last 15 minutes are recorded in the state folder, DIR/ring; --last changes that, 0 switches it off. A bundle
(--actions) begins with them, an action `recording: {last: 10m}` keeps a copy, and SIGUSR1 writes one into
DIR/recordings (the last five are kept). They outlive a kill and a restart; what the last three killed runs left is
kept there, too. razorprof show, replay and query --recording open all of them, DIR/ring while it grows.

\b
Files that others may write are refused. Secrets are options of --notify that name a file or a variable:
  --notify webhook:url_file=/etc/razorprof/hook,token_env=HOOK_TOKEN
  --notify alertmanager:url=https://am.example,username=me,password_file=/etc/razorprof/am
  --notify webhook:url=http://127.0.0.1:8080/alive,repeat=5m          what a heartbeat needs

Several watches that tell one receiver: give each its own --external-label watch=NAME, else the --heartbeat of one
keeps the alert of all alive.

\b
Pages with --listen:
  /metrics                           figures of the targets and of razorprof; not what rules write, so that
                                     a Prometheus can scrape it and evaluate the same rules
  /-/healthy /-/ready                503 when evaluation has stopped
  /api/v1/alerts /api/v1/rules       as Prometheus answers; razorprof check --from URL asks them

With --json, a line on stdout for each event: started, target, alert, rule, capture, source, reload,
recording, ended.
Without, they are lines of the log on stderr, with priorities where that is systemd's journal.

Under systemd it is a service of Type=notify with a watchdog (examples/systemd). The files are described in
razorprof-rules(5), razorprof-actions(5), razorprof-silences(5), the notifiers in razorprof-notifiers(5).
"""

DEFAULT_EVALUATION = "15s"
_TERMINATED, _HUNG_UP = 143, 129


def watch(
    targets: Targets,
    rules: Annotated[
        list[str] | None,
        typer.Option("--rules", metavar="FILE", help="Rules as Prometheus reads them; may come again."),
    ] = None,
    actions: Annotated[
        str | None,
        typer.Option("--actions", metavar="FILE", help="What to capture when alerts fire.", show_default=False),
    ] = None,
    silences: Annotated[
        str | None,
        typer.Option("--silences", metavar="FILE", help="When whom not to tell of what.", show_default=False),
    ] = None,
    alertmanager: Annotated[
        list[str] | None,
        typer.Option("--alertmanager", metavar="URL", help="Tell this Alertmanager; may come again."),
    ] = None,
    webhook: Annotated[
        list[str] | None,
        typer.Option("--webhook", metavar="URL", help="Post Alertmanager's webhook payload; may come again."),
    ] = None,
    notify: Annotated[
        list[str] | None,
        typer.Option(
            "--notify",
            metavar="NAME:KEY=VALUE,...",
            help="Tell by any notifier (see: razorprof plugins); may come again.",
        ),
    ] = None,
    external_label: Annotated[
        list[str] | None,
        typer.Option("--external-label", metavar="NAME=VALUE", help="Give all alerts this label; may come again."),
    ] = None,
    external_url: Annotated[
        str, typer.Option("--external-url", metavar="URL", help="A Prometheus that alerts link to.")
    ] = "",
    state: Annotated[
        Path | None,
        typer.Option(
            "--state",
            metavar="DIR",
            help="What is kept over a restart (default: a folder of its own for these targets).",
            show_default=False,
        ),
    ] = None,
    last: Annotated[
        str, typer.Option("--last", metavar="TIME", help="Record the last minutes into --state (0: do not).")
    ] = "15m",
    max_bytes: Annotated[
        str, typer.Option("--max-bytes", metavar="SIZE", help="What this recording takes at most.")
    ] = "64MiB",
    evaluation_interval: Annotated[
        str,
        typer.Option("--evaluation-interval", metavar="DURATION", help="For groups of rules that give none."),
    ] = DEFAULT_EVALUATION,
    interval: Interval = None,
    heartbeat: Annotated[
        bool, typer.Option("--heartbeat", help="An alert that always fires, to miss when it does not.")
    ] = False,
    allow_attach: Annotated[
        bool, typer.Option("--allow-attach", help="Captures may put code into the target (heap, attach: true).")
    ] = False,
    allow_commands: Annotated[bool, typer.Option("--allow-commands", help="Captures may run commands.")] = False,
    listen: Annotated[
        str | None, typer.Option("--listen", metavar="ADDRESS:PORT", help=LISTEN_HELP, show_default=False)
    ] = None,
    token_file: TokenFile = None,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    take_all: TakeAll = False,
    children: WithChildren = False,
    job: Job = "",
    probe: Probe = False,
    as_json: Annotated[bool, typer.Option("--json", help="Tell what happens as JSON Lines on stdout.")] = False,
    config: Annotated[
        str | None, typer.Option("--config", metavar="FILE", help="Settings instead of razorprof.toml.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Start even where little memory is left in this container.")
    ] = False,
) -> None:
    """Evaluate alert rules on processes, notify, and capture evidence, without a screen and for good."""
    from razorprof.cli.long_lived import session_interval
    from razorprof.cli.rule_files import BookFiles
    from razorprof.cli.watch_options import (
        parse_evaluation_interval,
        parse_external_labels,
        parse_ring,
        wanted_routes,
    )
    from razorprof.cli.watch_run import run_watch
    from razorprof.cli.watch_works import Listening, WatchPlan
    from razorprof.config.settings import load_settings
    from razorprof.errors import UsageError
    from razorprof.session import protect

    if not rules:
        raise UsageError("no rules given", hint="name a file: --rules FILE")
    if listen is None and (token_file or tls_cert or tls_key):
        raise UsageError("--token-file and TLS are for --listen", hint="add --listen 127.0.0.1:9106")
    protect.check_headroom(force=force)
    settings = load_settings(config)
    seconds = session_interval(interval, settings)
    ring_seconds, ring_bytes = parse_ring(last, max_bytes, seconds)
    plan = WatchPlan(
        texts=tuple(targets),
        choice=Choice(take_all, children, None, job, as_json=True),
        files=BookFiles(
            tuple(rules), actions, silences, heartbeat, allow_attach=allow_attach, allow_commands=allow_commands
        ),
        routes=tuple(wanted_routes(alertmanager or (), webhook or (), notify or ())),
        external_labels=parse_external_labels(external_label or ()),
        external_url=external_url,
        state=state,
        evaluation_interval=parse_evaluation_interval(evaluation_interval),
        interval=seconds,
        listening=None if listen is None else Listening(listen, token_file, tls_cert, tls_key),
        settings=settings,
        probe=probe,
        as_json=as_json,
        ring_seconds=ring_seconds,
        ring_bytes=ring_bytes,
    )
    try:
        run_watch(plan)
    except KeyboardInterrupt:
        pass  # before it began
    except SystemExit as request:
        if request.code not in (_TERMINATED, _HUNG_UP):
            raise
