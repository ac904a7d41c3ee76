"""Alerts: recipients, times and repetition, with the real sensor and receivers over HTTP."""

import datetime as dt
import json
import re
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

import dagster as dg
import psycopg
import pytest

from pipelines.orchestration.operations import alerts, problems
from pipelines.orchestration.resources import WarehouseResource
from pipelines.postgres.roles import LOADER
from pipelines.postgres.server import Connections
from pipelines.testing.fake_source import Answer, body
from pipelines.warehouse.last_look import Problem
from pipelines_tests.orchestration.operations.made_up import OURS, FakeReceiver, World, until
from pipelines_tests.slow_answers import drip

pytestmark = pytest.mark.filterwarnings(
    "ignore:'imghdr' is deprecated:DeprecationWarning"  # apprise's, on its loading
)
MANY = ("a", "b", "c", "d", "e", "f")
Wait = Callable[[float], None]


def late(seconds: float, status: int = 200) -> Answer:
    """Take a message, and answer after some time."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(seconds)
        body(b"at last", status=status)(handler)

    return answer


def unanswered() -> bool:
    return any(not one.sending.is_over for one in alerts.UNANSWERED.values())


@pytest.fixture(autouse=True)
def variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALERT_URLS", raising=False)
    monkeypatch.setenv("ISOBAR_UI_URL", "http://isobar.example/")
    monkeypatch.setattr(alerts, "UNANSWERED", {})


@pytest.fixture
def world(instance: dg.DagsterInstance, server: Connections, database: str) -> World:
    return World(instance, server.url(LOADER, database))


@pytest.fixture
def receiver(receiver: FakeReceiver, monkeypatch: pytest.MonkeyPatch) -> FakeReceiver:
    """The only receiver, unless a test sets others."""
    monkeypatch.setenv("ALERT_URLS", receiver.url)
    return receiver


@pytest.fixture
def to(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Set the receivers."""
    return lambda *urls: monkeypatch.setenv("ALERT_URLS", " ".join(urls))


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Wait:
    """Lets time pass, as the sensor sees it."""
    passed = dt.timedelta()

    def later(seconds: float) -> None:
        nonlocal passed
        passed += dt.timedelta(seconds=seconds)

    monkeypatch.setattr(alerts, "utc_now", lambda: dt.datetime.now(dt.UTC) + passed)
    return later


def test_a_failed_run_and_its_recovery_are_notified_once(
    world: World, owner: psycopg.Connection, receiver: FakeReceiver, wait: Wait
) -> None:
    said, cursor = world.look()
    assert (said, receiver.messages) == ("No problem.", [])
    run_id = world.execute("flights", OURS)
    said, cursor = world.look(cursor)
    assert said == "1 problem, all reported."
    since = f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:}"
    head, date, tail = receiver.text.partition(since)
    place = "where: https://flights.example\n  what to do: Mend FLIGHTS_URL."
    assert head == f"job flights: flights: it answered 404\n  {place}\n  since: "
    assert (date, tail[2:]) == (since, f" UTC\n  page: http://isobar.example/runs/{run_id}")
    assert receiver.titles == ["Isobar: error: job flights"]
    assert receiver.messages[0]["type"] == "failure"
    query = "SELECT began_at FROM ops.problems"
    (since_then,) = owner.execute(query).fetchall()
    world.run("flights", OURS)
    for _ in range(3):
        wait(30)
        said, cursor = world.look(cursor)
    assert owner.execute(query).fetchall() == [since_then], "that of the first failure"
    assert (said, len(receiver.messages)) == ("1 problem, all reported.", 1)
    world.run("flights")
    wait(7200)
    said, cursor = world.look(cursor)
    assert said == "No problem."
    assert receiver.titles[1:] == ["Isobar: over: job flights"]
    assert receiver.messages[1]["message"].startswith("job flights: over, after 2 h\n")
    assert receiver.messages[1]["type"] == "success"
    world.look(cursor)
    assert len(receiver.messages) == 2


