"""A plan's nodes as PromQL again: for messages about a part of an expression. Called by alerting.thresholds.

Written anew, not cut out of what somebody typed: parentheses where they are needed, durations in their largest
units. Text of target or user may be in it: whoever prints it escapes it.
"""

from __future__ import annotations

from collections.abc import Mapping

from razorprof.query import plan
from razorprof.query.plan import Node, Program, When
from razorprof.store.view import Matcher, MatchOp

LONGEST = 400  # characters of one node's text; beyond, it ends in an ellipsis
_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))
_ORDER = {"or": 1, "and": 2, "unless": 2, "+": 4, "-": 4, "*": 5, "/": 5, "%": 5, "atan2": 5, "^": 6}
_COMPARISON, _UNARY, _WHOLE = 3, 5, 9  # how firmly operators bind; names, calls and numbers are whole


def source_texts(program: Program) -> Mapping[int, str]:
    """The text of each node of a program, by its id(). Bounded, and never recursing with the depth of a tree."""
    texts: dict[int, str] = {}
    for node in program.nodes:
        text = _text(node, texts)
        texts[id(node)] = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    return texts


def number_text(value: float) -> str:
    """A number as short as it can be written without loss."""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _text(node: Node, texts: Mapping[int, str]) -> str:
    match node:
        case plan.Number():
            return number_text(node.value)
        case plan.String():
            return _quoted(node.text)
        case plan.Selector():
            return _selector(node.matchers) + _when(node.when)
        case plan.RangeSelector():
            return f"{_selector(node.matchers)}[{duration_text(node.range)}]{_when(node.when)}"
        case plan.Subquery():
            inside = source_texts(node.program)[id(node.program.nodes[-1])]
            inside = inside if _firmness(node.program.nodes[-1]) == _WHOLE else f"({inside})"
            step = "" if node.step is None else duration_text(node.step)
            return f"{inside}[{duration_text(node.range)}:{step}]{_when(node.when)}"
        case plan.Negation():
            return f"-{_operand(node.of, _UNARY, texts)}"
        case plan.Binary():
            return _binary(node, texts)
        case plan.Aggregation():
            return _aggregation(node, texts)
        case plan.Invocation():
            return f"{node.function.name}({', '.join(texts[id(each)] for each in node.arguments)})"


def _binary(node: plan.Binary, texts: Mapping[int, str]) -> str:
    matching = node.matching
    words = [node.operator]
    if node.as_bool:
        words.append("bool")
    if matching.on or matching.labels:
        words.append(f"{'on' if matching.on else 'ignoring'} ({', '.join(matching.labels)})")
    if matching.many is not None:
        words.append(f"group_{matching.many} ({', '.join(matching.include)})")
    firm = _firmness(node)
    right_first = node.operator == "^"  # the only operator that groups from the right
    left = _operand(node.left, firm + right_first, texts)
    right = _operand(node.right, firm + (not right_first), texts)
    return f"{left} {' '.join(words)} {right}"


def _aggregation(node: plan.Aggregation, texts: Mapping[int, str]) -> str:
    grouping = f" {'without' if node.without else 'by'} ({', '.join(node.labels)}) "
    inside = texts[id(node.of)]
    if node.parameter is not None:
        inside = f"{texts[id(node.parameter)]}, {inside}"
    return f"{node.operator}{grouping if node.labels or node.without else ''}({inside})"


def _operand(node: Node, least: int, texts: Mapping[int, str]) -> str:
    text = texts[id(node)]
    return text if _firmness(node) >= least else f"({text})"


def _firmness(node: Node) -> int:
    match node:
        case plan.Binary():
            return _ORDER.get(node.operator, _COMPARISON)
        case plan.Negation():
            return _UNARY
        case plan.Number():
            return _WHOLE if node.value >= 0 else _UNARY
        case _:
            return _WHOLE


def _selector(matchers: tuple[Matcher, ...]) -> str:
    names = [m.value for m in matchers if m.label == "__name__" and m.op is MatchOp.EQUAL]
    name = names[0] if len(names) == 1 and names[0].replace(":", "_").isidentifier() else ""
    shown = [m for m in matchers if not (name and m.label == "__name__" and m.op is MatchOp.EQUAL)]
    inside = ", ".join(f"{m.label}{m.op}{_quoted(m.value)}" for m in shown)
    return f"{name}{{{inside}}}" if inside or not name else name


def _when(when: When) -> str:
    words = ""
    if isinstance(when.at, plan.Edge):
        words += f" @ {when.at}()"
    elif when.at is not None:
        words += f" @ {number_text(when.at / 1000)}"
    if when.offset:
        words += f" offset {'-' if when.offset < 0 else ''}{duration_text(abs(when.offset))}"
    return words


def duration_text(millis: int) -> str:
    """5m, 1h30m, 500ms."""
    words = ""
    for unit, length in _UNITS:
        if millis >= length:
            words += f"{millis // length}{unit}"
            millis %= length
    return words or "0s"


def _quoted(text: str) -> str:
    inside = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{inside}"'
