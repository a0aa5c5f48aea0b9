"""The parser's tree -> our plan, checked: types, counts of arguments, and what is not supported.

Walks with a stack of its own: accepted trees are deeper than Python likes to recurse. Called by parse only, the
one that knows how to catch the parser's panics: its attributes may raise too.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import promql_parser as pp

from razorprof.errors import NotSupported, UsageError
from razorprof.query import plan
from razorprof.query.functions.call import Kind
from razorprof.query.functions.registry import FUNCTIONS, UNSUPPORTED
from razorprof.query.plan import Matching, Node, Program, When
from razorprof.query.regexes import check_regex
from razorprof.store.view import Matcher, MatchOp

COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})
SETS = frozenset({"and", "or", "unless"})
_ARITHMETIC = frozenset({"+", "-", "*", "/", "%", "^", "atan2"})
_AGGREGATIONS = {
    **dict.fromkeys(("sum", "avg", "min", "max", "group", "count", "stddev", "stdvar")),
    **dict.fromkeys(("topk", "bottomk", "quantile"), Kind.SCALAR),
    "count_values": Kind.TEXT,
}
_DEEPEST_SUBQUERIES = 16
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_OPS = {"Equal": MatchOp.EQUAL, "NotEqual": MatchOp.NOT_EQUAL, "Re": MatchOp.REGEX, "NotRe": MatchOp.NOT_REGEX}


def translate(tree: Any, *, subqueries: int = 0) -> Program:
    """The plan of a parsed expression. `subqueries`: in how many of them it stands."""
    todo: list[tuple[Any, int]] = [(tree, -1)]
    built: list[Node] = []
    order: list[Node] = []
    while todo:
        expression, count = todo.pop()
        if isinstance(expression, pp.ParenExpr):
            todo.append((expression.expr, -1))
            continue
        if count < 0:
            operands = _operands(expression)
            todo.append((expression, len(operands)))
            todo += [(operand, -1) for operand in reversed(operands)]
            continue
        split = len(built) - count
        node = _node(expression, built[split:], subqueries)
        built[split:] = [node]
        order.append(node)
    return Program(tuple(order), plan.kind_of(order[-1]))


def _operands(expression: Any) -> list[Any]:
    if isinstance(expression, pp.BinaryExpr):
        return [expression.lhs, expression.rhs]
    if isinstance(expression, pp.AggregateExpr):
        return [expression.expr] if expression.param is None else [expression.expr, expression.param]
    if isinstance(expression, pp.Call):
        return list(expression.args)
    if isinstance(expression, pp.UnaryExpr):
        return [expression.expr]
    return []


def _node(expression: Any, operands: list[Node], subqueries: int) -> Node:
    match expression:
        case pp.NumberLiteral():
            return plan.Number(expression.val)
        case pp.StringLiteral():
            return plan.String(expression.val)
        case pp.VectorSelector():
            return plan.Selector(_matchers(expression), _when(expression))
        case pp.MatrixSelector():
            selector = expression.vector_selector
            return plan.RangeSelector(_matchers(selector), _when(selector), _positive(expression.range))
        case pp.SubqueryExpr():
            return _subquery(expression, subqueries)
        case pp.UnaryExpr():
            return _negation(operands[0])
        case pp.BinaryExpr():
            return _binary(expression, *operands)
        case pp.AggregateExpr():
            return _aggregation(expression, *operands)
        case pp.Call():
            return _invocation(expression.func.name, operands)
    raise NotSupported("unknown kind of expression", value=type(expression).__name__)


def _matchers(selector: Any) -> tuple[Matcher, ...]:
    if selector.matchers.or_matchers:
        raise NotSupported(
            "'or' between label matchers is not PromQL", hint="use a regex, or two selectors with or"
        )
    matchers = [] if selector.name is None else [Matcher("__name__", MatchOp.EQUAL, selector.name)]
    for one in selector.matchers.matchers:
        matcher = Matcher(one.name, _OPS[str(one.op).rpartition(".")[2]], one.value)
        if matcher.op in (MatchOp.REGEX, MatchOp.NOT_REGEX):
            check_regex(matcher.value)
        matchers.append(matcher)
    return tuple(matchers)


def _when(expression: Any) -> When:
    offset = 0 if expression.offset is None else _millis(expression.offset)
    at = expression.at
    if at is None:
        return When(offset)
    kind = str(at.type).rpartition(".")[2]
    if kind in ("Start", "End"):
        return When(offset, plan.Edge(kind.lower()))
    return When(offset, _millis(at.at - _EPOCH))


def _subquery(expression: Any, subqueries: int) -> Node:
    if subqueries >= _DEEPEST_SUBQUERIES:
        raise UsageError("subqueries are nested too deeply", hint=f"at most {_DEEPEST_SUBQUERIES} levels")
    program = translate(expression.expr, subqueries=subqueries + 1)
    if program.kind is not Kind.VECTOR:
        raise UsageError(f"subquery is only allowed on instant vector, got {program.kind} instead")
    step = None if expression.step is None else _positive(expression.step)
    return plan.Subquery(program, _when(expression), _positive(expression.range), step)


def _negation(operand: Node) -> Node:
    kind = plan.kind_of(operand)
    if kind not in (Kind.SCALAR, Kind.VECTOR):
        raise UsageError(f"unary expression only allowed on scalar or instant vector, got {kind}")
    return plan.Negation(operand, kind)


def _binary(expression: Any, left: Node, right: Node) -> Node:
    operator = str(expression.op)
    modifier = expression.modifier
    if operator not in COMPARISONS | SETS | _ARITHMETIC:
        raise NotSupported("operator", value=operator)
    kinds = (plan.kind_of(left), plan.kind_of(right))
    if not {Kind.SCALAR, Kind.VECTOR}.issuperset(kinds):
        raise UsageError("binary expression must contain only scalar and instant vector types")
    both = kinds == (Kind.VECTOR, Kind.VECTOR)
    if operator in SETS and not both:
        raise UsageError(f"set operator {operator} not allowed in binary scalar expression")
    as_bool = bool(modifier is not None and modifier.return_bool)
    if as_bool and operator not in COMPARISONS:
        raise UsageError("bool modifier can only be used on comparison operators")
    if operator in COMPARISONS and Kind.VECTOR not in kinds and not as_bool:
        raise UsageError("comparisons between scalars must use BOOL modifier", hint=f"write {operator} bool")
    matching = _matching(modifier)
    if not both and matching != Matching():
        raise UsageError("vector matching only allowed between instant vectors")
    kind = Kind.VECTOR if Kind.VECTOR in kinds else Kind.SCALAR
    return plan.Binary(operator, left, right, as_bool, matching, kind)


def _matching(modifier: Any) -> Matching:
    if modifier is None:
        return Matching()
    fill = modifier.fill_values
    if fill is not None and (fill.lhs is not None or fill.rhs is not None):
        raise NotSupported("the modifier fill is experimental in Prometheus", hint="leave it out")
    many = {"ManyToOne": "left", "OneToMany": "right"}.get(str(modifier.card).rpartition(".")[2])
    labels = modifier.matching
    on = labels is not None and str(labels.type).rpartition(".")[2] == "Include"
    return Matching(
        on, tuple(labels.labels) if labels is not None else (), many, tuple(modifier.group_labels or ())
    )


def _aggregation(expression: Any, of: Node, parameter: Node | None = None) -> Node:
    operator = str(expression.op)
    if operator not in _AGGREGATIONS:
        raise NotSupported(f"{operator} is experimental in Prometheus", hint="topk and bottomk are supported")
    if plan.kind_of(of) is not Kind.VECTOR:
        raise UsageError(f"{operator} aggregates an instant vector, not a {plan.kind_of(of)}")
    wanted = _AGGREGATIONS[operator]
    if (parameter is None) is not (wanted is None):
        raise UsageError("wrong number of arguments for aggregation", value=operator)
    if parameter is not None and plan.kind_of(parameter) is not wanted:
        raise UsageError(f"the parameter of {operator} is a {wanted}, not a {plan.kind_of(parameter)}")
    if operator == "count_values" and isinstance(parameter, plan.String) and not parameter.text:
        raise UsageError("invalid label name for count_values", value='""')
    modifier = expression.modifier
    without = modifier is not None and str(modifier.type).rpartition(".")[2] == "Without"
    labels = () if modifier is None else tuple(dict.fromkeys(modifier.labels))
    return plan.Aggregation(operator, of, parameter, labels, without)


def _invocation(name: str, arguments: list[Node]) -> Node:
    if name in UNSUPPORTED:
        raise NotSupported(f"the function {name} is {UNSUPPORTED[name]}", hint="it is not evaluated here")
    function = FUNCTIONS.get(name)
    if function is None:
        raise NotSupported("the function is not supported", value=name)
    wanted = function.arguments
    least, most = len(wanted) - function.optional, len(wanted)
    if len(arguments) < least or (len(arguments) > most and not function.variadic):
        expected = f"{least}" if least == most else f"{least} to {most}"
        expected += " or more" * function.variadic
        raise UsageError(f"expected {expected} arguments in call to {name}, got {len(arguments)}")
    for place, argument in enumerate(arguments):
        kind, expected_kind = plan.kind_of(argument), wanted[min(place, most - 1)]
        if kind is not expected_kind:
            raise UsageError(f"expected type {expected_kind} in call to function {name}, got {kind}")
    first = arguments[0] if arguments else None
    matchers = first.matchers if isinstance(first, plan.Selector | plan.RangeSelector) else ()
    direct = first if isinstance(first, plan.Selector) else None
    return plan.Invocation(function, tuple(arguments), matchers, direct)


def _positive(duration: timedelta) -> int:
    millis = _millis(duration)
    if millis <= 0:
        raise UsageError("duration must be greater than 0")
    return millis


def _millis(duration: timedelta) -> int:
    """Whole milliseconds, cut towards zero as Prometheus does."""
    whole = abs(duration) // _MILLISECOND
    return whole if duration >= timedelta(0) else -whole
