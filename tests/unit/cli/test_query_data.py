"""What `query`, `check --from` and `show` make of a recording, whole and damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from razorprof.cli.edge import run
from razorprof.cli.query_data import open_file
from razorprof.errors import ExitCode
from razorprof.model.labels import Labels
from razorprof.model.scrape import Tick
from tests.unit.recording import rzp_samples as made

TICKS = 400


class Entry:
    def __init__(self, **labels: str) -> None:
        self.labels = Labels(labels)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Values that no compression makes small, so that one byte is one place in time."""
    path = tmp_path / "a.rzp"
    writer = made.a_writer(path)
    random = np.random.default_rng(7)
    series = [Entry(__name__=f"s{number}") for number in range(20)]
    for second in range(TICKS):
        writer(Tick(made.START + second, second))
        writer.row(made.START + second, series, random.random(20).view(np.uint64))
        writer.commit()
    writer.close()
    return path


def test_a_whole_recording_is_asked_at_its_last_tick(recording: Path) -> None:
    data = open_file(recording)
    assert (data.start, data.end) == (made.START, made.START + TICKS - 1)
    assert data.view.select((), data.end, data.end)


def test_a_damaged_one_is_asked_where_its_readable_data_ends(
    recording: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = bytearray(recording.read_bytes())
    content[len(content) * 9 // 10] ^= 0xFF  # in the last segment; the index behind it is whole
    recording.write_bytes(content)
    data = open_file(recording)
    assert "damaged:" in capsys.readouterr().err
    assert made.START < data.end < made.START + TICKS - 1
    assert data.view.select((), data.end, data.end), "the moment that is judged has samples"
    assert not data.view.select((), data.end + 0.5, np.inf)


def test_what_should_be_a_recording_and_is_none_could_not_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for content in (b"", b"\x00" * 5000):
        (tmp_path / "a.rzp").write_bytes(content)
        assert run(["show", str(tmp_path / "a.rzp")]) == ExitCode.TOOL_FAILED
        assert "not a recording that can be read" in capsys.readouterr().err
