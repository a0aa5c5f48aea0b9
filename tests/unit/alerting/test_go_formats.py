"""Numbers, texts, times and fmt as Go writes them. What stands here was written by Go itself."""

from __future__ import annotations

import math
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from razorprof.alerting.go_format import MOST_TEXT, TooLong, print_value, sprint, sprintln
from razorprof.alerting.go_numbers import format_float, parse_float, parse_int
from razorprof.alerting.go_printf import sprintf
from razorprof.alerting.go_text import escape_html, escape_query, escape_script, quote, unquote, unquote_character
from razorprof.alerting.go_time import Duration, Time
from razorprof.alerting.template_values import AnyMap, Byte, Sample, TextMap, Value

LABELS = TextMap({"b": "2", "a": "1"})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"), (-0.0, "-0"), (1.0, "1"), (0.1, "0.1"), (100_000.0, "100000"), (999_999.0, "999999"),
        (1e6, "1e+06"), (1_234_567.0, "1.234567e+06"), (123_456_789.0, "1.23456789e+08"), (1e21, "1e+21"),
        (0.0001, "0.0001"), (0.00001, "1e-05"), (1e100, "1e+100"), (math.inf, "+Inf"), (-math.inf, "-Inf"),
        (math.nan, "NaN"), (5e-324, "5e-324"), (1.5e300, "1.5e+300"),
    ],
)  # fmt: skip
def test_a_number_is_written_with_the_fewest_digits(value: float, text: str) -> None:
    assert format_float(value) == text


@pytest.mark.parametrize(
    ("value", "verb", "precision", "text"),
    [
        (3.14159, "f", 2, "3.14"), (2.5, "f", 0, "2"), (12345.678, "e", 2, "1.23e+04"),
        (1e21, "f", -1, "1" + "0" * 21), (1e-7, "G", -1, "1E-07"), (123.456, "g", 4, "123.5"),
        (1e6, "g", 4, "1e+06"), (3.5, "x", -1, "0x1.cp+01"), (-1 / 3, "X", -1, "-0X1.5555555555555P-02"),
        (1 / 3, "x", 3, "0x1.555p-02"), (1.5, "b", -1, "6755399441055744p-52"), (0.0, "x", -1, "0x0p+00"),
        (5e-324, "x", -1, "0x1p-1074"), (1.0, "x", 3, "0x1.000p+00"), (1.99999, "x", 0, "0x1p+01"),
        (0.0, "b", -1, "0p-1074"), (0.00123, "f", -1, "0.00123"), (1230.0, "f", -1, "1230"),
    ],
)  # fmt: skip
def test_a_number_is_written_by_verb_and_precision(value: float, verb: str, precision: int, text: str) -> None:
    assert format_float(value, verb, precision) == text


@given(st.floats())
def test_a_number_that_is_written_is_read_again(value: float) -> None:
    assert repr(parse_float(format_float(value))) == repr(value) or math.isinf(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5.0),
        ("-.5", -0.5),
        ("5.", 5.0),
        ("1_000.5", 1000.5),
        ("1e3", 1000.0),
        ("0x1p4", 16.0),
        ("inf", math.inf),
    ],
)
def test_a_number_is_read_as_go_reads_it(text: str, value: float) -> None:
    assert parse_float(text) == value


@pytest.mark.parametrize("text", ["", " 1", "1 ", "0x5", "1__0", "_1", "a", "+nan", "1e", "٥", "0x1p", "1,5"])
def test_what_go_takes_for_no_number_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="invalid syntax"):
        parse_float(text)


def test_a_number_beyond_64_bits_is_out_of_range() -> None:
    for text in ("1e999", "-1e999", "0x1p99999"):
        with pytest.raises(ValueError, match="out of range"):
            parse_float(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("-5", -5), ("0x1F", 31), ("0b11", 3), ("0o17", 15), ("017", 15), ("1_000", 1000), ("0_7", 7),
     ("08", None), ("1__0", None), ("", None), ("0x", None), ("1.0", None), ("9" * 30, 10**30 - 1)],
)  # fmt: skip
def test_a_whole_number_is_read_as_go_reads_it(text: str, value: int | None) -> None:
    assert parse_int(text) == value


