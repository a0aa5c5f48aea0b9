"""What commands share that run until they are stopped: targets that come and go, the interval, signals.

For serve and watch. Not for top, which ends with its targets.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from razorprof.cli.select import Choice, each_once, select_targets
from razorprof.errors import AmbiguousTarget, RazorprofError, TargetGone, TargetNotFound, UsageError

if TYPE_CHECKING:
    from razorprof.config.settings import Settings
    from razorprof.model.target import Target
    from razorprof.session.session import Session

SHORTEST_INTERVAL, LONGEST_INTERVAL = 0.1, 60.0
FORGET_SECONDS = 300.0  # the look-back of queries: for as long `up` still says 0

Interval = Annotated[
    str | None, typer.Option("--interval", metavar="SECONDS", help="Seconds between two looks (default 1).")
]


def session_interval(text: str | None, settings: Settings) -> float:
    """Seconds between two looks: as given, else of the settings. Raises UsageError."""
    from razorprof.units import parse_duration

    seconds = settings.interval if text is None else parse_duration(text)
    if not SHORTEST_INTERVAL <= seconds <= LONGEST_INTERVAL:
        hint = f"between {SHORTEST_INTERVAL:g} and {LONGEST_INTERVAL:g} seconds"
        raise UsageError("the interval is out of range", value=text or seconds, hint=hint)
    return seconds


@dataclass(frozen=True, slots=True)
class Present:
    """The targets that are there, and the selectors that nothing matches yet."""

    targets: Sequence[Target]
    awaited: Sequence[str] = ()


def present_targets(texts: Sequence[str], choice: Choice) -> Present:
    """The targets that are there now; what a pid does not name may come later. Raises TargetNotFound for a pid,
    AmbiguousTarget, and what else select_targets raises."""
    found: list[Target] = []
    awaited: list[str] = []
    for text in texts:
        try:
            found += select_targets([text], choice)
        except (TargetNotFound, TargetGone):
            if _is_pid(text):
                raise
            awaited.append(text)
    return Present(each_once(found), awaited)


def follow(
    session: Session,
    texts: Sequence[str],
    choice: Choice,
    present: Present,
    tell: Callable[[RazorprofError], None] = lambda error: None,
) -> None:
    """Watch the targets, and from then on those that take their place, those that appear, and their children.
    tell: hears why what appears is not taken: once, from another thread."""
    from razorprof.remote.process import ProcessView
    from razorprof.targets.selector import parse_selector

    chosen = present.targets
    for target in chosen:
        session.watch(target)
    for text in present.awaited:
        session.expect(text, choice.job or parse_selector(text).job)
    roots = {target.pid: target for target in chosen if target.parent is None}
    again = replace(choice, wait=None, as_json=True)  # several where one was meant: nobody is asked, none is taken
    told: dict[str, str] = {}

    def is_worth_a_look(text: str) -> bool:
        """A pid means this one process: once it ended, the number may be anybody's."""
        if not _is_pid(text):
            return True
        root = roots.get(int(parse_selector(text).value))
        return choice.children and root is not None and ProcessView(root.pid).is_same(root.identity)

    def find() -> Sequence[Target]:
        found: list[Target] = []
        for text in texts:
            try:
                if is_worth_a_look(text):
                    matches = select_targets([text], again)
                    found += matches
                    if text in present.awaited:
                        session.arrive(text, matches)
                told.pop(text, None)
            except (TargetNotFound, TargetGone):
                told.pop(text, None)  # nothing there now: looked for again
            except RazorprofError as error:
                kind = error.name if isinstance(error, AmbiguousTarget) else str(error)  # how many may change
                if told.get(text) != kind:
                    told[text] = kind
                    tell(error)
        return each_once(found)

    if choice.children or not all(_is_pid(text) for text in texts):
        session.search(find, key=chosen[0] if chosen else None, follow=True)


class Signals:
    """What signals asked for: `ended` by SIGINT or SIGTERM, `hung_up` by SIGHUP, a copy by SIGUSR1.

    A handler only sets a flag and writes into a pipe: a lock that it took could be held by the code that it
    interrupts.
    """

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.ended = False
        self.hung_up = False
        self.wants_copy = False

    def wait(self, seconds: float) -> bool:
        """Wait until a signal comes, at most so long. Whether it is the end."""
        import select

        select.select([self._reader], [], [], seconds)
        with suppress(BlockingIOError):
            os.read(self._reader, 64)
        return self.ended

    def take_hang_up(self) -> bool:
        """Whether SIGHUP came since this was asked last."""
        hung_up, self.hung_up = self.hung_up, False
        return hung_up

    def take_copy(self) -> bool:
        """Whether SIGUSR1 came since this was asked last."""
        wanted, self.wants_copy = self.wants_copy, False
        return wanted

    def copy(self, *_: object) -> None:
        self.wants_copy = True
        self._wake()

    def end(self, *_: object) -> None:
        self.ended = True
        self._wake()

    def hang_up(self, *_: object) -> None:
        self.hung_up = True
        self._wake()

    def close(self) -> None:
        os.close(self._reader)
        os.close(self._writer)

    def _wake(self) -> None:
        with suppress(BlockingIOError):  # it is full: whoever waits is awake
            os.write(self._writer, b"x")


@contextmanager
def ending_signals(*, hang_up: bool = False, copy: bool = False) -> Iterator[Signals]:
    """SIGINT and SIGTERM, and SIGHUP and SIGUSR1 (copy) where they are wanted, set flags in place of what they do
    otherwise."""
    import signal

    signals = Signals()
    handlers = {signal.SIGINT: signals.end, signal.SIGTERM: signals.end}
    if hang_up:
        handlers[signal.SIGHUP] = signals.hang_up
    if copy:
        handlers[signal.SIGUSR1] = signals.copy
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield signals
    finally:
        for number, was in before.items():
            signal.signal(number, was)
        signals.close()


def _is_pid(text: str) -> bool:
    from razorprof.targets.selector import SelectorKind, parse_selector

    return parse_selector(text).kind is SelectorKind.PID
