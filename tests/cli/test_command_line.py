"""The program as a shell sees it: exit codes, streams, pipes and signals, each in a process of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

RAZORPROF = (sys.executable, "-m", "razorprof")
TIME_OUT = 60.0


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*RAZORPROF, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIME_OUT,
        env={**os.environ, **environment},
        check=False,
    )


def test_the_version_is_answered_before_typer_is_imported() -> None:
    code = (
        "import sys; from razorprof.cli.edge import run; assert run(['--version']) == 0;"
        "heavy = {'typer', 'rich', 'numpy', 'psutil', 'textual', 'memray'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=TIME_OUT, check=True
    )
    assert re.fullmatch(r"razorprof \d+\.\d+\.\d+\n", answer.stdout)


def test_no_command_shows_the_help_and_is_bad_usage() -> None:
    answer = run()
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "Commands:" in answer.stderr


def test_every_command_shows_an_example_in_its_help() -> None:
    listed = run("--help").stdout.partition("Commands:")[2].partition("Example")[0]
    commands = re.findall(r"^  (\w+)  ", listed, re.MULTILINE)
    assert {"ps", "doctor", "plugins", "completion"} <= set(commands)
    for command in commands:
        shown = run(command, "--help").stdout
        assert "Example" in shown, command
        assert f"razorprof {command}" in shown.partition("Example")[2], command


@pytest.mark.parametrize("arguments", [("--version",), ("--help",), ("ps", "--all"), ("ps", "--all", "--json")])
def test_a_closed_pipe_ends_quietly_with_0(arguments: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with subprocess.Popen([*RAZORPROF, *arguments], stdout=writing, stderr=subprocess.PIPE) as process:
        os.close(writing)
        _, errors = process.communicate(timeout=TIME_OUT)
    assert (process.returncode, errors) == (0, b"")


def test_an_error_with_json_into_a_closed_pipe_keeps_its_exit_code() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with subprocess.Popen(
        [*RAZORPROF, "doctor", "99999", "--json"], stdout=writing, stderr=subprocess.PIPE
    ) as process:
        os.close(writing)
        _, errors = process.communicate(timeout=TIME_OUT)
    assert (process.returncode, errors) == (3, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this machine")
def test_a_full_disk_behind_stdout_is_an_error_in_two_lines() -> None:
    with open("/dev/full", "w") as full:
        answer = subprocess.run(
            [*RAZORPROF, "plugins"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=TIME_OUT, check=False
        )
    assert answer.returncode == 6
    assert answer.stderr.startswith("razorprof: the system refused")
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)])
def test_a_signal_ends_it_with_the_signals_code_and_no_traceback(number: signal.Signals, code: int) -> None:
    code_of_waiting = (
        "import sys, time\n"
        "from razorprof.cli import edge\n"
        "def wait(_):\n    print('ready', flush=True)\n    time.sleep(60)\n"
        "edge._answer = wait\nsys.exit(edge.run([]))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code_of_waiting], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        asked = time.monotonic()
        process.send_signal(number)
        _, errors = process.communicate(timeout=TIME_OUT)
    assert (process.returncode, errors) == (code, b"")
    assert time.monotonic() - asked < 5


@pytest.mark.parametrize(
    "target", ["99999", "pid:4194304", "name:no-such-*", "port:1", "container:abcdef", "cmd:no such"]
)
def test_a_target_that_is_not_there_is_exit_3_in_words_and_in_json(target: str) -> None:
    answer = run("doctor", target)
    assert (answer.returncode, answer.stdout) == (3, "")
    first, second = answer.stderr.splitlines()
    assert first.startswith("razorprof: ")
    assert second.startswith("hint: ")
    document = run("doctor", target, "--json")
    assert (document.returncode, document.stderr) == (3, "")
    assert json.loads(document.stdout)["error"]["code"] == 3


@pytest.mark.parametrize("target", ["0", "pid:x", "port:99999", "container:!", "pid:-5"])
def test_a_target_that_cannot_be_meant_is_exit_2(target: str) -> None:
    assert run("doctor", target).returncode == 2


@pytest.mark.parametrize("command", [("threads",), ("dump", "-o", "no-such-folder/x"), ("heap", "-o", "x.json")])
def test_what_may_be_allowed_is_a_signal_and_nothing_else(command: tuple[str, ...]) -> None:
    answer = run(*command, "--allow", "anything", str(os.getpid()))
    assert answer.returncode == 2, answer.stderr
    assert "--allow takes one word: signal (anything)" in answer.stderr


def test_the_output_is_plain_in_a_pipe_and_in_a_poor_locale() -> None:
    for environment in ({}, {"LC_ALL": "C"}, {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}):
        answer = run("plugins", TERM="xterm", **environment)
        assert answer.returncode == 0
        assert "\x1b" not in answer.stdout
    poor = run("ps", "--all", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert poor.returncode == 0, poor.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_is_printed(shell: str) -> None:
    answer = run("completion", shell)
    assert answer.returncode == 0
    assert "_RAZORPROF_COMPLETE" in answer.stdout


def test_the_bash_script_completes_commands_and_pids(tmp_path: Path) -> None:
    script = tmp_path / "razorprof.bash"
    script.write_text(run("completion", "bash").stdout)
    asked = (
        f"source {script}; COMP_WORDS=(razorprof $1); COMP_CWORD=1; _razorprof_completion razorprof; "
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    answer = subprocess.run(
        ["bash", "-c", asked, "bash", "do"],
        capture_output=True, text=True, timeout=TIME_OUT, check=True, env={**os.environ, "PATH": path},
    )  # fmt: skip
    assert answer.stdout.split() == ["doctor"]


def test_completion_is_installed_for_the_shell_that_asks(tmp_path: Path) -> None:
    environment = {**os.environ, "HOME": str(tmp_path)}
    command = ["bash", "-c", f"{sys.executable} -m razorprof --install-completion; exit $?"]
    answer = subprocess.run(
        command, capture_output=True, text=True, timeout=TIME_OUT, check=False, env=environment
    )
    assert answer.returncode == 0, answer.stderr
    assert "_RAZORPROF_COMPLETE" in (tmp_path / ".bash_completions/razorprof.sh").read_text()


@pytest.mark.parametrize(("redirection", "code"), [(">&-", 6), ("2>&-", 0), ("<&-", 0), ("<&- 2>&-", 0)])
def test_closed_standard_descriptors_break_nothing(redirection: str, code: int) -> None:
    answer = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m razorprof doctor {redirection}"],
        capture_output=True, text=True, timeout=TIME_OUT, check=False,
    )  # fmt: skip
    assert answer.returncode == code, answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_missing_command_module_breaks_nothing() -> None:
    code = (
        "import importlib.util as u, razorprof.cli.app as app\n"
        "app.find_spec = lambda path: None if path.endswith('.doctor') else u.find_spec(path)\n"
        "from razorprof.cli.edge import run\n"
        "assert run(['plugins']) == 0\nassert run(['doctor']) == 2\n"
    )
    subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=TIME_OUT, check=True)


def test_a_notifier_s_options_are_listed_by_its_name() -> None:
    answer = run("plugins", "webhook")
    assert answer.returncode == 0
    assert [line.split()[0] for line in answer.stdout.splitlines()[:3]] == ["GROUP", "notifiers", "OPTION"]
    assert "token_file" in answer.stdout
    documents = json.loads(run("plugins", "--json").stdout)
    options = {document["name"]: document["options"] for document in documents}
    assert options["cpython"] is None
    assert options["alertmanager"].keys() >= {"url", "token_file", "ca_file"}
    missing = run("plugins", "pigeon")
    assert (missing.returncode, missing.stdout) == (2, "")
    assert missing.stderr.startswith("razorprof: no such plugin (pigeon)\nhint: ")