@pytest.mark.parametrize(
    ("format", "values", "text"),
    [
        ("%s %d %v %q %t %x", ["s", 1, 2.5, "q", True, 255], 's 1 2.5 "q" true ff'),
        ("%5d|%-5d|%05d|%+d|% d", [7, 7, 7, 7, 7], "    7|7    |00007|+7| 7"),
        ("%6.2f|%-8.1f|%08.3f|%+f", [3.14159, 2.5, -3.14159, 1.0], "  3.14|2.5     |-003.142|+1.000000"),
        ("%d %s %f %t", [1.5, 5, "x", 1], "%!d(float64=1.5) %!s(int=5) %!f(string=x) %!t(int=1)"),
        ("%d %d", [1], "1 %!d(MISSING)"),
        ("x", [1, "y", 2.5], "x%!(EXTRA int=1, string=y, float64=2.5)"),
        ("%", [], "%!(NOVERB)"),
        ("%z 100%%", [1], "%!z(int=1) 100%"),
        ("%[2]d %[1]d", [1, 2], "2 1"),
        ("%[5]d", [1], "%!d(BADINDEX)"),
        ("%*d|%-*d|%.*f", [5, 1, 4, 2, 1, 2.55], "    1|2   |2.5"),
        ("%*d", ["x", 1], "%!(BADWIDTH)1"),
        ("%.*f", [-1, 2.5], "%!(BADPREC)2.500000"),
        ("%v %+v %T", [LABELS] * 3, "map[a:1 b:2] map[a:1 b:2] map[string]string"),
        ("%#v", [LABELS], 'map[string]string{"a":"1", "b":"2"}'),
        ("%v %s %T", [None, None, None], "<nil> %!s(<nil>) <nil>"),
        ("%d", [LABELS], "map[%!d(string=a):%!d(string=1) %!d(string=b):%!d(string=2)]"),
        ("%x % x %#x %X", ["hey", "hey", "hey", "hé"], "686579 68 65 79 0x686579 68C3A9"),
        ("%q %+q %#q", ["h\né", "é", "ab"], '"h\\né" "\\u00e9" `ab`'),
        ("%c %U %#U %q", [233, 233, 233, 10], "é U+00E9 U+00E9 'é' '\\n'"),
        ("%b %o %#o %O %#x %#b", [5, 8, 8, 8, 255, 5], "101 10 010 0o10 0xff 0b101"),
        ("%.3d|%6.3d|%.0d", [5, 5, 0], "005|   005|"),
        ("%#g %#v %#f", [1.0, 1e6, 2.0], "1.00000 1e+06 2.000000"),
        ("%v %+v % v %5v|%05v", [math.inf, math.inf, math.inf, math.nan, -1.5], "+Inf +Inf  Inf   NaN|-01.5"),
        ("%.2s|%10.2q", ["héllo", "abc"], 'hé|      "ab"'),
        ("%d %T", [Byte(98), Byte(98)], "98 uint8"),
        ("%p", [1], "%!p(int=1)"),
        ("%5t|%v", [True, False], " true|false"),
        ("%v", [Sample(LABELS, 2.0)], "&{map[a:1 b:2] 2}"),
        ("%+v", [Sample(LABELS, 2.0)], "&{Labels:map[a:1 b:2] Value:2}"),
        ("%v", [AnyMap(arg0=1, arg1=None)], "map[arg0:1 arg1:<nil>]"),
        ("%s", [Time(1_435_065_584_128_000_000)], "2015-06-23 13:19:44.128 +0000 UTC"),
        ("%8v|", [Duration(5_400_000_000_000)], " 1h30m0s|"),
    ],
)  # fmt: skip
def test_printf_writes_what_go_writes(format: str, values: list[Value], text: str) -> None:
    assert sprintf(format, values) == text


def test_print_sets_spaces_where_no_text_stands() -> None:
    assert sprint([1, 2, "a", 3, 4.5]) == "1 2a3 4.5"
    assert sprint(["a", "b"]) == "ab"
    assert sprintln([1, "x"]) == "1 x\n"
    assert print_value(None) == "<no value>"
    assert print_value(Sample(LABELS, 2.0)) == "{map[a:1 b:2] 2}"


