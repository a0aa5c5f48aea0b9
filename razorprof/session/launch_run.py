"""One run of the user's program, launched, watched and measured. For the command `run`.

The order matters: the program's parent is made before own priority is lowered, everything that watches is ready
before the program starts, and signals are blocked last, so that no tool inherits that.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from razorprof.analysis.budget import Cost
from razorprof.errors import RazorprofError
from razorprof.model.profile import Profile
from razorprof.plugin.loading import runtimes
from razorprof.profilers.launch import Ended, Launch, NotStarted
from razorprof.profilers.launch_inject import Told, collect, prepare
from razorprof.profilers.pyspy import find_py_spy
from razorprof.profilers.supervisor import shared_supervisor
from razorprof.remote.process import ProcessView
from razorprof.session import protect
from razorprof.session.launch_profile import run_profile
from razorprof.session.launch_tree import Tree, TreeWatch, request_for
from razorprof.session.machine_load import MachineLoad

_PASSED = (
    *(signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2),
    *(signal.SIGALRM, signal.SIGWINCH, signal.SIGCONT),
)
_FROM_KERNEL = 0x80  # sigaction(2): SI_KERNEL: a terminal's, which the program got itself
_LOOK = 0.05
_WARM_TIMEOUT = 5.0
# a terminal tells its whole group; what merely comes back with it is not ours to pass on
_NEVER_TWICE = (signal.SIGWINCH, signal.SIGCONT)


@dataclass(frozen=True, slots=True)
class Wanted:
    """rate_hz None: nothing is sampled."""

    rate_hz: float | None = None
    gc: bool = False
    heap: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """What came of a run. profile None: it was not asked for."""

    ended: Ended
    profile: Profile | None
    cost: Cost
    tree: Tree
    told: Told


def run_once(
    argv: Sequence[str], environment: Mapping[str, str], wanted: Wanted, folder: Path
) -> Run | NotStarted:
    """Run it to its end, whatever we are told meanwhile. folder: private and empty. Main thread only.

    Raises ToolFailed where it could not be launched."""
    launch = Launch(argv, prepare(folder, environment, gc=wanted.gc, heap=wanted.heap))
    supervisor = None
    try:
        if wanted.rate_hz is not None:
            protect.step_back()  # by now: the program's parent is there, and does not inherit it
            supervisor = shared_supervisor.acquire()
            _warm_up()
        watch = TreeWatch(launch.parent, None if wanted.rate_hz is None else request_for(wanted.rate_hz))
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _PASSED)
        try:
            watch.start()
            began = time.time()
            load = MachineLoad()
            refused = launch.go()
            if refused is not None:
                watch.finish()
                return refused
            try:
                ended = _wait(launch)
                others = load.others_ratio(ended.cpu_seconds)
            finally:
                tree = watch.finish()
        finally:
            _forget_pending()
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
    finally:
        launch.close()
        if supervisor is not None:
            shared_supervisor.release()
    told = collect(folder)
    profile = None
    if wanted.rate_hz is not None:
        profile = run_profile(tree, began=began, wall=ended.wall_seconds, cpu=ended.cpu_seconds)
        profile = replace(profile, others_ratio=others)
    return Run(ended, profile, _cost(ended, tree, told, gc=wanted.gc), tree, told)


def _warm_up() -> None:
    """Load what sampling takes, and start the supervisor of tools: before the program, and before signals are
    blocked, which it would inherit."""
    with suppress(RazorprofError):
        runtimes()
        child = shared_supervisor.acquire().start([find_py_spy().path, "--version"])
        try:
            child.wait(_WARM_TIMEOUT)
        finally:
            child.close()
            shared_supervisor.release()


def _wait(launch: Launch) -> Ended:
    signals = {*_PASSED, signal.SIGCHLD}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    try:
        while True:
            ended = launch.poll()
            if ended is not None:
                return ended
            if launch.stopped:
                launch.stopped = False
                _stop_with(launch.pid)
            heard = signal.sigtimedwait(signals, _LOOK)
            if heard is not None and heard.si_signo != signal.SIGCHLD:
                if heard.si_code == _FROM_KERNEL or heard.si_signo in _NEVER_TWICE:
                    continue
                launch.send_signal(heard.si_signo)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _stop_with(pid: int) -> None:
    """The program stopped itself: the shell that waits for us must hear of it, if we are its job on a terminal."""
    with suppress(OSError, RazorprofError):
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
        try:
            ours = os.tcgetpgrp(terminal) == os.getpgrp()
        finally:
            os.close(terminal)
        if ours and os.getsid(0) != os.getpid() and ProcessView(pid).stat().state == "T":
            os.kill(os.getpid(), signal.SIGSTOP)


def _forget_pending() -> None:
    """What the program was told is its own business: a Ctrl-C that ended it does not end our report."""
    while signal.sigtimedwait(_PASSED, 0) is not None:
        pass


def _cost(ended: Ended, tree: Tree, told: Told, *, gc: bool) -> Cost:
    seconds, reason = _gc_seconds(tree, told) if gc else (None, "not asked for")
    return Cost(ended.wall_seconds, ended.cpu_seconds, ended.peak_bytes, ended.floor_bytes, seconds, reason)


def _gc_seconds(tree: Tree, told: Told) -> tuple[float | None, str]:
    """The exact time of all collectors, or why it is not known: one Python that did not count is enough."""
    failed = [why for kind, _, why in told.failures if kind == "gc"]
    if failed:
        return None, f"a Python could not count it: {failed[0]}"
    if not told.gc_seconds:
        return None, "no Python counted it: none ran, or it ignores PYTHONPATH (-I, -E or -S)"
    silent = [seen for seen in tree.processes if seen.is_python and seen.identity.pid not in told.gc_seconds]
    if silent:
        names = ", ".join(f"{seen.name} [{seen.identity.pid}]" for seen in silent[:3])
        return None, f"{len(silent)} Pythons did not count it (-I, -E or -S, or ended at once): {names}"
    return sum(told.gc_seconds.values()), ""
