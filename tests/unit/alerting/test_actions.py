"""Action files: what they mean, and every way to write them wrong, each with its line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from razorprof.alerting.actions import check_allowed, examine_actions, problems_of_actions, read_actions
from razorprof.alerting.capture_rules import (
    ActionFile,
    CaptureLimits,
    Occasion,
    RunCommand,
    TakeBundle,
    TakeCpu,
    TakeGc,
    TakeHeap,
    TakeRecording,
    TakeThreads,
)
from razorprof.errors import UsageError

WHOLE = """\
version: 1
directory: evidence
limits: {count: 3, window: 2h, cooldown: 5m, max_bytes: 100MiB, min_free_bytes: 2GiB}
captures:
  - name: slow-worker
    matchers: ['alertname="WorkerCpuHigh"', 'severity=~"page|critical"']
    on: firing
    limits: {count: 2, window: 10m}
    do:
      - threads: {}
      - cpu: {duration: 10s, rate: 50, format: speedscope, wall: true, threads: true}
      - heap: {duration: 30s, attach: true}
      - gc:
      - bundle: {cpu: 2s, heap: 5s}
      - command: {argv: ["/usr/local/bin/notify", "worker"], timeout: 10s}
  - name: after
    matchers: ['alertname=~".+"']
    on: resolved
    do: [threads: {}]
