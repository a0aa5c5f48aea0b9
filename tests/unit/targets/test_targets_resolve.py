"""Which processes a selector means, on a frozen /proc."""

from __future__ import annotations

from pathlib import Path

import pytest

from razorprof.errors import (
    NotSupported,
    PermissionDenied,
    TargetGone,
    TargetNotFound,
    UsageError,
)
from razorprof.model.target import Identity
from razorprof.targets.resolve import children, make_target, resolve
from razorprof.targets.selector import parse_selector
from razorprof.targets.table import read_table
from tests.unit.targets.frozen_proc import PF_KTHREAD, FrozenProc

DOCKER = "3f" * 32
OTHER = "3e" * 32


@pytest.fixture
def proc(tmp_path: Path) -> FrozenProc:
    """A machine: init, a kernel thread, gunicorn with two workers, a zombie, and razorprof under a shell."""
    frozen = FrozenProc(tmp_path)
    frozen.add(1, ["/sbin/init"], comm="init", ppid=0)
    frozen.add(2, comm="kthreadd", flags=PF_KTHREAD, ppid=0)
    gunicorn = ["/venv/bin/python3", "/venv/bin/gunicorn", "app:wsgi", "--workers", "2"]
    frozen.add(100, gunicorn, comm="gunicorn", start=7000)
    frozen.add(101, gunicorn, comm="gunicorn", ppid=100)
    frozen.add(102, gunicorn, comm="gunicorn", ppid=100)
    frozen.add(110, comm="dead", state="Z", ppid=100)
    frozen.add(200, ["bash", "-c", "razorprof top name:app.py"], comm="bash")
    frozen.add(201, ["python3", "/venv/bin/razorprof", "top", "name:app.py"], comm="razorprof", ppid=200)
    frozen.add(202, ["py-spy", "record", "-p", "app.py"], comm="py-spy", ppid=201)
    frozen.add(300, ["python3", "app.py"], comm="python3", start=9000)
    frozen.be(201)
    return frozen


def pids(proc: FrozenProc, text: str) -> list[int]:
    return [entry.pid for entry in resolve(parse_selector(text), proc=proc.root)]


def test_a_pid_means_that_process(proc: FrozenProc) -> None:
    assert pids(proc, "300") == [300]
    assert resolve(parse_selector("300"), proc=proc.root)[0].identity == Identity(300, 9000)


def test_a_name_matches_process_script_and_module_names_exactly_or_as_a_glob(proc: FrozenProc) -> None:
    assert pids(proc, "gunicorn") == [100, 101, 102]
    assert pids(proc, "name:guni*") == [100, 101, 102]
    assert pids(proc, "app.py") == [300]
    assert pids(proc, "app") == [300]
    with pytest.raises(TargetNotFound):
        pids(proc, "guni")


def test_a_command_is_matched_by_a_part_of_it(proc: FrozenProc) -> None:
    assert pids(proc, "cmd:app:wsgi --workers") == [100, 101, 102]


def test_another_razorprof_that_looks_for_the_same_command_is_not_meant(proc: FrozenProc) -> None:
    proc.add(250, ["python3", "/venv/bin/razorprof", "top", "cmd:app:wsgi"])
    assert pids(proc, "cmd:app:wsgi") == [100, 101, 102]
    assert pids(proc, "cmd:razorprof top") == [250]


def test_razorprof_its_ancestors_and_its_tools_never_match(proc: FrozenProc) -> None:
    assert pids(proc, "cmd:app.py") == [300]
    with pytest.raises(TargetNotFound):
        pids(proc, "name:razorprof")
    with pytest.raises(TargetNotFound):
        pids(proc, "name:bash")
    with pytest.raises(TargetNotFound):
        pids(proc, "name:py-spy")


def test_the_pid_of_razorprof_itself_is_refused_in_plain_words(proc: FrozenProc) -> None:
    with pytest.raises(UsageError, match="razorprof itself"):
        pids(proc, "201")


def test_a_program_that_razorprof_started_is_found_by_its_pid(proc: FrozenProc) -> None:
    assert pids(proc, "202") == [202]


def test_the_tree_of_our_own_child_is_whole_and_the_tree_above_us_is_without_us(proc: FrozenProc) -> None:
    proc.add(203, ["worker"], ppid=202)
    proc.add(210, ["sleep"], ppid=200)
    table = read_table(proc.root)
    assert [entry.pid for entry in children(table.entries[202].identity, table=table)] == [203]
    assert [entry.pid for entry in children(table.entries[200].identity, table=table)] == [210]


def test_a_kernel_thread_and_a_zombie_are_refused_for_what_they_are(proc: FrozenProc) -> None:
    with pytest.raises(NotSupported, match="kernel thread"):
        pids(proc, "2")
    with pytest.raises(TargetGone, match="zombie") as error:
        pids(proc, "110")
    assert "100" in error.value.hint