@pytest.mark.parametrize("format", ["%999999d", "%.999999f", "%-999999s", "%*d"])
def test_no_width_makes_a_text_grow_beyond_bounds(format: str) -> None:
    with pytest.raises(TooLong):
        sprintf(format, [900_000, 1] if "*" in format else [1.5 if "f" in format else 1])
    assert len(sprintf("%9999999999d|%d", [1, 2])) < MOST_TEXT


@settings(deadline=None)
@given(
    st.text(alphabet="%+-# 0123.*[]vsdfgexqtcXbGToUEFzé", max_size=12),
    st.lists(st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text(max_size=5) | st.none(), max_size=3),
)  # fmt: skip
def test_no_format_breaks_printf(format: str, values: list[Value]) -> None:
    with suppress(TooLong):
        assert isinstance(sprintf(format, values), str)


@pytest.mark.parametrize(
    ("text", "literal"),
    [("a", '"a"'), ('"\\', '"\\"\\\\"'), ("\n\t\a\x00\x7f", '"\\n\\t\\a\\x00\\x7f"'), ("é", '"é"'),
     ("\u200b", '"\\u200b"'),
     ("\udcff", '"\\xff"'), ("\U000e0001", '"\\U000e0001"')],
)  # fmt: skip
def test_a_text_is_quoted_as_go_quotes_it(text: str, literal: str) -> None:
    assert quote(text) == literal
    assert unquote(literal) == text


@given(st.text(max_size=20))
def test_what_is_quoted_is_unquoted_again(text: str) -> None:
    valid = text.encode("utf-8", "replace").decode()
    assert unquote(quote(valid)) == valid
    assert unquote(quote(valid, ascii_only=True)) == valid


@pytest.mark.parametrize(
    "literal", ['"\\q"', '"\\x4"', '"\\400"', '"\\ud800"', '"\\U00110000"', '"a\nb"', '"\\\'"', '"a']
)
def test_what_is_no_literal_is_refused(literal: str) -> None:
    with pytest.raises(ValueError):
        unquote(literal)


def test_a_character_is_its_code_point() -> None:
    assert [unquote_character(literal) for literal in ("'a'", "'\\n'", "'\\''", "'é'", "'\\xe9'")] == [
        97,
        10,
        39,
        233,
        233,
    ]
    with pytest.raises(ValueError, match="malformed"):
        unquote_character("'ab'")


def test_texts_are_escaped_for_html_scripts_and_queries() -> None:
    assert escape_html("<a href='x'>&\"\0") == "&lt;a href=&#39;x&#39;&gt;&amp;&#34;\ufffd"
    assert escape_script("a'b\"<>&=\\\n\x01é") == "a\\'b\\\"\\u003C\\u003E\\u0026\\u003D\\\\\\u000A\\u0001é"
    assert escape_query("a b&c=d/é~*'()!+") == "a+b%26c%3Dd%2F%C3%A9~%2A%27%28%29%21%2B"


@pytest.mark.parametrize(
    ("layout", "text"),
    [
        ("2006-01-02T15:04:05Z07:00", "2015-06-03T13:09:04Z"),
        ("Mon Jan _2 15:04:05 MST 2006", "Wed Jun  3 13:09:04 UTC 2015"),
        ("Monday, January 2, 06 3:4:5 PM pm", "Wednesday, June 3, 15 1:9:4 PM pm"),
        ("002 __2 15h .000 .999 ,000000 -0700 -07:00 -07", "154 154 13h .050 .05 ,050000 +0000 +00:00 +00"),
        ("year of 2006_2006 Janet Monk", "year of 2015_2015 Janet Monk"),
    ],
)
def test_a_time_is_written_by_its_layout(layout: str, text: str) -> None:
    assert Time(1_433_336_944_050_000_000).format(layout) == text


@pytest.mark.parametrize(
    ("nanos", "text"),
    [(0, "0s"), (1, "1ns"), (1500, "1.5µs"), (2_500_000, "2.5ms"), (1_500_000_000, "1.5s"),
     (-60_000_000_000, "-1m0s"), (5_400_000_000_000, "1h30m0s"), (3_600_500_000_000, "1h0m0.5s")],
)  # fmt: skip
def test_a_duration_is_written_as_go_writes_it(nanos: int, text: str) -> None:
    assert str(Duration(nanos)) == text
