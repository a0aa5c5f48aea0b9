"""A template as a tree: what template_parse makes and template_run walks. `str` tells a node as Go tells it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class Dot:
    start: int

    def __str__(self) -> str:
        return "."


@dataclass(frozen=True, slots=True, eq=False)
class Nil:
    start: int

    def __str__(self) -> str:
        return "nil"


@dataclass(frozen=True, slots=True, eq=False)
class Bool:
    start: int
    value: bool

    def __str__(self) -> str:
        return "true" if self.value else "false"


@dataclass(frozen=True, slots=True, eq=False)
class Number:
    """A constant, which may be taken as several types. whole: within 64 bits with or without a sign."""

    start: int
    text: str
    whole: int | None
    real: float | None

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, eq=False)
class String:
    start: int
    literal: str
    value: str

    def __str__(self) -> str:
        return self.literal


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """.A.B of the dot."""

    start: int
    names: tuple[str, ...]

    def __str__(self) -> str:
        return "".join(f".{name}" for name in self.names)


@dataclass(frozen=True, slots=True, eq=False)
class Variable:
    """$a.B: the variable with its mark, then fields."""

    start: int
    names: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join(self.names)


@dataclass(frozen=True, slots=True, eq=False)
class Identifier:
    """The name of a function."""

    start: int
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """(pipeline).A.B"""

    start: int
    of: Operand
    names: tuple[str, ...]

    def __str__(self) -> str:
        inner = f"({self.of})" if isinstance(self.of, Pipe) else str(self.of)
        return inner + "".join(f".{name}" for name in self.names)


@dataclass(frozen=True, slots=True, eq=False)
class Command:
    """A function or operand with its arguments."""

    start: int
    words: tuple[Operand, ...]

    def __str__(self) -> str:
        return " ".join(f"({word})" if isinstance(word, Pipe) else str(word) for word in self.words)


@dataclass(frozen=True, slots=True, eq=False)
class Pipe:
    """Commands, each given the result of the one before. names: variables that take the last result."""

    start: int
    names: tuple[str, ...]
    is_assignment: bool
    commands: tuple[Command, ...]

    def __str__(self) -> str:
        names = f"{', '.join(self.names)} {'=' if self.is_assignment else ':='} " if self.names else ""
        return names + " | ".join(map(str, self.commands))


Operand = Dot | Nil | Bool | Number | String | Field | Variable | Identifier | Chain | Pipe


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    start: int
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Action:
    start: int
    pipe: Pipe

    def __str__(self) -> str:
        return f"{{{{{self.pipe}}}}}"


@dataclass(frozen=True, slots=True, eq=False)
class Branches:
    """if or with, and what follows else: `is_with` of each says whether its value becomes the dot."""

    start: int
    branches: tuple[tuple[bool, Pipe, Body], ...]
    otherwise: Body | None


@dataclass(frozen=True, slots=True, eq=False)
class Range:
    start: int
    pipe: Pipe
    body: Body
    otherwise: Body | None

    def __str__(self) -> str:
        return f"{{{{range {self.pipe}}}}}"


@dataclass(frozen=True, slots=True, eq=False)
class Leave:
    """break, or continue."""

    start: int
    is_break: bool


@dataclass(frozen=True, slots=True, eq=False)
class Include:
    """{{template "name" pipeline}}"""

    start: int
    name: str
    literal: str
    pipe: Pipe | None

    def __str__(self) -> str:
        return f"{{{{template {self.literal}{f' {self.pipe}' if self.pipe else ''}}}}}"


Node = Operand | Command | Action | Range | Include
Part = Text | Action | Branches | Range | Leave | Include
Body = tuple[Part, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """A parsed template. text: what its places count in; defined: templates within it, by name; functions: names
    of those that it calls; has_else_with: whether it says {{else with}}, which old servers do not know."""

    text: str
    body: Body
    defined: dict[str, Body]
    functions: frozenset[str]
    has_else_with: bool = False
