"""Descriptions of HTTP and socket errors in plain words and numbers."""

import re

from requests import Response
from requests.exceptions import ProxyError
from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

WORDS = {
    "Connection refused": "nothing listens there (connection refused)",
    "Name or service not known": "the host name is not known",
    "Temporary failure in name resolution": "the host name cannot be looked up",
    "IncompleteRead": "the response broke off before its end",
    "Connection aborted": "the connection was cut",
    "Connection reset": "the connection was cut",
    "Read timed out": "no response in time (read timed out)",
    "ConnectTimeout": "no connection in time (connect timed out)",
}


def retry_after(response: Response) -> float | None:
    """Return the seconds of a Retry-After header in either of its two forms (RFC 9110, 10.2.3)."""
    value = response.headers.get("Retry-After", "")
    try:
        return float(Retry(retry_after_max=10**9).parse_retry_after(value))
    except (InvalidHeader, ValueError, OverflowError):
        return None


def describe_error(error: Exception) -> str:
    """Return the innermost cause in plain words: requests wraps its errors several times."""
    text = str(error)
    by_proxy = isinstance(error, ProxyError)
    prefix = "the proxy does not pass the request on: " if by_proxy else ""
    if answered := re.search(r"Tunnel connection failed: ([^'\"]+)", text):
        return f"{prefix}it answered {answered[1]}"
    if untrusted := re.search(r"certificate verify failed: (.+?)\.? \(_ssl", text):
        return f"{prefix}its certificate is not trusted ({untrusted[1]})"
    for sign, words in WORDS.items():
        if sign in text or sign in repr(error):
            return f"{prefix}{words}"
    return text if type(error) is TimeoutError else f"{prefix}{type(error).__name__}: {text}"
