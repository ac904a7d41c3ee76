"""Files that gzip packed: the same text as unpacked, and a clear word for those that are not."""

import gzip
import random
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from pipelines.failures import PermanentFailure
from pipelines.ingest import gzip_reader
from pipelines.ingest.csv_files import CsvFile
from pipelines.ingest.gzip_reader import MAX_TIMES, unpacked
from pipelines_tests.ingest.one_by_one import records

NAME = "trains.csv.gz"
TEXT = b"a,b,c\n" + b"".join(b"%d,%d,x\n" % (n, n * n % 9973) for n in range(20_000))
PACKED = gzip.compress(TEXT)
NOISE = random.Random(1).randbytes(50_000)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / NAME


def content_of(path: Path) -> bytes:
    with path.open("rb") as file:
        size = path.stat().st_size
        return unpacked(file, source="trains", name=NAME, byte_count=size).read()


def fields_of(path: Path) -> list[list[str] | None]:
    with path.open("rb") as file:
        size = path.stat().st_size
        csv_file = CsvFile(
            unpacked(file, source="trains", name=NAME, byte_count=size),
            source="trains",
            name=NAME,
            promised=("a", "b", "c"),
            encoding="utf-8",
            variable="TRAINS_ENCODING",
        )
        return [record.fields for record in records(csv_file)]


def test_files_packed_one_after_the_other_are_one(path: Path) -> None:
    """`cat day1.gz day2.gz`, and what writes in pieces: a reader that stops at the first lost 3."""
    cuts = [0, 6, 6, 70_000, len(TEXT)]
    members = [gzip.compress(TEXT[a:b]) for a, b in pairwise(cuts)]
    path.write_bytes(b"".join(members))
    assert content_of(path) == TEXT
    assert len(fields_of(path)) == 20_000


@pytest.mark.parametrize(
    "kept", [2, 3, 9, 10, 11, 0.1, 0.5, 0.9, -9, -8, -4, -1], ids=lambda kept: f"kept {kept}"
)
@pytest.mark.parametrize("is_second", [False, True], ids=["the first", "the second"])
def test_a_truncated_file_is_rejected(path: Path, kept: float, is_second: bool) -> None:
    count = int(kept * len(PACKED)) if isinstance(kept, float) else kept
    path.write_bytes(PACKED * is_second + PACKED[:count])
    with pytest.raises(PermanentFailure, match="it cannot be decompressed") as caught:
        content_of(path)
    assert caught.value.source == "trains"
    assert caught.value.place == NAME
    assert "send the complete file" in caught.value.remedy


def flipped(content: bytes, position: int) -> bytes:
    changed = bytearray(content)
    changed[position] ^= 0xFF
    return bytes(changed)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda packed: flipped(packed, 2), id="an unknown method"),
        pytest.param(lambda packed: flipped(packed, 10), id="the first byte of the data"),
        pytest.param(lambda packed: flipped(packed, len(packed) // 2), id="the middle"),
        pytest.param(lambda packed: flipped(packed, len(packed) - 8), id="the checksum"),
        pytest.param(lambda packed: flipped(packed, len(packed) - 1), id="the length"),
        pytest.param(lambda packed: packed[:10] + NOISE, id="noise behind a good header"),
        pytest.param(lambda packed: packed + b"a,b,c\n", id="plain text behind the end"),
        pytest.param(lambda packed: packed + flipped(packed, 900), id="the second of two"),
        pytest.param(lambda packed: b"\x1f\x8b\n" + TEXT, id="a text with the mark of gzip"),
    ],
)
def test_a_damaged_file_is_rejected(path: Path, damage: Callable[[bytes], bytes]) -> None:
    path.write_bytes(damage(PACKED))
    with pytest.raises(PermanentFailure, match="it cannot be decompressed: ") as caught:
        content_of(path)
    assert caught.value.place == NAME


def test_a_decompression_bomb_is_rejected_early(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gzip_reader, "ALWAYS_BYTES", 1_000)
    path.write_bytes(gzip.compress(bytes(20_000_000)))
    most = MAX_TIMES * path.stat().st_size
    assert most < 3_000_000
    count = 0
    with path.open("rb") as file:
        bomb = unpacked(file, source="trains", name=NAME, byte_count=path.stat().st_size)
        with pytest.raises(
            PermanentFailure, match=f"decompresses to more than {most:,} bytes"
        ) as caught:
            while content := bomb.read(10_000):
                count += len(content)
    assert count <= most
    assert caught.value.source == "trains"
    assert caught.value.place == NAME
    assert caught.value.remedy == "Check that it is a file of this source."


def test_a_bomb_in_several_pieces_is_one(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gzip_reader, "ALWAYS_BYTES", 1_000)
    path.write_bytes(gzip.compress(bytes(100_000)) * 20)
    with pytest.raises(PermanentFailure, match="decompresses to more than"):
        content_of(path)
