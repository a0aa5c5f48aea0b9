"""razorprof.toml: what is taken, what is refused, and from where it is read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from razorprof.config.settings import Settings, load_settings, read_settings
from razorprof.errors import UsageError


def write(path: Path, text: str, mode: int = 0o600) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def test_every_setting_is_taken(tmp_path: Path) -> None:
    file = write(
        tmp_path / "r.toml",
        '[top]\ninterval = "500ms"\nrate = 50\nbudget = 0.2\nhistory = "2h"\nhistory_size = "64MiB"\n'
        'theme = "nord"\nbell = true\n[keys]\npause = "p"\n',
    )
    assert read_settings(file) == Settings(0.5, 50.0, 0.2, 7200.0, 64 << 20, "nord", True, {"pause": "p"})


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    assert read_settings(write(tmp_path / "r.toml", "")) == Settings()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[top]\ninterval = true", "top.interval"),
        ("[top]\nrate = -1", "top.rate"),
        ('[top]\nrate = "fast"', "top.rate"),
        ("[top]\nbudget = nan", "top.budget"),
        ("[top]\ntheme = 3", "top.theme"),
        ("[top]\nbell = 1", "top.bell"),
        ("[top]\nintervall = 1", "top.intervall"),
        ("[colour]\nred = 1", "colour"),
        ("top = 3", "top"),
        ("[keys]\npause = 3", "keys"),
        ("[top\n", "not TOML"),
        ("\xff", "not TOML"),
    ],
)
def test_a_bad_setting_is_named(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "r.toml"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError) as failed:
        read_settings(file)
    assert named in str(failed.value)
    assert str(file) in str(failed.value)


def test_a_file_that_others_may_write_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="others"):
        read_settings(write(tmp_path / "r.toml", "", 0o622))


def test_the_working_directory_is_never_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", ".")  # relative: to be ignored, says the XDG specification
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    write(tmp_path / "razorprof" / "razorprof.toml", "[top]\ninterval = 7\n")
    write(tmp_path / "razorprof.toml", "[top]\ninterval = 7\n")
    assert load_settings() == Settings()


def test_the_users_own_folder_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    write(tmp_path / "razorprof" / "razorprof.toml", "[top]\ninterval = 7\n")
    assert load_settings().interval == 7.0


def test_a_missing_file_that_was_named_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        load_settings(os.fspath(tmp_path / "none.toml"))
