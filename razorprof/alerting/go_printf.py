"""Go's Sprintf: formats with verbs, flags, widths, argument numbers and their error marks. How one value looks is
go_format's business. Raises TooLong alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from razorprof.alerting.go_format import MOST_TEXT, PLAIN, Spec, TooLong, show
from razorprof.alerting.template_values import Value, type_name

_LARGEST_WIDTH = 1_000_000  # Go's own bound


def sprintf(format: str, values: Sequence[Value]) -> str:
    """The format with its verbs carried out."""
    return _Printer(format, values).run()


class _Printer:
    """One Sprintf while it runs."""

    def __init__(self, format: str, values: Sequence[Value]) -> None:
        self._format = format
        self._values = values
        self._place = 0
        self._next = 0
        self._reordered = False
        self._good_index = True
        self._parts: list[str] = []
        self._length = 0

    def run(self) -> str:
        while self._place < len(self._format):
            percent = self._format.find("%", self._place)
            if percent < 0:
                self._write(self._format[self._place :])
                break
            self._write(self._format[self._place : percent])
            self._place = percent + 1
            self._write(self._verb())
        if not self._reordered and self._next < len(self._values):
            extra = ", ".join(
                "<nil>" if value is None else f"{type_name(value)}={show(value, PLAIN)}"
                for value in self._values[self._next :]
            )
            self._write(f"%!(EXTRA {extra})")
        return "".join(self._parts)

    def _write(self, text: str) -> None:
        self._length += len(text)
        if self._length > MOST_TEXT:
            raise TooLong
        self._parts.append(text)

    def _peek(self) -> str:
        return self._format[self._place : self._place + 1]

    def _verb(self) -> str:
        self._good_index = True
        flags = self._flags()
        after_index = self._index()
        marks = ""
        if self._peek() == "*":
            self._place += 1
            width, is_number = self._number_argument()
            if not is_number:
                marks += "%!(BADWIDTH)"
            elif width < 0:
                flags |= {"-"}
            present: int | None = abs(width) if is_number else None
            after_index = False
        else:
            present = self._digits()
            if after_index and present is not None:
                self._good_index = False
        precision: int | None = None
        if self._peek() == "." and self._place + 1 < len(self._format):
            self._place += 1
            if after_index:
                self._good_index = False
            after_index = self._index()
            if self._peek() == "*":
                self._place += 1
                number, is_number = self._number_argument()
                precision = number if is_number and number >= 0 else None
                if precision is None:
                    marks += "%!(BADPREC)"
                after_index = False
            else:
                precision = self._digits() or 0
        if not after_index:
            self._index()
        if self._place >= len(self._format):
            return marks + "%!(NOVERB)"
        verb = self._peek()
        self._place += 1
        return marks + self._carried_out(verb, flags, present, precision)

    def _carried_out(self, verb: str, flags: set[str], width: int | None, precision: int | None) -> str:
        if verb == "%":
            return "%"
        if not self._good_index:
            return f"%!{verb}(BADINDEX)"
        if self._next >= len(self._values):
            return f"%!{verb}(MISSING)"
        if precision is not None and precision > MOST_TEXT:
            raise TooLong
        value = self._values[self._next]
        self._next += 1
        minus = "-" in flags
        spec = Spec(
            verb,
            sharp="#" in flags and verb != "v",
            plus="+" in flags and verb != "v",
            minus=minus,
            space=" " in flags,
            zero="0" in flags and not minus,
            width=width,
            precision=precision,
            go_syntax="#" in flags and verb == "v",
            field_names="+" in flags and verb == "v",
        )
        return show(value, spec)

    def _flags(self) -> set[str]:
        flags: set[str] = set()
        while self._peek() and self._peek() in "#0+- ":
            flags.add(self._peek())
            self._place += 1
        return flags

    def _index(self) -> bool:
        """An explicit argument number such as [2]; whether there was one."""
        if self._peek() != "[":
            return False
        self._reordered = True
        end = self._format.find("]", self._place)
        if end < 0:
            self._place += 1
            self._good_index = False
            return False
        text = self._format[self._place + 1 : end]
        self._place = end + 1
        if text.isdecimal() and text.isascii() and len(text) < 8 and 1 <= int(text) <= len(self._values):
            self._next = int(text) - 1
            return True
        self._good_index = False
        return text.isdecimal() and text.isascii()

    def _digits(self) -> int | None:
        start = self._place
        while self._peek() and self._peek() in "0123456789":
            self._place += 1
        digits = self._format[start : self._place]
        if not digits:
            return None
        if len(digits.lstrip("0")) > 7 or int(digits) > _LARGEST_WIDTH:
            self._place = len(self._format)  # Go gives up on the rest of the format
            return None
        return int(digits)

    def _number_argument(self) -> tuple[int, bool]:
        if self._next >= len(self._values):
            return 0, False
        value = self._values[self._next]
        self._next += 1
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) > _LARGEST_WIDTH:
            return 0, False
        return int(value), True
