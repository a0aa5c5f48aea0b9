"""What a monitoring system reads: one line with a verdict and figures, then the details, all of it ours to say."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from razorprof.model.alert import Alert, AlertState, RuleKey
from razorprof.model.judgement import AlertFinding, Figure, Judgement, Mark, RuleFinding, Sight, Threshold
from razorprof.model.labels import Labels
from razorprof.render.plugin_output import failure_line, plugin_lines

KEY = RuleKey("rules.yml", "g", 0, "Busy")
LIMIT = Threshold(">", 0.9)


def alert(
    name: str = "Busy",
    *,
    state: AlertState = AlertState.FIRING,
    annotations: dict[str, str] | None = None,
    value: float = 1.25,
    **labels: str,
) -> Alert:
    key = KEY._replace(name=name)
    return Alert(key, Labels(labels, alertname=name), annotations or {}, state, value, active_at=1_700_000_000.0)


def finding(mark: Mark, found: Alert, *, limit: Threshold | None = LIMIT, runbook: str = "") -> AlertFinding:
    return AlertFinding(mark, found, "", limit, runbook)


def rule(name: str, mark: Mark = Mark.OK, reason: str = "", needs: float | None = None) -> RuleFinding:
    return RuleFinding(KEY._replace(name=name), mark, "inactive", reason, needs)


def test_nothing_fires() -> None:
    found = Judgement(Mark.OK, 1_700_000_000.0, 3.0, rules=(rule("A"), rule("B")), targets=("web 7",))
    assert plugin_lines(found) == ["RAZORPROF OK - 2 rules, nothing fires (web 7)"]


def test_what_is_pending_is_told() -> None:
    pending = finding(Mark.OK, alert(state=AlertState.PENDING))
    found = Judgement(Mark.OK, 1_700_000_012.0, 3.0, (pending,), (rule("Busy"),))
    assert plugin_lines(found) == [
        "RAZORPROF OK - 1 rule, nothing fires, 1 pending: Busy 1.25 > 0.9",
        "OK Busy: 1.25 > 0.9, pending, since 2023-11-14T22:13:20Z (12.0 s)",
    ]


def test_each_alert_is_told_with_value_threshold_since_and_runbook() -> None:
    annotations = {"summary": "cpu is busy", "razorprof_capture": "/var/lib/x/captures/1"}
    busy = finding(
        Mark.CRITICAL,
        alert(annotations=annotations, pid="7", severity="page"),
        runbook="https://runbooks.example/busy",
    )
    big = finding(Mark.WARNING, alert("Big", value=3e9), limit=None)
    unknown = rule("Slow", Mark.UNKNOWN, "it needs 300 s of samples", 300.0)
    found = Judgement(
        Mark.CRITICAL,
        1_700_000_060.0,
        30.0,
        (busy, big),
        (rule("Busy", Mark.CRITICAL), unknown),
        problems=("it ended",),
    )
    first, *rest = plugin_lines(found)
    assert first == (
        "RAZORPROF CRITICAL - 1 critical: Busy 1.25 > 0.9; 1 warning: Big 3e+09;"
        " 2 unknown: it ended, Slow: it needs 300 s of samples; of 2 rules"
    )
    assert rest == [
        'CRITICAL Busy{pid="7"}: 1.25 > 0.9, firing, since 2023-11-14T22:13:20Z (1 m 0 s)',
        "  summary: cpu is busy",
        "  capture: /var/lib/x/captures/1",
        "  runbook: https://runbooks.example/busy",
        "WARNING Big: 3e+09, firing, since 2023-11-14T22:13:20Z (1 m 0 s)",
        "UNKNOWN Slow: it needs 300 s of samples; it was watched for 30 s",
        "UNKNOWN: it ended",
    ]
    longer = plugin_lines(replace(found, problems=()))[-1]
    assert longer.endswith("of samples; watch it for longer: --for 300s, or ask a watch: --from URL")


@pytest.mark.parametrize(
    ("operator", "limit", "written"),
    [
        (">", 0.9, "~:0.9"),
        (">=", 5.0, "~:5"),
        ("<", 0.1, "0.1:"),
        ("<=", -2.0, "-2:"),
        ("==", 0.0, "@0:0"),
        ("!=", 1.0, "1:1"),
        (">", 1e15, "~:1000000000000000"),
        (">", math.inf, ""),
    ],
)
def test_thresholds_become_the_ranges_that_are_fine(operator: str, limit: float, written: str) -> None:
    figure = Figure("Busy", {}, 1.0, threshold=Threshold(operator, limit), mark=Mark.WARNING)
    [line] = plugin_lines(Judgement(Mark.OK, figures=(figure,)))
    assert line.partition(" | ")[2] == (f"'Busy'=1;{written}" if written else "'Busy'=1")


def test_figures_are_plain_decimals_with_their_unit_and_u_where_there_is_none() -> None:
    figures = (
        Figure("Big", {"pid": "7"}, 1.5e9, "B", Threshold(">", 1e9), Mark.CRITICAL),
        Figure("Small", {}, 1.23456789e-7, "s"),
        Figure("None", {}, math.nan, "s", LIMIT),
        Figure("Much", {}, math.inf, "", LIMIT, Mark.OK),
        Figure("Big", {"pid": "7"}, 2.0),
    )
    [line] = plugin_lines(Judgement(Mark.OK, figures=figures))
    assert line.partition(" | ")[2] == (
        "'Big{pid:7}'=1500000000B;;~:1000000000 'Small'=0.000000123456789s 'None'=U;~:0.9 'Much'=U"
    )


HOSTILE = "a|b\n0\x1b[2J;'=\u202e"


def test_no_text_of_others_begins_the_figures_a_line_or_an_escape() -> None:
    hostile = alert(HOSTILE, annotations={"summary": HOSTILE, "description": HOSTILE}, pid=HOSTILE)
    figure = Figure(HOSTILE, {"pid": HOSTILE}, 1.0)
    found = Judgement(
        Mark.WARNING,
        1_700_000_000.0,
        1.0,
        (finding(Mark.WARNING, hostile, runbook=HOSTILE),),
        (rule(HOSTILE, Mark.UNKNOWN, HOSTILE),),
        (figure,),
        (HOSTILE,),
        (HOSTILE,),
    )
    lines = plugin_lines(found)
    assert sum(line.count("|") for line in lines) == 1
    assert all(line.isprintable() and "\u202e" not in line for line in lines)
    label = lines[0].partition(" | ")[2]
    assert label.count("=") == 1
    assert label.replace("''", "").count("'") == 2, "an apostrophe inside is doubled"
    [line] = [failure_line(HOSTILE)]
    assert "|" not in line
    assert line.isprintable()


def test_the_first_line_stays_short_and_so_does_the_whole() -> None:
    alerts = tuple(finding(Mark.WARNING, alert(f"Rule{n}" + "x" * 90, pid=str(n))) for n in range(200))
    figures = tuple(Figure(f"Rule{n}" + "x" * 200, {}, float(n)) for n in range(200))
    lines = plugin_lines(Judgement(Mark.WARNING, 1_700_000_000.0, 1.0, alerts, (), figures))
    assert len(lines[0]) < 4000
    assert len(lines) == 52
    assert lines[-1] == "... and 150 lines more: --json has all"
    assert lines[0].rstrip().endswith(tuple("0123456789")), "no half of a figure"


def performance(*figures: Figure) -> str:
    return plugin_lines(Judgement(Mark.OK, figures=figures))[0].partition(" | ")[2]


def test_rules_that_differ_in_severity_and_limit_only_are_one_figure_with_both_limits() -> None:
    warning = Figure("Busy", {}, 0.5, "", Threshold(">", 0.8), Mark.WARNING, "load")
    critical = Figure("Busy", {}, 0.5, "", Threshold(">", 0.95), Mark.CRITICAL, "load")
    both = "'Busy'=0.5;~:0.8;~:0.95"
    assert performance(warning, critical) == performance(critical, warning) == both
    assert performance(warning, replace(critical, rule="VeryBusy")) == both
    without = [replace(one, compared="") for one in (warning, critical)]
    assert performance(*without) == both


def test_figures_that_have_only_the_name_or_the_severity_in_common_stay_apart() -> None:
    warning = Figure("Busy", {"pid": "7"}, 0.5, "", Threshold(">", 0.8), Mark.WARNING, "load")
    other = replace(warning, labels={"pid": "8"}, mark=Mark.CRITICAL)
    assert performance(warning, other) == "'Busy{pid:7}'=0.5;~:0.8 'Busy{pid:8}'=0.5;;~:0.8"
    again = replace(warning, rule="Busier", threshold=Threshold(">", 0.9))
    assert performance(warning, again) == "'Busy{pid:7}'=0.5;~:0.8 'Busier{pid:7}'=0.5;~:0.9"
    something_else = replace(warning, value=3.0, compared="threads", mark=Mark.CRITICAL)
    assert performance(warning, something_else) == "'Busy{pid:7}'=0.5;~:0.8"


@pytest.mark.parametrize(
    ("sight", "words"),
    [
        (Sight.WATCHED, "watch it for longer: --for 300s, or ask a watch: --from URL"),
        (Sight.RECORDED, "this recording is of 40 s: record at least 300 s, or check a running process"),
        (Sight.ASKED, "the watch began 40 s ago: ask again in 260 s"),
    ],
)
def test_what_helps_a_rule_that_needs_more_depends_on_how_it_was_seen(sight: Sight, words: str) -> None:
    unknown = rule("Slow", Mark.UNKNOWN, "it needs 300 s of samples", 300.0)
    found = Judgement(Mark.UNKNOWN, seconds=40.0, rules=(unknown,), sight=sight)
    assert plugin_lines(found)[1] == f"UNKNOWN Slow: it needs 300 s of samples; {words}"
