"""Captures of alerts: what is taken when, within which limits, and what becomes of it."""

from __future__ import annotations

import json
import logging
import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from razorprof.errors import PermissionDenied, TargetGone, UsageError
from razorprof.model.alert import AlertChange, AlertState
from razorprof.model.target import Identity, Target
from razorprof.recording.bundle_read import open_bundle
from razorprof.recording.profile_files import read_profile
from razorprof.session.alert_captures import LEDGER, METRICS, AlertCaptures
from razorprof.session.capture_steps import Tools
from tests.unit.session.capture_room import NOW, WEB, Room, actions, alert, fires, parse, resolves

ALL = (
    "[threads: {}, cpu: {duration: 3s}, heap: {duration: 2s, attach: true}, gc: {}, bundle: {}, "
    "command: {argv: [/bin/notify, worker]}]"
)
TAKEN, SKIPPED = "razorprof_captures_total", "razorprof_captures_skipped_total"


def told(folder: Path) -> Any:
    return json.loads((folder / "capture.json").read_text())


def test_the_folder_is_there_when_the_alert_fires_and_is_filled_later(tmp_path: Path) -> None:
    room = Room(tmp_path, actions("[threads: {}]"))
    folders = room.order(fires())
    assert set(folders) == {alert().labels}
    folder = Path(folders[alert().labels])
    assert folder.parent == tmp_path / "captures"
    assert folder.name.startswith("20231114T221320Z-slow-Slow-7-")
    assert os.listdir(folder) == ["capture.json"]
    assert told(folder)["state"] == "waiting"
    assert room.hands.called == []
    room.queue.run()
    assert set(os.listdir(folder)) == {"capture.json", "threads.json", "threads.txt"}
    assert told(folder)["state"] == "done"
    for path in (folder.parent, folder):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_all_actions_are_done_in_order_and_told(tmp_path: Path) -> None:
    room = Room(tmp_path, actions(ALL))
    folder = room.take(fires())
    assert room.hands.names() == ["threads", "cpu", "memory", "heap", "gc", "bundle", "command"]
    document = told(folder)
    assert (document["capture"], document["state"], document["razorprof_capture"]) == ("slow", "done", 1)
    assert document["alert"]["labels"] == dict(alert().labels)
    assert (document["alert"]["value"], document["alert"]["fired_at"]) == (0.93, NOW)
    assert document["target"]["pid"] == 7
    assert document["target"]["start_ticks"] == 99
    assert document["target"]["seat"] == "web#0"
    assert [one["action"] for one in document["actions"]] == ["threads", "cpu", "heap", "gc", "bundle", "command"]
    assert all(one["state"] == "done" and one["reason"] is None for one in document["actions"])
    assert document["actions"][1]["seconds"] == 3.0
    assert document["actions"][1]["options"]["duration"] == 3.0
    assert document["actions"][2]["notes"] == ["one note"]
    names = {file["path"] for one in document["actions"] for file in one["files"]}
    assert names | {"capture.json"} == set(os.listdir(folder))
    sizes = {file["path"]: file["bytes"] for one in document["actions"] for file in one["files"]}
    assert all((folder / name).stat().st_size == size for name, size in sizes.items())
    assert (document["ordered"], document["ended"]) == (NOW, NOW + 12.0)
    assert (folder / "command.txt").read_text() == "said\n"


def test_the_profile_is_readable_and_threads_are_joined_unless_asked_for(tmp_path: Path) -> None:
    room = Room(tmp_path, actions("[cpu: {duration: 1s, format: json}, cpu: {format: json, threads: true}]"))
    folder = room.take(fires())
    joined, apart = read_profile(folder / "cpu.json"), read_profile(folder / "cpu-2.json")
    assert len(joined.weights) == 1
    assert len(apart.weights) == 2
    assert joined.total == apart.total == 6.0


def test_options_reach_who_takes_it(tmp_path: Path) -> None:
    do = (
        "[cpu: {duration: 2s, rate: 50, wall: true, blocking: true, native: true}, bundle: {cpu: 0, heap: 4s}, "
        "heap: {duration: 1s, attach: true}]"
    )
    room = Room(tmp_path, actions(do))
    room.take(fires())
    cpu, bundle, heap = (what for name, what in room.hands.called if name in ("cpu", "bundle", "heap"))
    assert (cpu.seconds, cpu.rate_hz, cpu.wall, cpu.blocking, cpu.native) == (2.0, 50.0, True, True, True)
    assert (bundle.cpu_seconds, bundle.heap_seconds, bundle.redact) == (0.0, 4.0, True)
    assert (heap.seconds, heap.attach) == (1.0, True)
    assert heap.max_bytes <= 500 << 20


