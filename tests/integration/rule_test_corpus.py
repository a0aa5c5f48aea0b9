"""Test files of rules, good, failing and bad: for promtool and for us. Each is whole, with `{rules}` in the place
of the rule file's name.

RULES: the rule files; CASES: name -> (its rule file, the test file). All stay within what Prometheus 2.42 knows:
ranges are closed on both sides there, so no range begins where a sample stands.
"""

from __future__ import annotations

RULES = {
    "alerts": """\
groups:
- name: g
  rules:
  - alert: Down
    expr: up == 0
    for: 2m
    labels: {severity: page, team: 'team-{{ $labels.job }}'}
    annotations: {summary: '{{ $labels.instance }} of {{ $labels.job }} is at {{ $value }}', empty: ''}
  - alert: Now
    expr: load > 5
    keep_firing_for: 3m
""",
    "records": """\
groups:
- name: first
  rules:
  - record: job:load:sum
    expr: sum by (job) (load)
    labels: {from: rules}
- name: second
  rules:
  - alert: High
    expr: job:load:sum > 10
""",
    "order": """\
groups:
- name: late
  rules:
  - record: second
    expr: first + 1
- name: early
  rules:
  - record: first
    expr: load
""",
    "odd labels": """\
groups:
- name: g
  rules:
  - alert: A
    expr: load > 0
    labels: {gone: '', job: '', raw: '{{ $labels.nothing }}', instance: other}
  - record: r
    expr: load
    labels: {job: ''}
""",
    "duplicates": """\
groups:
- name: g
  rules:
  - alert: Same
    expr: load > 5
    labels: {instance: any}
""",
    "recorded duplicates": """\
groups:
- name: g
  rules:
  - record: r
    expr: load
    labels: {instance: any}
""",
    "limit": """\
groups:
- name: g
  limit: 1
  rules:
  - alert: A
    expr: load > 5
""",
    "own interval": """\
groups:
- name: g
  interval: 1h
  rules:
  - record: r
    expr: load
""",
    "kinds": """\
groups:
- name: g
  rules:
  - alert: Always
    expr: '1'
  - record: one
    expr: 1 + 1
""",
    "twins": """\
groups:
- name: g
  rules:
  - alert: Twin
    expr: load > 5
  - alert: Twin
    expr: up == 0
""",
    "recorded twins": """\
groups:
- name: g
  rules:
  - record: z
    expr: sum(load > 5)
  - record: z
    expr: sum(up == 0) * 0 + 9
  - record: after
    expr: z
""",
    "text": "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: '\"text\"'\n",
    "range": "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: 'load[5m]'\n",
    "bad": "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: 'sum('\n",
    "external": """\
groups:
- name: g
  rules:
  - alert: A
    expr: load > 5
    annotations:
      where: '{{ $externalLabels.cluster }} {{ $externalURL }} {{ .ExternalLabels.none }}'
      ask: '{{ with query "sum(load)" }}{{ . | first | value }}{{ end }}'
""",
    "future": "groups:\n- name: g\n  rules:\n  - record: r\n    expr: load offset -3m\n",
    "empty": "",
}

LOAD = """\
  input_series:
  - series: load{job="api",instance="a"}
    values: 1 2 3 4 9 9 9 1 1 1 1 1 9 1 1 1 1 1 1 1 1
  - series: load{job="api",instance="b"}
    values: 9x3 _ _ 2x14
  - series: up{job="api",instance="a"}
    values: 1 1 0 0 0 0 1 0 0 1 stale _x9
"""
HEAD = "rule_files: [{rules}]\nevaluation_interval: 1m\ntests:\n- interval: 1m\n" + LOAD


def alert(time: str, name: str, *alerts: str) -> str:
    expected = "".join(f"    - {one}\n" for one in alerts)
    return f"  - eval_time: {time}\n    alertname: {name}\n" + (f"    exp_alerts:\n{expected}" if alerts else "")


def alerts(*cases: str) -> str:
    return HEAD + "  alert_rule_test:\n" + "".join(cases)


