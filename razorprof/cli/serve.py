"""``razorprof serve``: figures of processes for Prometheus, and profiles of them over HTTP, until it is stopped.

Checks what can be wrong, binds, finds the targets, runs a session beside the server. What is answered is
serve.site's; how connections are bounded, serve.connections'.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from razorprof.cli.select import (
    Choice,
    Job,
    Probe,
    TakeAll,
    Targets,
    Wait,
    WithChildren,
    each_once,
    parse_wait,
    select_targets,
)

if TYPE_CHECKING:
    import threading

    from razorprof.config.settings import Settings
    from razorprof.model.target import Target
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
SHORTEST_INTERVAL, LONGEST_INTERVAL = 0.1, 60.0
FORGET_SECONDS = 300.0  # the look-back of queries: for as long `up` still says 0
_LOOK_EVERY = 0.5
_STOP_SECONDS = 3.0
_TERMINATED = 143


def serve(
    targets: Targets,
    listen: Annotated[
        str, typer.Option("--listen", metavar="ADDRESS:PORT", help="Where to listen; port 0: any free one.")
    ] = DEFAULT_LISTEN,
    token_file: Annotated[
        Path | None,
        typer.Option(
            "--token-file",
            metavar="FILE",
            help="Answer only requests with this bearer token; needed where others can reach the address.",
            show_default=False,
        ),
    ] = None,
    tls_cert: Annotated[
        Path | None,
        typer.Option("--tls-cert", metavar="FILE", help="Serve TLS with this certificate.", show_default=False),
    ] = None,
    tls_key: Annotated[
        Path | None,
        typer.Option("--tls-key", metavar="FILE", help="Its key, where it is a file apart.", show_default=False),
    ] = None,
    interval: Annotated[
        str | None, typer.Option("--interval", metavar="SECONDS", help="Seconds between two looks (default 1).")
    ] = None,
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
    from razorprof.config.settings import load_settings
    from razorprof.serve.access import access_for, read_token, tls_context
    from razorprof.serve.address import parse_address
    from razorprof.serve.server import Server
    from razorprof.session import protect

    protect.check_headroom(force=force)
    settings = load_settings(config)
    seconds = _interval(interval, settings)
    address = parse_address(listen)
    access = access_for(address, None if token_file is None else read_token(token_file))
    server = Server(address, tls_context(tls_cert, tls_key))
    protect.step_back()  # before there are threads
    choice = Choice(take_all, children, parse_wait(wait), job, as_json=as_json)
    try:
        server.start()
        if not address.is_loopback and tls_cert is None:
            from razorprof.cli import output

            output.say("without --tls-cert, the token and all figures cross the network readable")
        chosen = select_targets(targets, choice)
        session = _make_session(seconds, settings, probe=probe)
        _watch(session, targets, choice, chosen)
        _serve(server, session, access, seconds, as_json=as_json)
    except KeyboardInterrupt:
        return None  # while it waited for a target
    except SystemExit as request:
        if request.code != _TERMINATED:
            raise
    finally:
        server.stop()
    return None


def _interval(text: str | None, settings: Settings) -> float:
    from razorprof.errors import UsageError
    from razorprof.units import parse_duration

    seconds = settings.interval if text is None else parse_duration(text)
    if not SHORTEST_INTERVAL <= seconds <= LONGEST_INTERVAL:
        hint = f"between {SHORTEST_INTERVAL:g} and {LONGEST_INTERVAL:g} seconds"
        raise UsageError("the interval is out of range", value=text or seconds, hint=hint)
    return seconds


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


def _watch(session: Session, texts: Sequence[str], choice: Choice, chosen: Sequence[Target]) -> None:
    """The targets, and from then on those that take their place and their children."""
    from dataclasses import replace

    from razorprof.errors import RazorprofError
    from razorprof.remote.process import ProcessView
    from razorprof.targets.selector import SelectorKind, parse_selector

    for target in chosen:
        session.watch(target)
    roots = {target.pid: target for target in chosen if target.parent is None}
    again = replace(choice, wait=None, as_json=True)  # several where one was meant: nobody is asked, none is taken

    def is_worth_a_look(text: str) -> bool:
        """A pid means this one process: once it ended, the number may be anybody's."""
        selector = parse_selector(text)
        if selector.kind is not SelectorKind.PID:
            return True
        root = roots.get(int(selector.value))
        return choice.children and root is not None and ProcessView(root.pid).is_same(root.identity)

    def find() -> Sequence[Target]:
        found: list[Target] = []
        for text in texts:
            try:
                if is_worth_a_look(text):
                    found += select_targets([text], again)
            except RazorprofError:
                continue  # nothing there now: looked for again
        return each_once(found)

    if choice.children or any(parse_selector(text).kind is not SelectorKind.PID for text in texts):
        session.search(find, key=chosen[0], follow=True)


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
    with _signals() as end:
        session.listen(pulse.beat)
        session.start()
        server.site = Site(session.view, pulse, pprof, access)
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


@contextmanager
def _signals() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set, in place of what they do otherwise."""
    import signal
    import threading

    end = threading.Event()
    before = {number: signal.signal(number, lambda *_: end.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield end
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
