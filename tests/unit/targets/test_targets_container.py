"""Container ids in cgroup paths."""

from __future__ import annotations

import pytest

from razorprof.targets.container import container_id

ID = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "path",
    [
        f"/docker/{ID}",
        f"/system.slice/docker-{ID}.scope",
        f"/system.slice/docker-{ID}.scope/init.scope",
        f"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope/container",
        f"/machine.slice/libpod-{ID}.scope",
        f"/kubepods/besteffort/pod0a1b2c3d-0000-1111-2222-333344445555/{ID}",
        f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0a1b.slice/cri-containerd-{ID}.scope",
        f"/kubepods.slice/kubepods-pod0a1b.slice/crio-{ID}.scope",
        f"/kubelet/kubepods/pod0a1b/{ID}",
        f"/system.slice/containerd.service/kubepods-burstable-pod0a1b.slice:cri-containerd:{ID}",
        f"/default/{ID}",
        f"/system.slice/nerdctl-{ID}.scope",
        f"/ecs/0123abcd/{ID}",
    ],
)
def test_the_id_is_found_in_the_paths_of_every_container_engine(path: str) -> None:
    assert container_id([("memory", path)]) == ID


def test_the_innermost_of_nested_containers_counts() -> None:
    inner = "f" * 64
    assert container_id([("", f"/docker/{ID}/docker/{inner}")]) == inner


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/user.slice/user-1000.slice/session-1.scope",
        f"/machine.slice/libpod-conmon-{ID}.scope",
        f"/x/{ID}0",
        "/docker/abc",
    ],
)
def test_outside_of_containers_there_is_no_id(path: str) -> None:
    assert container_id([("", path)]) is None


def test_a_fargate_task_has_its_own_form_of_id() -> None:
    task = "0123456789abcdef0123456789abcdef-1234567890"
    assert container_id([("", f"/ecs/cluster/{task}")]) == task
