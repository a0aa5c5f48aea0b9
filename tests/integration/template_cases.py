"""Templates for promtool and for us: some that somebody thought of, and as many as wanted, made at random.

They are annotations of alerts on one series `m`, whose labels are LABELS; `v` is another one, to be queried.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from razorprof.errors import UsageError
from razorprof.model.labels import Labels

LABELS = {
    "foo": 'ba"r',
    "host": "web1.example.com:9100",
    "ip": "10.0.0.1:80",
    "num": "12345.678",
    "uni": "héllo wörld ß ǆ",
    "html": "<a href='x'>&\t</a>",
    "neg": "-5",
}
EXTERNAL = {"e": "ext"}
SERIES: Mapping[str, tuple[Mapping[str, str], float]] = {"v": ({"l": "b", "i": "1"}, 3.0)}


def answers(value: float) -> Callable[[str], Sequence[tuple[Labels, float]]]:
    """What promtool's series answer to the queries that occur here. value: of `m`."""
    series = {"m": (LABELS, value), **SERIES}

    def ask(expression: str) -> Sequence[tuple[Labels, float]]:
        name = expression.strip()
        if name in series:
            labels, number = series[name]
            return [(Labels({"__name__": name, **labels}), number)]
        if re.fullmatch("[a-zA-Z_:][a-zA-Z0-9_:]*", name):
            return []
        raise UsageError("not answered")

    return ask


THOUGHT_OF = Path(__file__).with_suffix(".txt").read_text("utf-8").splitlines()
THOUGHT_OF += [
    'line1\n{{ $labels.nope.x }}\nline3 {{ first (query "nope") }}',
    "a\nb\n{{ nosuch }}",
    "{{ if true }}\n\n{{ foo",
    "{{ $x :=\n 5 }}{{ $x }}",
    "{{ 1\n2 }}",
    "a \n\t {{- 1 -}} \n\n b",
    "",
    " ",
    '{{ "a\n" }}',
    "{{ `a\nb` }}",
]

_TEXTS = ('"abc"', '""', '"héllo"', '"12.5"', "`raw`", '"a.b.c:90"', '"1h"', '"x"', '"%d"', '"a b"')
_NUMBERS = (
    *("0", "1", "-1", "2", "5", "255", "1.5", "-2.25", "1e6", "1e21", "1e-7", "0.1", "100000", "1234567.0"),
    *("3.14159", "1e300", "0x1F", "'a'", "1e18", "123456789"),
)
_VALUES = (
    *("$value", "$labels.foo", "$labels.nope", "$labels.num", ".Value", ".Labels.host", "$labels", ".Labels"),
    *("$externalLabels.e", "$value", "$labels.foo"),
)
_STAGES = (
    *("humanize", "toUpper", "len", 'printf "%v"', 'print "a"', "html", "urlquery", "humanizeDuration", "title"),
    *("not", "js", 'printf "%5.1f"', "humanize1024", "humanizePercentage", "humanizeTimestamp"),
)
_CALLS = {  # name -> how many arguments
    **dict.fromkeys(("humanize", "humanize1024", "humanizeDuration", "humanizePercentage"), (1,)),
    **dict.fromkeys(("humanizeTimestamp", "toUpper", "title", "len", "not", "stripPort", "stripDomain"), (1,)),
    **dict.fromkeys(("parseDuration",), (1,)),
    **dict.fromkeys(("println", "html", "js", "urlquery", "args"), (1, 2)),
    **dict.fromkeys(("print", "and", "or", "slice"), (1, 2, 3)),
    **dict.fromkeys(("index", "eq"), (2, 3)),
    **dict.fromkeys(("ne", "lt", "le", "gt", "ge"), (2,)),
}
_QUERIES = (
    'query "v" | first | value',
    'query "v" | sortByLabel "l" | first | label "l"',
    '(first (query "v")).Labels.l',
)


class Maker:
    """Templates at random, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)

    def template(self) -> str:
        value = self._operand(0)
        shapes: tuple[Callable[[], str], ...] = (
            lambda: f"{{{{ {value} }}}}",
            lambda: f"{{{{ {value} }}}}",
            lambda: f"{{{{ if {value} }}}}a{{{{ else }}}}b{{{{ end }}}}",
            lambda: f"{{{{ with {value} }}}}{{{{ . }}}}{{{{ else }}}}b{{{{ end }}}}",
            lambda: f"{{{{ range $k, $e := {value} }}}}{{{{ $k }}}}={{{{ $e }}}};{{{{ end }}}}",
            lambda: f"{{{{ $x := {value} }}}}{{{{ $x }}}}{{{{ $x = {self._operand(0)} }}}}{{{{ $x }}}}",
        )
        return self._chance.choice(shapes)()

    def _operand(self, depth: int) -> str:
        chance = self._chance
        if depth > 3 or chance.random() < 0.3:
            return chance.choice((*_TEXTS, *_NUMBERS, *_VALUES, "true", "false", "nil"))
        kind = chance.random()
        if kind < 0.2:
            return f"({self._printf(depth)})"
        if kind < 0.4:
            return f"({self._operand(depth + 1)} | {chance.choice(_STAGES)})"
        if kind < 0.5:
            return f"({chance.choice(_QUERIES)})"
        name = chance.choice(list(_CALLS))
        arguments = " ".join(self._operand(depth + 1) for _ in range(chance.choice(_CALLS[name])))
        return f"({name} {arguments})"

    def _printf(self, depth: int) -> str:
        chance = self._chance
        verbs = chance.randint(0, 3)
        text = ""
        for _ in range(verbs):
            flags = "".join(chance.choice("#0+- ") for _ in range(chance.choice((0, 0, 0, 1, 1, 2))))
            width, precision = (
                chance.choice(("", "", "5", "12", "1")),
                chance.choice(("", "", ".2", ".0", ".5", ".")),
            )
            text += chance.choice(("", "x", " ", "é")) + "%" + flags + width + precision
            text += chance.choice("vsdfgexqtcXbGToUEF%")
        count = chance.randint(max(0, verbs - 1), verbs + 1)
        arguments = [self._operand(depth + 2) for _ in range(count)]
        return " ".join((f'printf "{text}"', *arguments))
