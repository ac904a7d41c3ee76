"""Stream gzip files: decompress while reading, with little memory and a size limit."""

import gzip
import io
import zlib
from typing import Any, BinaryIO

from pipelines.failures import PermanentFailure
from pipelines.ingest.feeds import Content

GZIP_MARK = b"\x1f\x8b"
#: Text compresses to about a tenth; a file that expands more than this is a decompression bomb.
MAX_TIMES = 100
ALWAYS_BYTES = 64 * 1024 * 1024


def unpacked(content: Content, source: str) -> BinaryIO:
    """Return the file of a delivery from its beginning, decompressed if it is gzip.

    Reading it raises `PermanentFailure` if the file is damaged or truncated, or decompresses to an
    absurd size.
    """
    file, delivery = content.file, content.delivery
    assert file is not None
    file.seek(0)
    mark = file.read(len(GZIP_MARK))
    file.seek(0)
    if mark != GZIP_MARK:
        return file
    limit = max(ALWAYS_BYTES, MAX_TIMES * delivery.byte_count)
    unpacking: Any = _Unpacking(file, limit, source, delivery.name)
    return io.BufferedReader(unpacking, buffer_size=1 << 20)


class _Unpacking(gzip.GzipFile):
    """The decompressed bytes; errors, and too many, are raised as our failures."""

    def __init__(self, file: BinaryIO, most: int, source: str, sent_as: str) -> None:
        super().__init__(fileobj=file, mode="rb")
        self._most, self._source, self._sent_as = most, source, sent_as

    def readinto(self, buffer: Any) -> int:
        try:
            count = super().readinto(buffer)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise self._failure(
                f"it cannot be decompressed: {error}",
                "Compress it again with gzip and send the complete file.",
            ) from error
        if self.tell() > self._most:
            raise self._failure(
                f"it decompresses to more than {self._most:,} bytes, the limit for such a file",
                "Check that it is a file of this source.",
            )
        return count

    def _failure(self, problem: str, remedy: str) -> PermanentFailure:
        return PermanentFailure(
            self._source, f"{problem}. Nothing was written", place=self._sent_as, remedy=remedy
        )
