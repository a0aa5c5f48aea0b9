"""A reader of recordings written from razorprof-recording(5), and from nothing of ours.

Field by field the layouts are the page's own tables; what to do with them is the page's prose, in as few lines as
it takes. For test_rzp_page.
"""

from __future__ import annotations

import json
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import zstandard

PAGE = Path(__file__).resolve().parents[3] / "man" / "razorprof-recording.5"
TEXT = PAGE.read_text("ascii").replace("\\-", "-")
NUMBERS = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "i32": "i", "i64": "q", "f64": "d"}
DEFINITIONS = ("string", "frame", "stack", "labels", "metric", "target", "layout", "series")
Fields = dict[str, Any]


class Table:
    """The fields of fixed length of one table of the page."""

    def __init__(self, block: str) -> None:
        self.names: list[str] = []
        form = "<"
        for line in block.splitlines():
            found = re.match(r"(\w+)(\[\d+\])? +(\w+)", line)
            if found is None:
                continue
            kind = "u32" if found[1] in DEFINITIONS else found[1]
            form += f"{found[2].strip('[]')}s" if found[2] else NUMBERS[kind]
            self.names.append(found[3])
        self.layout = struct.Struct(form)

    def read(self, body: bytes, at: int = 0) -> tuple[Fields, int]:
        values = self.layout.unpack_from(body, at)
        return dict(zip(self.names, values, strict=True)), at + self.layout.size


def tables() -> dict[str, list[Table]]:
    """Of each section, its tables in their order."""
    found = {}
    for section in TEXT.split('\n.SS "')[1:]:
        title, _, text = section.partition('"')
        blocks = re.findall(r"^\.nf\n(.*?)^\.fi$", text.partition("\n.SH ")[0], re.M | re.S)
        found[title.partition(",")[0]] = [Table(block) for block in blocks]
    return found


TABLES = tables()
RECORDS = {int(number): name for name, number in re.findall(r'^\.SS "(\w+), record (\d+)"$', TEXT, re.M)}
STRUCTURES = {int(number): name for name, number in re.findall(r'^\.SS "(\w+), structure (\d+)"$', TEXT, re.M)}