def test_heap_without_attach_puts_no_code_into_the_target(tmp_path: Path) -> None:
    room = Room(tmp_path, actions("[heap: {}]"))
    folder = room.take(fires())
    assert room.hands.names() == ["memory"]
    assert set(os.listdir(folder)) == {"capture.json", "memory.json"}
    assert "attach: true" in told(folder)["actions"][0]["notes"][0]


def test_a_failure_is_noted_and_the_rest_go_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    room = Room(tmp_path, actions("[threads: {}, cpu: {}, gc: {}]"))
    room.hands.fail = {
        "threads": PermissionDenied("no permission", value=7, hint="razorprof doctor 7"),
        "cpu": RuntimeError("a bug"),
    }
    folder = room.take(fires())
    document = told(folder)
    assert document["state"] == "partial"
    assert [one["state"] for one in document["actions"]] == ["failed", "failed", "done"]
    assert document["actions"][0]["reason"] == "no permission (7); razorprof doctor 7"
    assert "RuntimeError: a bug" in document["actions"][1]["reason"]
    assert room.counted(TAKEN) == {"partial": 1.0}
    (note,) = room.captures.notes()
    assert note.state == "partial"
    assert "threads: no permission" in note.detail
    assert "no permission" in caplog.text


def test_a_capture_of_which_nothing_worked_has_failed(tmp_path: Path) -> None:
    room = Room(tmp_path, actions("[threads: {}]"))
    room.hands.fail = {"threads": PermissionDenied("no permission")}
    assert told(room.take(fires()))["state"] == "failed"
    assert room.counted(TAKEN) == {"failed": 1.0}
    assert room.captures.notes()[0].state == "failed"


@pytest.mark.parametrize(
    ("change", "firing", "resolved"),
    [
        (fires(), 1, 0),
        (AlertChange(NOW, AlertState.INACTIVE, alert()), 1, 0),  # for: 0
        (resolves(), 0, 1),
        (AlertChange(NOW, AlertState.INACTIVE, alert(AlertState.PENDING)), 0, 0),
        (AlertChange(NOW, AlertState.PENDING, alert(AlertState.INACTIVE)), 0, 0),  # dropped
    ],
)
def test_captures_are_taken_when_alerts_begin_to_fire_or_are_resolved(
    tmp_path: Path, change: AlertChange, firing: int, resolved: int
) -> None:
    for on, expected in (("firing", firing), ("resolved", resolved)):
        room = Room(tmp_path / on, actions("[threads: {}]", on=on))
        assert len(room.order(change)) == expected


def test_only_alerts_that_match_are_captured_and_the_first_of_several_folders_is_told(tmp_path: Path) -> None:
    file = parse(
        "version: 1\nlimits: {min_free_bytes: 0}\ncaptures:\n"
        "  - {name: other, matchers: ['alertname=\"Other\"'], do: [gc: {}]}\n"
        "  - {name: pages, matchers: ['severity=\"page\"'], do: [gc: {}]}\n"
        "  - {name: all, matchers: ['alertname=~\".+\"'], do: [threads: {}]}\n"
    )
    room = Room(tmp_path, file)
    (folder,) = room.order(fires()).values()
    assert "-pages-" in folder
    room.queue.run()
    assert [note.name for note in room.captures.notes()] == ["all", "pages"]
    assert room.hands.names() == ["gc", "threads"]


def test_limits_hold_and_what_is_skipped_is_counted_noted_and_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    room = Room(tmp_path, actions("[threads: {}]", limits="count: 2, window: 10m"))
    room.hands.fail = {"threads": PermissionDenied("no permission")}  # failures count
    for _ in range(2):
        room.take(fires())
        room.clock.advance(10)
    caplog.clear()
    for _ in range(3):
        assert room.order(fires()) == {}
        room.clock.advance(10)
    assert room.counted(SKIPPED) == {"count": 3.0}
    assert caplog.text.count("is skipped") == 1
    skipped, *_ = room.captures.notes()
    assert (skipped.state, skipped.folder, skipped.time) == ("skipped", "", NOW + 40)
    assert "2 of 2 within 600 s" in skipped.detail
    assert len([note for note in room.captures.notes() if note.state == "skipped"]) == 1
    room.clock.advance(600)
    room.take(fires())


