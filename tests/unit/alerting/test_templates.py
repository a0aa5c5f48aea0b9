"""Templates: what they become, what is refused when they are read, and that none does harm."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from razorprof.alerting.template import TemplateData, compile_template
from razorprof.errors import NotSupported, RazorprofError, ToolFailed, UsageError
from razorprof.model.labels import Labels

LABELS = {"__name__": "up", "job": "api", "instance": "web1.example.com:9100", "odd": "<b>\x1b[31m"}


def ask(expression: str) -> Sequence[tuple[Labels, float]]:
    if expression == "many":
        return [(Labels(l="b"), 2.0), (Labels(l="a"), 1.0)]
    if expression == "fails":
        raise ToolFailed("no answer", value="soon")
    return []


def expand(text: str, value: float = 0.5, *, name: str = "__alert_A", ask: object = ask) -> str:
    external = {"cluster": "c1"}
    data = TemplateData(LABELS, value, 1_435_065_584.128, external, "http://h:9/p", ask)  # type: ignore[arg-type]
    return compile_template(text, name).expand(data)


def failure(text: str, value: float = 0.5) -> str:
    """What is told of a template that fails, without what is the same for all."""
    told = expand(text, value)
    assert told.startswith("<error expanding template: error executing template __alert_A: template: __alert_A:")
    assert told.endswith(">")
    return told.partition(">: ")[2][:-1] if ">: " in told else told


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("plain } text {", "plain } text {"),
        ("{{ $labels.job }} {{ .Labels.job }} {{ $.Labels.job }}", "api api api"),
        ("[{{ $labels.nothing }}][{{ $externalLabels.cluster }}][{{ $externalURL }}]", "[][c1][http://h:9/p]"),
        ("{{ $value }} {{ .Value }} {{ $labels.__name__ }}", "0.5 0.5 up"),
        ("{{ externalURL }} {{ pathPrefix }} {{ now }}", "http://h:9/p /p 1.435065584128e+09"),
        ("{{ $value | humanizePercentage }} {{ $value | printf `%.3f` }}", "50% 0.500"),
        ("{{ if gt $value 0.4 }}high{{ else if gt $value 0.1 }}mid{{ else }}low{{ end }}", "high"),
        ("{{ with $labels.nothing }}a{{ else with $labels.job }}{{ . }}{{ end }}", "api"),
        ("{{ range $i, $s := query `many` }}{{ $i }}{{ $s.Labels.l }}{{ $s.Value }} {{ end }}", "0b2 1a1 "),
        ("{{ range sortByLabel `l` (query `many`) }}{{ .Labels.l }}{{ end }}", "ab"),
        ("{{ range query `none` }}x{{ else }}none{{ end }}", "none"),
        ("{{ range 3 }}{{ . }}{{ end }}", "012"),
        ("{{ range $k, $v := $labels }}{{ if eq $k `odd` }}{{ break }}{{ end }}{{ $k }} {{ end }}",
         "__name__ instance job "),
        ("{{ $x := 1 }}{{ range query `many` }}{{ $x = print $x `+` }}{{ end }}{{ $x }}", "1++"),
        ("{{ $x := 1 }}{{ if true }}{{ $x := 2 }}{{ end }}{{ $x }}", "1"),
        ("a {{- /* c */ -}} b {{- 3 -}} c", "ab3c"),
        ("{{ define `t` }}<{{ . }}>{{ end }}{{ template `t` 5 }}{{ template `t` $labels.job }}", "<5><api>"),
        ("{{ block `b` 1 }}[{{ . }}]{{ end }}", "[1]"),
        ("{{ stripPort $labels.instance }} {{ stripDomain $labels.instance }}", "web1.example.com web1:9100"),
        ("{{ reReplaceAll `(\\w+)\\..*` `$1` $labels.instance }} {{ match `^w` $labels.instance }}", "web1 true"),
        ("{{ (toTime 1435065584).Format `2006-01-02` }} {{ humanizeTimestamp 0 }}",
         "2015-06-23 1970-01-01 00:00:00 +0000 UTC"),
        ("{{ toDuration 5400 }} {{ (toDuration 90).Minutes }} {{ humanizeDuration (toDuration 90) }}",
         "1h30m0s 1.5 1m 30s"),
        ("{{ ((toTime 10).Add (toDuration 5)).Unix }} {{ (toTime 10).After (toTime 5) }}", "15 true"),
        ("{{ index $labels `job` }} {{ len $labels.job }} {{ slice $labels.job 1 }}", "api 3 pi"),
        ("{{ and 1 0 (index `` 9) }} {{ or `` `x` (index `` 9) }} {{ not `` }}", "0 x true"),
        ("{{ urlQueryEscape `a b` }} {{ urlquery `a b` }} {{ safeHtml `<b>` }} {{ html `<b>` }}",
         "a+b a+b <b> &lt;b&gt;"),
        ("{{ (args 1 `x`).arg1 }} {{ (args).arg0 }}", "x <no value>"),
        ("{{ title `hello wörld` }} {{ toUpper `aé` }} {{ graphLink `up > 1` }}",
         "Hello Wörld AÉ /graph?g0.expr=up+%3E+1&g0.tab=0"),
    ],
)  # fmt: skip
def test_a_template_becomes_its_text(text: str, expanded: str) -> None:
    assert expand(text) == expanded


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_has_a_word_everywhere(value: float) -> None:
    word = {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}[str(value)]
    names = ("humanize", "humanize1024", "humanizeDuration", "humanizeTimestamp")
    assert expand("{{ $value }}" + "".join(f" {{{{ {name} $value }}}}" for name in names), value) == " ".join(
        [word] * 5
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ first (query `none`) }}", "error calling first: first() called on vector with no elements"),
        ("{{ query `fails` }}", "error calling query: no answer (soon)"),
        ("{{ $labels.job.x }}", "can't evaluate field x in type string"),
        ("{{ gt $value 1 }}", "error calling gt: incompatible types for comparison"),
        ("{{ toUpper 5 }}", "expected string; found 5"),
        ("{{ humanize `x` }}", 'error calling humanize: strconv.ParseFloat: parsing "x": invalid syntax'),
        ("{{ index $labels.job 9 }}", "error calling index: index out of range: 9"),
        ("{{ template `none` }}", 'template "none" not defined'),
        ("{{ range $value }}{{ end }}", "range can't iterate over 0.5"),
        ("{{ label `l` nil }}",
         "error calling label: runtime error: invalid memory address or nil pointer dereference"),
        ("{{ reReplaceAll `(` `` `` }}", None),
        ("{{ parseDuration `soon` }}", 'error calling parseDuration: not a valid duration string: "soon"'),
    ],
)  # fmt: skip
def test_what_goes_wrong_becomes_the_text(text: str, words: str | None) -> None:
    told = failure(text)
    assert told == words if words is not None else "error parsing regexp" in told


def test_an_error_names_the_place_in_the_template() -> None:
    told = expand("first line\n  {{ $labels.job }} {{ first (query `none`) }}")
    assert '__alert_A:2:23: executing "__alert_A" at <first (query `none`)>: error calling first' in told


def test_without_series_to_ask_a_query_fails_and_the_rest_does_not() -> None:
    assert "queries are not answered here" in expand("{{ query `up` }}", ask=None)
    assert expand("{{ $value }}", ask=None) == "0.5"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ $label.x }}", 'undefined variable "$label"'),
        ("{{ nosuch }}", 'function "nosuch" not defined'),
        ("{{ if true }}", "unexpected EOF"),
        ("{{ end }}", "unexpected {{end}}"),
        ("{{ $value * 2 }}", 'unexpected "*" in operand'),
        ("{{ 1", "unclosed action"),
        ("{{ break }}", "{{break}} outside {{range}}"),
        ("{{ with $x := 1 }}{{ end }}{{ $x }}", 'undefined variable "$x"'),
        ("{{ tmpl `a` . }}", 'function "tmpl" not defined'),
        ("{{ define `a` }}1{{ end }}{{ define `a` }}2{{ end }}", "multiple definition"),
        ("{{ define `x` }}{{ $labels.a }}{{ end }}", 'undefined variable "$labels"'),
        ("a\nb\n{{ nosuch }}", "line 3: function"),
        ("{{ 99999999999999999999 }}", "integer overflow"),
        ("{{/* c }}", "unclosed comment"),
    ],
)
def test_what_is_no_template_is_refused_when_it_is_read(text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        compile_template(text)
    assert caught.value.message.startswith("bad template: ")
    assert words in caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        "{{ call $value }}",
        "{{ 1+2i }}",
        "{{ 3i }}",
        "{{ " + "(" * 50 + "1" + ")" * 50 + " }}",
        "{{ if 1 }}" * 50 + "{{ end }}" * 50,
        "{{ 1 }}" + "x" * 70_000,
    ],
    ids=["call", "complex", "imaginary", "parentheses", "branches", "length"],
)
def test_what_go_takes_and_we_do_not_is_told_when_it_is_read(text: str) -> None:
    with pytest.raises(NotSupported):
        compile_template(text)


def test_many_branches_of_one_if_are_no_depth() -> None:
    text = (
        "{{ if eq $value 0.0 }}0"
        + "".join(f"{{{{ else if eq $value {n}.0 }}}}{n}" for n in range(1, 300))
        + "{{ end }}"
    )
    assert expand(text, 299.0) == "299"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ define `r` }}{{ template `r` }}{{ end }}{{ template `r` }}", "exceeded maximum template depth"),
        ("{{ range 100000 }}{{ range 100000 }}x{{ end }}{{ end }}", "too"),
        ("{{ range 1000000000000 }}{{ end }}", "too many steps"),
        ("{{ $x := `aaaaaaaaaa` }}{{ range 64 }}{{ $x = print $x $x }}{{ end }}", "too long"),
        ("{{ printf `%999999d` 1 }}", "too long"),
        ("{{ range 1000 }}{{ printf `%9999d` 1 }}{{ end }}", "too long"),
        ("{{ $x := printf `%99999d` 1 }}{{ range 99999 }}{{ $y := toUpper $x }}{{ end }}", "too many steps"),
        ("{{ $x := printf `%9999d` 1 }}{{ reReplaceAll `` $x $x }}", "too long"),
    ],
)  # fmt: skip
def test_a_template_that_would_not_end_is_ended(text: str, words: str) -> None:
    assert words in expand(text)


def test_a_regular_expression_cannot_run_away() -> None:
    text = "{{ $x := printf `%9999d` 1 }}{{ match `^( +)+$` $x }}"
    assert expand(text) == "false"
    assert "error parsing regexp" in expand("{{ match `((a{100}){100}){100}` `a` }}")


@pytest.mark.parametrize(
    "path",
    ["__class__", "labels", "nanos", "format", "value", "items", "keys", "__init__", "_x", "external_url", "add"],
)
@pytest.mark.parametrize(
    "value", ["$", ".Labels", "$value", "(toTime 0)", "(toDuration 0)", "(query `many` | first)", "(args 1)"]
)
def test_no_template_reaches_python(value: str, path: str) -> None:
    told = expand(f"{{{{ {value}.{path} }}}}")
    assert told in ("", "<no value>") or "can't evaluate field" in told


def test_labels_are_texts_whatever_stands_in_them() -> None:
    data = TemplateData({"a": "{{ $value }}", "b": "\x1b[31m"}, 1.0)
    assert compile_template("{{ $labels.a }}{{ $labels.b }}").expand(data) == "{{ $value }}\x1b[31m"


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert expand('{{ "\\xff" }}{{ slice "é" 0 1 }}') == "\ufffd\ufffd"


def test_templates_that_say_the_same_are_equal_whoever_compiled_them() -> None:
    assert compile_template("{{ $value }}", "a") == compile_template("{{ $value }}", "a")
    assert compile_template("{{ $value }}", "a") != compile_template("{{ $value }}", "b")
    assert compile_template("x").is_plain
    assert not compile_template("{{ 1 }}").is_plain


def test_a_template_knows_the_functions_that_it_calls() -> None:
    assert compile_template("{{ $value | humanize | printf `%s` }}").functions == {"humanize", "printf"}
    assert compile_template("x").functions == frozenset()


def test_expanding_leaves_the_data_as_they_are() -> None:
    answers = [(Labels(l="b"), 2.0), (Labels(l="a"), 1.0)]
    data = TemplateData(LABELS, 0.5, ask=lambda _: answers)
    template = compile_template("{{ range sortByLabel `l` (query `x`) }}{{ .Labels.l }}{{ end }}")
    assert template.expand(data) == template.expand(data) == "ab"
    assert [labels["l"] for labels, _ in answers] == ["b", "a"]


_WORDS = st.sampled_from(
    [
        *("{{", "}}", "{{-", "-}}", " ", "if", "else", "end", "range", "with", "define", "template", "block"),
        *("break", "(", ")", "$labels", ".job", "$value", "$x", ":=", "=", ",", "|", "1", "2.5", '"a"', "`b`"),
        *("nil", "true", ".", "$", "query", "printf", "first", "args", "index", "len", "slice", "eq", "and"),
        *("humanize", "toTime", "text", "\n", "/*", "*/"),
    ]
)


@settings(deadline=None, max_examples=300)
@given(st.lists(_WORDS, max_size=14))
def test_no_sequence_of_words_breaks_a_template(words: list[str]) -> None:
    with suppress(RazorprofError):
        assert isinstance(expand(" ".join(words)), str)


_ACTIONS = st.sampled_from(
    [
        *("$labels.job", ".Labels.odd", "$.Labels.nothing", "$externalLabels.cluster", "$externalURL", ".Value"),
        *(
            "$value",
            "$value | humanize",
            "$value | humanizePercentage",
            "$value | printf `%.2f`",
            "humanize $value",
        ),
        *("humanizeDuration $value | toUpper", "$labels.job | title", "$labels.odd | humanize", "toUpper $value"),
        *(
            "printf `%s-%d|%5.1f` $labels.job $value .Value",
            "reReplaceAll `a(p+)` `$1` $labels.job",
            "`x` | print",
        ),
        *(
            "$value | printf",
            "$labels.job | printf `%9999999d`",
            "len $labels.odd",
            "eq $labels.job `api`",
            "title",
        ),
        *("humanizeTimestamp $value", "parseDuration $labels.job", "$labels.job | parseDuration", "and $value"),
        *(
            "index $labels `job`",
            "query `many` | first | value",
            "$value.x",
            "$labels.job.x",
            "1 | humanize",
            "now",
        ),
        *("toTime $value", "$value | toDuration", "$x := 1", "match `(` $labels.job", "js $labels.odd $value"),
    ]
)
_NUMBERS = st.sampled_from([0.0, -0.0, 1.0, 999_999.0, 1e6, 1e-4, 0.00012345, 9.9e-5, 1e21, math.inf, math.nan])


@settings(deadline=None, max_examples=200)
@given(st.lists(_ACTIONS | st.just("/* */"), min_size=1, max_size=3), _NUMBERS | st.floats())
def test_a_straight_template_says_what_the_walk_over_its_tree_says(actions: list[str], value: float) -> None:
    template = compile_template("a" + "".join(f" {{{{{action}}}}}b" for action in actions), "__alert_A")
    data = TemplateData(LABELS, value, 1_435_065_584.128, {"cluster": "c1"}, "http://h:9/p", ask)
    assert template.expand(data) == replace(template, pieces=None).expand(data)


def test_templates_as_rules_have_them_are_straight_and_those_with_more_to_them_are_not() -> None:
    for text in (
        "{{ $labels.job }} is at {{ $value | humanizePercentage }}",
        "{{ printf `%.1f` $value }} of {{ .Value }}",
    ):
        assert compile_template(text).pieces is not None
    for text in (
        "{{ if $value }}x{{ end }}",
        "{{ $x := 1 }}",
        "{{ query `up` }}",
        "{{ externalURL }}",
        "{{ and 1 2 }}",
    ):
        assert compile_template(text).pieces is None


def test_a_long_label_in_a_straight_template_is_work_that_is_counted() -> None:
    data = TemplateData({"job": "x" * 300_000}, 1.0)
    assert "the text is too long" in compile_template("{{ $labels.job }}").expand(data)
    actions = "{{ $labels.job | toUpper | len }}" * 30
    assert "too many steps" in compile_template(actions).expand(data)


@settings(deadline=None)
@given(st.text(max_size=30))
def test_no_text_breaks_a_template(text: str) -> None:
    with suppress(RazorprofError):
        assert isinstance(expand("{{" + text + "}}"), str)
