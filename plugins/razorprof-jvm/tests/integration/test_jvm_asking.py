"""Asking real JVMs by their attach protocol: what they tell, and what must not be harmed by it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from razorprof_jvm import Jvm
from razorprof_jvm.attach import ask
from razorprof_jvm.gc_source import GcSource

from razorprof.errors import NotSupported, TimedOut, ToolFailed, Unsafe
from razorprof.model.target import Target
from razorprof.model.threads import ThreadDump, ThreadInfo, ThreadState
from razorprof.plugin.captures import HeapRequest, ThreadsRequest, Watch
from razorprof.plugin.protocols import Detection, SourceOptions
from razorprof.remote.process import ProcessView
from razorprof.session.bundle import DumpRequest, collect

StartJvm = Callable[..., Target]
Stop = Callable[[Target], None]
AsNobody = Callable[[Callable[[], bool]], bool]
JVM = Detection("jvm", "17", "HotSpot")
SLEEPS = "import sys, time; sys.stdout.write('ready\\n'); sys.stdout.flush(); time.sleep(1000)"
CATCHES = "import signal; signal.signal(signal.SIGQUIT, lambda *_: None); " + SLEEPS

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="takes root, to be another user")


@pytest.fixture(scope="module")
def deadlocked(start_jvm: StartJvm) -> Target:
    return start_jvm("Deadlock")


@contextmanager
def python(code: str, cwd: Path) -> Iterator[Target]:
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=cwd) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield Target(ProcessView(process.pid).identity, "python")
        process.kill()


def dump(target: Target, *, signal: bool = True) -> ThreadDump:
    return Jvm().dump_threads(target, JVM, ThreadsRequest(allow_signal=signal), Watch())


def named(seen: ThreadDump, name: str) -> ThreadInfo:
    (found,) = [thread for thread in seen.threads if thread.name == name]
    return found


def left_over(target: Target, cwd: Path) -> list[Path]:
    return [path for folder in (cwd, Path("/tmp")) for path in folder.glob(f".attach_pid{target.pid}")]


def test_without_consent_the_kernels_figures_are_shown_and_the_jvm_is_not_asked(start_jvm: StartJvm) -> None:
    target = start_jvm("Garbage")
    seen = dump(target, signal=False)
    assert "--allow signal" in seen.stacks_reason
    assert seen.mode == "kernel"
    assert any(thread.name.startswith("G1") or "GC" in thread.name for thread in seen.threads)
    assert not any(thread.frames for thread in seen.threads)
    assert not Path(f"/tmp/.java_pid{target.pid}").exists()
    with pytest.raises(NotSupported, match="only the JVM itself") as refused:
        Jvm().record_heap(target, JVM, HeapRequest(0.0), Watch())
    assert "--allow signal" in refused.value.hint


def test_deadlocks_are_those_that_the_jvm_reports(deadlocked: Target, classes: Path) -> None:
    seen = dump(deadlocked)
    left, right, north, south = (named(seen, name) for name in ("left", "right", "north", 'south "quoted"'))
    circles = {frozenset(one.threads) for one in seen.deadlocks}
    assert circles == {frozenset((left.native_id, right.native_id)), frozenset((north.native_id, south.native_id))}
    assert {one.confidence for one in seen.deadlocks} == {"confirmed"}
    for waiter, owner, kind in ((left, right, "monitor"), (south, north, "lock")):
        assert waiter.waits_on is not None
        assert (waiter.waits_on.kind, waiter.waits_on.owner) == (kind, owner.native_id)
        assert waiter.waits_on.owner_quality == "exact"
        assert waiter.state is ThreadState.WAITING
    assert left.frames[0].function == "Deadlock.both"
    assert left.frames[0].file == "Deadlock.java"
    assert left.locals[0][0].name == "locked"
    assert not left_over(deadlocked, classes)


def test_threads_are_the_kernels_whatever_their_names_pretend(deadlocked: Target) -> None:
    seen = dump(deadlocked)
    assert {thread.native_id for thread in seen.threads} <= set(ProcessView(deadlocked.pid).task_ids())
    main = named(seen, "main")
    assert main.waits_on is not None
    assert (main.waits_on.kind, main.waits_on.timed) == ("sleep", True)
    assert not [thread for thread in seen.threads if thread.name == "fake"]
    assert any("5 threads keep it from ending" in finding for finding in seen.findings)
    assert not seen.has_gil


def test_the_command_finds_the_deadlock_and_ends_with_a_finding(deadlocked: Target) -> None:
    command = [sys.executable, "-m", "razorprof", "threads", str(deadlocked.pid), "--allow", "signal"]
    done = subprocess.run([*command, "--fail-on-deadlock", "--json"], capture_output=True, text=True, timeout=100)
    assert done.returncode == 1, done.stderr
    document = json.loads(done.stdout)
    assert len(document["deadlocks"]) == 2
    assert document["target"]["runtime"] == "jvm"


def test_the_command_heap_tells_classes_and_what_it_took(deadlocked: Target) -> None:
    command = [sys.executable, "-m", "razorprof", "heap", str(deadlocked.pid)]
    done = subprocess.run(
        [*command, "--allow", "signal", "--top", "9"], capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    assert ["BYTES", "%", "INSTANCES", "CLASS", "MODULE"] in [line.split() for line in done.stdout.splitlines()]
    assert "java.lang.Class " in done.stdout
    assert "all Java threads stood still" in done.stderr
    refused = subprocess.run([*command, "-o", "x.json"], capture_output=True, text=True, timeout=100)
    assert refused.returncode == 5
    assert "--allow signal" in refused.stderr


@pytest.mark.slow  # a bundle watches for some seconds
@pytest.mark.parametrize("allowed", [True, False], ids=["allowed", "not allowed"])
def test_a_bundle_holds_stacks_and_classes_where_a_signal_is_allowed(
    deadlocked: Target, tmp_path: Path, allowed: bool
) -> None:
    parts = collect(deadlocked, DumpRequest(0.0, allow_signal=allowed), Watch())
    held = {piece.path: piece.content for piece in parts.pieces}
    threads = json.loads(held["threads.json"])
    assert len(threads["deadlocks"]) == (2 if allowed else 0)
    assert ("heap.json" in held) is allowed
    if not allowed:
        (reason,) = [skipped.reason for skipped in parts.manifest.skipped if skipped.kind == "heap"]
        assert "--allow signal" in reason


def test_a_stopped_jvm_is_not_asked(deadlocked: Target, stopped: Stop) -> None:
    stopped(deadlocked)
    with pytest.raises(ToolFailed, match="stopped") as refused:
        dump(deadlocked)
    assert "kill -CONT" in refused.value.hint


def test_instances_are_counted_by_class(start_jvm: StartJvm) -> None:
    target = start_jvm("Garbage")
    record = Jvm().record_heap(target, JVM, HeapRequest(0.0, allow_signal=True, windows=0), Watch())
    instances = {key.stack[0].function: number for key, number in record.peak.also[0].weights.items()}
    sizes = {key.stack[0].function: number for key, number in record.peak.weights.items()}
    assert instances["Garbage$Parcel"] >= 500
    assert sizes["byte[]"] > 500 * 1024
    assert record.allocations == sum(instances.values())
    assert record.peak_bytes == sum(sizes.values())
    assert any("garbage" in note for note in record.notes)


def test_classes_that_grow_after_every_full_collection_are_named(start_jvm: StartJvm) -> None:
    target = start_jvm("Garbage", arguments=("hoard",))
    request = HeapRequest(1.2, allow_signal=True, windows=6)
    record = Jvm().record_heap(target, JVM, request, Watch())
    assert record.growing is not None
    growing = {site.stack[0].function for site in record.growing}
    assert "Garbage$Hoarded" in growing or "byte[]" in growing
    assert "Garbage$Parcel" not in growing
    assert record.windows == 3
    assert any("full collection" in note for note in record.notes)


@as_root
def test_a_jvm_of_another_user_answers_to_that_user_and_to_root(
    start_jvm: StartJvm, classes: Path, as_nobody: AsNobody
) -> None:
    nobody = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
    target = start_jvm("Garbage", prefix=nobody)

    def look() -> bool:  # its folder is root's: the file goes into /tmp
        return bool(named(dump(target), "main").frames)

    assert as_nobody(look)
    Path(f"/tmp/.java_pid{target.pid}").unlink()  # HotSpot opens another one when it is asked again
    assert named(dump(target), "main").frames
    assert not left_over(target, classes)


@as_root
def test_a_jvm_in_a_container_is_found_and_asked_by_its_own_pid(start_jvm: StartJvm) -> None:
    # a /tmp of its own, with the classes where they were
    inside = (
        'mount --bind "$PWD" /mnt && mount -t tmpfs tmpfs /tmp && mkdir -p "$PWD" && mount --bind /mnt "$PWD" '
        '&& cd "$PWD" && exec "$@"'
    )
    unshare = ("unshare", "--pid", "--mount", "--fork", "--kill-child", "--mount-proc", "sh", "-c", inside, "sh")
    if subprocess.run([*unshare[:6], "true"], capture_output=True, timeout=60).returncode:
        pytest.skip("no namespaces may be made on this machine")
    outer = start_jvm("Deadlock", prefix=unshare)
    (child,) = Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text().split()
    view = ProcessView(int(child))
    target = Target(view.identity, "Deadlock")
    reader = GcSource().open(target, SourceOptions())
    assert list(reader.read())
    reader.close()
    seen = dump(target)
    assert len(seen.deadlocks) == 2
    assert {one for lock in seen.deadlocks for one in lock.threads} <= set(view.task_ids())
    assert not list((view.path / "root/tmp").glob(".attach_pid*"))


def test_a_jvm_that_was_told_not_to_answer_is_left_alone(start_jvm: StartJvm) -> None:
    target = start_jvm("Garbage", "-XX:+DisableAttachMechanism")
    with pytest.raises(NotSupported, match="DisableAttachMechanism"):
        dump(target)


def test_a_process_that_would_die_of_the_signal_never_gets_it(tmp_path: Path) -> None:
    with python(SLEEPS, tmp_path) as target:
        with pytest.raises(Unsafe, match="SIGQUIT would end"):
            ask(ProcessView(target.pid), target.identity, "threaddump")
        assert ProcessView(target.pid).is_same(target.identity)
        assert not left_over(target, tmp_path)


def test_a_process_that_catches_the_signal_and_does_not_answer_costs_the_patience_and_no_more(
    tmp_path: Path,
) -> None:
    with python(CATCHES, tmp_path) as target:
        with pytest.raises(TimedOut, match="did not answer"):
            ask(ProcessView(target.pid), target.identity, "threaddump", patience=0.3)
        assert ProcessView(target.pid).is_same(target.identity)
        assert not left_over(target, tmp_path)


def test_somebody_who_answers_in_its_place_is_refused(tmp_path: Path) -> None:
    with python(CATCHES, tmp_path) as target, socket.socket(socket.AF_UNIX) as imposter:
        path = Path(f"/tmp/.java_pid{target.pid}")
        imposter.bind(str(path))
        try:
            imposter.listen()
            with pytest.raises(ToolFailed, match="another process answers"):
                ask(ProcessView(target.pid), target.identity, "threaddump", patience=1.0)
        finally:
            path.unlink()


LISTENS = (
    "import os, socket, struct, sys\n"
    "listener = socket.socket(socket.AF_UNIX)\n"
    "listener.bind('/tmp/.java_pid%d' % os.getpid())\n"
    "listener.listen()\n"
    "sys.stdout.write('ready\\n'); sys.stdout.flush()\n"
    "answers = {'slams': b'', 'refuses': b'101\\nwrong', 'babbles': b'x' * 100, 'hangs': b'0\\nhalf'}\n"
    "kept = []\n"
    "while True:\n"
    "    connection, _ = listener.accept()\n"
    "    if HOW != 'slams':\n"
    "        connection.recv(100)\n"
    "    connection.sendall(answers[HOW])\n"
    "    kept.append(connection) if HOW == 'hangs' else connection.close()\n"
)


@pytest.mark.parametrize(
    ("how", "error", "words"),
    [
        ("slams", ToolFailed, "refused the command|does not take|ended the connection"),
        ("refuses", ToolFailed, "101"),
        ("babbles", ToolFailed, "refused"),
        ("hangs", TimedOut, "did not finish"),
    ],
)
def test_an_answer_that_is_none_is_told(tmp_path: Path, how: str, error: type[ToolFailed], words: str) -> None:
    with python(f"HOW = {how!r}\n" + LISTENS, tmp_path) as target:
        try:
            with pytest.raises(error, match=words):
                ask(ProcessView(target.pid), target.identity, "threaddump", patience=0.5)
        finally:
            Path(f"/tmp/.java_pid{target.pid}").unlink()


def test_what_lies_in_the_sockets_place_and_is_none_is_not_opened(tmp_path: Path) -> None:
    with python(CATCHES, tmp_path) as target:
        path = Path(f"/tmp/.java_pid{target.pid}")
        os.mkfifo(path)
        try:
            with pytest.raises(ToolFailed, match="is none"):
                ask(ProcessView(target.pid), target.identity, "threaddump", patience=1.0)
        finally:
            path.unlink()


@as_root
def test_another_users_file_in_the_way_is_told_and_kept(tmp_path: Path) -> None:
    with python(CATCHES, tmp_path) as target:
        path = tmp_path / f".attach_pid{target.pid}"
        path.touch()
        os.chown(path, 65534, 65534)
        with pytest.raises(ToolFailed, match="another user's file"):
            ask(ProcessView(target.pid), target.identity, "threaddump", patience=0.3)
        assert path.exists()


def test_a_file_that_was_left_over_is_used_and_removed(tmp_path: Path) -> None:
    with python(CATCHES, tmp_path) as target:
        path = tmp_path / f".attach_pid{target.pid}"
        for age, is_kept in ((0.0, True), (600.0, False)):
            path.touch()
            os.utime(path, (time.time() - age,) * 2)
            with pytest.raises(TimedOut):
                ask(ProcessView(target.pid), target.identity, "threaddump", patience=0.1)
            assert path.exists() is is_kept
