"""``razorprof serve``: figures of processes for Prometheus, and profiles of them over HTTP, until it is stopped.

Checks what can be wrong, binds, finds the targets, runs a session beside the server. What is answered is
serve.site's; how connections are bounded, serve.connections'.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from razorprof.cli.listening import LISTEN_HELP, TlsCert, TlsKey, TokenFile
from razorprof.cli.long_lived import FORGET_SECONDS, Interval, Present, ending_signals, follow, session_interval
from razorprof.cli.select import (
    Choice,
    Job,
    Probe,
    TakeAll,
    Targets,
    Wait,
    WithChildren,
    parse_wait,
    select_targets,
)

if TYPE_CHECKING:
    from razorprof.config.settings import Settings
    from razorprof.serve.access import Access
    from razorprof.serve.debug_pprof import DebugPprof
    from razorprof.serve.server import Server
    from razorprof.session.session import Session

EPILOG = """\
\b
Examples:
  razorprof serve 1234                          http://127.0.0.1:9105/metrics
  razorprof serve name:gunicorn --children      the master and its workers, restarts too
  razorprof serve name:worker --all --wait 5m --listen 127.0.0.1:0 --json
  razorprof serve port:8000 --listen :9105 --token-file token --tls-cert c.pem --tls-key k.pem

\b
Pages:
  /metrics                          text or OpenMetrics; scrape it with honor_labels: true
  /-/healthy /-/ready               503 when sampling has stopped; until each target was read
  /debug/pprof/profile?seconds=10   CPU profile for go tool pprof; &pid= where there are several
  /debug/pprof/goroutine?debug=1    what every thread does (debug=2: one by one)
  /debug/pprof/heap                 501: it would take code in the target

\b
A target that ends loses its series at once (up is 0 for five minutes more); a process that takes its
place is found where the TARGET is no pid. python_function_cpu_ratio is there for up to three
targets; of more, for one. SIGTERM and Ctrl-C end it with 0.
"""

DEFAULT_LISTEN = "127.0.0.1:9105"
_LOOK_EVERY = 0.5
_STOP_SECONDS = 3.0
_TERMINATED = 143


def serve(
    targets: Targets,
    listen: Annotated[str, typer.Option("--listen", metavar="ADDRESS:PORT", help=LISTEN_HELP)] = DEFAULT_LISTEN,
    token_file: TokenFile = None,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    interval: Interval = None,
    take_all: TakeAll = False,
    children: WithChildren = False,
    wait: Wait = None,
    job: Job = "",
    probe: Probe = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One line of JSON with the address, at the start.")
    ] = False,
    config: Annotated[
        str | None, typer.Option("--config", metavar="FILE", help="Settings instead of razorprof.toml.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Start even where little memory is left in this container.")
    ] = False,
) -> int | None:
    """Serve /metrics for Prometheus, health, and profiles on demand of running processes."""
    from razorprof.cli.listening import bind
    from razorprof.config.settings import load_settings
    from razorprof.session import protect

    protect.check_headroom(force=force)
    settings = load_settings(config)
    seconds = session_interval(interval, settings)
    server, access = bind(listen, token_file, tls_cert, tls_key)
    protect.step_back()  # before there are threads
    choice = Choice(take_all, children, parse_wait(wait), job, as_json=as_json)
    try:
        server.start()
        chosen = select_targets(targets, choice)
        session = _make_session(seconds, settings, probe=probe)
        follow(session, targets, choice, Present(chosen))
        _serve(server, session, access, seconds, as_json=as_json)
    except KeyboardInterrupt:
        return None  # while it waited for a target
    except SystemExit as request:
        if request.code != _TERMINATED:
            raise
    finally:
        server.stop()
    return None


def _make_session(interval: float, settings: Settings, *, probe: bool) -> Session:
    from razorprof.plugin import loading
    from razorprof.serve.newest import LOOK_BACK
    from razorprof.session.session import Session, SessionOptions

    options = SessionOptions(
        interval,
        settings.rate,
        settings.budget,
        min(settings.history_seconds, LOOK_BACK),  # nobody asks it for more
        settings.history_bytes,
        forget_seconds=FORGET_SECONDS,
        probe=probe,
    )
    return Session(options, sources=loading.sources, runtimes=loading.runtimes)


def _serve(server: Server, session: Session, access: Access, interval: float, *, as_json: bool) -> None:
    """Sample and answer until a signal ends it."""
    from razorprof.cli.serve_words import announce, teller
    from razorprof.errors import ToolFailed
    from razorprof.serve.debug_pprof import Captures, DebugPprof
    from razorprof.serve.pulse import Pulse
    from razorprof.serve.site import Site
    from razorprof.session.captures import dump_threads, record_cpu

    pulse = Pulse(interval)
    pprof = DebugPprof(session.view, Captures(record_cpu, dump_threads))
    with ending_signals() as end:
        session.listen(pulse.beat)
        session.start()
        server.site = Site(session.view, pulse, access, pprof=pprof)
        try:
            announce(server, session.view.state(), as_json=as_json)
            tell = teller()
            while not end.wait(_LOOK_EVERY):
                tell(session.view.state())
                if not session.is_running():
                    raise ToolFailed(
                        "sampling has ended by an error", hint="this is a bug: see where with --debug"
                    )
        finally:
            _stop(pprof, session)


def _stop(pprof: DebugPprof, session: Session) -> None:
    pprof.stop(_STOP_SECONDS)
    session.stop()