def test_what_a_look_found_is_a_row(world: World, owner: psycopg.Connection, wait: Wait) -> None:
    query = "SELECT problem, severity, source, subject FROM metrics.health"
    assert owner.execute("SELECT * FROM ops.last_look").fetchall() == []
    run_id = world.run("flights", OURS)
    world.check(passed=False)
    _, cursor = world.look()
    assert owner.execute(query).fetchall() == [
        ("run", "error", "flights", "flights"),
        ("check", "warning", "flights", "flights.legs:possible_times"),
    ]
    page = owner.execute("SELECT page FROM ops.problems WHERE severity = 'error'").fetchone()
    assert page == (f"/runs/{run_id}",)
    world.run("flights")
    world.check(passed=True)
    wait(60)
    _, cursor = world.look(cursor)
    assert owner.execute(query).fetchall() == []
    owner.execute("UPDATE ops.last_look SET looked_at = now() - interval '6 minutes'")
    (found,) = owner.execute(query).fetchall()
    assert found == ("status", "error", None, "look"), "nobody looks any more"


@pytest.mark.parametrize(
    "noted",
    [
        '[{"key": "run:x", "what": "It failed"}]',
        '[{"key": "run:x", "since": "yesterday"}]',
        '[{"since": "2026-11-01T00:00:00+00:00", "colour": "red"}]',
        '["run:x"]',
    ],
)
def test_a_look_of_another_version_does_not_stop_the_next(
    world: World, owner: psycopg.Connection, noted: str
) -> None:
    """Incident: each tick read what an older version had noted, failed, and noted nothing."""
    owner.execute(
        "INSERT INTO ops.last_look (number, looked_at, problems, is_by_daemon)"
        " VALUES (1, now(), %s, TRUE)",
        [noted],
    )
    world.stop()
    assert world.look()[0].startswith("1 problem, all reported.")
    keys = owner.execute("SELECT key FROM ops.problems").fetchall()
    assert keys == [("stopped:inbox",)]


def test_what_cannot_be_seen_without_the_warehouse_is_not_over(
    world: World, owner: psycopg.Connection, receiver: FakeReceiver
) -> None:
    owner.execute(
        "INSERT INTO ops.sources (source, checked_at, expected_within)"
        " VALUES ('flights', now() - interval '2 days', '1 day')"
    )
    _, cursor = world.look()
    assert receiver.titles == ["Isobar: error: source flights"]
    there, world.warehouse = world.warehouse, WarehouseResource(url="postgresql://no@127.0.0.1:9/x")
    said, cursor = world.look(cursor)
    assert said == "1 problem, all reported."
    assert "The database: " in receiver.messages[1]["message"]
    world.warehouse = there
    _, cursor = world.look(cursor)
    assert receiver.titles[2:] == ["Isobar: over: postgresql://no@127.0.0.1:9/x"]
    owner.execute("DELETE FROM ops.sources")
    world.look(cursor)
    assert receiver.titles[3:] == ["Isobar: over: source flights"]


def test_alerts_are_sent_while_the_warehouse_takes_no_writes(
    world: World, owner: psycopg.Connection, database: str, receiver: FakeReceiver
) -> None:
    owner.execute(f"ALTER DATABASE {database} SET default_transaction_read_only = on".encode())
    world.look()
    assert "the server is read-only" in receiver.text


