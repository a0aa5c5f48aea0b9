"""The command: how it is written, what it finds in its environment. How it is run: test_notify_command."""

from __future__ import annotations

import pytest

from razorprof.clock import ManualClock
from razorprof.errors import UsageError
from razorprof.model.labels import Labels
from razorprof.model.notice import Notice
from razorprof.notifiers.command import CommandNotifier, variables

START = 1_700_000_000.0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("/bin/true", "not"),
        ("", "not a command"),
        ("   ", "not a command"),
        ("[]", "not a command"),
        ("[1]", "not a command"),
        ('["/bin/true", 2]', "not a command"),
        ('["/bin/true"', "not a command"),
        ("[" * 100_000, "not a command"),
        ("'/bin/true", "not a command"),
        ('["/bin/true", "a\\u0000b"]', "not a command"),
        ("./script", "relative path"),
        ("no-such-program-anywhere", "no such program"),
        ("/etc/passwd", "no such program"),
        ("/etc", "no such program"),
    ],
)
def test_what_is_no_command_is_refused(text: str, words: str) -> None:
    if text == "/bin/true":
        CommandNotifier().open({"argv": text}, ManualClock()).close()
        return
    with pytest.raises(UsageError, match=words):
        CommandNotifier().open({"argv": text}, ManualClock())


def test_its_environment_tells_what_there_is_to_know() -> None:
    labels = Labels({"alertname": "Slow", "severity": "page", "bad-name": "x"})
    notice = Notice(labels, {"summary": "too slow"}, START, START + 240, value=0.5)
    found = variables(notice)
    assert len(found.pop("FINGERPRINT")) == 16
    assert found == {
        "ALERT": "Slow",
        "STATE": "firing",
        "STARTS_AT": "2023-11-14T22:13:20Z",
        "ENDS_AT": "",
        "VALUE": "0.5",
        "ANNOTATION_summary": "too slow",
    }


def test_an_alert_that_is_over_has_an_end() -> None:
    found = variables(Notice(Labels(alertname="Slow"), {}, START, START + 60, is_resolved=True))
    assert (found["STATE"], found["ENDS_AT"]) == ("resolved", "2023-11-14T22:14:20Z")