def test_a_process_that_restarts_gets_no_new_limits_and_another_has_its_own(tmp_path: Path) -> None:
    room = Room(tmp_path, actions("[threads: {}]", limits="count: 1"))
    other = Target(Identity(8, 100), "web", NOW, job="web")
    room.targets["8"] = other
    alive = room.hands.alive
    alive.add(other.identity)
    room.take(fires())
    room.take(fires(pid="8"))
    alive.discard(WEB.identity)
    room.targets["9"] = Target(Identity(9, 101), "web", NOW, job="web")
    alive.add(Identity(9, 101))
    assert room.order(fires(pid="9")) == {}
    assert room.counted(SKIPPED) == {"count": 1.0}


def test_one_capture_of_a_target_at_a_time_and_others_wait_for_their_turn(tmp_path: Path) -> None:
    room = Room(tmp_path, actions("[threads: {}]"))
    room.targets["8"] = replace(WEB, identity=Identity(8, 100))
    room.hands.alive.add(Identity(8, 100))
    assert len(room.order(fires())) == 1
    assert room.order(fires()) == {}
    assert len(room.order(fires(pid="8"))) == 1
    assert room.counted(SKIPPED) == {"running": 1.0}
    assert room.counted("razorprof_captures_pending") == {"": 2.0}
    room.queue.run()
    assert room.counted("razorprof_captures_pending") == {"": 0.0}
    assert len(room.order(fires())) == 1


def test_not_more_than_some_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("razorprof.session.capture_board.MOST_WAITING", 3)
    room = Room(tmp_path, actions("[threads: {}]"))
    for pid in range(10, 15):
        room.targets[str(pid)] = replace(WEB, identity=Identity(pid, 1), job=f"job{pid}")
    folders = room.order(*(fires(pid=str(pid)) for pid in range(10, 15)))
    assert len(folders) == 3
    assert room.counted(SKIPPED) == {"queue": 2.0}
    assert len(os.listdir(tmp_path / "captures")) == 3


def test_a_target_that_dies_in_the_middle_keeps_what_there_is(tmp_path: Path) -> None:
    room = Room(tmp_path, actions("[threads: {}, cpu: {}, gc: {}, command: {argv: [/bin/notify]}]"))
    room.hands.before["cpu"] = room.hands.alive.clear
    document = told(room.take(fires()))
    assert [one["state"] for one in document["actions"]] == ["done", "done", "failed", "done"]
    assert "the process has ended" in document["actions"][2]["reason"]
    (environment,) = (what[1] for name, what in room.hands.called if name == "command")
    assert environment["RAZORPROF_PID"] == ""  # it may be another's by now


def test_a_command_gets_data_by_environment_variables_only(tmp_path: Path) -> None:
    room = Room(tmp_path, actions("[command: {argv: [/bin/notify, worker], timeout: 7s}]"))
    folder = room.take(fires(evil="$(id)`;|\n"))
    ((_, (argv, environment, timeout)),) = room.hands.called
    assert (argv, timeout) == (("/bin/notify", "worker"), 7.0)
    given = {name: value for name, value in environment.items() if name.startswith("RAZORPROF_")}
    assert given == {
        "RAZORPROF_ALERT": "Slow",
        "RAZORPROF_STATE": "firing",
        "RAZORPROF_VALUE": "0.93",
        "RAZORPROF_CAPTURE": str(folder),
        "RAZORPROF_CAPTURE_NAME": "slow",
        "RAZORPROF_PID": "7",
        "RAZORPROF_LABEL_alertname": "Slow",
        "RAZORPROF_LABEL_severity": "page",
        "RAZORPROF_LABEL_pid": "7",
        "RAZORPROF_LABEL_evil": "$(id)`;|\n",
    }


def test_a_command_that_fails_is_told_and_its_output_kept(tmp_path: Path) -> None:
    room = Room(tmp_path, actions("[command: {argv: [/bin/notify]}]"))
    room.hands.command = replace(room.hands.command, code=3, is_cut=True)
    folder = room.take(fires())
    (step,) = told(folder)["actions"]
    assert (step["state"], step["reason"]) == ("failed", "the command failed (exit code 3)")
    assert step["notes"] == ["its output was cut"]
    assert (folder / "command.txt").read_text() == "said\n"


def test_an_alert_without_a_process_runs_commands_and_nothing_else(tmp_path: Path) -> None:
    room = Room(tmp_path, actions("[threads: {}, command: {argv: [/bin/notify]}]"))
    folder = room.take(fires(pid=""))
    assert "-none-" in folder.name
    document = told(folder)
    assert document["target"] is None
    assert [one["state"] for one in document["actions"]] == ["failed", "done"]
    assert room.hands.names() == ["command"]

    room = Room(tmp_path / "more", actions("[threads: {}]"))
    assert room.order(fires(pid="")) == {}
    assert room.counted(SKIPPED) == {"no_target": 1.0}


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "x" * 500, "\x1b[31m\n", "..", "ünï-ködé", "-rf"])
def test_what_an_alert_is_called_leads_nowhere(tmp_path: Path, name: str) -> None:
    room = Room(tmp_path, actions("[gc: {}]", matchers="['alertname=~\"(?s).+\"']"))
    folder = room.take(fires(alertname=name))
    assert folder.parent == tmp_path / "captures"
    assert folder.name.isascii()
    assert told(folder)["alert"]["labels"]["alertname"] == name


