"""Which file an alert's annotation may show, and which it may not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from razorprof.alerting.runbooks import LARGEST, Runbook, find_runbook


@pytest.fixture
def rules(tmp_path: Path) -> str:
    """A rule file with a folder of runbooks beside it."""
    folder = tmp_path / "rules"
    (folder / "runbooks").mkdir(parents=True)
    (folder / "runbooks" / "memory.md").write_text("# Memory\nRestart it.\n", "utf-8")
    (tmp_path / "secret.txt").write_text("secret", "utf-8")
    return str(folder / "rules.yml")


def found(annotation: str, rules: str, *, name: str = "runbook") -> Runbook:
    return find_runbook({"summary": "x", name: annotation}, rules)


@pytest.mark.parametrize("name", ["runbook", "runbook_url"])
def test_a_file_beside_the_rules_is_read(rules: str, name: str) -> None:
    assert found("runbooks/memory.md", rules, name=name) == Runbook(
        "runbooks/memory.md", "# Memory\nRestart it.\n"
    )


def test_rules_in_the_working_directory_have_their_runbooks_there(
    rules: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(rules).parent)
    assert found("runbooks/memory.md", "rules.yml").text.startswith("# Memory")


@pytest.mark.parametrize(
    "address",
    ["https://example.org/wiki/memory.md", "HTTPS://example.org/x/memory.md?plain=1#steps"],
)
def test_the_local_copy_of_an_address_is_read(rules: str, address: str) -> None:
    assert found(address, rules, name="runbook_url").text.startswith("# Memory")


@pytest.mark.parametrize("path", ["examples/rules/runbooks/memory.md", "/srv/rules/memory.md", "../../memory.md"])
def test_a_path_from_elsewhere_is_looked_for_by_its_last_part(rules: str, path: str) -> None:
    assert found(path, rules).text.startswith("# Memory")


@pytest.mark.parametrize("address", ["https://example.org/other.md", "https://example.org/", "http://[bad/x.md"])
def test_an_address_without_a_copy_is_told_and_not_fetched(rules: str, address: str) -> None:
    book = found(address, rules)
    assert (book.source, book.text) == (address, "")
    assert "not fetched" in book.reason


def test_an_annotation_may_be_the_text_itself(rules: str) -> None:
    assert found("First look at the memory screen.\nThen restart.", rules).text.endswith("Then restart.")


def test_a_file_is_preferred_to_an_address(rules: str) -> None:
    both = {"runbook": "https://example.org/none", "runbook_url": "runbooks/memory.md"}
    assert find_runbook(both, rules).text.startswith("# Memory")


def test_no_annotation_is_said(rules: str) -> None:
    assert "no annotation runbook or runbook_url" in find_runbook({"summary": "x", "runbook": " "}, rules).reason


@pytest.mark.parametrize(
    "name",
    [
        "../secret.txt",
        "runbooks/../../secret.txt",
        "/etc/hosts.txt",
        "runbooks/none.md",
        "runbooks/link.md",
        "runbooks/out/secret.txt",
        "runbooks/folder.md",
        "x" * 290 + ".md",
    ],
)
def test_what_lies_elsewhere_or_is_no_file_is_not_shown(rules: str, name: str) -> None:
    folder = Path(rules).parent
    (folder / "runbooks" / "link.md").symlink_to(folder.parent / "secret.txt")
    (folder / "runbooks" / "out").symlink_to(folder.parent)
    (folder / "runbooks" / "folder.md").mkdir()
    book = found(name, rules)
    assert not book.text
    assert book.reason


@pytest.mark.parametrize("name", ["rules.yml", "runbooks/memory.md\x00.txt", "runbooks/\x1b.md", "two words.md"])
def test_other_words_are_text_and_open_no_file(rules: str, name: str) -> None:
    assert found(name, rules) == Runbook("annotation", name)


def test_a_link_within_the_folder_is_followed(rules: str) -> None:
    folder = Path(rules).parent / "runbooks"
    (folder / "alias.md").symlink_to("memory.md")
    assert found("runbooks/alias.md", rules).text.startswith("# Memory")


def test_a_link_to_a_file_of_another_kind_is_not(rules: str) -> None:
    folder = Path(rules).parent
    (folder / "token").write_text("secret", "utf-8")
    (folder / "alias.md").symlink_to("token")
    assert found("alias.md", rules).text == ""


def test_a_pipe_in_its_place_is_not_waited_for(rules: str) -> None:
    os.mkfifo(Path(rules).parent / "runbooks" / "pipe.md")
    assert found("runbooks/pipe.md", rules).reason == "it is no file"


def test_only_the_first_part_of_a_large_file_is_read(rules: str) -> None:
    (Path(rules).parent / "large.md").write_bytes(b"\xff" + b"x" * (2 * LARGEST))
    text = found("large.md", rules).text
    assert len(text) < LARGEST + 100
    assert text.startswith("�x")
    assert "the rest is left out" in text
