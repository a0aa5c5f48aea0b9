"""Rule files: text -> rules, checked as Prometheus checks them, with every problem and its line.

Whoever runs rules calls read_rule_file, which refuses a bad file; `rules check` calls examine, which tells all
that is wrong. What a file may say of a rule is rule_checks' business, YAML yaml_fields'.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from razorprof.alerting.problem import Problem, ProblemKind, refuse
from razorprof.alerting.rule_checks import Place, RuleReader, check_group_labels, find_duplicates
from razorprof.alerting.rule_names import check_since
from razorprof.alerting.rules import Rule, RuleFile, RuleGroup
from razorprof.alerting.versions import GROUP_LABELS, NEWEST, QUERY_OFFSET, Version
from razorprof.alerting.yaml_fields import (
    Fields,
    Problems,
    duration_of,
    fields_of,
    integer_of,
    items_of,
    shown,
    text_of,
    texts_of,
)
from razorprof.alerting.yaml_tree import BadYaml, Mapping, Node, Scalar, parse_yaml
from razorprof.errors import ToolFailed, UsageError

LARGEST_FILE = 4 << 20
_OTHER_FILES = {  # a key at its top -> what kind of file it is
    "tests": "this looks like a test file: razorprof rules test",
    "apiVersion": "this looks like a Kubernetes object: the rule file is what stands in its spec",
    "scrape_configs": "this looks like Prometheus's own configuration: it names its rule files",
    "captures": "this looks like a file of captures: --actions FILE",
}
_GROUP_FIELDS = ("name", "interval", "query_offset", "limit", "rules", "labels")


@dataclass(frozen=True, slots=True)
class Examined:
    """What a file holds and what is wrong with it. file: its rules, those left out that cannot be run."""

    file: RuleFile
    problems: tuple[Problem, ...]

    @property
    def rules(self) -> int:
        return sum(len(group.rules) for group in self.file.groups)


def read_rule_file(path: str | Path, *, target_version: Version | None = None) -> RuleFile:
    """The rules of a file. Raises UsageError, with FILE:LINE in its value, for one that cannot be read or that
    Prometheus would refuse, NotSupported for one that it takes and razorprof cannot run."""
    try:
        content = read_content(path)
    except ToolFailed as error:
        raise UsageError(error.message, value=error.value, hint=error.hint) from error
    examined = examine(content, path, target_version=target_version)
    refuse(examined.problems, path, "rule file")
    return examined.file


def problems_of(
    content: str | bytes, path: str | Path, *, target_version: Version | None = None
) -> tuple[Problem, ...]:
    """All that is wrong with a rule file's content, in the order of its lines."""
    return examine(content, path, target_version=target_version).problems


def read_content(path: str | Path) -> bytes:
    """The bytes of a rule file, one more than the largest has where it is too large. Raises ToolFailed."""
    try:
        with open(path, "rb") as file:
            return file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise ToolFailed("cannot read the rule file", value=f"{path}: {error.strerror}") from error


def examine(content: str | bytes, path: str | Path, *, target_version: Version | None = None) -> Examined:
    """The rules of a file's content, and its problems in the order of lines. Never raises for what it holds."""
    version = target_version or NEWEST
    problems = Problems()
    try:
        groups = _groups(decode(content), str(path), version, problems)
    except BadYaml as error:
        problems.found.append(error.problem)
        groups = ()
    ordered = sorted(dict.fromkeys(problems.found), key=lambda problem: problem.line)
    return Examined(RuleFile(str(path), groups), tuple(ordered))


def decode(content: str | bytes) -> str:
    """The text of a YAML file. Raises BadYaml for one that is too large or no text."""
    if len(content) > LARGEST_FILE:
        raise BadYaml(0, "the file is too large", f"at most {LARGEST_FILE >> 20} MiB are read")
    if isinstance(content, str):
        return content
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BadYaml(line, "this is no UTF-8 text") from None


def _groups(text: str, path: str, version: Version, problems: Problems) -> tuple[RuleGroup, ...]:
    document = parse_yaml(text)
    if document.more:
        problems.add(
            document.more, "a second document begins here and is not read", "one file, one document",
            ProblemKind.WARNING,
        )  # fmt: skip
    top = None
    if document.root is not None:
        hint = _other_file(document.root)
        top = fields_of(document.root, "a rule file", ("groups",), problems, hint=hint)
    groups = []
    names: dict[str, int] = {}
    for node in items_of(top["groups"][1] if top and "groups" in top else None, "groups", problems):
        found = fields_of(node, "a rule group", _GROUP_FIELDS, problems)
        if found is None:
            continue
        group = _group(found, node, path, version, problems)
        if not group.name:
            problems.add(node, "a rule group has no name", "add: name: NAME")
        elif group.name in names:
            problems.add(
                group.line, f"the group {shown(group.name)} stands in this file again",
                f"it is already in line {names[group.name]}; a group's name is unique in its file",
            )  # fmt: skip
        names.setdefault(group.name, group.line)
        groups.append(group)
    find_duplicates((rule for group in groups for rule in group.rules), problems)
    return tuple(groups)


def _other_file(root: Node) -> str:
    """What to say where the file is one of another kind."""
    keys = {key.text for key, _ in root.pairs if isinstance(key, Scalar)} if isinstance(root, Mapping) else set()
    return next((hint for key, hint in _OTHER_FILES.items() if key in keys), "")


def _group(found: Fields, node: Node, path: str, version: Version, problems: Problems) -> RuleGroup:
    name = text_of(found["name"][1], "name", problems) if "name" in found else None
    interval = duration_of(found["interval"][1], "interval", problems) if "interval" in found else None
    limit = integer_of(found["limit"][1], "limit", problems) if "limit" in found else None
    offset = None
    if "query_offset" in found:
        key, value = found["query_offset"]
        check_since(QUERY_OFFSET, version, key, "query_offset", problems)
        offset = duration_of(value, "query_offset", problems)
    labels = {}
    if "labels" in found:
        key, value = found["labels"]
        check_since(GROUP_LABELS, version, key, "labels of a group", problems)
        labels = texts_of(value, "labels", problems)
        check_group_labels(labels, version, problems)
    texts = {name: text for name, (_, text) in labels.items()}
    reader, place = RuleReader(version, problems), Place(path, name or "", texts)
    rules: list[Rule] = []
    for item in items_of(found["rules"][1] if "rules" in found else None, "rules", problems):
        rule = reader.read(item, place, len(rules))
        if rule is not None:
            rules.append(rule)
    line = found["name"][0].line if "name" in found else node.line
    return RuleGroup(path, name or "", tuple(rules), interval or None, max(0, limit or 0), offset, texts, line)
