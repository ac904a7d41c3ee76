"""Commands for alerts: send a test message to each receiver."""

import os
import sys

import click

from pipelines.config import alert_urls, ui_url
from pipelines.config.env_validation import misconfigured

TEST_SECONDS = 30.0


@click.group()
def alerts() -> None:
    """Notify people of problems (docs/operations.md, Alerts)."""


@alerts.command()
def test() -> None:
    """Send a test message to each address in ALERT_URLS, and show which ones accepted it.

    Exits with 1 if one did not.
    """
    from pipelines.orchestration.operations.notifiers import Message, check_urls, deliver

    urls = alert_urls()
    if not urls:
        raise misconfigured(
            "ALERT_URLS is not set, so nobody is notified of problems",
            "Set it to addresses of apprise (https://github.com/caronc/apprise/wiki), such as"
            " mailto://user:password@example.org or slack://A/B/C, separated by spaces.",
        )
    text = f"This is how alerts from Isobar look.\n  page: {ui_url() or 'ISOBAR_UI_URL unset'}"
    message = Message("Isobar: a test", text, "info")
    sent = deliver(dict.fromkeys(check_urls(urls), message), TEST_SECONDS)
    reasons = {receiver: sending.reason for receiver, sending in sent.items()}
    for receiver, reason in reasons.items():
        words = "accepted" if reason is None else f"not accepted: {reason}"
        click.echo(f"{receiver.address}: {words}")
    sys.stdout.flush()
    # Without waiting for a slow receiver, which may still block.
    os._exit(any(reason is not None for reason in reasons.values()))
