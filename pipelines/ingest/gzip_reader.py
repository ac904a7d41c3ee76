"""Files that are packed with gzip, read as they unpack: in little memory, and not without end."""

import gzip
import io
import zlib
from typing import BinaryIO

from pipelines.failures import PermanentFailure

GZIP_MARK = b"\x1f\x8b"
MAX_TIMES = 100
"""Text packs to a tenth or so; what unpacks to more than this is made to fill a disk."""
ALWAYS_BYTES = 64 * 1024 * 1024


def unpacked(file: BinaryIO, *, source: str, name: str, byte_count: int) -> BinaryIO:
    """What is in a file, from its beginning: unpacked if gzip packed it, else as it is.

    Reading it raises `PermanentFailure` when it is damaged, cut off or unpacks to absurd sizes.
    """
    file.seek(0)
    mark = file.read(len(GZIP_MARK))
    file.seek(0)
    if mark != GZIP_MARK:
        return file
    most = max(ALWAYS_BYTES, MAX_TIMES * byte_count)
    return io.BufferedReader(_Unpacking(file, most, source, name), buffer_size=1 << 20)


class _Unpacking(io.RawIOBase):
    """The unpacked bytes, counted; trouble as one of our failures."""

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
                f"it does not unpack: {error}", "Pack it again with gzip, and send it whole."
            ) from error
        self._read += len(content)
        if self._read > self._most:
            raise self._failure(
                f"it unpacks to more than {self._most:,} bytes, which no such file does",
                "See whether it is a file of this source at all.",
            )
        view[: len(content)] = content
        return len(content)

    def _failure(self, problem: str, remedy: str) -> PermanentFailure:
        return PermanentFailure(self._source, problem, place=self._name, remedy=remedy)
