"""Small rule files, good and bad in every way that a rule file can be, for promtool and for us.

Most are one rule with one thing changed. Verdicts are not written here: promtool's counts, but for what versions
judge differently (EARLIER) and what Prometheus takes and razorprof does not run (UNSUPPORTED).
"""

from __future__ import annotations

from textwrap import dedent, indent

HEAD = "groups:\n- name: g\n  rules:\n"


def rule(text: str) -> str:
    """A file with one group of these rules."""
    return HEAD + indent(dedent(text).strip("\n") + "\n", "  ")


def alert(more: str = "", expr: str = "up == 0") -> str:
    return rule(f"- alert: A\n  expr: {expr}\n" + indent(dedent(more).strip("\n"), "  "))


def record(more: str = "", name: str = "a:b", expr: str = "sum(up)") -> str:
    return rule(f"- record: {name}\n  expr: {expr}\n" + indent(dedent(more).strip("\n"), "  "))


def group(more: str) -> str:
    return "groups:\n- name: g\n" + indent(dedent(more).strip("\n") + "\n", "  ")


def values(text: str) -> list[str]:
    """What stands between double semicolons and line ends."""
    return [value.strip() for line in text.strip().splitlines() for value in line.split(" ;; ")]


DURATIONS = values(
    r"""
    0 ;; 0s ;; 1h30m ;; 5 ;; '5m' ;; "" ;; 30m1h ;; 1.5h ;; -1m ;; 1y2w3d4h5m6s7ms ;; 293y ;; 292y ;; 1M ;; ~
    null ;; '' ;; [5m] ;; {a: b} ;; true ;; 5 m ;; 1h1h ;; 0x5s ;; 00005m ;; 9223372036854ms
    9223372036855ms
    """
)
LIMITS = values(
    r"""
    0 ;; 5 ;; -1 ;; 5.5 ;; '5' ;; 1e3 ;; 0x10 ;; 010 ;; 0o17 ;; 0b11 ;; 1_000 ;; true ;; ~ ;; .inf ;; .nan
    -.inf ;; 9223372036854775807 ;; 9223372036854775808 ;; 18446744073709551616 ;; 08 ;; foo ;; [1] ;; {}
    !!int '5' ;; !!str 5 ;; !!float 5 ;; 2001-01-01 ;; +5 ;; -0x5 ;; 5. ;; .5 ;; 1e400
    """
)
TEXTS = values(
    r"""
    x ;; 'x' ;; 5 ;; 5.5 ;; true ;; ~ ;; null ;; '' ;; [a] ;; {a: b} ;; !!binary aGk= ;; !!binary '%' ;; !x y
    !!int 5 ;; !!int x ;; !!bool yes ;; !!null '' ;; !!null x ;; 2001-01-01 ;; << ;; '<<' ;; !!float 5
    !!str ~ ;; !!timestamp 2001-01-01 ;; !!timestamp x ;; !!seq x ;; !!merge '<<' ;; = ;; *x
    """
)
NAMES = values(
    r"""
    a ;; A_1 ;; _a ;; 1a ;; a-b ;; a.b ;; __name__ ;; '' ;; é ;; a:b ;; 5 ;; ~ ;; true ;; alertname ;; __x
    """
)
EXPRESSIONS = values(
    r"""
    up ;; up + ;; up{a="b"} ;; 'x' ;; "'x'" ;; 1 ;; up[5m] ;; rate(up) ;; nosuch(up) ;; up{a=~"("} ;; 1 > 2
    1 > bool 2 ;; sum by (a) (up) ;; topk(3, up) ;; absent(up) ;; up offset -5m ;; up @ 5
    count_values("a b", up) ;; holt_winters(up[5m], 0.5, 0.5) ;; histogram_sum(up) ;; ~ ;; 5 ;; [up]
    {a: b} ;; true ;; up == up == up ;; a and on(x) group_left() b ;; {} ;; {a=""} ;; ((up)) ;; ((up)
    """
)
TEMPLATES = values(
    r"""
    plain ;; {{ $value }} ;; {{ $labels.x }} ;; {{ $label.x }} ;; {{ nosuch }} ;; {{ 1 ;; {{ if 1 }}
    {{ end }} ;; {{ $labels.x * 2 }} ;; {{ range query "up" }}{{ . }}{{ end }} ;; {{ template "x" }}
    {{ .Nope }} ;; {{ $externalURL }} ;; {{/* c */}} ;; {{ "\q" }} ;; }} {{ 1 }} ;; {{ define "a" }}{{ end }}
    {{ break }} ;; {{ tmpl "a" . }} ;; {{ first }} ;; {{ $x }} ;; {{ $x := 1 }}{{ $x }} ;; {{- 1 -}}
    {{ toTime 1 }}
    """
)


