"""Descriptions of HTTP and socket errors in plain words and numbers."""

import math
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from requests import Response
from requests.exceptions import ProxyError
from requests.utils import get_environ_proxies, select_proxy


def retry_after(response: Response) -> float | None:
    """Return the seconds of a Retry-After header in either of its two forms (RFC 9110, 10.2.3)."""
    value = response.headers.get("Retry-After", "").strip()
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError, OverflowError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def describe_error(error: Exception) -> str:
    """Return the innermost cause in plain words: requests wraps its errors several times."""
    if isinstance(error, ProxyError):
        url = str(error.request.url) if error.request else ""
        proxy = select_proxy(url, get_environ_proxies(url, None))
        return f"the proxy {proxy} does not pass the request on: {_innermost(error)}"
    return _innermost(error)


def _innermost(error: Exception) -> str:
    text = str(error)
    if answered := re.search(r"Tunnel connection failed: ([^'\"]+)", text):
        return f"it answered {answered[1]}"
    if untrusted := re.search(r"certificate verify failed: (.+?)\.? \(_ssl", text):
        return f"its certificate is not trusted ({untrusted[1]})"
    for sign, words in (
        ("Connection refused", "nothing listens there (connection refused)"),
        ("Name or service not known", "the host name is not known"),
        ("Temporary failure in name resolution", "the host name cannot be looked up"),
        ("IncompleteRead", "the response broke off before its end"),
        ("Connection aborted", "the connection was cut"),
        ("Connection reset", "the connection was cut"),
        ("Read timed out", "no response in time (read timed out)"),
        ("ConnectTimeout", "no connection in time (connect timed out)"),
    ):
        if sign in text or sign in repr(error):
            return words
    return text if type(error) is TimeoutError else f"{type(error).__name__}: {text}"
