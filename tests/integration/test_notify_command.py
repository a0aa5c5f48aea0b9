"""Commands that are told of alerts, as they really run: their input, their ends, what they leave behind."""

from __future__ import annotations

import json
import logging
import os
import signal
import time
from pathlib import Path

import pytest

from razorprof.clock import SystemClock
from razorprof.errors import RazorprofError, TimedOut, ToolFailed
from razorprof.model.labels import Labels
from razorprof.model.notice import Notice
from razorprof.plugin.loading import find_notifier
from razorprof.profilers.user_command import run_command

LONG = 60.0
NOTICE = Notice(Labels(alertname="Slow", pid="$(touch x); `id`"), {"summary": "é\n'\""}, 1_700_000_000.0)


def send(script: Path, *arguments: str, notice: Notice = NOTICE, timeout: float = LONG) -> None:
    argv = json.dumps([str(script), *arguments])
    find_notifier("command").open({"argv": argv}, SystemClock()).send([notice], timeout)


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A place for a shell script; `write` makes it."""
    return tmp_path / "a script"


def write(script: Path, text: str) -> None:
    script.write_text(f"#!/bin/sh\n{text}\n")
    script.chmod(0o700)


def is_there(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until_gone(pid: int) -> None:
    limit = time.monotonic() + LONG
    while is_there(pid):
        assert time.monotonic() < limit
        time.sleep(0.01)


def test_it_gets_its_arguments_as_they_are_and_the_alert_in_its_environment_and_on_stdin(
    script: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    write(
        script,
        f"""cd '{folder}'
        cat >given
        printf %s "$2" >argument
        printf %s "$RAZORPROF_LABEL_pid" >label
        printf %s "$RAZORPROF_ANNOTATION_summary" >summary
        ps -o sid= -p $$ | tr -d ' ' >session
        echo $$ >pid""",
    )
    send(script, "$HOME", "a b; touch y\n*")
    assert (folder / "argument").read_text() == "a b; touch y\n*"
    assert (folder / "label").read_text() == NOTICE.labels["pid"]
    assert (folder / "summary").read_text() == NOTICE.annotations["summary"]
    given = json.loads((folder / "given").read_text())
    assert given["alerts"][0]["labels"] == dict(NOTICE.labels)
    assert given["version"] == "4"
    assert (folder / "session").read_text() == (folder / "pid").read_text(), "it has a session of its own"
    assert {path.name for path in folder.iterdir()} == {"argument", "label", "summary", "given", "session", "pid"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("echo 'all is lost' >&2; exit 3", "exit code 3: all is lost"),
        ("kill -SEGV $$", "signal 11"),
        ("printf 'a\\033[31mb\\0c'; exit 1", "exit code 1: a\x1b[31mb"),
    ],
)
def test_a_failure_is_told_with_what_it_said(script: Path, text: str, words: str) -> None:
    write(script, text)
    with pytest.raises(ToolFailed) as failed:
        send(script)
    assert type(failed.value) is ToolFailed
    assert words in str(failed.value)


def test_what_it_says_when_it_works_is_logged_escaped(script: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    write(script, "printf 'told\\033[31m\\n'")
    send(script)
    assert [record.message.partition(": ")[2] for record in caplog.records] == ["told\\x1b[31m"]


def test_a_command_that_is_gone_or_no_program_is_a_failure_that_may_pass(script: Path) -> None:
    write(script, "exit 0")
    sender = find_notifier("command").open({"argv": json.dumps([str(script)])}, SystemClock())
    script.write_bytes(b"\x7fELF nonsense")
    with pytest.raises(ToolFailed, match="could not be started"):
        sender.send([NOTICE], LONG)
    script.unlink()
    with pytest.raises(ToolFailed, match="could not be started"):
        sender.send([NOTICE], LONG)


@pytest.mark.parametrize("stubborn", [False, True])
def test_one_that_hangs_is_ended_with_all_that_it_started(script: Path, tmp_path: Path, stubborn: bool) -> None:
    trap = "trap '' TERM" if stubborn else ":"
    write(script, f"{trap}; sleep 300 & echo $! $$ >'{tmp_path}/pids'; while :; do sleep 300; done")
    with pytest.raises(TimedOut):
        send(script, timeout=1.0)
    for pid in map(int, (tmp_path / "pids").read_text().split()):
        wait_until_gone(pid)


def test_what_it_leaves_behind_is_not_waited_for(script: Path, tmp_path: Path) -> None:
    write(script, f"sleep 300 & echo $! >'{tmp_path}/pid'; exit 0")
    send(script)
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


def test_much_output_and_much_input_block_nobody(script: Path) -> None:
    write(script, "head -c 3000000 /dev/zero | tr '\\0' x; cat >/dev/null; exit 1")
    end = run_command([str(script)], {"PATH": os.environ["PATH"]}, LONG, most_output=4096, given=b"y" * 3_000_000)
    assert (end.code, end.output, end.is_cut) == (1, b"x" * 4096, True)


def test_one_that_does_not_read_is_no_harm(script: Path) -> None:
    write(script, "exec <&-; exit 0")
    assert run_command([str(script)], {}, LONG, given=b"y" * 3_000_000).code == 0


def test_the_largest_alert_still_starts_a_command(script: Path) -> None:
    labels = {f"label{number}": "é" * 5_000 for number in range(100)}
    write(script, "exit 0")
    try:
        send(script, notice=Notice(Labels(labels, alertname="Large"), labels))
    except RazorprofError as error:
        raise AssertionError(str(error)) from error


def test_no_descriptor_of_ours_is_passed_on(script: Path, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    try:
        os.set_inheritable(writing, True)
        write(script, f"ls -l /proc/self/fd >'{tmp_path}/fds'")
        send(script)
        assert f"pipe:[{os.fstat(writing).st_ino}]" not in (tmp_path / "fds").read_text()
    finally:
        os.close(reading)
        os.close(writing)
