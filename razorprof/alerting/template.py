"""Templates of labels and annotations: the part of Go's text/template that rule files use, on values only.

A template is compiled when its file is read, where what is not supported is refused, and expanded at each
evaluation; what goes wrong then becomes the text `<error expanding template: ...>`, as in Prometheus. Words are
cut by template_lex, put together by template_parse and carried out by template_run, or template_straight where
there is little to do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from razorprof.alerting.go_text import valid
from razorprof.alerting.template_builtins import ALL_FUNCTIONS
from razorprof.alerting.template_nodes import Tree
from razorprof.alerting.template_operands import BadTemplate
from razorprof.alerting.template_parse import parse_template
from razorprof.alerting.template_pipes import TemplateFailed
from razorprof.alerting.template_run import run
from razorprof.alerting.template_straight import Piece, joined, pieces_of
from razorprof.alerting.template_values import Data, TextMap
from razorprof.errors import NotSupported, RazorprofError, UsageError
from razorprof.model.labels import Labels

# what Prometheus puts before each text: places in its messages count from there, what it says is known beforehand
_PREFIX = (
    "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}"
    "{{$value := .Value}}"
)
_VARIABLES = ("$", "$labels", "$externalLabels", "$externalURL", "$value")
_LONGEST = 64 << 10
_KNOWN = {*ALL_FUNCTIONS, "call"}

Answer = Sequence[tuple[Labels, float]]


@dataclass(frozen=True, slots=True)
class TemplateData:
    """What a template sees. labels: those of the query's result, __name__ too, without the rule's; time: of the
    evaluation, Unix seconds; ask: answers the template's own queries at that time, None where nothing can."""

    labels: Mapping[str, str]
    value: float
    time: float = 0.0
    external_labels: Mapping[str, str] = field(default_factory=dict)
    external_url: str = ""
    ask: Callable[[str], Answer] | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled template. is_plain: it holds no action, so that its text is what comes out; name: what messages
    call it, __alert_ and the alert; error: why it could not be compiled, which it then says each time."""

    text: str
    is_plain: bool = True
    name: str = ""
    error: str = ""
    tree: Tree | None = field(default=None, compare=False, repr=False)
    pieces: tuple[Piece, ...] | None = field(default=None, compare=False, repr=False)

    @property
    def functions(self) -> frozenset[str]:
        """The names of the functions that it calls."""
        return frozenset() if self.tree is None else self.tree.functions

    def expand(self, data: TemplateData) -> str:
        """The text with its actions carried out. Never raises; bounded in time and size."""
        if self.error:
            return f"<error expanding template: {self.error}>"
        if self.tree is None:
            return self.text
        if self.pieces is not None and (text := joined(self.pieces, data)) is not None:
            return valid(text)
        dot = Data(TextMap(data.labels), TextMap(data.external_labels), data.external_url, data.value)
        variables = (dot, dot.labels, dot.external_labels, dot.external_url, dot.value)
        try:
            return valid(run(self.tree, self.name, list(zip(_VARIABLES, variables, strict=True)), data))
        except TemplateFailed as failed:
            return valid(f"<error expanding template: error executing template {self.name}: {failed}>")


def compile_template(text: str, name: str = "") -> Template:
    """Raises UsageError for one that cannot be parsed, NotSupported for functions that are not ours."""
    if "{{" not in text:
        return Template(text, name=name)
    if len(text) > _LONGEST:
        raise NotSupported("a template is too long", value=f"{len(text)} characters", hint=f"at most {_LONGEST}")
    tree, pieces = _parsed(text)
    return Template(text, is_plain=False, name=name, tree=tree, pieces=pieces)


def broken_template(text: str, name: str, error: RazorprofError) -> Template:
    """One that says at each expansion what is wrong with it, as Prometheus does with labels of a group."""
    reason = error.message.removeprefix("bad template: ")
    return Template(text, is_plain=False, name=name, error=f"error parsing template {name}: {reason}")


@lru_cache(maxsize=1024)
def _parsed(text: str) -> tuple[Tree, tuple[Piece, ...] | None]:
    """The tree of a template, and its pieces where it is straight: many rules say the same."""
    try:
        tree = parse_template(_PREFIX + text, len(_PREFIX), _VARIABLES, _KNOWN)
    except BadTemplate as error:
        place = f"line {error.line}: " if "\n" in text else ""
        raise UsageError(f"bad template: {place}{error.message}", hint=_hint(error.message)) from None
    if "call" in tree.functions:
        raise NotSupported("the function call in a template", hint="nothing here is a function that it could call")
    return tree, pieces_of(tree)


def _hint(message: str) -> str:
    if message.startswith("undefined variable"):
        return "there are $labels, $value, $externalLabels and $externalURL"
    if message.startswith("function "):
        return "functions are those of Prometheus's template reference and of Go's text/template"
    if "in operand" in message and any(f'unexpected "{sign}"' in message for sign in "+-*/<>=!%"):
        return "templates do not calculate: do it in expr, or compare with gt, lt, eq"
    if message == "unexpected EOF":
        return "an if, with, range, define or block wants its {{ end }}"
    return ""
