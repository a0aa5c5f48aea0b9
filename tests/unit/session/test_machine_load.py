"""How much of the machine others used, told from the CPU times of the whole machine."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

import pytest

from razorprof.session.machine_load import MachineLoad

START = {"user": 100.0, "nice": 1.0, "system": 10.0, "idle": 50.0, "iowait": 2.0, "steal": 0.0, "guest": 40.0}


def load(*changes: dict[str, float]) -> MachineLoad:
    pages = iter([SimpleNamespace(**START), *(SimpleNamespace(**(START | change)) for change in changes)])
    return MachineLoad(lambda: next(pages))


@pytest.mark.parametrize(
    ("change", "own", "others"),
    [
        ({"user": 110.0, "idle": 60.0}, 10.0, 0.0),
        ({"user": 110.0, "idle": 60.0}, 4.0, 0.3),
        ({"user": 110.0, "iowait": 12.0}, 4.0, 0.3),
        ({"steal": 5.0, "idle": 55.0}, 0.0, 0.5),
        ({"user": 110.0, "guest": 50.0, "idle": 60.0}, 10.0, 0.0),  # a guest's time is in user already
        ({"user": 110.0}, 50.0, 0.0),  # the kernel's counts are coarse
        ({"user": 110.0}, 0.0, 1.0),
    ],
)
def test_what_neither_was_idle_nor_the_program_s_is_others(
    change: dict[str, float], own: float, others: float
) -> None:
    assert load(change).others_ratio(own) == pytest.approx(others)


def test_it_is_not_known_where_no_time_has_passed() -> None:
    assert load({}).others_ratio(0.0) is None


def test_the_machine_itself_tells_a_share() -> None:
    loads: Sequence[float | None] = [MachineLoad().others_ratio(0.0)]
    assert all(one is None or 0 <= one <= 1 for one in loads)
