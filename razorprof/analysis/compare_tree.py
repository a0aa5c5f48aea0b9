"""The call trees of two sides merged into one, for differential flame graphs. Pure and iterative: any depth.

Whoever draws it takes `new` for widths and `difference` for colour; weights are those of one run (the mean of a
side's). Called by the command `diff`; a format draws it through its optional method
`write_diff(root: DiffNode, title: str, *, unit: str, notes: Sequence[str]) -> bytes` (unit: the weights',
or "share").
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from razorprof.model.frame import Frame
from razorprof.model.profile import Profile


@dataclass(frozen=True, slots=True)
class DiffNode:
    """base, new: weights with all children's; base_self, new_self: without. children: heaviest of NEW first, what
    is only in BASE after them. frame: as NEW has it where it is there. All text is a target's."""

    frame: Frame
    base: float
    new: float
    base_self: float
    new_self: float
    children: tuple[DiffNode, ...]

    @property
    def difference(self) -> float:
        return self.new - self.base

    def walk(self) -> Iterator[DiffNode]:
        """This node and all below, parents first."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed(node.children))


def diff_tree(
    base: Sequence[Profile], new: Sequence[Profile], *, shares: bool = False, root: str = "all"
) -> DiffNode:
    """The merged tree of both sides; functions are matched by name and file, lines by neither.

    shares: each side's weights as shares of its total, so that windows of unlike length compare."""
    frames = [Frame(root, "")]
    weights: list[list[float]] = [[0.0, 0.0, 0.0, 0.0]]  # base, new, own base, own new
    children: list[dict[tuple[str, str], int]] = [{}]
    for side, profiles in enumerate((base, new)):
        for profile in profiles:
            total = profile.total
            scale = (1 / total if shares and total > 0 else 1.0) / len(profiles)
            for (_, stack), weight in profile.weights.items():
                place = 0
                weights[0][side] += weight * scale
                for frame in stack:
                    key = (frame.function, frame.file)
                    found = children[place].get(key)
                    if found is None:
                        found = children[place][key] = len(frames)
                        frames.append(frame)
                        weights.append([0.0, 0.0, 0.0, 0.0])
                        children.append({})
                    elif side:
                        frames[found] = frame
                    place = found
                    weights[place][side] += weight * scale
                weights[place][2 + side] += weight * scale
    built: dict[int, DiffNode] = {}
    for index in range(len(frames) - 1, -1, -1):  # a child always has a higher index than its parent
        before, after, own_before, own_after = weights[index]
        below = sorted((built.pop(c) for c in children[index].values()), key=lambda node: (-node.new, -node.base))
        built[index] = DiffNode(frames[index], before, after, own_before, own_after, tuple(below))
    return built[0]
