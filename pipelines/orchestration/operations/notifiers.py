"""Notifiers: deliver alerts to the addresses in ALERT_URLS with apprise.

No address is shown in full: it may contain a password or token anywhere.
"""

import hashlib
import logging
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote, urlsplit

from pipelines.config.env_validation import SHORTEST_SECRET, misconfigured
from pipelines.failures import PermanentFailure, printable, redact

MAX_REASON_CHARACTERS = 200
NO_ANSWER = "it did not answer in time"


@dataclass(frozen=True)
class Message:
    """A plain-text message to send."""

    title: str
    text: str
    kind: Literal["info", "success", "warning", "failure"]


@dataclass(frozen=True)
class Receiver:
    """An alert receiver: `digest` identifies, `address` displays it; `send` returns any error."""

    digest: str
    address: str
    send: Callable[[Message], str | None] = field(repr=False)


def receivers_of(urls: Sequence[str]) -> tuple[list[Receiver], PermanentFailure | None]:
    """Return a receiver for each distinct address, and the problem with ALERT_URLS, if any."""
    receivers, rejected = [], []
    for number, url in enumerate(dict.fromkeys(urls), start=1):
        if receiver := _receiver(url):
            receivers.append(receiver)
        else:
            rejected.append(f"entry {number}")
    failure = misconfigured(
        f"apprise does not understand ALERT_URLS: {'; '.join(rejected)}",
        "Write addresses as https://github.com/caronc/apprise/wiki has them, with spaces between;"
        " isobar alerts test tries them.",
    )
    return receivers, failure if rejected else None


def check_urls(urls: Sequence[str]) -> list[Receiver]:
    """Return a receiver for each address. Raises `PermanentFailure` if apprise rejects one."""
    receivers, failure = receivers_of(urls)
    if failure:
        raise failure
    return receivers


def deliver(messages: Mapping[Receiver, Message], seconds: float) -> dict[Receiver, str | None]:
    """Send each receiver its message; return why one did not accept it, or None.

    Receivers are served concurrently. What is not accepted within `seconds` counts as undelivered.
    """
    reasons: dict[Receiver, str | None] = dict.fromkeys(messages, NO_ANSWER)
    deadline = time.monotonic() + seconds

    def send_to(receiver: Receiver) -> None:
        reasons[receiver] = receiver.send(messages[receiver])

    threads = [threading.Thread(target=send_to, args=(one,), daemon=True) for one in messages]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return {**reasons}


def _receiver(url: str) -> Receiver | None:
    import apprise

    logging.getLogger(apprise.logger.name).propagate = False  # it would log addresses
    plugin = apprise.Apprise.instantiate(url)
    if plugin is None:
        return None
    if "overflow=" not in url:
        plugin.overflow_mode = apprise.OverflowMode.SPLIT  # else long messages may be rejected
    masked = plugin.url(privacy=True)  # type: ignore[no-untyped-call]
    address = f"{masked.partition('://')[0]}://{urlsplit(masked).netloc.rpartition('@')[2]}"
    secrets = [
        part
        for part in re.split(r"[/:@?&=+,;#]+", f"{url}/{unquote(url)}")
        if len(part) >= SHORTEST_SECRET and part not in address
    ]
    service = apprise.Apprise()
    service.add(plugin)

    def send(message: Message) -> str | None:
        result = service.notify(
            body=message.text,
            title=message.title,
            notify_type=apprise.NotifyType(message.kind),
            body_format=apprise.NotifyFormat.TEXT,
        )
        if result:
            return None
        logged = "; ".join(dict.fromkeys(entry.message for entry in result.logs()))
        reason = redact(printable(logged), secrets) or "it was not accepted"
        return reason[:MAX_REASON_CHARACTERS]

    return Receiver(hashlib.sha256(url.encode()).hexdigest()[:12], address, send)
