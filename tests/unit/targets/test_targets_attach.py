"""Why the kernel refuses: the reasons and their remedies, on written-down credentials."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from razorprof.errors import TargetGone
from razorprof.remote.process import ProcessView
from razorprof.targets.attach import Attach, attach_verdict, explain_refusal
from razorprof.targets.credentials import CAP_SYS_PTRACE, Credentials, read_credentials
from tests.unit.targets.frozen_proc import PF_KTHREAD, FrozenProc

USER = Credentials((1000,) * 3, (1000,) * 3, 0, 0, {"user": "user:[1]"})
ROOT_WITHOUT = Credentials((0,) * 3, (0,) * 3, 0, 0, {"user": "user:[1]"})
PTRACE = 1 << CAP_SYS_PTRACE


@pytest.mark.parametrize(
    ("own", "target", "dumpable", "reason", "fix"),
    [
        (USER, replace(USER, uids=(33,) * 3), True, "another user (uid 33)", "sudo -u '#33'"),
        (USER, replace(USER, gids=(33,) * 3), True, "another group (gid 33)", "sudo razorprof"),
        (USER, replace(USER, permitted=4), True, "capabilities that razorprof lacks", "sudo razorprof"),
        (USER, USER, False, "not dumpable", "sudo razorprof"),
        (replace(USER, yama=1), USER, True, "ptrace_scope is 1", "sudo sysctl kernel.yama.ptrace_scope=0"),
        (replace(USER, yama=2), USER, True, "ptrace_scope is 2", "sudo razorprof"),
        (replace(USER, yama=3), USER, True, "ptrace_scope is 3", "restart the machine"),
        (ROOT_WITHOUT, replace(USER), True, "no CAP_SYS_PTRACE", "docker run --cap-add SYS_PTRACE"),
        (ROOT_WITHOUT, replace(ROOT_WITHOUT, permitted=4), None, "no CAP_SYS_PTRACE", "--cap-add SYS_PTRACE"),
        (
            replace(USER, effective=PTRACE, uid_map=("0", "1000", "1")),
            USER,
            True,
            "user namespace",
            "outside of this container",
        ),
        (
            replace(USER, effective=PTRACE),
            replace(USER, uid_map=("0", "1", "1")),
            True,
            "security module",
            "dmesg",
        ),
        (replace(USER, effective=PTRACE), USER, True, "security module", "dmesg"),
        (USER, USER, True, "the kernel refuses", "sudo razorprof"),
    ],
)
def test_a_refusal_names_its_reason_and_its_remedy(
    own: Credentials, target: Credentials, dumpable: bool | None, reason: str, fix: str
) -> None:
    verdict = explain_refusal(77, target, own, dumpable=dumpable)
    assert verdict.attach is Attach.DENIED
    assert reason in verdict.reason
    assert fix in verdict.fix


def test_kernel_threads_zombies_and_unknown_runtimes_are_unsupported(tmp_path: Path) -> None:
    proc = FrozenProc(tmp_path)
    proc.add(2, flags=PF_KTHREAD)
    proc.add(3, state="Z", ppid=9)
    proc.add(4, ["nginx"])
    verdicts = {pid: attach_verdict(ProcessView(pid, proc=proc.root), recognised=False) for pid in (2, 3, 4)}
    assert {verdict.attach for verdict in verdicts.values()} == {Attach.UNSUPPORTED}
    assert "kernel thread" in verdicts[2].reason
    assert "zombie" in verdicts[3].reason
    assert "pid 9" in verdicts[3].fix
    assert "runtime" in verdicts[4].reason


def test_a_recognised_process_whose_memory_may_be_read_is_ok(tmp_path: Path) -> None:
    proc = FrozenProc(tmp_path)
    proc.add(4, ["python3"])
    verdict = attach_verdict(ProcessView(4, proc=proc.root), recognised=True)
    assert verdict.attach is Attach.OK
    assert verdict.reason == ""


def test_a_process_that_is_gone_has_no_verdict(tmp_path: Path) -> None:
    with pytest.raises(TargetGone):
        attach_verdict(ProcessView(4, proc=FrozenProc(tmp_path).root), recognised=True)


def test_credentials_are_read_with_yama_where_there_is_one(tmp_path: Path) -> None:
    proc = FrozenProc(tmp_path)
    proc.add(4, uid=33)
    assert read_credentials(ProcessView(4, proc=proc.root)).yama is None
    scope = proc.root / "sys/kernel/yama"
    scope.mkdir(parents=True)
    (scope / "ptrace_scope").write_text("1\n")
    found = read_credentials(ProcessView(4, proc=proc.root))
    assert (found.uid, found.yama, found.has(CAP_SYS_PTRACE)) == (33, 1, False)
