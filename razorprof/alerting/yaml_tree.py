"""YAML text -> nodes that know their lines, as plain values. No Python object is ever made of what a file names.

Built from PyYAML's events, with bounds on depth, on nodes and on what aliases multiply, and resolved as yaml.v3
does it for Prometheus: what a plain word means, merge keys, keys that stand twice. For rule, capture and test
files; yaml_fields makes Go's strings and numbers of the nodes.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from razorprof.alerting.problem import Problem

DEEPEST = 64
MOST_NODES = 200_000
_MOST_WITHOUT_LIBYAML = 1 << 18  # characters: some ten seconds

_TAG_PREFIX = "tag:yaml.org,2002:"
_INT = re.compile(r"[-+]?(0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|0|[1-9][0-9]*)", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_TIME = re.compile(r"\d{4}-\d{1,2}-\d{1,2}(?:[Tt ].*)?", re.ASCII)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLS = frozenset({"true", "True", "TRUE", "false", "False", "FALSE"})
_NO_NUMBERS = frozenset({".nan", ".NaN", ".NAN"})
_INFINITIES = frozenset(sign + word for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF"))
_RESOLVED = frozenset({"bool", "int", "float", "null", "timestamp"})
_WANTS_QUOTES = "quote texts that hold ': ' or ' #', or that begin with one of {[*&!|>%@`"


class BadYaml(Exception):
    """The text is no YAML, or too much of it."""

    def __init__(self, line: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.problem = Problem(line, message, hint)


@dataclass(frozen=True, slots=True, eq=False)
class Scalar:
    """tag: str, int, float, bool, null, timestamp, merge or binary; text: as it stands there."""

    line: int
    text: str
    tag: str = "str"
    size: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Sequence:
    """size: of all nodes in it, those of an alias counted wherever it stands."""

    line: int
    items: tuple[Node, ...]
    size: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Mapping:
    """pairs: in the file's order, merge keys not yet carried out."""

    line: int
    pairs: tuple[tuple[Node, Node], ...]
    size: int = 1


Node = Scalar | Sequence | Mapping


@dataclass(frozen=True, slots=True)
class Document:
    """root: None where the text holds nothing; more: the line where a second document begins, 0 without one."""

    root: Node | None
    more: int = 0


