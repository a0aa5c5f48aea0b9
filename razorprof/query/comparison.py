"""The threshold of a rule's expression, where it has one: `left OPERATOR number`, with the number on either side.

For whoever shows an alert's value beside its limit, and the left-hand value while nothing is wrong. Pure functions
over a plan; called once for each rule.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from razorprof.errors import RazorprofError
from razorprof.query import plan
from razorprof.query.engine import Query
from razorprof.query.functions.call import Kind
from razorprof.query.plan import Binary, Negation, Node, Number, Program
from razorprof.query.translate import COMPARISONS
from razorprof.query.values import Scalar
from razorprof.store.fixed import FixedView

_TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}
_KEEPS_LEFT = ("and", "unless")


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """left: what is compared, a vector; operator: as with the number on the right; value: the number."""

    left: Query
    operator: str
    value: float


def comparison_of(query: Query) -> Comparison | None:
    """The comparison whose values the query answers with; None where there is none, or the limit is no constant.

    `a > 5 and b < 2` answers with values of a, which are above 5.
    """
    node = query.program.nodes[-1]
    while isinstance(node, Binary) and node.operator in _KEEPS_LEFT:
        node = node.left
    if not isinstance(node, Binary) or node.operator not in COMPARISONS or node.as_bool:
        return None
    for left, right, operator in (
        (node.left, node.right, node.operator),
        (node.right, node.left, _TURNED[node.operator]),
    ):
        value = _constant(query.program, right)
        if value is not None and plan.kind_of(left) is Kind.VECTOR:
            return Comparison(_query_of(query.program, left), operator, value)
    return None


def _constant(program: Program, node: Node) -> float | None:
    """The number that a node comes to whatever the series and the time; None where it depends on them."""
    part = _query_of(program, node)
    if not all(isinstance(one, Number | Negation | Binary) for one in part.program.nodes):
        return None
    try:
        value = part.instant(FixedView(()), 0.0)
    except RazorprofError:
        return None
    found = float(value.values[0]) if isinstance(value, Scalar) else math.nan
    return None if math.isnan(found) else found


def _query_of(program: Program, node: Node) -> Query:
    """A node and what it is made of as a query of its own. It has no text."""
    wanted: set[int] = set()
    todo = [node]
    while todo:
        one = todo.pop()
        wanted.add(id(one))
        todo += plan.children(one)
    nodes = tuple(one for one in program.nodes if id(one) in wanted)
    return Query("", Program(nodes, plan.kind_of(node)))
