from __future__ import annotations

from pathlib import Path

import pytest

from razorprof.profilers.source_paths import SourcePaths


def test_a_path_is_cut_at_its_outermost_package(tmp_path: Path) -> None:
    package = tmp_path / "usr/lib/app/inner"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package.parent / "__init__.py").touch()
    paths = SourcePaths(tmp_path)
    assert paths.shorten("/usr/lib/app/inner/work.py") == "app/inner/work.py"
    assert paths.shorten("/usr/lib/alone.py") == "alone.py"


@pytest.mark.parametrize("path", ["<string>", "<frozen importlib>", "relative.py", "", "/", "/\0", "/a\0/b.py"])
def test_what_is_no_absolute_path_stays_as_it_is(tmp_path: Path, path: str) -> None:
    assert SourcePaths(tmp_path).shorten(path) == path


def test_hostile_paths_end(tmp_path: Path) -> None:
    deep = "/" + "a/" * 100_000 + "b.py"
    broken = "/\udcff/x.py"
    paths = SourcePaths(tmp_path)
    assert paths.shorten(deep).endswith("b.py")
    assert paths.shorten(broken).endswith("x.py")
