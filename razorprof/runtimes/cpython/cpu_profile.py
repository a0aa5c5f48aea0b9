"""CPython.record_cpu: a CPU profile of one process, by py-spy.

Loaded by the runtime when it is asked for one. Chooses how to look (below 3.11 nothing but the GIL's holder can be
told apart without stopping the target) and joins recorder, names and origin into a Profile.
"""

from __future__ import annotations

from dataclasses import replace

from razorprof.clock import Clock, SystemClock
from razorprof.errors import PermissionDenied, UsageError
from razorprof.model.profile import Profile
from razorprof.model.target import Target
from razorprof.plugin.captures import CpuRequest, Watch
from razorprof.plugin.protocols import Detection
from razorprof.profilers.native_ids import NativeIds
from razorprof.profilers.origin import origin_of
from razorprof.profilers.pyspy import find_py_spy
from razorprof.profilers.record import Recorder, RecordingPlan
from razorprof.profilers.record_profile import ThreadNames, block_of, profile_of
from razorprof.profilers.record_window import Looks, WindowRunner
from razorprof.profilers.source_paths import SourcePaths
from razorprof.profilers.speedscope import StackTable
from razorprof.profilers.supervisor import SharedSupervisor, shared_supervisor
from razorprof.remote.process import ProcessView
from razorprof.targets.attach import Attach, attach_verdict

FASTEST_HZ = 1000
_FIRST_WITH_NATIVE_IDS = (3, 11)
_ONLY_GIL_BELOW = (
    "below Python 3.11, and in a PID namespace of its own, only the holder of the GIL can be told from outside "
    "without stopping the target: code that runs without the GIL is not in the profile (--blocking sees it)"
)


def record_cpu(
    target: Target,
    request: CpuRequest,
    watch: Watch,
    *,
    detection: Detection,
    version: tuple[int, int] | None,
    supervisor: SharedSupervisor = shared_supervisor,
    clock: Clock | None = None,
) -> Profile:
    """See plugin.captures.RecordsCpu. Blocks; one py-spy at a time, ended with its supervisor whatever happens."""
    clock = clock or SystemClock()
    if request.native and not request.blocking:
        raise UsageError("native frames can only be read while the target is stopped", hint="add --blocking")
    if request.only_gil and request.wall:
        raise UsageError("only the GIL's holder and idle threads too cannot both be meant")
    looks = Looks(request.only_gil, request.wall, request.native, request.blocking, request.children)
    if version is not None and version < _FIRST_WITH_NATIVE_IDS and not (request.blocking or request.wall):
        looks = replace(looks, only_gil=True)
    view = ProcessView(target.pid)
    _need_permission(view)
    ids = NativeIds(view)
    py_spy = find_py_spy()
    table = StackTable(SourcePaths(view.path / "root").shorten)
    origin = origin_of(target, detection)
    names = ThreadNames(view, ids)
    launcher = supervisor.acquire()
    try:
        recorder = Recorder(
            RecordingPlan(
                request.seconds,
                max(1, min(FASTEST_HZ, round(request.rate_hz))),
                looks,
                request.block_seconds,
            ),
            identity=target.identity,
            view=view,
            runner=WindowRunner(launcher, py_spy, table, clock),
            ids=ids,
            watch=watch,
            clock=clock,
            to_block=lambda window: block_of(window, names),
        )
        recording = recorder.run()
    finally:
        supervisor.release()
    chosen_for_it = recording.looks.only_gil and not request.only_gil
    return profile_of(recording, recorder.blocks, origin, [_ONLY_GIL_BELOW] if chosen_for_it else ())


def _need_permission(view: ProcessView) -> None:
    """Raise the kernel's reason, and what mends it, before any tool is started: py-spy knows neither."""
    verdict = attach_verdict(view, recognised=True)
    if verdict.attach is Attach.DENIED:
        raise PermissionDenied(
            f"no permission to look into the process: {verdict.reason}",
            value=view.pid,
            hint=verdict.fix or f"see why and what mends it with: razorprof doctor {view.pid}",
        )
