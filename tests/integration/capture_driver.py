"""Takes one capture of a process as watch would: capture_driver.py STATE ACTIONS PID. Prints its folder.

For tests that need a user, a mount or an end of their own. Exit code 3: it was skipped, with the reason.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from razorprof.alerting.actions import read_actions
from razorprof.model.alert import Alert, AlertChange, AlertState, RuleKey
from razorprof.model.labels import Labels
from razorprof.model.target import Target
from razorprof.remote.process import ProcessView
from razorprof.session.alert_captures import AlertCaptures

LABELS = Labels(alertname="Slow", severity="page", path="/a b;$(id)")


def target_of(pid: int) -> Target:
    process = ProcessView(pid)
    return Target(process.identity, "program", process.started(), job="program")


def fires(value: float = 0.9) -> AlertChange:
    now = time.time()
    alert = Alert(RuleKey("r.yml", "g", 0, "Slow"), LABELS, {}, AlertState.FIRING, value, now - 10, now)
    return AlertChange(now, AlertState.PENDING, alert)


def main() -> int:
    state, path, pid = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    target = target_of(pid)
    captures = AlertCaptures(
        read_actions(path), state, find_target=lambda labels: target, allow_attach=True, allow_commands=True
    )
    folders = captures.order([fires()], time.time())
    for folder in folders.values():
        print(folder, flush=True)
    if not captures.wait(100.0):
        return 1
    for note in captures.notes():
        print(note.state, note.detail, file=sys.stderr)
    captures.stop(5.0)
    return 0 if folders else 3


if __name__ == "__main__":
    sys.exit(main())
