"""Installed distributions are read as importlib.metadata reads them."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

from razorprof.plugin import loading
from razorprof.plugin.installed import EntryPoint, distributions, entry_points, find_distribution


def test_what_is_installed_here_is_what_the_standard_library_sees() -> None:
    groups = importlib.metadata.entry_points().groups
    assert {"console_scripts", loading.RUNTIMES} <= set(groups)
    for group in groups:
        theirs = sorted((e.name, e.value) for e in importlib.metadata.entry_points(group=group))
        assert [(e.name, e.value) for e in entry_points(group)] == theirs, group
    for name in ("razorprof", "py-spy", "memray", "prometheus_client"):
        found, wanted = find_distribution(name), importlib.metadata.distribution(name)
        assert found is not None
        assert (found.name, found.version) == (wanted.name, wanted.version)


def test_files_are_told_where_they_lie() -> None:
    found = find_distribution("py_spy")
    assert found is not None
    theirs = [file.locate() for file in importlib.metadata.files("py-spy") or () if file.name == "py-spy"]
    assert [Path(path).resolve() for path in found.files_called("py-spy")] == [Path(p).resolve() for p in theirs]
    assert theirs


def test_entry_points_are_read_as_they_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(
        tmp_path, "odd_one-1.dist-info", "# c\n[ razor ]\n[g]\n\n # d\n b=os.path : join [x]\na = os\n[h]\nc=d:e\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    found = entry_points("g")
    assert [(e.name, e.value) for e in found] == [("a", "os"), ("b", "os.path : join [x]")]
    import os.path

    assert [e.load() for e in found] == [os, os.path.join]


def test_the_first_on_the_path_counts_however_it_is_spelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "1", tmp_path / "2"
    add(first, "My.Thing-2.0.dist-info", "[g]\nx = new:x\n", "Name: My.Thing\nVersion: 2.0\n\nName: body\n")
    add(second, "my_thing-1.0.egg-info", "[g]\nx = old:x\n")
    monkeypatch.setattr(sys, "path", ["/nowhere", str(first), __file__, str(second)])
    assert [e.value for e in entry_points("g")] == ["new:x"]
    found = find_distribution("my-thing")
    assert found is not None
    assert (found.name, found.version) == ("My.Thing", "2.0")
    assert len(list(distributions())) == 1


def test_what_cannot_be_read_announces_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a-1.dist-info" / "entry_points.txt").mkdir(parents=True)
    (tmp_path / "b-1.egg-info").write_text("Name: b\n")
    add(tmp_path, "c-1.dist-info", "[g\nno = group\n[g]\nnovalue\n\x00\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert [(e.name, e.value) for e in entry_points("g")] == [("\x00", ""), ("novalue", "")]
    found = find_distribution("b")
    assert found is not None
    assert (found.name, found.version, found.files_called("x")) == ("", "", [])
    assert find_distribution("") is None


def test_a_missing_name_is_an_error_of_the_import() -> None:
    with pytest.raises(AttributeError):
        EntryPoint("x", "os:nothing", "g").load()
    with pytest.raises(ImportError):
        EntryPoint("x", "no_such_module:nothing", "g").load()


def test_a_quick_command_does_without_the_standard_librarys_reader() -> None:
    code = (
        "import sys; from razorprof.plugin.loading import runtimes; assert runtimes();"
        "from razorprof.profilers.pyspy import find_py_spy; find_py_spy();"
        "assert 'importlib.metadata' not in sys.modules"
    )
    subprocess.run([sys.executable, "-I", "-c", code], check=True, timeout=60)


def add(folder: Path, name: str, points: str, headers: str = "") -> None:
    (folder / name).mkdir(parents=True)
    (folder / name / "entry_points.txt").write_text(points)
    (folder / name / "METADATA").write_text(headers)
