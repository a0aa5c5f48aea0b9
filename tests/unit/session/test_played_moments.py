"""The moments of a recording as JSON, where a recording says what it likes."""

from __future__ import annotations

import pytest

from razorprof.render.moments import MomentKind, MomentRow
from razorprof.session.played_moments import moments_document


@pytest.mark.parametrize(
    ("told", "pid"),
    [("1234", 1234), ("", None), ("web", None), ("9" * 5000, None), ("\u0663", None), ("-1", None)],
)
def test_a_pid_is_a_number_whatever_a_label_says(told: str, pid: int | None) -> None:
    row = MomentRow(5.0, 2.0, MomentKind.ALERT, "Hot\x1b firing", told, facts={"alert": "Hot"})
    document = moments_document([row], "")
    assert document["reason"] is None
    (moment,) = document["moments"]
    assert moment["pid"] == pid
    assert (moment["alert"], moment["after_start_seconds"]) == ("Hot", 2.0)