def expr(time: str, text: str, *samples: str) -> str:
    expected = "".join(f"    - {one}\n" for one in samples)
    return f"  - eval_time: {time}\n    expr: {text!r}\n" + (f"    exp_samples:\n{expected}" if samples else "")


def exprs(*cases: str) -> str:
    return HEAD + "  promql_expr_test:\n" + "".join(cases)


DOWN = "exp_labels: {severity: page, team: team-api, job: api, instance: a}"
TOLD = "{" + DOWN + ", exp_annotations: {summary: 'a of api is at 0', empty: ''}}"
NOW_A, NOW_B = "{exp_labels: {job: api, instance: a}}", "{exp_labels: {job: api, instance: b}}"
A_FOUR = '{labels: \'load{job="api",instance="a"}\', value: 9}'

CASES: dict[str, tuple[str, str]] = {
    "pending is not firing": ("alerts", alerts(alert("3m", "Down"))),
    "firing after for": (
        "alerts",
        alerts(alert("4m", "Down", TOLD), alert("5m", "Down", TOLD), alert("6m", "Down")),
    ),
    "expected while pending": ("alerts", alerts(alert("3m", "Down", TOLD))),
    "not expected while firing": ("alerts", alerts(alert("4m", "Down"))),
    "between two evaluations": ("alerts", alerts(alert("4m59s", "Down", TOLD), alert("3m59s999ms", "Down"))),
    "times in any order": (
        "alerts",
        alerts(alert("5m", "Down", TOLD), alert("3m", "Down"), alert("4m", "Down", TOLD)),
    ),
    "the same time twice": ("alerts", alerts(alert("4m", "Down", TOLD), alert("4m", "Down"))),
    "keep firing": (
        "alerts",
        alerts(
            alert("6m", "Now", NOW_A, NOW_B),
            alert("7m", "Now", NOW_A),
            alert("9m", "Now", NOW_A),
            alert("10m", "Now"),
            alert("12m", "Now", NOW_A),
            alert("15m", "Now", NOW_A),
            alert("16m", "Now"),
        ),
    ),
    "kept firing at the start": ("alerts", alerts(alert("0m", "Now", NOW_B), alert("3m", "Now", NOW_B))),
    "another label": ("alerts", alerts(alert("4m", "Down", TOLD.replace("page", "ticket")))),
    "a label missing": ("alerts", alerts(alert("4m", "Down", TOLD.replace(", instance: a", "")))),
    "a label too many": ("alerts", alerts(alert("4m", "Down", TOLD.replace("job: api", "job: api, more: x")))),
    "an empty label too many": (
        "alerts",
        alerts(alert("4m", "Down", TOLD.replace("job: api", "job: api, more: ''"))),
    ),
    "a null label too many": ("alerts", alerts(alert("4m", "Down", TOLD.replace("job: api", "job: api, more: ")))),
    "alertname among the labels": (
        "alerts",
        alerts(alert("4m", "Down", TOLD.replace("job: api", "job: api, alertname: Other"))),
    ),
    "another annotation": ("alerts", alerts(alert("4m", "Down", TOLD.replace("at 0", "at 1")))),
    "an empty annotation missing": ("alerts", alerts(alert("4m", "Down", TOLD.replace(", empty: ''", "")))),
    "no annotations": ("alerts", alerts(alert("4m", "Down", "{" + DOWN + "}"))),
    "an alert twice": ("alerts", alerts(alert("4m", "Down", TOLD, TOLD))),
    "an empty alert": ("alerts", alerts(alert("4m", "Down", "{}"))),
    "a null alert": ("alerts", alerts(alert("4m", "Down", "null"))),
    "null alerts": ("alerts", alerts("  - eval_time: 3m\n    alertname: Down\n    exp_alerts: null\n")),
    "an unknown alert that is not expected": ("alerts", alerts(alert("4m", "Nobody"))),
    "an unknown alert that is expected": ("alerts", alerts(alert("4m", "Nobody", "{}"))),
    "no alertname": ("alerts", alerts("  - eval_time: 4m\n")),
    "an empty alertname": ("alerts", alerts(alert("4m", "''"))),
    "no eval_time": ("alerts", alerts("  - alertname: Down\n")),
    "long after the last sample": ("alerts", alerts(alert("2h", "Now"), alert("25m", "Now"))),
    "recorded and alerted": (  # unordered, promtool's groups run in any order
        "records",
        alerts(alert("0m", "High"), alert("1m", "High", "{exp_labels: {job: api, from: rules}}")).replace(
            "tests:", "group_eval_order: [first, second]\ntests:"
        )
        + "  promql_expr_test:\n"
        + expr("1m", "job:load:sum", '{labels: \'job:load:sum{job="api",from="rules"}\', value: 11}'),
    ),
    "recorded with another value": (
        "records",
        exprs(expr("1m", "job:load:sum", "{labels: job:load:sum, value: 11}")),
    ),
    "groups in their order": (
        "order",
        exprs(expr("4m", "second", '{labels: \'second{job="api",instance="a"}\', value: 5}'))
        .replace("tests:", "group_eval_order: [late, early]\ntests:")
        .replace('load{job="api",instance="b"}', "other"),
    ),
    "groups the other way round": (
        "order",
        exprs(expr("4m", "second", '{labels: \'second{job="api",instance="a"}\', value: 10}'))
        .replace("tests:", "group_eval_order: [early, late]\ntests:")
        .replace('load{job="api",instance="b"}', "other"),
    ),
    "a group of the order that is not there": (
        "alerts",
        alerts(alert("3m", "Down")).replace("tests:", "group_eval_order: [nobody]\ntests:"),
    ),
    "a group of the order twice": (
        "alerts",
        alerts(alert("3m", "Down")).replace("tests:", "group_eval_order: [g, g]\ntests:"),
    ),
    "labels that expand to nothing": (
        "odd labels",
        alerts(alert("0m", "A", "{exp_labels: {instance: other}}")).replace(
            'load{job="api",instance="b"}', "other"
        ),
    ),
    "the series of labels that expand to nothing": (
        "odd labels",
        exprs(
            expr(
                "0m",
                "ALERTS",
                '{labels: \'ALERTS{alertname="A",alertstate="firing",instance="other",'
                'raw="{{ $labels.nothing }}"}\', value: 1}',
            )
        ).replace('load{job="api",instance="b"}', "other"),
    ),
    "a recorded label that is taken away": (
        "odd labels",
        exprs(expr("0m", "r", "{labels: 'r{instance=\"a\"}', value: 1}")).replace(
            'load{job="api",instance="b"}', "other"
        ),
    ),
    "since when alerts are active": (
        "alerts",
        exprs(
            expr(
                "3m",
                "ALERTS_FOR_STATE - 60",
                '{labels: \'{alertname="Down",instance="a",job="api",'
                'severity="page",team="team-api"}\', value: 60}',
                '{labels: \'{alertname="Now",instance="b",job="api"}\', value: -60}',
            ),
            expr(
                "3m",
                'ALERTS{alertstate="pending"}',
                '{labels: \'ALERTS{alertname="Down",instance="a",job="api",'
                'severity="page",team="team-api",alertstate="pending"}\', value: 1}',
            ),
            expr("6m", 'ALERTS{alertname="Down"}'),
        ),
    ),
    "duplicates fail": ("duplicates", alerts(alert("0m", "Same"))),
    "duplicates fail late": ("duplicates", alerts(alert("6m", "Same")).replace("9x3 _ _ 2x14", "1x4 9x9")),
    "duplicates that do not come": (
        "duplicates",
        alerts(alert("0m", "Same", "{exp_labels: {instance: any, job: api}}")),
    ),
    "recorded duplicates fail": ("recorded duplicates", exprs(expr("0m", "r"))),
    "within the limit": ("limit", alerts(alert("3m", "A", NOW_B))),
    "beyond the limit": ("limit", alerts(alert("4m", "A")).replace("9x3 _ _ 2x14", "9x20")),
    "the file's interval counts": (
        "own interval",
        exprs(expr("4m", 'r{instance="a"}', '{labels: \'r{job="api",instance="a"}\', value: 9}')),
    ),
    "scalars": (
        "kinds",
        alerts(alert("0m", "Always", "{}"))
        + "  promql_expr_test:\n"
        + expr("0m", "one", "{labels: one, value: 2}")
        + expr("0m", "1", "{labels: '{}', value: 1}"),
    ),
    "twins": ("twins", alerts(alert("2m", "Twin", NOW_B, NOW_A), alert("3m", "Twin", NOW_B, NOW_A))),
    "twins that are active since other times": ("twins", alerts(alert("5m", "Twin", NOW_A))),
    "a twin ends while the other goes on": (
        "twins",
        alerts(alert("3m", "Twin", NOW_A))
        .replace("1 2 3 4 9", "1 9 9 4 9")
        .replace("values: 1 1 0", "values: 1 0 0"),
    ),
    "the other twin ends": (
        "twins",
        alerts(alert("4m", "Twin", NOW_A))
        .replace("1 2 3 4 9", "1 9 9 9 9")
        .replace("1 1 0 0 0", "1 0 0 1 1")
        .replace("9x3 _", "1x3 _"),
    ),
    "a series goes from the second rule to the first": (
        "recorded twins",
        exprs(*(expr(f"{at}m", "after", "{labels: after, value: 9}") for at in (2, 3, 4)), expr("5m", "after"))
        .replace("9x3 _", "_x9 _")
        .replace("1 2 3 4 9 9 9 1", "1 1 1 9 9 1 1 1")
        .replace("1 1 0 0 0 0 1 0 0", "1 1 0 1 1 1 1 1 1"),
    ),
    "a series goes from the first rule to the second": (
        "recorded twins",
        exprs(expr("4m", "after", "{labels: after, value: 9}"))
        .replace("9x3 _", "_x9 _")
        .replace("1 2 3 4 9 9 9 1", "1 1 9 1 1 1 1 1")
        .replace("1 1 0 0 0 0 1 0 0", "1 1 1 0 0 1 1 1 1"),
    ),
    "a series goes to the second rule after a pause": (
        "recorded twins",
        exprs(expr("3m", "after"), expr("4m", "after", "{labels: after, value: 9}"))
        .replace("9x3 _", "_x9 _")
        .replace("1 2 3 4 9 9 9 1", "1 1 9 1 1 1 1 1")
        .replace("1 1 0 0 0 0 1 0 0", "1 1 1 1 0 1 1 1 1"),
    ),
    "two rules say the same": (
        "recorded twins",
        exprs(expr("4m", "after", "{labels: after, value: 9}"), expr("5m", "after"))
        .replace("9x3 _", "_x9 _")
        .replace("1 2 3 4 9 9 9 1", "1 1 1 9 9 1 1 1")
        .replace("1 1 0 0 0 0 1 0 0", "1 1 1 0 0 1 1 1 1"),
    ),
    "two rules say another thing": (
        "recorded twins",
        exprs(expr("4m", "after", "{labels: after, value: 8}"))
        .replace("9x3 _", "_x9 _")
        .replace("1 2 3 4 9 9 9 1", "1 1 1 8 8 1 1 1")
        .replace("1 1 0 0 0 0 1 0 0", "1 1 1 0 0 1 1 1 1"),
    ),
    "a rule that gives a text": ("text", alerts(alert("0m", "A"))),
    "a rule that gives a range": ("range", alerts(alert("0m", "A"))),
    "a bad rule file": ("bad", alerts(alert("0m", "A"))),
    "a bad rule file and no tests": ("bad", "rule_files: [{rules}]\n"),
    "an empty rule file": ("empty", alerts(alert("0m", "A"))),
    "external labels": (
        "external",
        alerts(
            alert(
                "4m",
                "A",
                "{exp_labels: {job: api, instance: a}, exp_annotations: {where: 'lab http://here ', ask: '9'}}",
            )
        )
        .replace("tests:\n-", "tests:\n- external_labels: {cluster: lab}\n  external_url: http://here\n ")
        .replace('load{job="api",instance="b"}', "other"),
    ),
    "the future is not there yet": (
        "future",
        exprs(
            expr("4m", "r", A_FOUR.replace("load{", "r{")),
            expr("7m", "r - 9", A_FOUR.replace("load{", "{").replace("9}", "-8}")),
        ).replace('load{job="api",instance="b"}', "other"),
    ),
    "samples after the last evaluation are not there": (
        "alerts",
        exprs(expr("4m30s", 'load{instance="a"}', A_FOUR)).replace("- interval: 1m", "- interval: 15s"),
    ),
    "the value of the last evaluation": ("alerts", exprs(expr("4m30s", 'load{instance="a"}', A_FOUR))),
    "no samples expected, none there": ("alerts", exprs(expr("4m", "nothing"))),
    "no samples expected, one there": ("alerts", exprs(expr("4m", 'load{instance="a"}'))),
    "an empty label of a sample": (
        "alerts",
        exprs(expr("4m", 'load{instance="a"}', A_FOUR.replace('",inst', '",no="",inst'))),
    ),
    "samples in another order": (
        "alerts",
        exprs(
            expr(
                "0m",
                "load",
                '{labels: \'load{job="api",instance="b"}\', value: 9}',
                '{labels: \'load{instance="a",job="api"}\', value: 1}',
            )
        ),
    ),
    "a sample twice": ("alerts", exprs(expr("4m", 'load{instance="a"}', A_FOUR, A_FOUR))),
    "a stale series": ("alerts", exprs(expr("10m", "up"), expr("11m", "up"))),
    "a missing series": (
        "alerts",
        exprs(expr("8m", 'load{instance="b"}', '{labels: \'load{job="api",instance="b"}\', value: 2}')),
    ),
    "the last bit differs": ("alerts", exprs(expr("4m", "0.1 + 0.2", "{value: 0.3}"))),
    "the last bit is right": ("alerts", exprs(expr("4m", "0.1 + 0.2", "{value: 0.30000000000000004}"))),
    "infinity": ("alerts", exprs(expr("4m", "1 / 0", "{value: .inf}"), expr("4m", "-1 / 0", "{value: -.Inf}"))),
    "not a number": ("alerts", exprs(expr("4m", "0 / 0", "{value: .nan}"))),
    "a negative zero": ("alerts", exprs(expr("4m", "-0", "{value: 0}"))),
    "numbers of YAML": (
        "alerts",
        exprs(*(expr("4m", "16", f"{{value: {text}}}") for text in ("0x10", "020", "1.6e1", "1_6", "+16", "16."))),
    ),
    "a value in quotes": ("alerts", exprs(expr("4m", "16", "{value: '16'}"))),
    "a value in words": ("alerts", exprs(expr("4m", "16", "{value: sixteen}"))),
    "Inf is no number of YAML": ("alerts", exprs(expr("4m", "1 / 0", "{value: Inf}"))),
    "no value": ("alerts", exprs(expr("4m", "0", "{labels: '{}'}"))),
    "a null value": ("alerts", exprs(expr("4m", "0", "{value: null}"))),
    "no labels": ("alerts", exprs(expr("4m", "16", "{value: 16}"))),
    "bad labels": ("alerts", exprs(expr("4m", "16", "{labels: '{a=b}', value: 16}"))),
    "spaces in labels": ("alerts", exprs(expr("4m", 'load{instance="a"}', A_FOUR.replace("load{", "  load { ")))),
    "something behind the labels": (
        "alerts",
        exprs(expr("4m", 'load{instance="a"}', A_FOUR.replace("}'", "} 1'"))),
    ),
    "a bad expression": ("alerts", exprs(expr("4m", "sum("))),
    "no expression": ("alerts", exprs("  - eval_time: 4m\n")),
    "an expression that fails": ("alerts", exprs(expr("0m", "load + on (job) load"))),
    "an expression that gives a text": ("alerts", exprs("  - eval_time: 4m\n    expr: '\"text\"'\n")),
    "an expression that gives a range": ("alerts", exprs(expr("4m", "load[1m]"))),
    "the default step of a subquery": (
        "alerts",
        exprs(
            expr(
                "4m",
                'count_over_time(load{instance="a"}[2m20s:])',
                '{labels: \'{job="api",instance="a"}\', value: 5}',
            )
        ).replace("evaluation_interval: 1m", "evaluation_interval: 30s"),
    ),
    "nothing but rule files": ("alerts", "rule_files: [{rules}]\n"),
    "an empty file": ("alerts", ""),
    "a null file": ("alerts", "~\n"),
    "a list": ("alerts", "[]\n"),
    "no YAML": ("alerts", "tests: [\n"),
    "an unknown field": ("alerts", "rules: [{rules}]\n"),
    "an unknown field of a test": ("alerts", "tests:\n- intervall: 1m\n"),
    "an unknown field of a series": ("alerts", "tests:\n- input_series: [{serie: x}]\n"),
    "an unknown field of an alert test": ("alerts", alerts(alert("4m", "Down", TOLD) + "    exp_alert: []\n")),
    "an unknown field of an alert": ("alerts", alerts(alert("4m", "Down", TOLD.replace("exp_labels", "labels")))),
    "an unknown field of a sample": ("alerts", exprs(expr("4m", "16", "{value: 16, label: x}"))),
    "a field twice": ("alerts", "rule_files: [{rules}]\nrule_files: [{rules}]\n"),
    "a label twice": ("alerts", alerts(alert("4m", "Down", TOLD.replace("job: api", "job: api, job: api")))),
    "a second document": ("alerts", alerts(alert("3m", "Down")) + "---\nnonsense: true\n"),
    "an alias": (
        "alerts",
        alerts(alert("4m", "Down", "&told " + TOLD), alert("5m", "Down", "*told")),
    ),
    "a merge": (
        "alerts",
        alerts(
            alert("4m", "Down", TOLD.replace("exp_labels: {", "exp_labels: &l {"))
            + "  - {eval_time: 5m, alertname: Down, exp_alerts: [{exp_labels: {<<: *l}, exp_annotations: "
            "{summary: 'a of api is at 0', empty: ''}}]}\n"
        ),
    ),
    "a duration without a unit": ("alerts", alerts(alert("4", "Down"))),
    "the duration 0": ("alerts", alerts(alert("0", "Down"))),
    "a duration with a fraction": ("alerts", alerts(alert("1.5m", "Down"))),
    "a negative duration": ("alerts", alerts(alert("-1m", "Down"))),
    "an empty duration": ("alerts", alerts(alert("''", "Down"))),
    "a null duration": ("alerts", alerts(alert("null", "Down"))),
    "units in a wrong order": ("alerts", alerts(alert("1s1m", "Down"))),
    "a time that is a list": ("alerts", alerts(alert("[4m]", "Down"))),
    "an interval of 0": (
        "alerts",
        alerts(alert("3m", "Down")).replace("evaluation_interval: 1m", "evaluation_interval: 0s"),
    ),
    "a long interval": (
        "alerts",
        alerts(alert("4m", "Down"), alert("9m59s", "Down"), alert("5m", "Down")).replace(
            "evaluation_interval: 1m", "evaluation_interval: 5m"
        ),
    ),
    "a short interval": (
        "alerts",
        alerts(alert("3m59s", "Down"), alert("4m", "Down", TOLD))
        .replace("evaluation_interval: 1m", "evaluation_interval: 7s500ms")
        .replace("for: 2m", "for: 2m"),
    ),
    "a rule file that is not there": ("alerts", alerts(alert("4m", "Down")).replace("{rules}", "nobody.yml")),
    "a rule file named twice": (
        "alerts",
        alerts(alert("4m", "Down", TOLD)).replace("{rules}", "{rules}, ./{rules}"),
    ),
    "a pattern": ("alerts", alerts(alert("4m", "Down", TOLD)).replace("{rules}", "'[a-b]lerts.y?l'")),
    "a pattern that fits nothing": ("alerts", alerts(alert("4m", "Down")).replace("{rules}", "'*.rules'")),
    "a bad pattern": ("alerts", alerts(alert("4m", "Down")).replace("{rules}", "'[a.yml'")),
    "an empty name of a rule file": ("alerts", alerts(alert("4m", "Down")).replace("{rules}", "''")),
    "rule_files that is a text": ("alerts", alerts(alert("4m", "Down")).replace("[{rules}]", "{rules}")),
    "tests that is a mapping": ("alerts", "tests: {interval: 1m}\n"),
    "a null test": ("alerts", "tests: [null]\n"),
    "series in several lines": (
        "alerts",
        alerts(alert("4m", "Down")).replace("values: 1 1 0", "values: >-\n      1\n      1 0"),
    ),
    "series with a line break": (
        "alerts",
        alerts(alert("4m", "Down")).replace("values: 1 1 0 0", "values: |-\n      1 1 0\n      0"),
    ),
    "series after an empty line": (
        "alerts",
        alerts(alert("4m", "Down")).replace("values: 9x3 _ _ 2x14", "values: |\n      9x3 _ _ 2x14"),
    ),
    "series after an empty line, expected": (
        "alerts",
        alerts(alert("4m", "Down", TOLD)).replace("values: 9x3 _ _ 2x14", "values: |\n      9x3 _ _ 2x14"),
    ),
    "a series that is a comment": (
        "alerts",
        alerts(alert("4m", "Down")).replace('load{job="api",instance="b"}', "'#x'"),
    ),
    "a bad series": ("alerts", alerts(alert("3m", "Down")).replace("load{job", "load{job:")),
    "bad points": ("alerts", alerts(alert("3m", "Down")).replace("9x3 _", "9x _")),
    "a series without a name": (
        "alerts",
        alerts(alert("3m", "Down")).replace('load{job="api",instance="b"}', "'{}'"),
    ),
    "a series without points": (
        "alerts",
        alerts(alert("3m", "Down")).replace("values: 9x3 _ _ 2x14", "values: ''"),
    ),
    "a series twice": (
        "alerts",
        exprs(expr("4m", "load", A_FOUR)).replace('instance="b"', 'instance="a"').replace("9x3 _ _ 2x14", "1x3 9"),
    ),
    "points that are a number": (
        "alerts",
        alerts(alert("3m", "Down")).replace("values: 9x3 _ _ 2x14", "values: 9"),
    ),
    "points that are a list": (
        "alerts",
        alerts(alert("3m", "Down")).replace("values: 9x3 _ _ 2x14", "values: [9]"),
    ),
    "no series": ("kinds", "rule_files: [{rules}]\ntests:\n- alert_rule_test:\n" + alert("5m", "Always", "{}")),
    "given and recorded with the same value": (
        "own interval",
        exprs(expr("0m", 'r{instance="a"}', '{labels: \'r{job="api",instance="a"}\', value: 1}'))
        .replace('load{job="api",instance="b"}', 'r{job="api",instance="a"}')
        .replace("9x3 _ _ 2x14", "1 2 3 4 9"),
    ),
    "given and recorded with another value": (
        "own interval",
        exprs(expr("2m", "up"))
        .replace('load{job="api",instance="b"}', 'r{job="api",instance="a"}')
        .replace("9x3 _ _ 2x14", "1 2 8"),
    ),
    "given where nothing is recorded": (
        "own interval",
        exprs(expr("6m", 'r{instance="z"}', '{labels: \'r{job="api",instance="z"}\', value: 5}'))
        .replace('load{job="api",instance="b"}', 'r{job="api",instance="z"}')
        .replace("9x3 _ _ 2x14", "1 2 3 4 5"),
    ),
    "two tests, one fails": (
        "alerts",
        alerts(alert("3m", "Down")) + "- interval: 1m\n  alert_rule_test:\n" + alert("0m", "Now", "{}"),
    ),
    "tests do not see each other": (
        "alerts",
        alerts(alert("4m", "Down", TOLD)) + "- interval: 1m\n  alert_rule_test:\n" + alert("4m", "Down"),
    ),
    "bad external labels": (
        "alerts",
        alerts(alert("3m", "Down")).replace("tests:\n-", "tests:\n- external_labels: [a]\n "),
    ),
    "a name that is a number": (
        "alerts",
        alerts(alert("3m", "Down")).replace("tests:\n-", "tests:\n- name: 5\n "),
    ),
    "a name that is a list": (
        "alerts",
        alerts(alert("3m", "Down")).replace("tests:\n-", "tests:\n- name: [5]\n "),
    ),
}
