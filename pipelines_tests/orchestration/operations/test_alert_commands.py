"""`isobar alerts test`, and what else rejects wrong addresses."""

from pathlib import Path

import pytest

from pipelines.config import alert_urls
from pipelines.testing.fake_source import body
from pipelines_tests.command import isobar
from pipelines_tests.orchestration.operations.made_up import FakeReceiver


def secret(receiver: FakeReceiver) -> str:
    """The address of a receiver, with a password and a token."""
    return f"json://me:hunter2@127.0.0.1:{receiver.port}/t0kens"


def test_each_address_is_tried_and_shown_without_its_secrets(
    tmp_path: Path, receiver: FakeReceiver, other: FakeReceiver
) -> None:
    other.answer = body(b"hunter2", status=500)
    done = isobar(tmp_path, "alerts", "test", ALERT_URLS=f"{secret(receiver)},\n{secret(other)}")
    assert done.returncode == 1
    first, second = done.stdout.splitlines()
    assert first == f"json://127.0.0.1:{receiver.port}: accepted"
    assert second.startswith(f"json://127.0.0.1:{other.port}: not accepted: Failed to send JSON")
    assert "500" in second
    assert done.stderr == ""
    assert "hunter2" not in done.stdout
    assert receiver.titles == other.titles == ["Isobar: a test"]
    done = isobar(tmp_path, "alerts", "test", ALERT_URLS=secret(receiver))
    assert (done.returncode, done.stderr) == (0, "")


def test_missing_addresses_are_reported_with_how_to_set_them(tmp_path: Path) -> None:
    done = isobar(tmp_path, "alerts", "test", ALERT_URLS=" ")
    assert (done.returncode, done.stdout) == (1, "")
    assert "ALERT_URLS is not set, so nobody is notified of problems" in done.stderr
    assert "what to do: Set it to" in done.stderr


@pytest.mark.parametrize("command", [("alerts", "test"), ("ui",)])
def test_an_address_unknown_to_apprise_is_rejected_by_position(
    state: Path, receiver: FakeReceiver, command: tuple[str, ...]
) -> None:
    urls = f"{receiver.url} jsn://me:hunter2@example.org/ hunter2"
    done = isobar(state, *command, ALERT_URLS=urls)
    assert done.returncode == 1
    assert "ALERT_URLS: entry 2; entry 3" in done.stderr
    assert "what to do: Write addresses as https://" in done.stderr
    assert "hunter2" not in done.stdout + done.stderr
    assert receiver.messages == []


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (" ,\n", []),
        ("json://a/, mailto://b?to=x@y,z@y", ["json://a/", "mailto://b?to=x@y,z@y"]),
        ("json://a/;json://b/\n c://d\t junk", ["json://a/", "json://b/", "c://d", "junk"]),
    ],
)
def test_addresses_may_be_separated_as_they_come(written: str, meant: list[str]) -> None:
    assert alert_urls({"ALERT_URLS": written}) == meant
