"""YAML as nodes with lines: what a word means, what is merged, and that no text costs more than it should."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from razorprof.alerting.yaml_tree import (
    DEEPEST,
    BadYaml,
    Mapping,
    Node,
    Scalar,
    Sequence,
    duplicates,
    entries,
    parse_yaml,
)


def root(text: str) -> Node:
    node = parse_yaml(text).root
    assert node is not None
    return node


def plain(node: Node) -> object:
    """The node as Python has it, texts with their tags."""
    match node:
        case Scalar():
            return f"{node.tag}:{node.text}"
        case Sequence():
            return [plain(item) for item in node.items]
        case Mapping():
            return [(plain(key), plain(value)) for key, value in entries(node)]


def problem_of(text: str) -> BadYaml:
    with pytest.raises(BadYaml) as caught:
        parse_yaml(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        *[(text, "null") for text in ("~", "null", "Null", "NULL")],
        *[(text, "bool") for text in ("true", "True", "FALSE")],
        *[
            (text, "str")
            for text in ("yes", "on", "n", "tRUE", "'5'", '"5"', "5m", "a", "1.2.3", "0x", "1e", "_1")
        ],
        *[(text, "int") for text in ("5", "-5", "+5", "0x1F", "0o17", "017", "0b11", "1_000", "0")],
        *[(text, "float") for text in ("5.", ".5", "1e3", "1.5e-3", ".inf", "-.INF", ".nan", "08")],
        *[("!!str 5", "str"), ("!!int '5'", "int"), ("!!float 5", "float"), ("! 5", "int"), ("!own 5", "str")],
        *[("!!null ''", "null"), ("!!binary aGk=", "binary"), ("!!timestamp 2001-01-01", "timestamp")],
    ],
)
def test_a_word_means_what_yaml_v3_takes_it_for(text: str, tag: str) -> None:
    node = root(text)
    assert isinstance(node, Scalar)
    assert node.tag == tag


@pytest.mark.parametrize(
    "text", ["!!int a", "!!bool yes", "!!null x", "!!timestamp a", "!!float a", "!!binary '%'"]
)
def test_a_tag_that_the_text_does_not_fit_is_an_error(text: str) -> None:
    assert problem_of(f"a: 1\nb: {text}\n").problem.line == 2


def test_binary_text_is_decoded() -> None:
    assert plain(root("!!binary aGk=")) == "binary:hi"


def test_nodes_know_their_lines() -> None:
    node = root("a:\n- b\n-\n  c: |\n    d\n  e: f\n")
    assert isinstance(node, Mapping)
    [(key, items)] = node.pairs
    assert isinstance(items, Sequence)
    inner = items.items[1]
    assert isinstance(inner, Mapping)
    assert (key.line, items.line, items.items[0].line, inner.line) == (1, 2, 2, 4)
    assert [(key.line, value.line) for key, value in inner.pairs] == [(4, 4), (6, 6)]


def test_an_alias_is_what_it_names_with_its_line() -> None:
    node = root("a: &x {b: c}\nd: *x\n")
    assert plain(node) == [("str:a", [("str:b", "str:c")]), ("str:d", [("str:b", "str:c")])]
    assert isinstance(node, Mapping)
    assert node.pairs[0][1] is node.pairs[1][1]


@pytest.mark.parametrize(
    ("text", "merged"),
    [
        ("<<: {a: 1}\nb: 2", {"b": "2", "a": "1"}),
        ("a: 0\n<<: {a: 1, b: 2}", {"a": "0", "b": "2"}),
        ("<<: [{a: 1}, {a: 2, b: 3}]", {"a": "1", "b": "3"}),
        ("<<: {<<: {a: 1}, b: 2}", {"b": "2", "a": "1"}),
        ("x: &x {a: 1}\n<<: *x", {"x": None, "a": "1"}),
        ("x: &x {a: 1}\n<<: [*x, {b: 2}]", {"x": None, "a": "1", "b": "2"}),
        ("'<<': 5", {"<<": "5"}),
    ],
)
def test_merge_keys_are_carried_out_and_own_keys_go_before(text: str, merged: dict[str, str | None]) -> None:
    node = root(text)
    assert isinstance(node, Mapping)
    found = {
        key.text: value.text if isinstance(value, Scalar) else None
        for key, value in entries(node)
        if isinstance(key, Scalar)
    }
    assert found == merged


@pytest.mark.parametrize("text", ["<<: 5", "<<: [5]", "<<: ~", "<<: [[{a: b}]]"])
def test_a_merge_of_what_is_no_mapping_is_an_error(text: str) -> None:
    node = root(text)
    assert isinstance(node, Mapping)
    with pytest.raises(BadYaml, match="merge key"):
        list(entries(node))


def test_a_merge_of_an_alias_of_a_list_is_an_error_as_in_yaml_v3() -> None:
    assert "merge key" in str(problem_of("x: &x [{a: b}]\n<<: *x\n"))


def test_keys_that_stand_twice_are_found_in_merged_mappings_too() -> None:
    node = root("a: 1\n'a': 2\n<<: {b: 1, b: 2}\n")
    assert isinstance(node, Mapping)
    assert [(first.line, again.line, again.text) for first, again in duplicates(node)] == [
        (1, 2, "a"),
        (3, 3, "b"),
    ]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: b\nc: d: e\n", 2, "mapping values are not allowed"),
        ("a:\n\t- b\n", 2, "cannot start any token"),
        ("a: [1\nb: 2\n", 2, "flow sequence that begins in line 1"),
        ("a: 'b\n", 2, "quoted scalar that begins in line 1"),
        ("a: *b\n", 1, "unknown anchor 'b'"),
        ("a: 1\nb: &x [*x]\n", 2, "contains itself"),
        ("a: 1\nb: \x01\n", 2, "control character"),
        ("a: @b\n", 1, "cannot start any token"),
        ('a: "\\ud800"\n', 1, "Unicode"),
        ("a: 1\nb: \ud800\n", 2, "no UTF-8"),
        ("%YAML 1.2\n---\na: 1\n", 1, "YAML 1.1"),
    ],
)
def test_what_is_no_yaml_is_told_with_its_line(text: str, line: int, words: str) -> None:
    problem = problem_of(text).problem
    assert problem.line == line
    assert words in problem.message


def test_a_tab_and_a_colon_come_with_a_hint() -> None:
    assert "tabs" in problem_of("a:\n\t- b\n").problem.hint
    assert "quote" in problem_of("a: b: c\n").problem.hint


def test_only_the_first_document_is_read_and_the_second_is_noticed() -> None:
    document = parse_yaml("a: 1\n---\n{ broken\n")
    assert document.root is not None
    assert document.more == 2
    assert parse_yaml("---\na: 1\n...\n").more == 0
    assert parse_yaml("# nothing\n").root is None


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + "".join(
            f"{new}: &{new} [{','.join(['*' + old] * 9)}]\n"
            for old, new in zip("abcdefgh", "bcdefghi", strict=True)
        ),
        "a: &a {x: y}\n"
        + "".join(
            f"{new}: &{new} {{<<: [{','.join(['*' + old] * 9)}]}}\n"
            for old, new in zip("abcdefgh", "bcdefghi", strict=True)
        ),
        "- " * 200_001,
        "[" * 100_000,
        "{a: " * 100_000,
        "? " * 100_000,
        "a: [" + "b, " * 300_000 + "]",
    ],
    ids=["billion laughs", "merged laughs", "nested list", "brackets", "braces", "complex keys", "long list"],
)
def test_a_bomb_is_refused_soon(text: str) -> None:
    assert problem_of(text).problem.message  # and pytest's time-out has not struck


def test_a_file_may_be_as_deep_as_told() -> None:
    parse_yaml("[" * DEEPEST + "]" * DEEPEST)
    with pytest.raises(BadYaml, match="nested too deeply"):
        parse_yaml("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1))


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.system ['touch X']",
        "!!python/name:os.system ''",
        "!!python/object/new:os.popen [a]",
    ],
)
def test_no_python_object_is_made_of_what_a_file_names(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert isinstance(root(text), Scalar | Sequence)
    assert list(tmp_path.iterdir()) == []


@settings(deadline=None)
@given(st.text(alphabet="ab:-[]{},&*!|>'\"#%@` \n\t<\\~?0", max_size=60))
def test_no_text_breaks_the_parser(text: str) -> None:
    with suppress(BadYaml):
        node = parse_yaml(text).root
        assert node is None or plain(node) is not None
