"""The segments of a recording, wherever they lie: in one file, or in the files of a ring. For rzp_reader.

Opens them, reads and unpacks the one that is asked for, keeps the last few, and notes what is damaged.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from razorprof.errors import ToolFailed
from razorprof.recording.rzp_format import Header
from razorprof.recording.rzp_index import SegmentEntry
from razorprof.recording.rzp_open import Contents, SourceFile, read_contents, ring_files
from razorprof.recording.rzp_segment import Block, Segment, read_blocks, read_segment
from razorprof.recording.rzp_values import Damage

_KEPT_SEGMENTS = 2  # unpacked
_MOST_FILES = 256


@dataclass(frozen=True, slots=True)
class Piece:
    """One segment, and where it lies."""

    file: SourceFile
    entry: SegmentEntry


class Pieces:
    """header: who recorded; is_complete: it was ended in order; is_live: somebody records into it now; damage: as
    far as it was looked at."""

    def __init__(self, path: Path) -> None:
        """Raises ToolFailed where there is no recording, or none that can be read; NotSupported for one of a newer
        version."""
        self.all: list[Piece] = []
        self.damage: list[Damage] = []
        self._files: list[SourceFile] = []
        self._segments: OrderedDict[Piece, Segment] = OrderedDict()
        self._blocks: dict[Piece, list[Block]] = {}
        try:
            self._open(path)
        except BaseException:
            self.close()
            raise

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self._files)

    def close(self) -> None:
        """Let go of the files. Twice is once."""
        for file in self._files:
            file.close()

    def within(self, start: float, end: float) -> list[Piece]:
        """Those whose ticks may be in [start, end]; the last one, too, where there is no end."""
        found = [piece for piece in self.all if piece.entry.last >= start and piece.entry.first <= end]
        if self.all and end == math.inf and self.all[-1] not in found[-1:]:
            found.append(self.all[-1])
        return found

    def segment(self, piece: Piece) -> Segment:
        """Unpacked; the last few are kept."""
        found = self._segments.get(piece)
        if found is None:
            found = read_segment(piece.file, piece.entry)
            if found.damage is not None:
                self.note(found.damage)
            self._segments[piece] = found
            if len(self._segments) > _KEPT_SEGMENTS:
                self._segments.popitem(last=False)
        else:
            self._segments.move_to_end(piece)
        return found

    def blocks(self, piece: Piece) -> list[Block]:
        """Where the ticks of a segment are. Unpacks nothing."""
        if piece not in self._blocks:
            blocks, _, damage = read_blocks(piece.file, piece.entry)
            if damage is not None:
                self.note(damage)
            self._blocks[piece] = blocks
        return self._blocks[piece]

    def note(self, damage: Damage) -> None:
        """Each damage once."""
        if damage not in self.damage:
            self.damage.append(damage)

    def note_broken(self, piece: Piece, block: Block, why: str) -> None:
        """What a segment says from a block on cannot be."""
        end = piece.entry.offset + piece.entry.bytes
        self.note(Damage(str(piece.file.path), block.offset, end - block.offset, f"what it says cannot be: {why}"))

    def _open(self, path: Path) -> None:
        header: Header | None = None
        complete = True
        paths = _files_of(path)
        for one in paths:
            if (opened := self._open_file(one, alone=len(paths) == 1)) is None:
                continue
            file, contents = opened
            if header is not None and contents.header.id != header.id:
                self.note(Damage(str(one), 0, file.size, "it belongs to another recording"))
                continue
            header = header or contents.header
            complete = complete and contents.is_complete
            self.damage += contents.damage
            self.all += [Piece(file, entry) for entry in contents.segments]
        if header is None:
            raise ToolFailed("there is no recording in the folder", value=path)
        self.header = header
        self.is_complete = complete
        self.is_live = any(file.is_live for file in self._files)

    def _open_file(self, path: Path, *, alone: bool) -> tuple[SourceFile, Contents] | None:
        """None for one file of a ring that cannot be read: it may have gone while we looked."""
        try:
            file = SourceFile(path)
            self._files.append(file)
            return file, read_contents(file)
        except ToolFailed as error:
            if alone:
                raise
            with suppress(OSError):
                if size := path.stat().st_size:  # an empty one was about to begin
                    self.note(Damage(str(path), 0, size, error.message))
            return None


def _files_of(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    try:
        found = ring_files(path)
    except OSError as error:
        raise ToolFailed("the folder cannot be read", value=f"{path}: {error.strerror}") from error
    if len(found) > _MOST_FILES:
        raise ToolFailed("the folder holds too many files", value=path, hint="name one recording")
    return found
