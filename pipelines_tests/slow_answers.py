"""An answer of a `FakeSource` that takes long."""

import time
from http.server import BaseHTTPRequestHandler

from pipelines.testing.fake_source import Answer


def drip(content: bytes, seconds_a_byte: float) -> Answer:
    """Send the body byte by byte."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        for byte in content:
            try:
                handler.wfile.write(bytes([byte]))
            except OSError:
                return
            time.sleep(seconds_a_byte)

    return answer
