"""Statuses as wait(2) packs them, and handles that refuse what is not the process."""

from __future__ import annotations

import os

import pytest

from razorprof.errors import TargetGone
from razorprof.model.ending import ExitInfo
from razorprof.model.target import Identity
from razorprof.remote.pidfd import ProcessHandle, exit_info_from_status
from razorprof.remote.process import ProcessView


@pytest.mark.parametrize(
    ("status", "info"),
    [
        (0, ExitInfo(code=0)),
        (3 << 8, ExitInfo(code=3)),
        (9, ExitInfo(signal=9)),
        (11 | 0x80, ExitInfo(signal=11, core_dumped=True)),
    ],
)
def test_a_wait_status_is_an_exit_code_or_a_signal(status: int, info: ExitInfo) -> None:
    assert exit_info_from_status(status) == info


def test_a_status_of_neither_kind_has_a_reason() -> None:
    info = exit_info_from_status(0x137F)  # stopped
    assert not info.is_known
    assert "0x137f" in info.reason


def test_another_process_under_the_same_pid_is_refused() -> None:
    with pytest.raises(TargetGone):
        ProcessHandle(Identity(os.getpid(), 1))


def test_a_closed_handle_can_be_closed_again_but_tells_nothing() -> None:
    with ProcessHandle(ProcessView(os.getpid()).identity) as handle:
        assert handle.fileno() >= 0
    handle.close()
    assert handle.fileno() == -1
    with pytest.raises(ValueError, match="closed"):
        handle.has_ended()