def parse_yaml(text: str) -> Document:
    """The first document of a text. Raises BadYaml."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise BadYaml(text.count("\n", 0, error.start) + 1, "this is no UTF-8 text") from None
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    if loader is yaml.SafeLoader and len(text) > _MOST_WITHOUT_LIBYAML:
        raise BadYaml(0, "the file is too large for a PyYAML without libyaml", "install PyYAML from its wheel")
    try:
        source = loader(text)
        try:
            return _Composer(source).document()
        finally:
            source.dispose()
    except yaml.YAMLError as error:
        raise _explained(error, text) from None


def layers(mapping: Mapping) -> Iterator[Mapping]:
    """The mapping, then those that its merge keys name, in the order in which their keys count. Raises BadYaml for
    a merge of what is no mapping."""
    todo: list[Node] = [mapping]
    while todo:
        one = todo.pop(0)
        if not isinstance(one, Mapping):
            raise _no_mapping(one.line)
        yield one
        for key, value in one.pairs:
            if is_merge(key):
                todo[:0] = value.items if isinstance(value, Sequence) else (value,)


def entries(mapping: Mapping) -> Iterator[tuple[Node, Node]]:
    """Keys and values with merge keys carried out: of a key in several layers the first one. A key that stands
    twice in one layer comes twice. Raises as `layers`."""
    known: set[str] = set()
    for layer in layers(mapping):
        own = [(key, value) for key, value in layer.pairs if not is_merge(key)]
        for key, value in own:
            if not isinstance(key, Scalar) or key.text not in known:
                yield key, value
        known |= {key.text for key, _ in own if isinstance(key, Scalar)}


def duplicates(mapping: Mapping) -> Iterator[tuple[Scalar, Scalar]]:
    """(first, again) for each key that stands more than once in one layer. Raises as `layers`."""
    for layer in layers(mapping):
        first: dict[str, Scalar] = {}
        for key, _ in layer.pairs:
            if isinstance(key, Scalar) and (before := first.setdefault(key.text, key)) is not key:
                yield before, key


def is_merge(key: Node) -> bool:
    return isinstance(key, Scalar) and key.tag == "merge"


@dataclass(slots=True)
class _Open:
    """A sequence or mapping that has begun. is_alias: whether its newest part is one."""

    line: int
    anchor: str | None
    is_mapping: bool
    parts: list[Node] = field(default_factory=list)
    size: int = 1


class _Composer:
    """Events -> nodes, without recursion."""

    def __init__(self, source: Any) -> None:
        self._source = source
        self._anchors: dict[str, Node | None] = {}  # None while what it names is not complete
        self._open: list[_Open] = []

    def document(self) -> Document:
        root: Node | None = None
        more = 0
        while self._source.check_event():
            event = self._source.get_event()
            match event:
                case yaml.DocumentStartEvent():
                    if root is not None:
                        more = _line(event)
                        break
                    if event.version is not None and event.version != (1, 1):
                        raise BadYaml(_line(event), "only YAML 1.1 may be declared", "leave the %YAML line out")
                case yaml.DocumentEndEvent():
                    more = self._line_of_next()
                    break
                case yaml.StreamStartEvent() | yaml.StreamEndEvent():
                    pass
                case _:
                    root = self._take(event) or root
        return Document(root, more)

    def _line_of_next(self) -> int:
        """Where another document begins; what is wrong in it goes unseen, as in Prometheus."""
        try:
            event = self._source.peek_event()
        except yaml.YAMLError:
            return 0
        return _line(event) if isinstance(event, yaml.DocumentStartEvent) else 0

    def _take(self, event: Any) -> Node | None:
        """The node that this event completes, if it belongs to no other."""
        match event:
            case yaml.ScalarEvent():
                return self._add(_scalar(event), event.anchor)
            case yaml.AliasEvent():
                return self._add(self._named(event), None, is_alias=True)
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                if len(self._open) >= DEEPEST:
                    raise BadYaml(_line(event), "nested too deeply", f"at most {DEEPEST} levels")
                if event.anchor is not None:
                    self._anchors[event.anchor] = None
                is_mapping = isinstance(event, yaml.MappingStartEvent)
                self._open.append(_Open(_line(event), event.anchor, is_mapping))
                return None
        done = self._open.pop()
        if not done.is_mapping:
            return self._add(Sequence(done.line, tuple(done.parts), done.size), done.anchor)
        pairs = tuple(zip(done.parts[::2], done.parts[1::2], strict=True))
        return self._add(Mapping(done.line, pairs, done.size), done.anchor)

    def _named(self, event: Any) -> Node:
        if event.anchor not in self._anchors:
            raise BadYaml(_line(event), f"unknown anchor {event.anchor!r}", "an anchor (&name) stands before it")
        node = self._anchors[event.anchor]
        if node is None:
            raise BadYaml(_line(event), f"anchor {event.anchor!r} contains itself")
        return node

    def _add(self, node: Node, anchor: str | None, *, is_alias: bool = False) -> Node | None:
        if anchor is not None:
            self._anchors[anchor] = node
        if not self._open:
            return node
        parent = self._open[-1]
        if is_alias and not isinstance(node, Mapping) and parent.is_mapping and len(parent.parts) % 2:
            key = parent.parts[-1]
            if is_merge(key):
                raise _no_mapping(key.line)
        parent.parts.append(node)
        parent.size += node.size
        if parent.size > MOST_NODES:
            raise BadYaml(
                parent.line,
                "too many nodes, or aliases that multiply",
                f"at most {MOST_NODES:,} with aliases expanded",
            )
        return None


def _scalar(event: Any) -> Scalar:
    line, text, tag = _line(event), event.value, event.tag
    if any("\ud800" <= character <= "\udfff" for character in ("" if text.isascii() else text)):
        raise BadYaml(line, "an escape names no Unicode character")  # libyaml itself refuses it
    if tag in (None, "!"):
        return Scalar(line, text, "str" if event.style else _resolved(text))
    name = tag.removeprefix(_TAG_PREFIX)
    if name == "binary":
        try:
            content = base64.b64decode(text.replace("\n", "").encode(), validate=True)
        except (binascii.Error, UnicodeEncodeError):
            raise BadYaml(line, "a !!binary value is no base64") from None
        return Scalar(line, content.decode("utf-8", "surrogateescape"), name)
    if name == "merge":
        return Scalar(line, text, name if text == "<<" else "str")
    if name not in _RESOLVED:
        return Scalar(line, text)
    found = "timestamp" if name == "timestamp" and _TIME.fullmatch(text) else _resolved(text)
    if found != name and (name, found) != ("float", "int"):
        raise BadYaml(line, f"{text[:40]!r} is no !!{name}")
    return Scalar(line, text, name)


def _resolved(text: str) -> str:
    """The tag of a plain word: YAML 1.2's core schema, with the octal numbers of 1.1 (yaml.v3: resolve.go)."""
    if text in _NULLS:
        return "null"
    if text in _BOOLS:
        return "bool"
    if text == "<<":
        return "merge"
    if text in _NO_NUMBERS or text in _INFINITIES:
        return "float"
    if not text[0].isdigit() and text[0] not in "+-.":
        return "str"
    plain = text.replace("_", "")
    if _INT.fullmatch(plain):
        return "int"
    return "float" if _FLOAT.fullmatch(plain) else "str"


def _no_mapping(line: int) -> BadYaml:
    return BadYaml(line, "a merge key (<<) takes a mapping, an alias of one, or a list of those")


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _explained(error: yaml.YAMLError, text: str) -> BadYaml:
    """The parser's words, with the line where it noticed, and where that began which it could not end."""
    if isinstance(error, yaml.reader.ReaderError):
        position = error.position if isinstance(error.position, int) else 0
        return BadYaml(text.count("\n", 0, position) + 1, "a control character stands in the file")
    mark, begun = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
    noticed = mark or begun
    line = noticed.line + 1 if noticed is not None else 0
    context, problem = getattr(error, "context", None), getattr(error, "problem", None) or str(error)
    if context and begun is not None and begun.line + 1 != line:
        context += f" that begins in line {begun.line + 1}"
    hint = ""
    if "mapping values are not allowed" in problem or "cannot start any token" in problem:
        has_tab = "\t" in text.split("\n")[max(0, line - 1)][:80]
        hint = "indent with spaces: YAML takes no tabs" if has_tab else _WANTS_QUOTES
    return BadYaml(line, f"no YAML: {context}: {problem}" if context else f"no YAML: {problem}", hint)
