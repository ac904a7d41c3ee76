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
#: How long the thread of a message waits for a part of the answer.
READ_SECONDS = 600.0
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


class Sending:
    """A message on its way to a receiver, and the thread that waits for the answer."""

    def __init__(self, receiver: Receiver, message: Message) -> None:
        #: Why the receiver did not accept it, or None.
        self.reason: str | None = NO_ANSWER
        self._begun = time.monotonic()
        self._thread = threading.Thread(target=self._send, args=(receiver, message), daemon=True)
        self._thread.start()

    def _send(self, receiver: Receiver, message: Message) -> None:
        self.reason = receiver.send(message)

    @property
    def seconds(self) -> float:
        """How long ago it was begun."""
        return time.monotonic() - self._begun

    @property
    def is_over(self) -> bool:
        """Whether there is an answer, or a reason why there will be none."""
        return not self._thread.is_alive()

    def wait(self, seconds: float) -> None:
        """Wait until so many seconds after its beginning."""
        self._thread.join(max(0.0, seconds - self.seconds))


def deliver(messages: Mapping[Receiver, Message], seconds: float) -> dict[Receiver, Sending]:
    """Send each receiver its message, concurrently, and wait for their answers until `seconds`."""
    sent = {receiver: Sending(receiver, message) for receiver, message in messages.items()}
    for one in sent.values():
        one.wait(seconds)
    return sent


def _receiver(url: str) -> Receiver | None:
    import apprise

    logging.getLogger(apprise.logger.name).propagate = False  # it would log addresses
    plugin = apprise.Apprise.instantiate(url)
    if plugin is None:
        return None
    # By default four: who answers later has the message, and would get it again.
    plugin.socket_read_timeout = READ_SECONDS
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
