"""Which series fulfil a list of matchers: an inverted index from label and value to series.

Written by the store's one writer, read by any thread without a lock: every set and dictionary operation used on
shared containers is one that the interpreter does in one step. A reader leaves out series that were not wholly
in the index when it began (`born`), and those that are being removed have given up their layouts before they leave
the first posting. What was found is kept until `version` changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from razorprof.model.labels import Labels
from razorprof.store.regexes import compile_regex
from razorprof.store.view import Matcher, MatchOp

if TYPE_CHECKING:
    from razorprof.store.layout import Layout

Columns = slice | NDArray[np.intp]
_MOST_SELECTIONS = 1024
_NONE: frozenset[Entry] = frozenset()


class Entry:
    """One series. layouts: where its samples are, oldest first; replaced, never changed. born: the version of the
    index from which on it counts."""

    __slots__ = ("born", "labels", "layouts")

    def __init__(self, labels: Labels, born: int) -> None:
        self.labels = labels
        self.born = born
        self.layouts: tuple[Layout, ...] = ()


class Part:
    """Selected series that lie in the same layouts, and hence share their time stamps. columns: where, for each
    layout."""

    __slots__ = ("columns", "labels", "layouts")

    def __init__(self, layouts: tuple[Layout, ...], entries: Sequence[Entry]) -> None:
        newest = layouts[-1].column
        entries = sorted(entries, key=newest.__getitem__)
        self.layouts = layouts
        self.labels = tuple(entry.labels for entry in entries)
        self.columns = tuple(as_columns([layout.column[entry] for entry in entries]) for layout in layouts)


def as_columns(numbers: Sequence[int]) -> Columns:
    """A slice where the columns lie side by side: reading them then copies nothing."""
    first = numbers[0] if numbers else 0
    if all(number == first + place for place, number in enumerate(numbers)):
        return slice(first, first + len(numbers))
    return np.array(numbers, dtype=np.intp)


class LabelIndex:
    """The series of a store. `add`, `move` and `remove`: the writer only."""

    def __init__(self) -> None:
        self.version = 0
        self._entries: dict[Labels, Entry] = {}
        self._all: set[Entry] = set()
        self._postings: dict[str, dict[str, set[Entry]]] = {}
        self._found: dict[tuple[Matcher, ...], tuple[int, tuple[Part, ...]]] = {}

    def __len__(self) -> int:
        return len(self._all)

    def entry(self, labels: Labels) -> Entry | None:
        """The series with exactly these labels, if there is one."""
        return self._entries.get(labels)

    def parts(self, matchers: Sequence[Matcher]) -> tuple[Part, ...]:
        """The series that fulfil all matchers. Raises UsageError for a bad regex."""
        key = tuple(matchers)
        version = self.version  # read before the index is: what changes meanwhile raises it again
        known = self._found.get(key)
        if known is not None and known[0] == version:
            return known[1]
        together: dict[tuple[Layout, ...], list[Entry]] = {}
        for entry in self._matching(key):
            if entry.born <= version and (layouts := entry.layouts):
                together.setdefault(layouts, []).append(entry)
        parts = tuple(Part(layouts, entries) for layouts, entries in together.items())
        if len(self._found) >= _MOST_SELECTIONS:
            self._found = {}
        self._found[key] = (version, parts)
        return parts

    def part_of(self, entry: Entry) -> Part | None:
        """One series."""
        layouts = entry.layouts
        return Part(layouts, [entry]) if layouts else None

    def add(self, labels: Labels) -> Entry:
        """A new series; its layouts are added next."""
        entry = Entry(labels, self.version + 1)
        self._entries[labels] = entry
        for label, value in labels.items():
            self._postings.setdefault(label, {}).setdefault(value, set()).add(entry)
        self._all.add(entry)
        return entry

    def move(self, entry: Entry, layouts: tuple[Layout, ...]) -> None:
        """The samples of a series are in these layouts now; a series without any leaves the index."""
        entry.layouts = layouts
        if not layouts:
            self._remove(entry)

    def changed(self) -> None:
        """Forget what was found: after every change, once."""
        self.version += 1
        self._found = {}  # it holds on to layouts, and they to samples

    def _remove(self, entry: Entry) -> None:
        self._all.discard(entry)
        del self._entries[entry.labels]
        for label, value in entry.labels.items():
            values = self._postings[label]
            members = values[value]
            members.discard(entry)
            if not members:
                del values[value]
                if not values:
                    del self._postings[label]

    def _matching(self, matchers: Sequence[Matcher]) -> Iterable[Entry]:
        everything = None
        if not any(m.op is MatchOp.EQUAL and m.value for m in matchers):
            everything = self._all.copy()
        found: list[set[Entry] | frozenset[Entry]] = []
        excluded: list[set[Entry] | frozenset[Entry]] = []
        for matcher in matchers:
            entries, keep = self._postings_of(matcher)
            (found if keep else excluded).append(entries)
        found.sort(key=len)
        if found:
            chosen = set(found[0]).intersection(*found[1:])
        else:
            chosen = everything if everything is not None else set()
        return chosen.difference(*excluded) if excluded else chosen

    def _postings_of(self, matcher: Matcher) -> tuple[set[Entry] | frozenset[Entry], bool]:
        """Series, and whether they are those that fulfil the matcher or those that do not. An absent label equals
        an empty one: series without the label are in no posting, hence never listed, only left over."""
        values = self._postings.get(matcher.label, {})
        positive = matcher.op in (MatchOp.EQUAL, MatchOp.REGEX)
        if matcher.op in (MatchOp.EQUAL, MatchOp.NOT_EQUAL):
            if matcher.value:
                return values.get(matcher.value, _NONE), positive
            return _union(list(values.values())), not positive
        regex = compile_regex(matcher.value)
        # Series without the label fulfil the matcher where the regex takes the empty text (or does not, negated):
        # then the others are listed, to be left out.
        fits_empty = regex.matches("")
        listed = [members for value, members in list(values.items()) if regex.matches(value) is not fits_empty]
        return _union(listed), positive is not fits_empty


def _union(sets: Sequence[set[Entry]]) -> set[Entry] | frozenset[Entry]:
    return _NONE.union(*sets)
