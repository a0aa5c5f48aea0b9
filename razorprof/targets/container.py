"""Which container a process lives in, by its cgroup path. Called by targets.resolve and by doctor.

Knows the forms of docker, containerd, Kubernetes (containerd, CRI-O), podman and ECS; an id is what stands in
the path, nobody is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# A 64-digit id, alone or behind a runtime's prefix: docker-ID.scope, cri-containerd-ID.scope, crio-ID.scope,
# libpod-ID.scope, kubepods/.../ID, docker/ID, default/ID; on Fargate 32 digits, a dash and 10 digits.
_ID = re.compile(r"(?:^|[/:-])([0-9a-f]{64}|[0-9a-f]{32}-[0-9]{9,10})(?:\.scope)?(?=/|$)", re.ASCII)
_MONITOR = re.compile(r"(?:libpod|crio)-conmon-", re.ASCII)  # the monitor beside a container, not in it


def container_id(cgroups: Iterable[tuple[str, str]]) -> str | None:
    """The id of the innermost container in (controllers, path) pairs; None outside of containers."""
    for _, path in cgroups:
        if _MONITOR.search(path):
            continue
        found = _ID.findall(path)
        if found:
            innermost: str = found[-1]
            return innermost
    return None
