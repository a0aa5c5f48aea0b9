"""Numbers as Go reads and writes them (strconv): for what templates print and for their constants."""

from __future__ import annotations

import math
import re

_DIGITS = r"\d(?:_?\d)*"
_HEX_DIGITS = r"[0-9a-fA-F](?:_?[0-9a-fA-F])*"
_FLOAT = re.compile(
    rf"[+-]?(?:{_DIGITS}(?:\.(?:{_DIGITS})?)?|\.{_DIGITS})(?:[eE][+-]?{_DIGITS})?",
    re.ASCII,
)
_HEX_FLOAT = re.compile(
    rf"[+-]?0[xX]_?(?:{_HEX_DIGITS}(?:\.(?:{_HEX_DIGITS})?)?|\.{_HEX_DIGITS})[pP][+-]?{_DIGITS}", re.ASCII
)
_INFINITY = re.compile(r"[+-]?inf(?:inity)?", re.IGNORECASE | re.ASCII)
_INT = re.compile(
    r"([+-]?)(?:0[xX]((?:_?[0-9a-fA-F])+)|0[bB]((?:_?[01])+)|0[oO]?((?:_?[0-7])+)|(0|[1-9](?:_?[0-9])*))", re.ASCII
)
_BASES = (16, 2, 8, 10)
_MOST_DIGITS = 80
_SHORTEST_EXPONENT = 6  # from this power of ten on, %g without a precision writes an exponent
LARGEST_INT = (1 << 63) - 1
LARGEST_UINT = (1 << 64) - 1


def parse_int(text: str) -> int | None:
    """A whole number in Go's syntax (0x, 0b, 0o, a leading 0, underscores), of any size; None for all else."""
    found = _INT.fullmatch(text)
    if found is None or len(text) > _MOST_DIGITS:
        return None
    for digits, base in zip(found.groups()[1:], _BASES, strict=True):
        if digits is not None:
            number = int(digits.replace("_", ""), base)
            return -number if found[1] == "-" else number
    return None


def parse_float(text: str) -> float:
    """What strconv.ParseFloat makes of a text. Raises ValueError with Go's words."""
    if _FLOAT.fullmatch(text):
        number = float(text.replace("_", ""))
    elif _INFINITY.fullmatch(text):
        return -math.inf if text.startswith("-") else math.inf
    elif text.lower() == "nan":
        return math.nan
    elif len(text) < _MOST_DIGITS and _HEX_FLOAT.fullmatch(text):
        try:
            number = float.fromhex(text.replace("_", ""))
        except OverflowError:
            number = math.inf
    else:
        raise ValueError("invalid syntax")
    if math.isinf(number):
        raise ValueError("value out of range")
    return number


def format_float(value: float, verb: str = "g", precision: int = -1) -> str:
    """strconv.FormatFloat for the verbs e E f g G x X b. precision: -1 is as few digits as tell the value."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if verb == "b":
        return _binary(value)
    if verb in "xX":
        text = _hexadecimal(value, precision)
        return text.upper() if verb == "X" else text
    if precision < 0:
        return _shortest(value, verb)
    return f"%.{precision}{verb}" % value


def shortest_digits(value: float) -> tuple[str, int]:
    """The fewest digits that tell the value, and the power of ten of the first."""
    mantissa, _, power = repr(abs(value)).partition("e")
    whole, _, rest = mantissa.partition(".")
    digits = (whole + rest).lstrip("0")
    leading = len(whole + rest) - len(digits)
    return digits.rstrip("0") or "0", (int(power or 0) + len(whole) - 1 - leading) if digits else 0


def _shortest(value: float, verb: str) -> str:
    if verb in "gG" and 1e-4 <= abs(value) < 1e6:
        return repr(value).removesuffix(".0")
    sign = "-" if math.copysign(1.0, value) < 0 else ""
    digits, exponent = shortest_digits(value)
    if verb in "fF" or (verb in "gG" and -4 <= exponent < _SHORTEST_EXPONENT):
        if exponent < 0:
            return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
        whole, rest = digits[: exponent + 1].ljust(exponent + 1, "0"), digits[exponent + 1 :]
        return f"{sign}{whole}.{rest}" if rest else sign + whole
    rest = f".{digits[1:]}" if len(digits) > 1 else ""
    letter = "E" if verb in "EG" else "e"
    return f"{sign}{digits[0]}{rest}{letter}{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def _binary(value: float) -> str:
    if value == 0:
        return "-0p-1074" if math.copysign(1.0, value) < 0 else "0p-1074"
    fraction, exponent = math.frexp(value)
    shift = max(exponent - 53, -1074)
    return f"{int(math.ldexp(fraction, exponent - shift))}p{shift:+d}"


def _hexadecimal(value: float, precision: int) -> str:
    sign = "-" if math.copysign(1.0, value) < 0 else ""
    fraction, power = math.frexp(abs(value))
    mantissa = int(math.ldexp(fraction, 53))  # 53 bits, the first is set
    exponent = power - 1 if mantissa else 0
    if 0 <= precision < 13:
        unit = 1 << (4 * (13 - precision))
        quotient, left = divmod(mantissa, unit)
        mantissa = (quotient + (left * 2 > unit or (left * 2 == unit and quotient % 2))) * unit
        if mantissa >> 53:
            mantissa, exponent = mantissa >> 1, exponent + 1
    digits = f"{mantissa & ((1 << 52) - 1):013x}"
    rest = digits.rstrip("0") if precision < 0 else digits[:precision].ljust(precision, "0")
    return f"{sign}0x{mantissa >> 52}{'.' if rest else ''}{rest}p{exponent:+03d}"