def test_without_receivers_it_is_logged(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    world.stop()
    said, cursor = world.look()
    assert said == "1 problem, all reported. Only logged: ALERT_URLS is not set."
    assert "Isobar: warning: sensor inbox" in capfd.readouterr().err
    world.look(cursor)
    assert "sensor inbox" not in capfd.readouterr().err


def test_a_receiver_that_fails_neither_delays_nor_duplicates_other_deliveries(
    world: World, receiver: FakeReceiver, other: FakeReceiver, to: Any
) -> None:
    to(other.url, receiver.url)
    other.answer = body(b"", status=503)
    world.stop("a")
    _, cursor = world.look()
    world.stop("b")
    for _ in range(2):
        _, cursor = world.look(cursor)
    assert receiver.titles == ["Isobar: warning: sensor a", "Isobar: warning: sensor b"]
    other.answer = body(b"ok")
    other.messages.clear()
    world.resume("a")
    world.look(cursor)
    assert other.titles == ["Isobar: warning: sensor b"], "the other is over"
    assert receiver.titles[2:] == ["Isobar: over: sensor a"]


@pytest.mark.parametrize("answer", [lambda _: time.sleep(30), drip(b"x" * 100, 1.0)])
def test_a_hanging_receiver_blocks_neither_the_tick_nor_the_others(
    world: World,
    receiver: FakeReceiver,
    other: FakeReceiver,
    to: Any,
    monkeypatch: pytest.MonkeyPatch,
    answer: Any,
) -> None:
    monkeypatch.setattr(alerts, "SEND_SECONDS", 0.5)
    to(other.url, receiver.url)
    other.answer = answer
    world.stop("a")
    world.stop("b")
    begun = time.monotonic()
    said, _ = world.look()
    assert time.monotonic() - begun < 15
    assert "has not answered yet" in said
    assert receiver.titles == other.titles == ["Isobar: warning 2"]


def test_a_receiver_that_takes_seconds_to_accept_gets_an_alert_once(
    world: World, receiver: FakeReceiver
) -> None:
    """Incident: apprise waits four seconds for an answer, and the alert came each minute."""
    receiver.answer = late(5)
    world.stop("a")
    said, cursor = world.look()
    assert said == "1 problem, all reported."
    assert world.look(cursor)[0] == "1 problem, all reported."
    assert receiver.titles == ["Isobar: warning: sensor a"]


def test_an_alert_that_is_accepted_after_the_tick_is_not_sent_again(
    world: World, receiver: FakeReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts, "SEND_SECONDS", 0.5)
    receiver.answer = late(6)
    world.stop("a")
    said, cursor = world.look()
    assert said == f"1 problem; json://127.0.0.1:{receiver.port} has not answered yet."
    world.stop("b")
    said, cursor = world.look(cursor)
    assert "has not answered yet" in said
    assert receiver.titles == ["Isobar: warning: sensor a"]
    receiver.answer = body(b"ok")
    until(lambda: not unanswered())
    said, cursor = world.look(cursor)
    assert said == "2 problems, all reported."
    assert receiver.titles == ["Isobar: warning: sensor a", "Isobar: warning: sensor b"]
    world.look(cursor)
    assert len(receiver.titles) == 2


def test_an_alert_that_is_rejected_after_the_tick_is_sent_again(
    world: World, receiver: FakeReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a gateway does that gives up on what is behind it: nobody has got the message."""
    monkeypatch.setattr(alerts, "SEND_SECONDS", 0.5)
    receiver.answer = late(1, status=504)
    world.stop("a")
    _, cursor = world.look()
    receiver.answer = body(b"ok")
    until(lambda: not unanswered())
    said, cursor = world.look(cursor)
    assert said == "1 problem, all reported."
    assert receiver.titles == ["Isobar: warning: sensor a"] * 2
    world.look(cursor)
    assert len(receiver.titles) == 2


def test_a_receiver_that_never_answers_gets_an_alert_once_and_is_named(
    world: World, receiver: FakeReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts, "SEND_SECONDS", 0.5)
    monkeypatch.setattr(alerts, "ANSWER_SECONDS", 1.0)
    receiver.answer = late(60)
    world.stop("a")
    _, cursor = world.look()
    time.sleep(1)
    said, cursor = world.look(cursor)
    assert (
        said == f"1 problem; json://127.0.0.1:{receiver.port} has taken a message without answer."
    )
    assert world.look(cursor)[0] == "1 problem, all reported."
    assert receiver.titles == ["Isobar: warning: sensor a"]
    receiver.answer = body(b"ok")
    world.resume("a")
    world.look(cursor)
    assert receiver.titles[1:] == ["Isobar: over: sensor a"]


def test_many_problems_make_one_message_worst_first(world: World, receiver: FakeReceiver) -> None:
    for name in MANY:
        world.stop(name)
    world.run("audit", OURS)
    said, cursor = world.look()
    assert said == "7 problems, all reported."
    assert receiver.titles == ["Isobar: error 1, warning 6"]
    assert receiver.messages[0]["type"] == "failure"
    assert re.findall(r"(?m)^(job|sensor) (\w+):", receiver.text) == [
        ("job", "audit"),
        *(("sensor", name) for name in MANY),
    ]
    for name in MANY:
        world.resume(name)
    world.look(cursor)
    assert receiver.titles[1:] == ["Isobar: over 6"]


def test_new_receivers_get_open_problems_and_removed_ones_are_forgotten(
    world: World, receiver: FakeReceiver, other: FakeReceiver, to: Any
) -> None:
    world.stop()
    _, cursor = world.look()
    to(other.url)
    _, cursor = world.look(cursor)
    assert (len(receiver.messages), len(other.messages)) == (1, 1)
    assert len(json.loads(cursor or "")["receivers"]) == 2  # with the log


def test_a_wrong_address_blocks_no_other(world: World, receiver: FakeReceiver, to: Any) -> None:
    to("jsn://me:hunter2@nowhere/", receiver.url)
    world.stop()
    said, _ = world.look()
    assert said.startswith("1 problem, all reported. configuration: apprise does not understand")
    assert "ALERT_URLS: entry 1" in said
    assert "hunter2" not in said
    assert len(receiver.messages) == 1


def test_no_secret_of_an_address_or_error_is_shown_anywhere(
    world: World, receiver: FakeReceiver, to: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    secrets = ["hunter2", "s3cretpath", "s3crethead", "user17"]
    to(f"json://user17:hunter2@127.0.0.1:{receiver.port}/s3cretpath?+X-Key=s3crethead")
    receiver.answer = body(b"hunter2 s3cretpath", status=500)
    error = "could not connect to postgresql://user17:hunter2@db/isobar?password=hunter2"
    world.execute("audit", dg.Failure(description=error))
    capfd.readouterr()  # Dagster itself shows errors as they are
    said, cursor = world.look()
    shown = said + str(cursor) + str(capfd.readouterr()) + json.dumps(receiver.messages)
    assert "was not reached" in said
    assert [one for one in secrets if one in shown.replace("//user17:***@", "")] == []


def test_a_service_that_echoes_its_address_does_not_leak_it(world: World, to: Any) -> None:
    import apprise

    @apprise.decorators.notify(on="telltale")  # type: ignore[no-untyped-call, untyped-decorator]
    def send(body: str, title: str, *_: Any, meta: dict[str, Any], **__: Any) -> bool:
        apprise.logger.warning("%s/t0ken with did not take %s", meta["url"], title)
        return False

    to("telltale://host.example/t0ken%20with/hunter2")
    world.stop()
    said, cursor = world.look()
    assert "did not take Isobar: warning: sensor inbox" in said
    assert [one for one in ("t0ken", "hunter2") if one in f"{said}{cursor}"] == []


def test_a_failed_tick_of_its_own_is_not_notified(world: World, receiver: FakeReceiver) -> None:
    world.tick("alerts", OURS, at=time.time() - 600)
    assert world.keys() == ["sensor:alerts"]
    assert world.look()[0] == "No problem."


def test_alerts_work_without_warehouse_and_ui_address_and_with_invalid_variables(
    world: World, receiver: FakeReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:9/nothing")
    monkeypatch.setenv("ISOBAR_SOURCES", "nonsense")
    monkeypatch.delenv("ISOBAR_UI_URL")
    world.stop()
    world.warehouse = WarehouseResource()
    assert world.look()[0] == "2 problems, all reported."
    assert receiver.text.startswith("the environment or .env: The database: ")
    assert receiver.text.endswith("  page: /locations/pipelines/sensors/inbox of the web UI")


def test_a_flood_of_problems_is_truncated(
    world: World, receiver: FakeReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Problem(
        "run:x", "error", "w" * 600, "j" * 250, dt.datetime.now(dt.UTC), "/runs/1", "r" * 600
    )
    many = [Problem(**{**vars(one), "key": f"run:{n}"}) for n in range(1000)]
    monkeypatch.setattr(problems, "find_problems", lambda *_: many)
    _, cursor = world.look()
    assert len(receiver.text) < 25_000
    assert "and 190 more" in receiver.text
    assert len(cursor or "") < 200_000
    world.look(cursor)
    assert len(receiver.messages) == 1
