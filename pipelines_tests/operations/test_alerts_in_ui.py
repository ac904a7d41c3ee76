"""Alerts of a real `isobar ui`: daemon, code server and web server, told over HTTP."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from pipelines_tests.command import begin
from pipelines_tests.operations.made_up import FakeReceiver, until
from pipelines_tests.test_ui import Ui, launch

PATIENCE_SECONDS = 120.0
"""A look every five seconds, on a busy machine."""


@pytest.fixture
def ui(state: Path, receiver: FakeReceiver) -> Iterator[Ui]:
    (state / "schedules.toml").write_text("[sensors.alerts]\nevery_seconds = 5\n")
    process = begin(state, "ui", ALERT_URLS=receiver.url)
    assert process.stdout is not None
    words = next(line for line in process.stdout if "UI is at" in line)
    yield Ui(words.split(" is at ")[1].split()[0], state, process)
    process.terminate()
    process.communicate(timeout=300)


def told(receiver: FakeReceiver, *words: str) -> str:
    """The first message that has all of the words, once it came."""

    def first() -> str:
        texts = [f"{one['title']}\n{one['message']}" for one in receiver.messages]
        return next((text for text in texts if all(word in text for word in words)), "")

    return str(until(first, PATIENCE_SECONDS))


def test_a_failed_run_is_told_with_a_link_that_answers_and_so_is_the_next_that_goes_well(
    ui: Ui, receiver: FakeReceiver
) -> None:
    launch(ui, "2026-11-02")  # of which there is no snapshot
    text = told(receiver, "job flights", "there is no snapshot of 2026-11-02")
    links = re.findall(rf"{re.escape(ui.url)}/runs/\S+", text)
    assert links, text
    assert requests.get(links[0], timeout=10).status_code == 200
    run_id = links[0].rpartition("/")[2]
    query = "query($id: ID!) { runOrError(runId: $id) { ... on Run { status jobName } } }"
    assert ui.ask(query, id=run_id)["runOrError"] == {"status": "FAILURE", "jobName": "flights"}
    assert launch(ui, time.strftime("%Y-%m-%d", time.gmtime()))["status"] == "SUCCESS"
    told(receiver, "over: job flights")
