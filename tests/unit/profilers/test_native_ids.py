from __future__ import annotations

import struct
from pathlib import Path

from razorprof.profilers.native_ids import NativeIds
from tests.unit.profilers.frozen_process import freeze_process

GLIBC = 0x2D0


def write_memory(proc: Path, pid: int, values: dict[int, int]) -> None:
    with (proc / str(pid) / "mem").open("wb") as memory:
        for address, value in values.items():
            memory.seek(address)
            memory.write(struct.pack("=i", value))
        memory.truncate(1 << 20)


def test_a_native_id_is_taken_as_it_is_when_the_thread_exists(tmp_path: Path) -> None:
    ids = NativeIds(freeze_process(tmp_path, 40, threads=(40, 41)))
    assert ids.resolve(["40", "41", "99"]) == {"40": 40, "41": 41, "99": 0}
    assert not ids.is_foreign_namespace()


def test_pthread_ids_are_looked_up_in_the_threads_descriptors(tmp_path: Path) -> None:
    ids = NativeIds(freeze_process(tmp_path, 40, threads=(40, 41)))
    write_memory(tmp_path, 40, {0x10000 + GLIBC: 40, 0x20000 + GLIBC: 41})
    assert ids.resolve(["0x10000", "0x20000"]) == {"0x10000": 40, "0x20000": 41}


def test_a_thread_that_has_ended_is_unknown_and_spoils_nothing(tmp_path: Path) -> None:
    ids = NativeIds(freeze_process(tmp_path, 40, threads=(40, 41)))
    write_memory(tmp_path, 40, {0x10000 + GLIBC: 40, 0x20000 + GLIBC: 0})
    assert ids.resolve(["0x10000", "0x20000", "0xFFFFFFFFFFFFFFF0"]) == {
        "0x10000": 40,
        "0x20000": 0,
        "0xFFFFFFFFFFFFFFF0": 0,
    }


def test_no_place_is_believed_that_does_not_fit_all_threads(tmp_path: Path) -> None:
    ids = NativeIds(freeze_process(tmp_path, 40, threads=(40, 41)))
    write_memory(tmp_path, 40, {0x10000 + GLIBC: 40, 0x20000 + GLIBC: 12345})
    assert ids.resolve(["0x10000", "0x20000"]) == {"0x10000": 0, "0x20000": 0}
    write_memory(tmp_path, 40, {0x10000 + GLIBC: 40, 0x20000 + GLIBC: 40})
    assert ids.resolve(["0x10000", "0x20000"]) == {"0x10000": 0, "0x20000": 0}


def test_two_places_that_fit_are_not_guessed_between(tmp_path: Path) -> None:
    ids = NativeIds(freeze_process(tmp_path, 40, threads=(40, 41)))
    write_memory(tmp_path, 40, {0x10000 + GLIBC: 40, 0x10000 + 0xD0: 41})
    assert ids.resolve(["0x10000"]) == {"0x10000": 0}


def test_without_permission_to_its_memory_the_ids_are_unknown(tmp_path: Path) -> None:
    ids = NativeIds(freeze_process(tmp_path, 40))
    assert ids.resolve(["0x10000"]) == {"0x10000": 0}


def test_ids_of_a_foreign_namespace_become_ours(tmp_path: Path) -> None:
    ids = NativeIds(freeze_process(tmp_path, 40, threads=(40, 41), inner={40: 1, 41: 2}))
    assert ids.is_foreign_namespace()
    assert ids.resolve(["1", "2", "40"]) == {"1": 40, "2": 41, "40": 0}


def test_a_process_that_has_ended_keeps_the_ids_that_were_found(tmp_path: Path) -> None:
    view = freeze_process(tmp_path / "proc", 40, threads=(40, 41))
    ids = NativeIds(view)
    ids.resolve(["40", "41"])
    (tmp_path / "proc").rename(tmp_path / "gone")
    assert ids.resolve(["41", "77"]) == {"41": 41, "77": 0}
