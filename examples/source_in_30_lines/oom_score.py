"""The source "oom_score": how soon the kernel kills a process when memory ends. A whole plug-in for razorprof."""

from collections.abc import Iterable
from typing import ClassVar

from razorprof.errors import TargetGone
from razorprof.model.metric import Metric, Sample, gauge
from razorprof.model.target import Target
from razorprof.plugin.protocols import SourceOptions
from razorprof.remote.process import ProcessView

SCORE = gauge("process_oom_score", "", "Badness of the process to the kernel's OOM killer, 0 to 2000.")


class OomReader:
    def __init__(self, target: Target) -> None:
        self._identity, self._process = target.identity, ProcessView(target.pid)

    def read(self) -> Iterable[Sample]:
        score = float(self._process.read("oom_score"))
        if not self._process.is_same(self._identity):  # the pid may be another's by now
            raise TargetGone("the process has ended", value=self._identity.pid)
        return [Sample(SCORE, score)]

    def close(self) -> None:
        pass


class OomScore:
    name: ClassVar[str] = "oom_score"
    metrics: ClassVar[tuple[Metric, ...]] = (SCORE,)

    def open(self, target: Target, options: SourceOptions) -> OomReader:
        return OomReader(target)
