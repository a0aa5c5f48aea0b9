"""What processes are called."""

from __future__ import annotations

import pytest

from razorprof.targets.naming import all_names, display_name, is_python_command, short_arguments


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["python3", "/srv/app.py", "--port", "1"], "app.py"),
        (["/usr/bin/python3.12", "-u", "-X", "dev", "-W", "ignore", "manage.py", "runserver"], "manage.py"),
        (["python", "-Xdev", "-Wignore", "app.py"], "app.py"),
        (["python3", "-m", "http.server", "8000"], "http.server"),
        (["python3", "-Im", "celery", "worker"], "celery"),
        (["python3", "-mflask", "run"], "flask"),
        (["python3", "/srv/shop/__main__.py"], "shop"),
        (["python3", "/srv/shop/"], "shop"),
        (["python3", "--", "-odd.py"], "-odd.py"),
        (["python3", "--check-hash-based-pycs", "always", "app.py"], "app.py"),
        (["python3", "-c", "print(1)", "app.py"], "python3"),
        (["python3", "-"], "python3"),
        (["python3"], "python3"),
        (["pypy3", "app.py"], "app.py"),
        (["python3.13t", "app.py"], "app.py"),
        (["/venv/bin/python", "/venv/bin/gunicorn", "app:wsgi"], "gunicorn"),
        (["gunicorn: master [app]"], "gunicorn"),
        (["postgres: checkpointer "], "postgres"),
        (["/usr/sbin/nginx", "-g", "daemon off;"], "nginx"),
        (["python3", "-c", "from multiprocessing.spawn import spawn_main; spawn_main()"], "multiprocessing.spawn"),
        (["pythonista", "x.py"], "pythonista"),
        ([""], "comm"),
        ([], "comm"),
    ],
)
def test_a_process_is_called_after_the_program_it_runs(arguments: list[str], name: str) -> None:
    assert display_name(arguments, "comm") == name


def test_every_name_of_a_python_program_can_be_matched() -> None:
    names = all_names(["/usr/bin/python3", "/srv/app.py"], "python3")
    assert names == {"python3", "app.py", "app"}


@pytest.mark.parametrize(
    ("arguments", "short"),
    [
        (["/venv/bin/python3", "/srv/app.py", "/srv/data"], ("python3", "app.py", "/srv/data")),
        (["/usr/bin/python3", "-m", "http.server"], ("python3", "-m", "http.server")),
        (["/usr/sbin/nginx", "-g", "/a/b"], ("nginx", "-g", "/a/b")),
        (["nginx: worker process /a"], ("nginx: worker process /a",)),
        (["/"], ("/",)),
        ([], ()),
    ],
)
def test_a_short_command_line_leaves_out_folders_of_program_and_script(
    arguments: list[str], short: tuple[str, ...]
) -> None:
    assert short_arguments(arguments) == short


def test_an_absurdly_long_name_is_bounded() -> None:
    assert len(display_name(["python3", "/x/" + "a" * 100_000], "c")) <= 128
    assert all(len(name) <= 128 for name in all_names(["b" * 100_000], "c"))


def test_an_interpreter_is_known_by_its_program_or_its_kernel_name() -> None:
    assert is_python_command(["/usr/bin/python3.11", "x.py"], "x")
    assert is_python_command(["renamed"], "python3")
    assert not is_python_command(["/usr/bin/perl"], "perl")
    assert not is_python_command([], "kworker/0:1")