def test_a_pid_that_is_known_inside_a_container_is_told_by_the_pid_that_we_see(proc: FrozenProc) -> None:
    proc.add(400, ["worker"], inner_pids=[17])
    with pytest.raises(TargetNotFound) as error:
        pids(proc, "17")
    assert "400" in error.value.hint


def test_a_url_of_another_machine_is_refused(proc: FrozenProc) -> None:
    with pytest.raises(NotSupported, match="another machine"):
        pids(proc, "url:http://192.0.2.1:1")


def test_processes_that_share_a_listening_socket_are_their_common_ancestor(proc: FrozenProc) -> None:
    for pid in (100, 101, 102):
        proc.open_sockets(pid, [5001])
    proc.listen(100, [(8000, 5001)])
    assert pids(proc, "port:8000") == [100]


def test_the_parent_stands_for_workers_even_when_it_closed_the_socket(proc: FrozenProc) -> None:
    proc.open_sockets(100, [])
    proc.open_sockets(101, [5001])
    proc.open_sockets(102, [5001])
    proc.listen(100, [(8000, 5001)])
    assert pids(proc, "port:8000") == [100]


def test_init_never_stands_for_those_who_share_a_socket(proc: FrozenProc) -> None:
    proc.open_sockets(100, [5001])
    proc.open_sockets(300, [5001])
    proc.listen(100, [(8000, 5001)])
    assert pids(proc, "port:8000") == [100, 300]


def test_one_port_in_two_network_namespaces_is_two_matches(proc: FrozenProc) -> None:
    proc.open_sockets(100, [5001], namespace=1)
    proc.listen(100, [(8000, 5001)])
    proc.open_sockets(300, [6001], namespace=2)
    proc.listen(300, [(8000, 6001)])
    assert pids(proc, "port:8000") == [100, 300]


def test_connections_and_other_ports_are_no_listeners(proc: FrozenProc) -> None:
    proc.open_sockets(100, [999, 5001])
    proc.listen(100, [(80, 5001)])
    with pytest.raises(TargetNotFound):
        pids(proc, "port:8080")


def test_a_listener_whose_owner_cannot_be_seen_is_a_question_of_permission(proc: FrozenProc) -> None:
    proc.open_sockets(100, [])
    proc.listen(100, [(8000, 5001)])
    with pytest.raises(PermissionDenied):
        pids(proc, "port:8000")


def test_a_container_is_its_main_process_below_the_init_shim(proc: FrozenProc) -> None:
    group = f"0::/system.slice/docker-{DOCKER}.scope"
    proc.add(500, ["/sbin/tini", "--", "python3", "web.py"], comm="tini", cgroup=group, inner_pids=[1])
    proc.add(501, ["python3", "web.py"], ppid=500, cgroup=group, inner_pids=[7])
    proc.add(502, ["python3", "web.py"], ppid=501, cgroup=group, inner_pids=[8])
    proc.add(510, ["sh"], comm="sh", cgroup=group, inner_pids=[30])  # docker exec
    assert pids(proc, "container:3f3f") == [501]


def test_two_containers_of_one_prefix_are_two_matches(proc: FrozenProc) -> None:
    proc.add(500, ["web"], cgroup=f"0::/docker/{DOCKER}")
    proc.add(600, ["web"], cgroup=f"0::/docker/{OTHER}")
    assert pids(proc, "container:3") == [500, 600]
    assert pids(proc, "container:3e") == [600]
    with pytest.raises(TargetNotFound):
        pids(proc, "container:aa")


def test_children_are_the_tree_without_zombies(proc: FrozenProc) -> None:
    table = read_table(proc.root)
    assert [entry.pid for entry in children(Identity(100, 7000), table=table)] == [101, 102]
    with pytest.raises(TargetGone):
        children(Identity(100, 1), table=table)


def test_a_target_says_who_it_is_since_when_and_for_which_job(proc: FrozenProc) -> None:
    selector = parse_selector("name:app*")
    target = make_target(resolve(selector, proc=proc.root)[0], selector)
    assert (target.identity, target.name, target.job, target.selector) == (
        (300, 9000),
        "app.py",
        "app*",
        "name:app*",
    )
    assert target.started == pytest.approx(1_700_000_000 + 90)
    by_pid = parse_selector("300")
    assert make_target(resolve(by_pid, proc=proc.root)[0], by_pid).job == "app.py"
    assert make_target(resolve(by_pid, proc=proc.root)[0], by_pid, job="web").job == "web"


def test_a_process_of_unpronounceable_name_can_still_be_a_target(proc: FrozenProc) -> None:
    proc.add(700, [b"\x1b]0;pwned\x07" + b"\xff" * 10_000], comm=b"\n\x1b[2J")
    target = make_target(resolve(parse_selector("700"), proc=proc.root)[0])
    assert target.name
    assert len(target.name) <= 128
