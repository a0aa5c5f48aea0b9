"""A session's figures without a session, for the tests of serve: a pipeline that is fed by hand."""

from __future__ import annotations

from collections.abc import Iterable

from razorprof.model.metric import Metric, Sample
from razorprof.model.scrape import Detected, Ended, Scrape, Tick
from razorprof.model.target import Identity, Target
from razorprof.session.live_view import LiveView
from razorprof.session.pipeline import Pipeline
from razorprof.session.view import Overhead
from razorprof.store.memory import MemoryStore

TARGET = Target(Identity(7, 99), "web", 50.0)
OTHER = Target(Identity(8, 99), "worker", 50.0)


class Served:
    """A view and what feeds it. open_ended: metrics that an application named by rules of its own."""

    def __init__(
        self, *metrics: Metric, open_ended: Iterable[Metric] = (), targets: Iterable[Target] = (TARGET,)
    ) -> None:
        self.store = MemoryStore()
        self.pipeline = Pipeline(self.store, host="box", overhead=lambda time: Overhead(0.05))
        self.pipeline.declare("app", metrics)
        self.pipeline.declare("page", open_ended, open_ended=True)
        for target in targets:
            self.pipeline.add(target)
        self.view = LiveView(self.pipeline, self.store)

    def detect(self, target: Target = TARGET) -> None:
        found = Detected(target, 0.5, "cpython", "3.12.1")
        self.pipeline.feed(Scrape(target, "runtime", 0.5, 0.01, structures=(found,)))

    def scrape(self, time: float, *samples: Sample, source: str = "app", target: Target = TARGET) -> None:
        self.pipeline.feed(Scrape(target, source, time, 0.01, samples))

    def tick(self, time: float) -> None:
        self.pipeline.feed(Tick(time, int(time * 10)))

    def end(self, time: float, target: Target = TARGET) -> None:
        self.pipeline.feed(Ended(target, time, "exit status 3"))
