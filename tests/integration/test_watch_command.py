"""`razorprof watch` on real processes: it waits, follows, tells, captures, reads again, remembers, ends with 0."""

from __future__ import annotations

import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.integration.serve_targets import SPLIT
from tests.integration.watch_targets import LONG, hook, metric, service_manager, until, watching
from tests.live_targets import StartProgram

RULES = """
groups:
  - name: worker
    interval: 1s
    rules:
      - alert: Descriptors
        expr: process_open_fds > 0
        labels: {severity: page}
        annotations: {summary: "{{ $value }} are open"}
      - alert: Gone
        expr: up == 0
      - alert: There
        expr: up == 1
        labels: {severity: none}
      - alert: Nobody
        expr: absent(up{job="split",pid!=""})
"""
ACTIONS = """
version: 1
limits: {min_free_bytes: 1MiB}
captures:
  - name: open
    matchers: ['alertname="Descriptors"']
    do:
      - threads: {}
"""


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A rule file and an action file."""
    rules, actions = tmp_path / "rules.yml", tmp_path / "actions.yml"
    rules.write_text(RULES)
    actions.write_text(ACTIONS)
    return rules, actions


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program whose name nobody else has."""
    return Path(shutil.copy(SPLIT, tmp_path / f"watched_{tmp_path.name[:40]}.py"))


def test_it_waits_tells_captures_follows_reads_again_and_ends_with_0(
    files: tuple[Path, Path], program: Path, start_program: StartProgram, tmp_path: Path
) -> None:
    rules, actions = files
    options = [
        "--job",
        "split",
        "--rules",
        str(rules),
        "--actions",
        str(actions),
        "--external-label",
        "cluster=eu",
    ]
    options += ["--interval", "0.5", "--listen", "127.0.0.1:0", "--heartbeat", "--evaluation-interval", "1s"]
    with (
        hook() as posted,
        service_manager(tmp_path) as manager,
        watching(
            tmp_path, f"name:{program.name}", *options, "--webhook", posted.url, NOTIFY_SOCKET=manager.address
        ) as watch,
    ):
        url = watch.url
        until(lambda: manager.heard("READY=1") == 1)
        posted.wait_for("Heartbeat", "firing")
        assert posted.wait_for("Nobody", "firing")["labels"]["job"] == "split", (
            "rules run before a target is there"
        )
        place = posted.wait_for("Gone", "firing")["labels"]
        assert place | {"target": f"name:{program.name}", "job": "split"} == place
        assert "pid" not in place

        first = start_program(sys.executable, program, "300")
        watch.wait_for("target", pid=first.pid, state="watched")
        told = posted.wait_for("Descriptors", "firing")
        assert told["labels"] | {"pid": str(first.pid), "cluster": "eu", "severity": "page"} == told["labels"]
        folder = Path(told["annotations"]["razorprof_capture"])
        assert folder.is_relative_to(tmp_path / "state" / "captures")
        watch.wait_for("capture", state="done", pid=first.pid)
        assert (folder / "threads.json").is_file()
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        posted.wait_for("Nobody", "resolved")
        posted.wait_for("Gone", "resolved")
        [alert] = [
            one
            for one in httpx.get(f"{url}/api/v1/alerts", timeout=LONG, trust_env=False).json()["data"]["alerts"]
            if one["labels"]["alertname"] == "Descriptors"
        ]
        assert (alert["state"], alert["annotations"]["razorprof_capture"]) == ("firing", str(folder))

        first.end()
        watch.wait_for("target", pid=first.pid, state="gone")
        assert posted.wait_for("Gone", "firing", 2)["labels"]["pid"] == str(first.pid)
        second = start_program(sys.executable, program, "300")
        watch.wait_for("target", pid=second.pid, state="watched")
        posted.wait_for("Gone", "resolved", 2)
        assert posted.wait_for("Descriptors", "firing", 2)["labels"]["pid"] == str(second.pid)

        rules.write_text(RULES.replace("expr: up == 0", "expr: up ==="))
        watch.send(signal.SIGHUP)
        refused = watch.wait_for("reload")
        assert f"{rules}:" in refused["error"]
        until(lambda: metric(url, "razorprof_config_last_reload_successful") == 0.0)
        code = subprocess.run(
            [sys.executable, "-m", "razorprof", "check", "--from", url],
            capture_output=True,
            text=True,
            timeout=LONG,
        )
        assert (code.returncode, "1 critical: Descriptors" in code.stdout) == (2, True)
        assert f"UNKNOWN: {refused['error'][:40]}" in code.stdout
        rules.write_text(RULES.replace("Descriptors", "Files"))
        watch.send(signal.SIGHUP)
        assert watch.wait_for("reload", 2) == {"event": "reload", "error": None, "rules": 5}
        posted.wait_for("Files", "firing")
        until(lambda: metric(url, "razorprof_config_last_reload_successful") == 1.0)
        assert len([m for m in manager.messages if m.startswith("RELOADING=1\nMONOTONIC_USEC=")]) == 2

        assert watch.end() == 0
        assert watch.told("ended")
        assert manager.heard("STOPPING=1") == 1
        assert manager.heard("READY=1") == 3
        assert manager.heard("WATCHDOG=1") > 3
        assert "Traceback" not in watch.errors
    assert second.process.poll() is None