def test_the_oldest_captures_go_where_bytes_run_out(tmp_path: Path) -> None:
    room = Room(tmp_path, actions("[bundle: {}]", limits="max_bytes: 1MiB, count: 100"))
    room.hands.noise = os.urandom(400_000)
    folders = []
    for _ in range(5):
        folders.append(room.take(fires()))
        room.clock.advance(10)
        held = sum(path.stat().st_size for path in (tmp_path / "captures").rglob("*") if path.is_file())
        assert held <= 1 << 20
    assert [folder.exists() for folder in folders] == [False, False, False, True, True]
    assert room.counted("razorprof_captures_removed_total") == {"": 3.0}
    assert 800_000 < room.counted("razorprof_captures_bytes")[""] <= 1 << 20


def test_a_capture_never_takes_more_than_its_bytes(tmp_path: Path) -> None:
    room = Room(tmp_path, actions("[threads: {}, bundle: {}, gc: {}]", limits="max_bytes: 1MiB"))
    room.hands.noise = os.urandom(3 << 20)
    folder = room.take(fires())
    document = told(folder)
    assert [one["state"] for one in document["actions"]] == ["done", "failed", "done"]
    assert "more room than there is" in document["actions"][1]["reason"]
    assert set(os.listdir(folder)) == {"capture.json", "threads.json", "threads.txt", "gc.json"}


def test_folders_that_are_not_ours_are_never_removed(tmp_path: Path) -> None:
    room = Room(tmp_path, actions("[gc: {}]", limits="count: 100"))
    first = room.take(fires())
    mine = tmp_path / "captures" / "letters"
    first.rename(mine)
    for path in (tmp_path / "outside", tmp_path / "captures" / "letters"):
        path.mkdir(exist_ok=True)
    document = json.loads((tmp_path / LEDGER).read_text())
    document["captures"] = [
        {"capture": "slow", "seat": "web#0", "started": NOW, "folder": str(path), "ended": NOW, "bytes": 1 << 40}
        for path in (mine, tmp_path / "outside")
    ]
    (tmp_path / LEDGER).write_text(json.dumps(document))
    room = Room(tmp_path, actions("[gc: {}]", limits="count: 100"))
    room.take(fires())
    assert mine.is_dir()
    assert (tmp_path / "outside").is_dir()


def test_a_damaged_ledger_is_set_aside_and_captures_go_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for content in ("{", '{"version": 7}', '{"version": 1, "captures": [{}], "seats": []}'):
        (tmp_path / LEDGER).write_text(content)
        room = Room(tmp_path, actions("[gc: {}]"))
        room.take(fires())
        assert (tmp_path / f"{LEDGER}.damaged").read_text() == content
    assert caplog.text.count("damaged") >= 3


def test_a_ledger_that_cannot_be_written_is_told_and_captures_go_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    room = Room(tmp_path, actions("[gc: {}]"))
    (tmp_path / LEDGER).mkdir()
    assert told(room.take(fires()))["state"] == "done"
    assert room.counted("razorprof_captures_ledger_write_failures_total")[""] >= 1
    assert "the ledger of captures cannot be kept" in caplog.text


def test_too_little_free_space_skips_a_capture(tmp_path: Path) -> None:
    room = Room(tmp_path, actions("[gc: {}]", limits="min_free_bytes: 1000TiB"))
    assert room.order(fires()) == {}
    assert room.counted(SKIPPED) == {"min_free_bytes": 1.0}


def test_without_its_directory_a_capture_is_skipped(tmp_path: Path) -> None:
    room = Room(tmp_path, actions("[gc: {}]"))
    (tmp_path / "captures").rmdir()
    assert room.order(fires()) == {}
    assert room.counted(SKIPPED) == {"folder": 1.0}


def test_a_directory_that_others_may_write_into_is_refused(tmp_path: Path) -> None:
    (tmp_path / "captures").mkdir()
    (tmp_path / "captures").chmod(0o777)
    with pytest.raises(UsageError, match="may be written by others"):
        Room(tmp_path, actions("[gc: {}]"))


