"""Stream gzip files: decompress while reading, with little memory and a size limit."""

import gzip
import io
import zlib
from typing import BinaryIO

from pipelines.failures import PermanentFailure
from pipelines.ingest.feeds import Content

GZIP_MARK = b"\x1f\x8b"
#: Text compresses to about a tenth; a file that expands more than this is a decompression bomb.
MAX_TIMES = 100
ALWAYS_BYTES = 64 * 1024 * 1024


def unpacked(content: Content, source: str) -> BinaryIO:
    """Return the file of a delivery from its beginning, decompressed if it is gzip.

    Reading it raises `PermanentFailure` if it is damaged, truncated or of an absurd size.
    """
    file, delivery = content.file, content.delivery
    assert file is not None
    file.seek(0)
    mark = file.read(len(GZIP_MARK))
    file.seek(0)
    if mark != GZIP_MARK:
        return file
    limit = max(ALWAYS_BYTES, MAX_TIMES * delivery.byte_count)
    return io.BufferedReader(_Unpacking(file, limit, source, delivery.name), buffer_size=1 << 20)


class _Unpacking(io.RawIOBase):
    """The decompressed bytes, counted; errors are raised as our failures."""

    def __init__(self, file: BinaryIO, most: int, source: str, name: str) -> None:
        self._packed = gzip.GzipFile(fileobj=file, mode="rb")
        self._most, self._read = most, 0
        self._source, self._name = source, name

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]  # any writable buffer
        try:
            content = self._packed.read(len(view))
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise self._failure(
                f"it cannot be decompressed: {error}",
                "Compress it again with gzip and send the complete file.",
            ) from error
        self._read += len(content)
        if self._read > self._most:
            raise self._failure(
                f"it decompresses to more than {self._most:,} bytes, the limit for such a file",
                "Check that it is a file of this source.",
            )
        view[: len(content)] = content
        return len(content)

    def _failure(self, problem: str, remedy: str) -> PermanentFailure:
        return PermanentFailure(
            self._source, f"{problem}. Nothing was written", place=self._name, remedy=remedy
        )