class PageReader:
    """Reads a recording as the page says. Records come as (name, fields)."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        prefix, at = TABLES["Header"][0].layout, 16
        _, version, length, _ = prefix.unpack_from(content[:at] + bytes(4))
        assert version == 1
        self.header = json.loads(content[at : at + length])
        assert zlib.crc32(content[: at + length]) == struct.unpack_from("<I", content, at + length)[0]
        self.begin = at + length + 4

    def frames(self) -> Iterator[tuple[int, bytes, int]]:
        at = self.begin
        while at < len(self.content):
            head, begin = TABLES["Frame"][0].read(self.content, at)
            payload = self.content[begin : begin + head["length"]]
            assert zlib.crc32(self.content[at : at + 5] + payload) == head["check"]
            yield head["type"], payload, at
            at = begin + head["length"]

    def segments(self) -> Iterator[bytes]:
        """What each unpacks to."""
        pieces: list[bytes] = []
        wanted = 0
        for kind, payload, _ in self.frames():
            if kind == 1:
                begun, _ = TABLES["SEGMENT"][0].read(payload)
                assert begun["id"].hex() == self.header["id"]
                pieces, wanted = [], 0
            elif kind == 2:
                block, at = TABLES["BLOCK"][0].read(payload)
                pieces.append(payload[at:])
                wanted += block["raw"]
            elif kind == 3:
                end, at = TABLES["END"][0].read(payload)
                assert end["raw"] == wanted
                stream = zstandard.ZstdDecompressor().decompressobj()
                raw = stream.decompress(b"".join([*pieces, payload[at:]]))
                assert len(raw) == wanted
                yield raw

    def index(self) -> list[Fields]:
        trailer, _ = TABLES["TRAILER"][0].read(self.content, len(self.content) - 25 + 9)
        [packed] = [payload for kind, payload, at in self.frames() if at == trailer["index"] and kind == 4]
        document = json.loads(zstandard.ZstdDecompressor().decompressobj().decompress(packed))
        listed: list[Fields] = document["segments"]
        return listed

    def records(self) -> Iterator[tuple[str, Fields]]:
        for raw in self.segments():
            yield from SegmentReader(raw).records()


class SegmentReader:
    """The records of one segment, their numbers replaced by what they mean."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.known: dict[str, list[Any]] = {kind: [None] for kind in DEFINITIONS}
        self.known["string"], self.known["stack"], self.known["labels"] = [""], [()], [{}]
        self.known["layout"] = [()]
        self.before: dict[tuple[Any, ...], list[int]] = {}

    def records(self) -> Iterator[tuple[str, Fields]]:
        at, is_carried = 0, True
        while at < len(self.raw):
            kind, length = struct.unpack_from("<BI", self.raw, at)
            body = self.raw[at + 5 : at + 5 + length]
            at += 5 + length
            name = RECORDS.get(kind, "")
            if kind < 16:
                self.define(name, body)
            elif name == "CARRIED":
                is_carried = False
            elif not is_carried:
                yield name, self.record(name, body)

    def define(self, name: str, body: bytes) -> None:
        numbers = struct.unpack(f"<{len(body) // 4}I", body[: len(body) // 4 * 4])
        text = self.known["string"]
        match name:
            case "STRING":
                text.append(body.decode("utf-8", "surrogatepass"))
            case "FRAME":
                fields, _ = TABLES[name][0].read(body)
                self.known["frame"].append((text[fields["function"]], text[fields["file"]], fields["line"]))
            case "STACK":
                self.known["stack"].append(tuple(self.known["frame"][number] for number in numbers))
            case "LABELS":
                pairs = zip(numbers[::2], numbers[1::2], strict=True)
                self.known["labels"].append({text[key]: text[value] for key, value in pairs})
            case "METRIC":
                fields, at = TABLES[name][0].read(body)
                own = struct.unpack(f"<{(len(body) - at) // 4}I", body[at:])
                kind = ("counter", "gauge", "histogram")[fields["kind"]]
                words = (text[fields["name"]], kind, text[fields["unit"]], text[fields["help"]])
                self.known["metric"].append((*words, tuple(text[number] for number in own)))
            case "TARGET":
                fields, _ = TABLES[name][0].read(body)
                for key in ("name", "selector", "job"):
                    fields[key] = text[fields[key]]
                self.known["target"].append(fields)
            case "LAYOUT":
                entries = zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True)
                self.known["layout"].append(
                    tuple(
                        (self.known["metric"][metric], self.known["labels"][labels], text[suffix])
                        for metric, labels, suffix in entries
                    )
                )
            case "SERIES":
                self.known["series"].append(tuple(self.known["labels"][number] for number in numbers))

    def record(self, name: str, body: bytes) -> Fields:
        fields, at = TABLES[name][0].read(body)
        if name == "SCRAPE":
            layout = self.known["layout"][fields["layout"]]
            key = ("SCRAPE", fields["target"], fields["layout"])
            fields["values"], at = self.values(key, len(layout), body, at)
            fields["samples"] = layout
            fields["seen"] = [self.named("SCRAPE", 1, body, at + n * 28)[0] for n in range(fields["stacks"])]
            at += 28 * fields["stacks"]
            found = []
            for _ in range(fields["structures"]):
                kind, length = struct.unpack_from("<BI", body, at)
                found.append(self.structure(STRUCTURES[kind], body[at + 5 : at + 5 + length]))
                at += 5 + length
            fields["found"] = found
            texts = [self.known["string"][number] for (number,) in struct.iter_unpack("<I", body[at:])]
            fields["lacking"] = list(zip(*[iter(texts[: 2 * fields["missing"]])] * 2, strict=True))
            fields["error"] = texts[2 * fields["missing"] :] if fields["flags"] & 1 else None
        elif name == "ROW":
            series = self.known["series"][fields["series"]]
            fields["values"], at = self.values(("ROW", fields["series"]), len(series), body, at)
            fields["labels"] = series
        elif name == "CHANGE":
            texts = [self.known["string"][number] for (number,) in struct.iter_unpack("<I", body[at:])]
            fields["words"] = dict(zip(texts[::2], texts[1::2], strict=True))
        elif name == "DECLARE":
            numbers = struct.iter_unpack("<I", body[at:])
            fields["declared"] = [self.known["metric"][number] for (number,) in numbers]
        return self.resolved(name, 0, fields)

    def values(self, key: tuple[Any, ...], count: int, body: bytes, at: int) -> tuple[list[int], int]:
        changes = struct.unpack_from(f"<{count}Q", body, at)
        before = self.before.get(key, [0] * count)
        self.before[key] = [change ^ old for change, old in zip(changes, before, strict=True)]
        return self.before[key], at + 8 * count

    def named(self, section: str, place: int, body: bytes, at: int) -> tuple[Fields, int]:
        fields, at = TABLES[section][place].read(body, at)
        return self.resolved(section, place, fields), at

    def resolved(self, section: str, place: int, fields: Fields) -> Fields:
        """Numbers of definitions as what they mean, by the page's types."""
        blocks = re.findall(
            r"^\.nf\n(.*?)^\.fi$", re.split(rf'\n\.SS "{section},', TEXT)[1].partition("\n.SS ")[0], re.M | re.S
        )
        for kind, name in re.findall(rf"^({'|'.join(DEFINITIONS)}) +(\w+)", blocks[place], re.M):
            if name in fields and kind not in ("layout", "series"):
                fields[name] = self.known[kind][fields[name]]
        return fields

    def structure(self, name: str, body: bytes) -> tuple[str, Fields]:
        fields, at = self.named(name, 0, body, 0)
        ids: tuple[int, ...]
        if name == "GC":
            fields["all"] = []
            for _ in range(fields["interpreters"]):
                interpreter, at = self.named(name, 1, body, at)
                interpreter["all"] = []
                for _ in range(interpreter["generations"]):
                    generation, at = self.named(name, 2, body, at)
                    interpreter["all"].append(generation)
                fields["all"].append(interpreter)
            at = self.more_of_gc(fields, body, at)
        elif name == "GIL":
            fields["all"] = []
            for _ in range(fields["locks"]):
                lock, at = self.named(name, 1, body, at)
                ids = struct.unpack_from(f"<{lock['interpreters']}q", body, at)
                at += 8 * len(ids)
                held = [self.named(name, 2, body, at + 17 * n)[0] for n in range(lock["holders"])]
                at += 17 * len(held)
                waiting = struct.unpack_from(f"<{lock['waiters']}q", body, at)
                at += 8 * len(waiting)
                fields["all"].append({**lock, "ids": ids, "held": held, "waiting": waiting})
        elif name == "THREADS":
            fields["all"], fields["equal"], fields["stuck"] = [], [], []
            for _ in range(fields["threads"]):
                thread, at = self.named(name, 1, body, at)
                fields["all"].append(thread)
            for _ in range(fields["groups"]):
                state, stack, count = struct.unpack_from("<BII", body, at)
                fields["equal"].append(
                    (state, self.known["stack"][stack], struct.unpack_from(f"<{count}q", body, at + 9))
                )
                at += 9 + 8 * count
            for _ in range(fields["deadlocks"]):
                sure, why, count = struct.unpack_from("<III", body, at)
                ids = struct.unpack_from(f"<{count}q", body, at + 12)
                fields["stuck"].append((self.known["string"][sure], self.known["string"][why], ids))
                at += 12 + 8 * count
            at = self.more_of_threads(fields, body, at)
        assert at == len(body)
        return name, fields

    def more_of_gc(self, fields: Fields, body: bytes, at: int) -> int:
        fields["more"] = at < len(body)
        if not fields["more"]:
            return at
        counts, at = self.named("GC", 3, body, at)
        fields |= {"cycles": [], "heaps": [], "aims": [], **counts}
        for _ in range(counts["collectors"]):
            collector, at = self.named("GC", 4, body, at)
            size = 16 * collector["pauses"]
            collector["paused"] = list(struct.iter_unpack("<dd", body[at : at + size]))
            fields["cycles"].append(collector)
            at += size
        for name, place in (("heaps", 5), ("aims", 6)):
            for _ in range(counts["pools" if name == "heaps" else "figures"]):
                one, at = self.named("GC", place, body, at)
                fields[name].append(one)
        return at

    def more_of_threads(self, fields: Fields, body: bytes, at: int) -> int:
        fields["more"] = at < len(body)
        if not fields["more"]:
            return at
        counts, at = self.named("THREADS", 2, body, at)
        told = struct.unpack_from(f"<{counts['findings']}I", body, at)
        at += 4 * len(told)
        fields |= {"kind": counts["kind"], "has_gil": counts["has_gil"], "longer": {}, "longer_groups": {}}
        fields["told"] = [self.known["string"][number] for number in told]
        for name, wanted in (("longer", "threads"), ("longer_groups", "groups")):
            for _ in range(counts[wanted]):
                one, at = self.named("THREADS", 3, body, at)
                fields[name][one["place"]] = one
        return at
