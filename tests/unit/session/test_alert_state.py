"""What alerting remembers over a restart: the folder, its lock, the document, and what is damaged."""

from __future__ import annotations

import json
import math
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from razorprof.errors import UsageError
from razorprof.model.alert import Alert, AlertState, RuleKey
from razorprof.model.labels import Labels
from razorprof.session.alert_state import (
    FAILED,
    WRITTEN,
    Remembered,
    StateKeeper,
    as_document,
    parse_remembered,
)
from razorprof.session.state_folder import StateFolder, default_folder

KEY = RuleKey("rules.yml", "workers", 1, "Busy")
FIRING = Alert(
    KEY,
    Labels(alertname="Busy", pid="7", file="\udcff\x1b"),
    {"summary": "it\nis busy"},
    AlertState.FIRING,
    math.inf,
    active_at=100.5,
    fired_at=110.5,
    keep_firing_since=120.0,
    evaluated=125.0,
)
RESOLVED = Alert(KEY, Labels(alertname="Busy"), state=AlertState.INACTIVE, value=math.nan, resolved_at=99.0)
REMEMBERED = Remembered(
    130.0, (FIRING, RESOLVED), {"version": 1, "episodes": []}, {"routes": {}}, {FIRING.labels: "/captures/a"}
)


def test_what_is_kept_comes_back_as_it_was(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "state")
    keeper = StateKeeper(folder)
    keeper.start()
    keeper.stop(REMEMBERED, 20.0)
    found = StateKeeper(folder).read()
    assert found is not None
    assert repr(found) == repr(REMEMBERED), "NaN included"
    assert {sample.metric.name: sample.value for sample in keeper.samples()} == {
        FAILED.name: 0.0,
        WRITTEN.name: 130.0,
    }


def test_the_folder_is_private_and_so_is_what_lies_in_it(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "deep" / "state")
    assert folder.write({"version": 1}) == ""
    assert stat.S_IMODE((tmp_path / "deep" / "state").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.path.iterdir()} == {0o600}


def test_two_watches_do_not_share_a_folder_and_it_is_free_again_afterwards(tmp_path: Path) -> None:
    first = StateFolder(tmp_path)
    with pytest.raises(UsageError, match=rf"another watch uses this state folder .*pid {os.getpid()}"):
        StateFolder(tmp_path)
    first.close()
    StateFolder(tmp_path).close()


def test_a_folder_that_others_may_write_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(UsageError, match="may be written by others"):
        StateFolder(tmp_path)


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is no folder"):
        StateFolder(tmp_path / "file")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"version": 2, "time": 1, "alerts": [], "told": null, "owed": null, "folders": []}',
        b'{"version": 1, "time": 1, "alerts": {}, "told": null, "owed": null, "folders": []}',
        b'{"version": 1, "time": 1, "alerts": [[]], "told": null, "owed": null, "folders": []}',
        b'{"version": 1, "time": 1, "alerts": [], "told": null, "owed": null, "folders": [[{"a": 1}, "x"]]}',
        b'{"version": 1, "time": NaN, "alerts": [], "told": null, "owed": null, "folders": []}',
    ],
    ids=range(10),
)
def test_a_damaged_state_is_set_aside_with_a_warning(
    content: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "alerts.json").write_bytes(content)
    assert StateKeeper(StateFolder(tmp_path)).read() is None
    assert "is damaged" in caplog.text
    assert (tmp_path / "alerts.json.damaged").read_bytes() == content
    assert not (tmp_path / "alerts.json").exists()


@pytest.mark.parametrize("name", ["rule", "labels", "annotations", "state", "value", "active_at", "evaluated"])
def test_an_alert_with_a_part_of_another_type_damages_the_document(name: str) -> None:
    document: dict[str, Any] = json.loads(json.dumps(as_document(REMEMBERED)))
    document["alerts"][0][name] = True
    with pytest.raises(ValueError):
        parse_remembered(document)
    del document["alerts"][0][name]
    with pytest.raises(ValueError):
        parse_remembered(document)


def test_a_link_in_place_of_the_state_is_not_followed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder, other = tmp_path / "state", tmp_path / "other"
    other.write_text('{"version": 1, "time": 1, "alerts": [], "told": null, "owed": null, "folders": []}')
    folder.mkdir(mode=0o700)
    (folder / "alerts.json").symlink_to(other)
    assert StateKeeper(StateFolder(folder)).read() is None
    assert other.exists()


def test_a_state_that_cannot_be_written_is_told_once_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = StateFolder(tmp_path)
    (tmp_path / "alerts.json").mkdir()  # a folder in its place: no file can take its name
    for _ in range(2):
        keeper = StateKeeper(folder)
        keeper._write(REMEMBERED)
        keeper._write(REMEMBERED)
        assert [sample.value for sample in keeper.samples()] == [2.0]
    assert caplog.text.count("cannot be kept") == 2, "once for each keeper"


def test_it_is_written_when_something_changed_but_not_more_than_once_a_second_and_seldom_while_alerts_are_active(
    tmp_path: Path,
) -> None:
    keeper = StateKeeper(StateFolder(tmp_path))
    assert not keeper.is_due(100.0, changed=False, active=False)
    assert keeper.is_due(100.0, changed=True, active=False)
    keeper.keep(Remembered(100.0))
    assert not keeper.is_due(100.5, changed=True, active=True)
    assert keeper.is_due(101.0, changed=True, active=True)
    assert not keeper.is_due(110.0, changed=False, active=True)
    assert keeper.is_due(115.0, changed=False, active=True)
    assert not keeper.is_due(1e6, changed=False, active=False)


def test_each_set_of_targets_has_a_folder_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    web = default_folder(["name:gunicorn", "port:8000"])
    assert web.parent == tmp_path / "razorprof" / "watch"
    assert web.name.startswith("name-gunicorn-port-8000-")
    assert web == default_folder(["port:8000", "name:gunicorn"])
    assert web != default_folder(["name:gunicorn"])
    assert default_folder(["../../etc\x00"]).parent == web.parent
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_folder(["a"]).parent == tmp_path / ".local" / "state" / "razorprof" / "watch"
