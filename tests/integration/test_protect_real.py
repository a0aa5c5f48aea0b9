"""razorprof's own standing, in real processes and in a real v1 group that is nearly full."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.source_targets import (
    AS_NOBODY,
    TIMEOUT,
    Obedient,
    skip_unless_other_users_can_run,
    v1_group,
)

_STEP_BACK = """
import json, subprocess
from razorprof.session.protect import step_back
first, again = step_back(), step_back()
shell = ["sh", "-c", "cat /proc/self/oom_score_adj; nice"]
child = subprocess.run(shell, capture_output=True, text=True, timeout=60).stdout.split()
print(json.dumps([first.oom_score_adj, first.nice, list(first.refused), first == again, child]))
"""

_CHECK = """
import json, sys
from razorprof.errors import Unsafe
from razorprof.session.protect import check_headroom
with open(sys.argv[1], "w") as file:
    file.write("0")
try:
    found = check_headroom(floor=int(sys.argv[2]), force=bool(int(sys.argv[3])))
    print(json.dumps(["ok", found.available_bytes, found.level and found.level.limit_bytes]))
except Unsafe as error:
    print(json.dumps(["refused", str(error), error.hint]))
"""


@pytest.fixture
def memory() -> Iterator[Path]:
    yield from v1_group("memory")


def step_back(*prefix: str) -> list[object]:
    answer = subprocess.run(
        [*prefix, sys.executable, "-c", _STEP_BACK], capture_output=True, text=True, timeout=TIMEOUT
    )
    assert answer.returncode == 0, answer.stderr
    found: list[object] = json.loads(answer.stdout)
    return found


def check(group: Path, floor: int, *, force: bool = False) -> list[object]:
    """Run the check in a process that put itself into the group."""
    answer = subprocess.run(
        [sys.executable, "-c", _CHECK, str(group / "cgroup.procs"), str(floor), str(int(force))],
        capture_output=True, text=True, timeout=TIMEOUT,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    found: list[object] = json.loads(answer.stdout)
    return found


def test_it_is_killed_first_and_served_last_and_its_tools_too() -> None:
    assert step_back() == [1000, 5, [], True, ["1000", "5"]]


def test_it_steps_back_without_any_privilege() -> None:
    skip_unless_other_users_can_run()
    assert step_back(*AS_NOBODY) == [1000, 5, [], True, ["1000", "5"]]


def test_a_nicer_process_is_not_made_less_nice() -> None:
    assert step_back("nice", "-n", "12")[1] == 12


def test_a_nearly_full_container_refuses_unless_forced(memory: Path) -> None:
    (memory / "memory.limit_in_bytes").write_text(str(256 << 20))
    neighbour = Obedient()
    try:
        (memory / "cgroup.procs").write_text(str(neighbour.pid))
        neighbour.do("block = bytearray(150 << 20)")
        verdict, words, hint = check(memory, 160 << 20)
        assert verdict == "refused"
        assert str(words).startswith("too little memory is left in this container")
        assert "of 256 MiB, needs 160 MiB" in str(words)
        assert "--force" in str(hint)
        assert check(memory, 160 << 20, force=True)[0] == "ok"
        assert check(memory, 32 << 20)[0] == "ok"
    finally:
        neighbour.end()


def test_an_empty_container_is_room_enough(memory: Path) -> None:
    (memory / "memory.limit_in_bytes").write_text(str(256 << 20))
    verdict, available, limit = check(memory, 160 << 20)
    assert (verdict, limit) == ("ok", 256 << 20)
    assert isinstance(available, int)
    assert 200 << 20 < available < 256 << 20
