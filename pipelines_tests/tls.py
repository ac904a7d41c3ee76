"""TLS as a company has it: an authority of its own, certificates, and a server that speaks TLS.

The built-in PostgreSQL is built without TLS. What stands before it here answers a client's request
for TLS as PostgreSQL does, and passes on what is inside.
"""

import asyncio
import os
import shutil
import ssl
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

SSL_REQUEST = struct.pack("!ii", 8, 80877103)
MISSING = "there is no openssl on the PATH; on Debian: apt install openssl"


@dataclass(frozen=True)
class Certificate:
    file: Path
    key: Path

    @property
    def context(self) -> ssl.SSLContext:
        """What a server needs to show it."""
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(self.file, self.key)
        return made


def authority(folder: Path, name: str) -> Certificate:
    """An authority that is its own root, with what Python 3.13 demands of one (RFC 5280)."""
    made = Certificate(folder / f"{name}.crt", folder / f"{name}.key")
    _openssl("-subj", f"/CN={name}", "-addext", "keyUsage=keyCertSign", *_outputs(made))
    return made


def certificate(folder: Path, host: str, by: Certificate) -> Certificate:
    """A server's certificate for a host name."""
    made = Certificate(folder / f"{host}.crt", folder / f"{host}.key")
    extensions = ("-addext", f"subjectAltName=DNS:{host}", "-addext", "basicConstraints=CA:FALSE")
    signed = ("-CA", str(by.file), "-CAkey", str(by.key))
    _openssl("-subj", f"/CN={host}", *extensions, *signed, *_outputs(made))
    return made


@contextmanager
def server(upstream_port: int, shown: Certificate) -> Iterator[int]:
    """The port of a server that accepts TLS only, in front of the PostgreSQL on `upstream_port`."""
    context = shown.context

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            if await reader.readexactly(len(SSL_REQUEST)) == SSL_REQUEST:
                writer.write(b"S")
                await writer.drain()
                await writer.start_tls(context)
                there = await asyncio.open_connection("127.0.0.1", upstream_port)
                await asyncio.gather(_pass_on(reader, there[1]), _pass_on(there[0], writer))
        writer.close()

    loop = asyncio.new_event_loop()
    listening = loop.run_until_complete(asyncio.start_server(serve, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(_end(listening), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while some := await reader.read(65536):
            writer.write(some)
            await writer.drain()
    writer.close()


async def _end(listening: asyncio.Server) -> None:
    listening.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def _outputs(made: Certificate) -> list[str]:
    return ["-keyout", str(made.key), "-out", str(made.file)]


def _openssl(*words: str) -> None:
    """Make a key and a certificate; without the program the test is skipped, but fails in CI."""
    program = shutil.which("openssl")
    if program is None and os.environ.get("CI") == "true":
        pytest.fail(MISSING)
    if program is None:
        pytest.skip(MISSING)
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", "2"]
    subprocess.run([program, "req", "-x509", *kind, *words], capture_output=True, check=True)