def test_what_was_not_allowed_is_refused_when_it_is_loaded_and_when_it_is_checked(tmp_path: Path) -> None:
    command = actions("[command: {argv: [/bin/notify]}]")
    with pytest.raises(UsageError, match="command"):
        AlertCaptures(command, tmp_path)
    captures = AlertCaptures(actions("[gc: {}]"), tmp_path, allow_commands=False, allow_attach=True)
    with pytest.raises(UsageError, match="command"):
        captures.check(command)
    captures.check(actions("[heap: {attach: true}]"))
    captures.stop(1.0)


def test_what_cannot_be_taken_up_is_told_and_the_old_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    room = Room(tmp_path, actions("[gc: {}]"))
    elsewhere = replace(actions("[threads: {}]"), directory="/proc/nothing")
    room.captures.adopt(elsewhere)
    assert "are not taken up" in caplog.text
    room.take(fires())
    assert room.hands.names() == ["gc"]
    room.captures.adopt(None)
    assert room.order(fires()) == {}


def test_other_actions_are_taken_up_and_limits_go_on(tmp_path: Path) -> None:
    room = Room(tmp_path, actions("[gc: {}]", limits="count: 1"))
    room.take(fires())
    room.captures.adopt(actions("[threads: {}]", limits="count: 2"))
    room.take(fires())
    assert room.hands.names() == ["gc", "threads"]
    assert room.order(fires()) == {}


def test_stopped_captures_keep_what_they_have_and_begin_nothing_more(tmp_path: Path) -> None:
    room = Room(tmp_path, actions("[threads: {}, cpu: {}, gc: {}]"))
    room.targets["8"] = replace(WEB, identity=Identity(8, 100))
    room.hands.before["cpu"] = lambda: room.captures.stop(0.0)
    running, waiting = map(Path, room.order(fires(), fires(pid="8")).values())
    room.queue.run()
    assert [one["state"] for one in told(running)["actions"]] == ["done", "done", "skipped"]
    assert "razorprof was ended" in told(running)["actions"][2]["reason"]
    assert told(waiting)["state"] == "skipped"
    assert room.hands.names() == ["threads", "cpu"]
    assert room.order(fires()) == {}
    assert room.counted(SKIPPED) == {"stopped": 2.0}
    assert room.queue.closed


def test_an_ended_recording_of_allocations_is_no_interruption_of_ours(tmp_path: Path) -> None:
    room = Room(tmp_path, actions("[heap: {attach: true}, gc: {}]"))
    room.hands.fail = {"heap": KeyboardInterrupt()}
    document = told(room.take(fires()))
    assert [one["state"] for one in document["actions"]] == ["failed", "done"]


def test_a_person_takes_a_bundle_now_without_any_actions(tmp_path: Path) -> None:
    room = Room(tmp_path, None)
    note = room.captures.take_now(WEB)
    assert (note.name, note.alert, note.state) == ("now", "", "running")
    assert room.captures.take_now(WEB).state == "skipped"  # one at a time
    room.queue.run()
    assert open_bundle(Path(note.folder) / "bundle.tar.gz").manifest.target["pid"] == 7
    assert room.captures.notes()[-1].state == "done"
    assert not (tmp_path / LEDGER).exists()
    for _ in range(10):
        room.clock.advance(1)
        room.captures.take_now(WEB)
        room.queue.run()
    assert len(os.listdir(tmp_path / "captures")) == 11  # nothing that a person took is removed


def test_by_default_they_go_to_the_users_state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    captures = AlertCaptures(None, tools=Tools(is_alive=lambda identity: False))
    note = captures.take_now(WEB)
    assert Path(note.folder).parent == tmp_path / "razorprof" / "captures"
    assert captures.wait(60.0)
    assert captures.notes()[0].state == "failed"
    captures.stop(1.0)


def test_metrics_are_all_declared_and_begin_at_nothing(tmp_path: Path) -> None:
    room = Room(tmp_path, actions("[gc: {}]"))
    samples = room.captures.samples()
    assert {sample.metric for sample in samples} <= set(METRICS)
    assert {sample.labels["result"] for sample in samples if sample.name == TAKEN} == {"done", "partial", "failed"}
    assert all(sample.value == 0.0 for sample in samples)
    assert all(set(sample.metric.labels) == set(sample.labels) for sample in samples)


def test_logs_hold_no_control_characters_of_a_label(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    room = Room(tmp_path, actions("[gc: {}]", matchers="['severity=\"page\"']"))
    room.hands.fail = {"gc": TargetGone("gone", value="\x1b[2J")}
    room.take(fires(alertname="\x1b[31mred"))
    assert caplog.records
    assert "\x1b" not in caplog.text
