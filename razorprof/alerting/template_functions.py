"""Functions that templates call: Prometheus's own. Those of text/template are template_builtins'.

A function gets what the template sees and arguments whose types template_run has checked. Raises ValueGap with
Go's words for what it cannot do.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from razorprof.alerting.durations import parse_prometheus_duration
from razorprof.alerting.go_format import MOST_TEXT, TooLong, bounded
from razorprof.alerting.go_text import escape_query, quote, to_bytes, valid
from razorprof.alerting.template_fields import ValueGap
from razorprof.alerting.template_humanize import (
    humanize,
    humanize1024,
    humanize_duration,
    humanize_percentage,
    humanize_timestamp,
    to_duration,
    to_time,
)
from razorprof.alerting.template_values import (
    AnyMap,
    Environment,
    Html,
    QueryResult,
    Sample,
    TextMap,
    Value,
)
from razorprof.alerting.versions import Version
from razorprof.errors import RazorprofError
from razorprof.query.functions.relabel import expand

_TEXT, _ANY, _RESULT, _SAMPLE = "string", "interface {}", "template.queryResult", "*template.sample"
_MOST_MEMORY = 4 << 20  # what a pattern may become when compiled
_MOST_RESULTS = 10_000


@dataclass(frozen=True, slots=True)
class Function:
    """types: of its parameters, as Go names them; variadic: whether the last one may stand any number of times;
    since: the first version of Prometheus that has it, where rule files of today may care."""

    types: tuple[str, ...]
    call: Callable[..., Value]
    variadic: bool = False
    since: Version | None = None
    wants_environment: bool = False


def _query(environment: Environment, text: str) -> Value:
    if environment.ask is None:
        raise ValueGap("queries are not answered here")
    try:
        answer = environment.ask(text)
    except RazorprofError as error:
        raise ValueGap(str(error)) from None
    if len(answer) > _MOST_RESULTS:
        raise ValueGap(f"the query has more than {_MOST_RESULTS} results")
    return QueryResult(Sample(TextMap(labels), float(value)) for labels, value in answer)


def _first(results: QueryResult) -> Value:
    if not results:
        raise ValueGap("first() called on vector with no elements")
    return results[0]


def _label(name: str, sample: Sample | None) -> Value:
    return _there(sample).labels.get(name, "")


def _value(sample: Sample | None) -> Value:
    return _there(sample).value


def _there(sample: Sample | None) -> Sample:
    if sample is None:
        raise ValueGap("runtime error: invalid memory address or nil pointer dereference")
    return sample


def _sorted(label: str, results: QueryResult) -> Value:
    results.sort(key=lambda sample: to_bytes(sample.labels.get(label, "")))  # in place, as there
    return results


def _parse_duration(text: str) -> Value:
    try:
        return parse_prometheus_duration(text)
    except RazorprofError:
        if not text:
            raise ValueGap("empty duration string") from None
        raise ValueGap(f"not a valid duration string: {quote(text)}") from None


def _title(text: str) -> str:
    """Each word's first letter as it is in titles; words are told apart as Go's strings.Title does it."""
    parts = []
    before = " "
    for character in text:
        parts.append(_one(character.title(), character) if _separates(before) else character)
        before = character
    return "".join(parts)


def _upper(text: str) -> str:
    return "".join(_one(character.upper(), character) for character in text)


def _lower(text: str) -> str:
    return "".join(_one(character.lower(), character) for character in text)


def _strip_port(text: str) -> str:
    parts = _split_host_port(text)
    return text if parts is None else parts[0]


def _strip_domain(text: str) -> str:
    host, port = _split_host_port(text) or (text, "")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        name = host.split(".")[0]
        if not port:
            return name
        return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
    return text


def _matches(pattern: str, text: str) -> Value:
    return _pattern(pattern, must=False).search(valid(text)) is not None


def _replace_all(pattern: str, replacement: str, text: str) -> str:
    """Regexp.ReplaceAllString: an empty match next to another one does not count."""
    compiled, source = _pattern(pattern, must=True), valid(text)
    parts: list[str] = []
    size, end = 0, 0
    last_match = -1
    for found in compiled.finditer(source):
        if found.start() == found.end() == last_match:
            continue
        last_match = found.end()
        part = source[end : found.start()] + expand(replacement, compiled, found)
        size += len(part)
        if size > MOST_TEXT:
            raise TooLong
        parts.append(part)
        end = found.end()
    return bounded("".join(parts) + source[end:])


def _link(text: str, tab: int) -> str:
    return f"/graph?g0.expr={escape_query(text)}&g0.tab={tab}"


def _path_prefix(environment: Environment) -> str:
    try:
        return urlsplit(environment.external_url).path
    except ValueError:
        return ""


def _arguments(*values: Value) -> Value:
    return AnyMap({f"arg{place}": value for place, value in enumerate(values)})


FUNCTIONS: dict[str, Function] = {
    "query": Function((_TEXT,), _query, wants_environment=True),
    "first": Function((_RESULT,), _first),
    "label": Function((_TEXT, _SAMPLE), _label),
    "value": Function((_SAMPLE,), _value),
    "strvalue": Function((_SAMPLE,), lambda sample: _label("__value__", sample)),
    "sortByLabel": Function((_TEXT, _RESULT), _sorted),
    "args": Function((_ANY,), _arguments, variadic=True),
    "humanize": Function((_ANY,), humanize),
    "humanize1024": Function((_ANY,), humanize1024),
    "humanizeDuration": Function((_ANY,), humanize_duration),
    "humanizePercentage": Function((_ANY,), humanize_percentage),
    "humanizeTimestamp": Function((_ANY,), humanize_timestamp),
    "toTime": Function((_ANY,), to_time, since=Version(2, 38)),
    "toDuration": Function((_ANY,), to_duration, since=Version(3, 5)),
    "now": Function((), lambda environment: float(environment.time), since=Version(3, 5), wants_environment=True),
    "parseDuration": Function((_TEXT,), _parse_duration, since=Version(2, 32)),
    "title": Function((_TEXT,), _title),
    "toUpper": Function((_TEXT,), _upper),
    "toLower": Function((_TEXT,), _lower),
    "stripPort": Function((_TEXT,), _strip_port, since=Version(2, 33)),
    "stripDomain": Function((_TEXT,), _strip_domain, since=Version(2, 36)),
    "match": Function((_TEXT, _TEXT), _matches),
    "reReplaceAll": Function((_TEXT, _TEXT, _TEXT), _replace_all),
    "graphLink": Function((_TEXT,), lambda text: _link(text, 0)),
    "tableLink": Function((_TEXT,), lambda text: _link(text, 1)),
    "externalURL": Function((), lambda environment: environment.external_url, wants_environment=True),
    "pathPrefix": Function((), _path_prefix, wants_environment=True),
    "safeHtml": Function((_TEXT,), Html),
    "urlQueryEscape": Function((_TEXT,), escape_query, since=Version(3, 8)),
}


def _one(changed: str, character: str) -> str:
    return changed if len(changed) == 1 else character


def _separates(character: str) -> bool:
    if character.isascii():
        return not (character.isalnum() or character == "_")
    return not (character.isalpha() or character.isdecimal()) and character.isspace()


def _split_host_port(text: str) -> tuple[str, str] | None:
    """net.SplitHostPort; None for what it refuses."""
    colon = text.rfind(":")
    if colon < 0:
        return None
    if text.startswith("["):
        end = text.find("]")
        if end < 0 or end + 1 != colon:
            return None
        host, first, second = text[1:end], 1, end + 1
    else:
        host, first, second = text[:colon], 0, 0
        if ":" in host:
            return None
    if "[" in text[first:] or "]" in text[second:]:
        return None
    return host, text[colon + 1 :]


@lru_cache(maxsize=256)
def _compiled(text: str) -> Any:
    import re2  # late: C++ start-up is paid for by those who use it

    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MOST_MEMORY
    return re2.compile(valid(text), options)


def _pattern(text: str, *, must: bool) -> Any:
    import re2

    try:
        return _compiled(text)
    except re2.error as error:
        words = error.args[0] if error.args else ""
        reason = f"error parsing regexp: {words.decode('utf-8', 'replace') if isinstance(words, bytes) else words}"
        raise ValueGap(f"regexp: Compile({quote(text, '`')}): {reason}" if must else reason) from None
