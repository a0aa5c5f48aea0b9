"""Files that alerting is steered by, read whole, and refused where others may write them.

Rules for check, watch and top; actions and silences beside them for watch. `rules check` reads any file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from razorprof.alerting.rule_file import read_rule_file
from razorprof.alerting.rules import RuleFile
from razorprof.config.trust import refuse_untrusted
from razorprof.errors import UsageError

if TYPE_CHECKING:
    from razorprof.alerting.capture_rules import ActionFile
    from razorprof.alerting.silences import Silences


@dataclass(frozen=True, slots=True)
class Book:
    """What files say. None where there is no such file."""

    rules: tuple[RuleFile, ...]
    actions: ActionFile | None = None
    silences: Silences | None = None

    @property
    def number(self) -> int:
        """How many rules there are."""
        return sum(len(group.rules) for file in self.rules for group in file.groups)


@dataclass(frozen=True, slots=True)
class BookFiles:
    """Which files; read at the start, and again at each SIGHUP."""

    rules: tuple[str, ...]
    actions: str | None = None
    silences: str | None = None
    heartbeat: bool = False
    allow_attach: bool = False
    allow_commands: bool = False

    def read(self) -> Book:
        """What they say now. Raises UsageError, naming file and line."""
        rules = read_trusted(self.rules)
        if self.heartbeat:
            from razorprof.alerting.heartbeat import heartbeat

            rules += (heartbeat(),)
        return Book(rules, self._actions(), self._silences())

    def _actions(self) -> ActionFile | None:
        if self.actions is None:
            return None
        from razorprof.alerting.actions import check_allowed, read_actions

        actions = read_actions(self.actions)
        check_allowed(actions, allow_attach=self.allow_attach, allow_commands=self.allow_commands)
        return actions

    def _silences(self) -> Silences | None:
        if self.silences is None:
            return None
        from razorprof.alerting.silences import read_silences

        return read_silences(self.silences)


def read_trusted(paths: Sequence[str]) -> tuple[RuleFile, ...]:
    """The rule files, each once, in their order. Raises UsageError, naming file and line."""
    files = []
    for path in dict.fromkeys(paths):
        refuse_untrusted(Path(path), "the rule file")
        files.append(read_rule_file(path))
    if files and not any(group.rules for file in files for group in file.groups):
        raise UsageError("the rule files hold no rule", value=" ".join(paths))
    return tuple(files)
