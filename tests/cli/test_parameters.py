"""Values that need no conversion do without pydantic, and are the same as with it."""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated

import pytest
import typer

from razorprof.cli.parameters import take_as_they_are

TRY = """
import sys
from razorprof.cli.edge import run
code = run([{arguments}])
print("pydantic" in sys.modules, code)
"""


@pytest.mark.parametrize(
    ("arguments", "code"), [('"threads", "999999999"', 3), ('"gc", "999999999"', 3), ('"ps", "--json"', 0)]
)
def test_a_command_without_numbers_starts_without_pydantic(arguments: str, code: int) -> None:
    answer = subprocess.run(
        [sys.executable, "-c", TRY.format(arguments=arguments)], capture_output=True, text=True, timeout=60
    )
    assert answer.stdout.splitlines()[-1] == f"False {code}", answer.stderr


def values_of(*arguments: str) -> dict[str, object]:
    seen: dict[str, object] = {}
    app = typer.Typer()

    @app.command()
    def probe(
        names: list[str],
        text: str = "as it was",
        optional: Annotated[str | None, typer.Option()] = None,
        number: Annotated[int, typer.Option(min=1, max=9)] = 3,
        share: float = 0.5,
        several: Annotated[list[str] | None, typer.Option()] = None,
    ) -> None:
        seen.update(locals())

    command = typer.main.get_command(app)
    take_as_they_are(command)
    command.main(list(arguments), prog_name="probe", standalone_mode=False)
    return {name: seen[name] for name in ("names", "text", "optional", "number", "share", "several")}


def test_defaults_and_texts_stay_what_they_are() -> None:
    assert values_of("a", "b") == {
        "names": ["a", "b"], "text": "as it was", "optional": None, "number": 3, "share": 0.5, "several": None,
    }  # fmt: skip
    given = values_of("a", "--text", "7", "--optional", "", "--several", "x", "--several", "y")
    assert (given["text"], given["optional"], given["several"]) == ("7", "", ["x", "y"])


def test_numbers_are_still_converted_and_checked() -> None:
    assert values_of("a", "--number", "4", "--share", "0.25")["number"] == 4
    assert values_of("a", "--share", "0.25")["share"] == 0.25
    for wrong in ("12", "four"):
        with pytest.raises(typer.BadParameter):
            values_of("a", "--number", wrong)
