"""Records of perf events are parsed as the kernel writes them; what cannot be is passed over."""

from __future__ import annotations

import struct

from hypothesis import given, settings
from hypothesis import strategies as st

from razorprof.profilers.perf_events import CpuSample, parse_records

USER = (1 << 64) - 512  # PERF_CONTEXT_USER


def record(kind: int, body: bytes) -> bytes:
    return struct.pack("<IHH", kind, 2, 8 + len(body)) + body


def sample(thread: int, *chain: int, ip: int = 0x10) -> bytes:
    return record(9, struct.pack("<QIIQQ", ip, 1, thread, 5, len(chain)) + struct.pack(f"<{len(chain)}Q", *chain))


def test_chains_come_innermost_first_and_without_the_kernels_markers() -> None:
    samples, lost = parse_records(sample(7, USER, 0x401000, 0x402000) + sample(8, USER, 0x403000))
    assert samples == [CpuSample(7, (0x401000, 0x402000)), CpuSample(8, (0x403000,))]
    assert lost == 0


def test_a_sample_without_a_chain_has_the_address_that_ran() -> None:
    samples, _ = parse_records(sample(7, USER, ip=0x404000))
    assert samples == [CpuSample(7, (0x404000,))]


def test_lost_samples_are_counted_and_other_records_passed_over() -> None:
    content = record(2, struct.pack("<QQ", 1, 12)) + record(5, bytes(32)) + sample(7, 0x1) + record(2, bytes(4))
    samples, lost = parse_records(content)
    assert len(samples) == 1
    assert lost == 12


def test_a_record_that_claims_more_than_there_is_ends_the_reading() -> None:
    whole = sample(7, 0x1, 0x2)
    assert parse_records(whole[:-8]) == ([], 0)
    assert parse_records(struct.pack("<IHH", 9, 0, 0) + whole) == ([], 0)
    claimed = bytearray(whole)
    claimed[8 + 24 : 8 + 32] = struct.pack("<Q", 1 << 40)
    assert parse_records(bytes(claimed)) == ([CpuSample(7, (0x1, 0x2))], 0)


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_parsed_without_a_crash(content: bytes) -> None:
    samples, lost = parse_records(content)
    assert all(one.chain for one in samples)
    assert lost >= 0
