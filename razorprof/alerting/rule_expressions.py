"""The expression of a rule: compiled, judged for the version of Prometheus that it is for, and told apart: what
Prometheus refuses, what only razorprof does not support, what is taken and never works. For rule_checks.
"""

from __future__ import annotations

from razorprof.alerting.problem import ProblemKind
from razorprof.alerting.versions import NUMBERS_AS_DURATIONS, UTF8_NAMES, Version
from razorprof.alerting.yaml_fields import Problems
from razorprof.alerting.yaml_tree import Node
from razorprof.errors import NotSupported, UsageError
from razorprof.query.engine import Query, compile_query
from razorprof.query.functions.call import Kind
from razorprof.query.guard import BeyondLimits, tokens

_RESULTS = (Kind.VECTOR, Kind.SCALAR)
_MATCHES = frozenset({"=", "!=", "=~", "!~"})
_LABEL_LISTS = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})


def check_expression(text: str, node: Node, version: Version, problems: Problems) -> Query | None:
    """The query, or None where it cannot be run; what is wrong with it goes to `problems`."""
    try:
        query = compile_query(text)
    except (NotSupported, BeyondLimits) as error:
        problems.add(node, f"expr: razorprof does not support this: {error}", error.hint, ProblemKind.UNSUPPORTED)
        return None
    except UsageError as error:
        if version < UTF8_NAMES and "'holt_winters'" in error.message:
            hint = "since 3.0 it is double_exponential_smoothing, which is experimental"
            problems.add(
                node, "expr: razorprof does not support the function holt_winters", hint, ProblemKind.UNSUPPORTED
            )
        else:
            problems.add(node, f"expr: {error}", error.hint)
        return None
    newer = _newer_than(text, version)
    if newer:
        problems.add(node, f"expr: {newer}", f"Prometheus {version} refuses it")
    if query.kind not in _RESULTS:
        problems.add(
            node,
            f"expr gives a {query.kind}, so that its evaluation fails",
            "a rule wants an instant vector or a scalar",
            ProblemKind.WARNING,
        )
    return query


def _newer_than(text: str, version: Version) -> str:
    """What the expression says that came after a version."""
    if version >= UTF8_NAMES:
        return ""
    opened: list[str] = []
    before = earlier = ""
    for kind, word, _ in tokens(text):
        is_label_list = bool(opened) and opened[-1] in _LABEL_LISTS
        if kind == "string" and (is_label_list or (opened[-1:] == ["{"] and before not in _MATCHES)):
            return f"quoted names came with Prometheus {UTF8_NAMES}"
        if kind == "number" and not is_label_list and "{" not in opened and version < NUMBERS_AS_DURATIONS:
            is_duration = word[-1:] in tuple("smhdwy") and word[:2] not in ("0x", "0X")
            wants_duration = opened[-1:] == ["["] or "offset" in (before, earlier if before in ("-", "+") else "")
            if is_duration is not wants_duration:
                what = "numbers as durations" if wants_duration else "durations as numbers"
                return f"{what} came with Prometheus {NUMBERS_AS_DURATIONS}"
        if kind == "open":
            opened.append(before if word == "(" and before in _LABEL_LISTS else word)
        elif kind == "close" and opened:
            opened.pop()
        earlier, before = before, word
    return ""