"""


def capture(do: str = "[threads: {}]", **keys: str) -> str:
    """A file of one capture whose action stands in line 6."""
    fields = {"name": "a", "matchers": "['x=\"y\"']"} | keys
    lines = [f"{name}: {value}" for name, value in fields.items()]
    return "version: 1\ncaptures:\n  - " + "\n    ".join([*lines, "do:", f"  {do}"]) + "\n"


def only_action(do: str) -> object:
    found, problems = examine_actions(capture(do), "a.yml")
    assert problems == []
    return found.captures[0].actions[0]


def problems(text: str | bytes) -> list[tuple[int, str]]:
    return [(one.line, one.message) for one in problems_of_actions(text, "a.yml")]


def test_a_whole_file_is_read() -> None:
    found, wrong = examine_actions(WHOLE, "a.yml")
    assert wrong == []
    assert (found.path, found.directory) == ("a.yml", "evidence")
    assert found.limits == CaptureLimits(3, 7200.0, 300.0, 100 << 20, 2 << 30)
    slow, after = found.captures
    assert (slow.name, slow.line, slow.lines) == ("slow-worker", 5, (10, 11, 12, 13, 14, 15))
    assert slow.limits == CaptureLimits(2, 600.0, 300.0, 100 << 20, 2 << 30)  # the file's where it gives none
    assert slow.actions == (
        TakeThreads(),
        TakeCpu(10.0, 50.0, "speedscope.json", wall=True, threads=True),
        TakeHeap(30.0, attach=True),
        TakeGc(),
        TakeBundle(2.0, 5.0),
        RunCommand(("/usr/local/bin/notify", "worker"), 10.0),
    )
    assert slow.wants(Occasion.FIRING, {"alertname": "WorkerCpuHigh", "severity": "page"})
    assert not slow.wants(Occasion.RESOLVED, {"alertname": "WorkerCpuHigh", "severity": "page"})
    assert not slow.wants(Occasion.FIRING, {"alertname": "WorkerCpuHigh"})
    assert after.occasion is Occasion.RESOLVED
    assert after.limits == found.limits


def test_what_is_not_said_is_as_it_is_told() -> None:
    found, _ = examine_actions(capture(), "a.yml")
    assert found.directory == "captures"
    assert found.captures[0].limits == CaptureLimits(5, 3600.0, 0.0, 500 << 20, 1 << 30)
    assert found.captures[0].occasion is Occasion.FIRING
    assert only_action("- cpu: {}") == TakeCpu(10.0, 100.0, "pb.gz")
    assert only_action("- cpu: {duration: 3}") == TakeCpu(3.0)
    assert only_action("- bundle: {}") == TakeBundle(5.0, None)
    assert only_action("- heap: {}") == TakeHeap(30.0, attach=False)
    assert only_action("- recording:") == TakeRecording(300.0)
    assert only_action("- recording: {last: 1h}") == TakeRecording(3600.0)


def test_captures_go_below_the_state_directory_or_where_an_absolute_path_says() -> None:
    assert ActionFile("a").folder(Path("/var/lib/x")) == Path("/var/lib/x/captures")
    assert ActionFile("a", directory="/srv/c").folder(Path("/var/lib/x")) == Path("/srv/c")


@pytest.mark.parametrize(
    ("wanted", "ending"),
    [("pb.gz", "pb.gz"), (".html", "html"), ("gecko", "gecko.json"), ("json", "json"), ("collapsed", "collapsed")],
)
def test_a_format_is_named_by_an_ending_or_by_its_name(wanted: str, ending: str) -> None:
    assert only_action(f"- cpu: {{format: {wanted}}}") == TakeCpu(ending=ending)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 0, "empty"),
        ("[]", 1, "a mapping, not a list"),
        ("version: 1\n", 1, "has no captures"),
        ("captures: []\n", 1, "has no version"),
        ("version: 2\ncaptures: []\n", 1, "version '2' is not known"),
        ("version: 1\ncaptures: []\n", 2, "0 items"),
        ("version: 1\ncaptures: {}\n", 2, "a list, not a mapping"),
        ("version: 1\ncaptures:\n", 2, "holds nothing"),
        ("version: 1\ncaptures: [1]\n", 2, "a capture is a mapping, not '1'"),
        ("version: 1\nmore: 1\n" + capture()[11:], 2, "no field 'more'"),
        ("version: 1\n" + capture(), 2, "stands here again"),
        (capture() + "---\nversion: 1\n", 7, "second document"),
        ("version: 1\ndirectory: ../up\n" + capture()[11:], 2, "leads out"),
        ("version: 1\ndirectory: 5\n" + capture()[11:], 2, "directory is text"),
        ("version: 1\nlimits: {counts: 5}\n" + capture()[11:], 2, "no field 'counts'"),
        ("version: 1\nlimits: {count: 0}\n" + capture()[11:], 2, "out of range"),
        ("version: 1\nlimits: {count: 1.5}\n" + capture()[11:], 2, "a whole number"),
        ("version: 1\nlimits: {window: 1y}\n" + capture()[11:], 2, "a duration"),
        ("version: 1\nlimits: {window: 32d}\n" + capture()[11:], 2, "out of range"),
        ("version: 1\nlimits: {max_bytes: 5 apples}\n" + capture()[11:], 2, "a size"),
        ("version: 1\nlimits: {max_bytes: [5]}\n" + capture()[11:], 2, "a size such as 512MiB, not a list"),
        (capture(name="Slow"), 3, "no name for a capture"),
        (capture(name="../x"), 3, "no name for a capture"),
        (capture(name='""'), 3, "name is text"),
        (capture(name="5"), 3, "name is text"),
        (capture(matchers="[]"), 4, "0 items"),
        (capture(matchers="'a=\"b\"'"), 4, "a list"),
        (capture(matchers="['a']"), 4, "not a matcher"),
        (capture(matchers="['a=~\"(\"']"), 4, "bad regular expression"),
        (capture(on="pending"), 5, "on is firing or resolved"),
        (capture(when="firing"), 5, "no field 'when'"),
        (capture("[]"), 6, "0 items"),
        (capture("- dance: {}"), 6, "no action 'dance'"),
        (capture("- threads"), 6, "its name with its options"),
        (capture("- {threads: {}, gc: {}}"), 6, "its name with its options"),
        (capture("- threads: {locals: true}"), 6, "threads takes no options"),
        (capture("- threads: 5"), 6, "threads is a mapping"),
        (capture("- cpu: {duration: 2h}"), 6, "out of range"),
        (capture("- cpu: {duration: 0}"), 6, "out of range"),
        (capture("- cpu: {rate: 5000}"), 6, "out of range"),
        (capture("- cpu: {format: exe}"), 6, "no such format"),
        (capture("- cpu: {gil: yes}"), 6, "true or false"),
        (capture("- cpu: {gil: true, wall: true}"), 6, "exclude"),
        (capture("- cpu: {native: true}"), 6, "native needs blocking"),
        (capture("- cpu: {duration: 5s, duration: 6s}"), 6, "stands here again"),
        (capture("- bundle: {cpu: 0.1}"), 6, "cpu is out of range"),
        (capture("- bundle: {heap: 0}"), 6, "out of range"),
        (capture("- command: {}"), 6, "has no argv"),
        (capture("- command: {argv: []}"), 6, "0 items"),
        (capture('- command: {argv: "/bin/true x"}'), 6, "a list"),
        (capture('- command: {argv: ["true"]}'), 6, "absolute path"),
        (capture('- command: {argv: ["/bin/echo", 5]}'), 6, "an argument is text"),
        (capture('- command: {argv: ["/bin/echo", "a\\0b"]}'), 6, "an argument is text"),
        (capture('- command: {argv: ["/bin/true"], shell: true}'), 6, "no field 'shell'"),
        ("version: 1\ncaptures: *x\n", 2, "unknown anchor"),
        ("a: &a [*a]\n", 1, "contains itself"),
        ("\tversion: 1", 1, "no YAML"),
        (b"version: \xff\n", 1, "no UTF-8"),
        ("x" * (2 << 20), 0, "too large"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str | bytes, line: int, words: str) -> None:
    found = problems(text)
    assert any(at == line and words in message for at, message in found), found


def test_all_that_is_wrong_is_told_at_once() -> None:
    text = WHOLE.replace("count: 3", "count: x").replace("rate: 50", "rate: 0").replace("gc:", "gcc:")
    assert [line for line, _ in problems(text)] == [3, 11, 13]


def test_a_name_that_stands_twice_is_told_with_the_first_line() -> None:
    text = capture() + capture().partition("captures:\n")[2]
    (found,) = problems_of_actions(text, "a.yml")
    assert (found.line, found.hint) == (7, "see line 3")


def test_aliases_that_multiply_are_refused() -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{new}: &{new} [{','.join(['*' + old] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert any("multiply" in message for _, message in problems(bomb))


def write(path: Path, text: str = WHOLE, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_file_is_read_and_a_bad_one_refused_with_place_and_number(tmp_path: Path) -> None:
    assert len(read_actions(write(tmp_path / "a.yml")).captures) == 2
    with pytest.raises(UsageError) as caught:
        read_actions(write(tmp_path / "b.yml", WHOLE.replace("gc:", "gcc:").replace("on: resolved", "on: x")))
    assert "b.yml:13" in str(caught.value)
    assert "and 1 more" in caught.value.hint


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(UsageError, match="may be written by others"):
        read_actions(write(tmp_path / "a.yml", mode=mode))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.yml")
    os.chown(path, 65534, 65534)
    with pytest.raises(UsageError, match="may be written by others"):
        read_actions(path)


def test_what_is_no_file_is_refused_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name in ("nothing", "pipe", "."):
        with pytest.raises(UsageError):
            read_actions(tmp_path / name)


@pytest.mark.parametrize(
    ("do", "consent", "line"),
    [
        ("- heap: {attach: true}", "allow_attach", 6),
        ("- bundle: {heap: 5s}", "allow_attach", 6),
        ('- command: {argv: ["/bin/true"]}', "allow_commands", 6),
    ],
)
def test_what_needs_a_consent_is_refused_without_it(do: str, consent: str, line: int) -> None:
    found, _ = examine_actions(capture(do), "a.yml")
    allowed: dict[str, Any] = {"allow_attach": True, "allow_commands": True}
    check_allowed(found, **allowed)
    with pytest.raises(UsageError, match=f"a.yml:{line}") as caught:
        check_allowed(found, **(allowed | {consent: False}))
    assert consent.replace("_", "-") in caught.value.hint


def test_what_injects_nothing_needs_no_consent() -> None:
    found, _ = examine_actions(capture("- heap: {attach: false}\n      - bundle: {}\n      - cpu: {}"), "a.yml")
    assert len(found.captures[0].actions) == 3
    check_allowed(found, allow_attach=False, allow_commands=False)
