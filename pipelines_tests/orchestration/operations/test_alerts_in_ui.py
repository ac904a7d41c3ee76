"""Alerts of a real `isobar ui`: daemon, code server and web server, received over HTTP."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from pipelines.testing.fake_source import FakeSource, body, document
from pipelines_tests.orchestration.operations.made_up import FakeReceiver, until
from pipelines_tests.served_ui import RUN, Ui, start
from pipelines_tests.sources.flights.made_up import flights_document

#: A look every minute, on a busy machine.
PATIENCE_SECONDS = 300.0


@pytest.fixture
def ui(state: Path, receiver: FakeReceiver, source: FakeSource) -> Iterator[Ui]:
    source.will(body(b"go away", 403))
    missing = str(state / "parcels")
    serving = start(state, ALERT_URLS=receiver.url, FLIGHTS_URL=source.url, SHIPMENTS_INBOX=missing)
    yield serving
    serving.stop()


def received(receiver: FakeReceiver, *words: str) -> str:
    """Wait for the first message with all of the words, and return it."""

    def first() -> str:
        texts = [f"{one['title']}\n{one['message']}" for one in receiver.messages]
        return next((text for text in texts if all(word in text for word in words)), "")

    return str(until(first, PATIENCE_SECONDS))


def test_failures_and_recoveries_are_notified_with_working_links(
    ui: Ui, receiver: FakeReceiver, source: FakeSource, state: Path
) -> None:
    assert ui.run("flights") == "FAILURE"
    text = received(receiver, "job flights", "403 Forbidden")
    links = re.findall(rf"{re.escape(ui.url)}/runs/\S+", text)
    assert links, text
    assert requests.get(links[0], timeout=10).status_code == 200
    run_id = links[0].rpartition("/")[2]
    linked = ui.query(RUN, id=run_id)["runOrError"]
    assert (linked["jobName"], linked["status"]) == ("flights", "FAILURE")
    source.will(document(flights_document()))
    assert ui.run("flights") == "SUCCESS"
    received(receiver, "job flights: over")

    received(receiver, "sensor shipments_inbox: ", "the inbox cannot be read")
    (state / "parcels").mkdir()
    received(receiver, "sensor shipments_inbox: over")
