"""Files that gzip packed: the same text as unpacked, and a clear word for those that are not."""

import datetime as dt
import gzip
import io
import random
from itertools import pairwise

import pytest

from pipelines.failures import PermanentFailure
from pipelines.ingest import gzip_reader
from pipelines.ingest.deliveries import Delivery
from pipelines.ingest.feeds import Content
from pipelines.ingest.gzip_reader import MAX_TIMES, unpacked

NAME = "trains.csv.gz"
TEXT = b"a,b,c\n" + b"".join(b"%d,%d,x\n" % (n, n * n % 9973) for n in range(20_000))
PACKED = gzip.compress(TEXT)
NOISE = random.Random(1).randbytes(50_000)


def packed_file(packed: bytes) -> Content:
    delivery = Delivery("trains", NAME, "", len(packed), dt.datetime.now(dt.UTC))
    return Content(delivery=delivery, file=io.BytesIO(packed))


def test_files_packed_one_after_the_other_are_one() -> None:
    """`cat day1.gz day2.gz`, and what writes in pieces: a reader that stops at the first lost 3."""
    cuts = [0, 6, 6, 70_000, len(TEXT)]
    members = [gzip.compress(TEXT[a:b]) for a, b in pairwise(cuts)]
    assert unpacked(packed_file(b"".join(members)), "trains").read() == TEXT


def flipped(content: bytes, position: int) -> bytes:
    changed = bytearray(content)
    changed[position] ^= 0xFF
    return bytes(changed)


DAMAGED = {
    **{f"kept {count}": PACKED[:count] for count in (2, 10, len(PACKED) // 2)},
    **{f"cut {count}": PACKED[:-count] for count in (8, 1)},
    "the second of two is cut": PACKED + PACKED[:-4],
    "an unknown method": flipped(PACKED, 2),
    "the middle": flipped(PACKED, len(PACKED) // 2),
    "the checksum": flipped(PACKED, -8),
    "the length": flipped(PACKED, -1),
    "noise behind a good header": PACKED[:10] + NOISE,
    "plain text behind the end": PACKED + b"a,b,c\n",
    "a text with the mark of gzip": b"\x1f\x8b\n" + TEXT,
}


@pytest.mark.parametrize("packed", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_truncated_or_damaged_file_is_rejected(packed: bytes) -> None:
    with pytest.raises(PermanentFailure, match="it cannot be decompressed: ") as caught:
        unpacked(packed_file(packed), "trains").read()
    assert (caught.value.source, caught.value.place) == ("trains", NAME)
    assert "send the complete file" in caught.value.remedy


@pytest.mark.parametrize("pieces", [1, 20])
def test_a_decompression_bomb_is_rejected_early(
    monkeypatch: pytest.MonkeyPatch, pieces: int
) -> None:
    monkeypatch.setattr(gzip_reader, "ALWAYS_BYTES", 1_000)
    packed = gzip.compress(bytes(20_000_000 // pieces)) * pieces
    most, count = MAX_TIMES * len(packed), 0
    assert most < 3_000_000
    bomb = unpacked(packed_file(packed), "trains")
    with pytest.raises(PermanentFailure, match=f"to more than {most:,} bytes") as caught:
        while content := bomb.read(10_000):
            count += len(content)
    assert count <= most
    assert caught.value.remedy == "Check that it is a file of this source."