def _files() -> dict[str, str]:
    files = {
        "empty": "",
        "comment": "# nothing\n",
        "null": "~\n",
        "text": "foo\n",
        "number": "5\n",
        "list": "- a\n",
        "empty mapping": "{}\n",
        "no groups": "groups:\n",
        "empty groups": "groups: []\n",
        "groups mapping": "groups: {}\n",
        "groups text": "groups: foo\n",
        "group null": "groups: [~]\n",
        "group text": "groups: [foo]\n",
        "group list": "groups: [[foo]]\n",
        "group empty": "groups: [{}]\n",
        "group name only": "groups: [{name: a}]\n",
        "group without name": "groups: [{rules: []}]\n",
        "group name null": "groups: [{name: ~}]\n",
        "group name number": "groups: [{name: 5}]\n",
        "group name list": "groups: [{name: [a]}]\n",
        "two groups": "groups: [{name: a}, {name: b}]\n",
        "group twice": "groups: [{name: a}, {name: a}]\n",
        "unknown top key": "groups: []\nx: 1\n",
        "unknown group key": group("x: 1"),
        "partial response": group("partial_response_strategy: warn"),
        "two documents": "groups: []\n---\nfoo\n",
        "two documents, second broken": "groups: []\n---\n{\n",
        "document marks": "---\ngroups: []\n...\n",
        "yaml 1.1": "%YAML 1.1\n---\ngroups: []\n",
        "yaml 1.2": "%YAML 1.2\n---\ngroups: []\n",
        "duplicate top key": "groups: []\ngroups: []\n",
        "tab": "groups:\n\t- name: a\n",
        "bad indentation": "groups:\n- name: a\n   rules: []\n",
        "unclosed": "groups: [\n",
        "unclosed quote": "groups: 'a\n",
        "unknown anchor": "groups: *a\n",
        "anchor in itself": "groups: &a [*a]\n",
        "control character": "groups: []\n# \x01\n",
        "byte order mark": "\ufeffgroups: []\n",
        "crlf": "groups:\r\n- name: a\r\n",
        "json": '{"groups": [{"name": "g", "rules": [{"alert": "A", "expr": "up"}]}]}',
        "rules null": group("rules:"),
        "rules text": group("rules: foo"),
        "rules mapping": group("rules: {}"),
        "rule null": group("rules: [~]"),
        "rule text": group("rules: [foo]"),
        "rule empty": group("rules: [{}]"),
        "alert": alert(),
        "record": record(),
        "both": rule("- alert: A\n  record: b\n  expr: up"),
        "neither": rule("- expr: up"),
        "no expr": rule("- alert: A"),
        "unknown rule key": alert("annotation: {a: b}"),
        "key twice": alert("for: 1m\nfor: 2m"),
        "key twice, quoted": alert("for: 1m\n'for': 2m"),
        "label twice": alert("labels: {a: b, a: c}"),
        "null key": alert("~: 5"),
        "list as a key": alert("? [a]\n: 5"),
        "number as a key": alert("5: 5"),
        "labels null": alert("labels:"),
        "labels text": alert("labels: foo"),
        "labels list": alert("labels: [a]"),
        "labels empty": alert("labels: {}"),
        "annotations list": alert("annotations: [a]"),
        "record with for": record("for: 5m"),
        "record with for 0": record("for: 0s"),
        "record with keep_firing_for": record("keep_firing_for: 5m"),
        "record with annotations": record("annotations: {a: b}"),
        "record with empty annotations": record("annotations: {}"),
        "record with labels": record("labels: {a: b}"),
        "record with a template in a label": record("labels: {a: '{{ nosuch }}'}"),
        "record with a bad label": record("labels: {a-b: c}"),
        "record sets __name__": record("labels: {__name__: c}"),
        "keep_firing_for": alert("keep_firing_for: 5m"),
        "duplicate rules": record() + indent("- record: a:b\n  expr: up\n", "  "),
        "merge": rule("- &r\n  alert: A\n  expr: up\n- <<: *r\n  alert: B"),
        "merge list": rule("- &r\n  alert: A\n  expr: up\n- <<: [*r, {for: 5m}]\n  alert: B"),
        "merge text": alert("<<: foo"),
        "merge list of text": alert("<<: [foo]"),
        "merge unknown key": alert("<<: {foo: bar}"),
        "merge twice": alert("<<: {for: 1m}\n<<: {for: 2m}"),
        "merge null": alert("<<: ~"),
        "merge of labels": alert("labels: &l {a: b}\nannotations: {<<: *l, c: d}"),
        "merge with a key twice": alert("<<: {for: 1m, for: 2m}"),
        "merge overrides": alert("for: 1m\n<<: {for: 2m}"),
        "merge nested": alert("<<: {<<: {for: 5m}}"),
        "merge alias of a list": alert("labels: &l [{for: 5m}]\n<<: *l"),
        "merge list of an alias": alert("labels: &l {for: 5m}\n<<: [*l]"),
        "alias": rule("- alert: A\n  expr: &e up == 0\n- alert: B\n  expr: *e"),
        "alias of a rule": rule("- &r {alert: A, expr: up}\n- *r"),
        "anchor on text": alert("for: &f 5m\nkeep_firing_for: *f"),
        "escaped bytes": alert('labels: {a: "\\xff"}'),
        "surrogate": alert('labels: {a: "\\ud800"}'),
        "binary, no text": alert("labels: {a: !!binary /w==}"),
        "empty label": alert("labels: {a: ''}"),
        "null label": alert("labels: {a: ~}"),
        "labels of a group": group("labels: {a: b}\nrules: []"),
        "query_offset": group("query_offset: 1m\nrules: []"),
        "null items": group("rules: [~, {alert: A, expr: up}, ~]"),
        "folded expr": alert(expr=">\n    up\n    == 0"),
        "expr in quotes": alert(expr="'up == 0'"),
        "colon in text": alert("annotations: {a: b: c}"),
        "hash in text": alert("annotations:\n  a: b # c"),
        "at sign": alert("annotations:\n  a: @b"),
        "percent": alert("annotations:\n  a: 5% of {{ $value }}"),
        "brace first": alert("annotations:\n  a: {{ $value }}"),
    }  # fmt: skip
    for text in DURATIONS:
        files[f"for {text}"] = alert(f"for: {text}")
        files[f"interval {text}"] = group(f"interval: {text}")
    files |= {f"limit {text}": group(f"limit: {text}") for text in LIMITS}
    for text in (*TEXTS, "|\n      a\n      b"):
        files[f"label {text}"] = alert(f"labels:\n  a: {text}")
        files[f"alert {text}"] = rule(f"- alert: {text}\n  expr: up")
    for name in NAMES:
        files[f"label name {name}"] = alert(f"labels:\n  {name}: x")
        files[f"annotation name {name}"] = alert(f"annotations:\n  {name}: x")
        files[f"record name {name}"] = record(name=name)
    files |= {f"expr {text}": alert(expr=text) for text in EXPRESSIONS}
    for text in TEMPLATES:
        quoted = "'" + text.replace("'", "''") + "'"
        files[f"annotation {text}"] = alert(f"annotations:\n  a: {quoted}")
        files[f"label template {text}"] = alert(f"labels:\n  a: {quoted}")
    return files


FILES = _files()

# promtool 2.42 looks at these fields without their types; newer versions decode them first
EARLIER = {
    f"alert {text}" for text in ("~", "null", "!!binary '%'", "!!int x", "!!bool yes", "!!null x", "!!timestamp x")
}
UNSUPPORTED = {f"expr {text}" for text in ("holt_winters(up[5m], 0.5, 0.5)", "histogram_sum(up)")}