def test_over_a_kill_nobody_is_told_twice_and_what_ended_meanwhile_is_told(
    files: tuple[Path, Path], start_program: StartProgram, tmp_path: Path
) -> None:
    target = start_program(sys.executable, SPLIT, "300")
    target.wait_for("ready")
    other = start_program(sys.executable, SPLIT, "300")
    options = ["--rules", str(files[0]), "--interval", "0.5", "--evaluation-interval", "1s"]
    with hook() as posted:
        with watching(tmp_path, str(target.pid), str(other.pid), *options, "--webhook", posted.url) as watch:
            posted.wait_for("Descriptors", "firing", 2)
            watch.wait_for("alert", 2, name="Descriptors", state="firing")
            until(lambda: _waiting(tmp_path, 4) == 0, "what was told is written down")
            runtimes = [one["labels"].get("runtime") for one in watch.told("alert", name="There")]
            assert runtimes == ["cpython", "cpython"], "once of each, and not before the runtime is known"
            assert watch.end(signal.SIGKILL) == -signal.SIGKILL
        other.end()
        with watching(tmp_path, str(target.pid), *options, "--webhook", posted.url) as watch:
            resolved = posted.wait_for("Descriptors", "resolved")
            assert resolved["labels"]["pid"] == str(other.pid)
            assert watch.end(signal.SIGINT) == 0
        assert len(posted.alerts("Descriptors", "firing")) == 2


def _waiting(folder: Path, alerts: int) -> int:
    """How many notices the state says are still to be told; -1 where it does not know of so many alerts yet."""
    import json

    try:
        document = json.loads((folder / "state" / "alerts.json").read_text())
        [route] = document["owed"]["routes"].values()
    except (OSError, ValueError, KeyError):
        return -1
    return len(route["waiting"]) if len(route["believed"]) >= alerts else -1


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "no rules given"),
        (["--rules", "RULES", "--interval", "1h"], 2, "the interval is out of range"),
        (["--rules", "RULES", "--token-file", "x"], 2, "are for --listen"),
        (["--rules", "RULES", "--notify", "nobody:x=y"], 5, "no such notifier"),
        (["--rules", "RULES", "--webhook", "ftp://x"], 2, "not an http or https URL"),
        (["--rules", "RULES", "--external-label", "alertname=x"], 2, "no external label"),
        (["--rules", "OPEN"], 2, "may be written by others"),
        (["--rules", "RULES", "--listen", "0.0.0.0:0"], 2, "needs a token"),
        (["--rules", "BAD"], 2, "BAD:"),
    ],
)
def test_what_is_wrong_is_told_before_anything_begins(
    arguments: list[str], code: int, words: str, files: tuple[Path, Path], tmp_path: Path
) -> None:
    (tmp_path / "OPEN").write_text(RULES)
    (tmp_path / "OPEN").chmod(0o666)
    (tmp_path / "BAD").write_text("groups: [{name: a, rules: [{alert: x}]}]")
    given = [str(files[0]) if part == "RULES" else part for part in arguments]
    command = [sys.executable, "-m", "razorprof", "watch", "name:nobody-is-called-so", *given]
    done = subprocess.run(
        [*command, "--state", str(tmp_path / "state")], capture_output=True, text=True, timeout=LONG, cwd=tmp_path
    )
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_pid_that_is_not_there_a_name_that_many_have_and_a_state_in_use_are_refused(
    files: tuple[Path, Path], start_program: StartProgram, tmp_path: Path
) -> None:
    programs = [start_program(sys.executable, SPLIT, "300") for _ in range(2)]
    rules = ["--rules", str(files[0])]

    def refusal(target: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "razorprof", "watch", target, *rules, "--state", str(tmp_path / "state")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=LONG)
        return done.returncode, done.stderr

    assert refusal("999999")[0] == 3
    code, words = refusal(f"cmd:{SPLIT}")
    assert (code, f"{programs[0].pid}" in words) == (3, True)
    with watching(tmp_path, str(programs[0].pid), *rules) as watch:
        watch.wait_for("started")
        code, words = refusal(str(programs[1].pid))
        assert (
            code,
            f"another watch uses this state folder ({tmp_path / 'state'}: pid {watch.process.pid})" in words,
        ) == (2, True)
        assert watch.end() == 0
