"""The View of a session: boards and store, asked from any thread."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar, cast

from razorprof.model.frame import SamplingReport
from razorprof.model.labels import Labels
from razorprof.model.metric import Metric
from razorprof.model.profile import Profile
from razorprof.model.series import Series
from razorprof.model.target import Identity
from razorprof.model.verdict import Verdict
from razorprof.session.board import TargetBoard
from razorprof.session.pipeline import Pipeline
from razorprof.session.view import SessionState
from razorprof.store.memory import MemoryStore
from razorprof.store.view import Matcher, SeriesBlock

T = TypeVar("T")


class LiveView:
    """Implements session.view.View."""

    def __init__(self, pipeline: Pipeline, store: MemoryStore) -> None:
        self._pipeline = pipeline
        self._store = store

    def state(self) -> SessionState:
        state = self._pipeline.state
        if state.tick:
            return state
        return SessionState(0.0, 0, tuple(b.status() for b in self._pipeline.boards.values()), state.overhead)

    def select(self, matchers: Sequence[Matcher], start: float, end: float) -> list[Series]:
        return self._store.select(matchers, start, end)

    def blocks(self, matchers: Sequence[Matcher], start: float, end: float) -> list[SeriesBlock]:
        return self._store.blocks(matchers, start, end)

    def metrics(self) -> Iterable[Metric]:
        return self._store.metrics()

    def latest(self, target: Identity, name: str, **labels: str) -> float | None:
        board = self._board(target)
        return None if board is None else self._store.last(self._labels(board, name, labels))

    def history(self, target: Identity, name: str, *, seconds: float, **labels: str) -> Series | None:
        board = self._board(target)
        if board is None:
            return None
        start = self._pipeline.state.time - seconds
        return self._store.read(self._labels(board, name, labels), start, float("inf"))

    def series_of(self, target: Identity) -> Sequence[tuple[str, dict[str, str], float]]:
        board = self._board(target)
        if board is None:
            return ()
        found = []
        for labels, value in board.series():
            own = {k: v for k, v in labels.items() if k != "__name__" and k not in board.labels}
            found.append((labels["__name__"], own, value))
        return sorted(found, key=lambda entry: (entry[0], sorted(entry[1].items())))

    def profile(self, target: Identity, *, seconds: float | None = None) -> Profile:
        board = self._board(target)
        return board.window.profile(seconds) if board else Profile()

    def sampling(self, target: Identity) -> SamplingReport | None:
        board = self._board(target)
        return board.sampling if board else None

    def structure(self, target: Identity, kind: type[T]) -> T | None:
        board = self._board(target)
        return cast("T | None", board.structures.get(kind)) if board else None

    def verdict(self, target: Identity) -> Verdict | None:
        board = self._board(target)
        return board.verdict if board else None

    def _board(self, target: Identity) -> TargetBoard | None:
        return self._pipeline.boards.get(target)

    def _labels(self, board: TargetBoard, name: str, labels: dict[str, str]) -> Labels:
        return board.labels.with_(labels, __name__=name)
