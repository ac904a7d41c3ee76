"""Plants side by side against a real service: what one sync requests, in which order."""

import datetime as dt
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from pipelines.failures import PermanentFailure
from pipelines.orchestration.resources import utc_now
from pipelines.sources.solar import load
from pipelines.sources.solar.load import Plant
from pipelines.sources.solar.sandbox.sun import readings as truth
from pipelines.sources.solar.sync import Sync, Synced
from pipelines.sources.solar.windows import Depth, Window
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.fake_clock import FakeClock
from pipelines_tests.fake_source import FakeSource, body, cut, document, silence
from pipelines_tests.sandbox_server import sandbox_server
from pipelines_tests.sources.solar.made_up import client_of, items_of, register, rows, statuses

TODAY = dt.datetime.now(dt.UTC).date()
YESTERDAY = TODAY - dt.timedelta(days=1)
SHORT = Depth(every_run=1, until=1)


class Service:
    """A monitoring service that returns each window, or what `spoil` says of a plant's."""

    def __init__(self, source: FakeSource) -> None:
        self.source = source
        self.spoil: Callable[[int, Window, int], Any] = lambda *_: None
        self.requested: list[tuple[int, Window]] = []
        self.most_at_once = self._at_once = 0
        self._lock = threading.Lock()
        source.will(self._answer)

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        query = parse_qs(urlsplit(handler.path).query)
        plant_id = int(query["plant-id"][0])
        window = Window(*(dt.date.fromisoformat(query[name][0]) for name in ("from", "to")))
        with self._lock:
            self.requested.append((plant_id, window))
            times = self.requested.count((plant_id, window))
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            (self.spoil(plant_id, window, times) or document(items_of(window)))(handler)
        finally:
            with self._lock:
                self._at_once -= 1


@pytest.fixture
def service(source: FakeSource) -> Service:
    return Service(source)


@pytest.fixture
def sync(warehouse: Warehouse, service: Service) -> Callable[..., list[Synced]]:
    """Sync all plants, or those chosen; what came of each."""

    def run(chosen: list[int] | None = None, **how: Any) -> list[Synced]:
        client = client_of(service.source.url, tries=how.pop("tries", 1000))
        options: dict[str, Any] = {"depth": SHORT, "clock": utc_now, "run_id": "run"} | how
        with_new = options.pop("with_new", False)
        return list(Sync(warehouse, client, **options).plants(chosen, with_new=with_new))

    return run


def windows_of(service: Service, plant: Plant) -> list[Window]:
    return [window for plant_id, window in service.requested if plant_id == plant.plant_id]


@pytest.mark.answers("P09")
def test_p08_p09_a_new_plant_gets_yesterday_first_then_history(
    sync: Callable[..., list[Synced]], service: Service, owner: psycopg.Connection
) -> None:
    plant = register(owner)
    [synced] = sync()
    assert synced.problem is None
    assert windows_of(service, plant)[0] == Window(YESTERDAY, TODAY)
    assert len(windows_of(service, plant)) == 2
    assert set(statuses(owner, plant).values()) == {"complete"}
    assert rows(owner, "SELECT count(*) FROM solar.gaps") == [(0,)]
    assert rows(
        owner, "SELECT run_id, response_count, problem, ended_at >= began_at FROM solar.syncs"
    ) == [("run", 2, None, True)]


@pytest.mark.answers("P08")
def test_p08_only_the_chosen_plants_are_synced(
    sync: Callable[..., list[Synced]], service: Service, owner: psycopg.Connection
) -> None:
    register(owner, "a")
    chosen = register(owner, "b")
    assert [synced.plant for synced in sync([chosen.plant_id])] == [chosen]
    assert {plant_id for plant_id, _ in service.requested} == {chosen.plant_id}


def test_nothing_is_requested_twice(
    sync: Callable[..., list[Synced]], service: Service, owner: psycopg.Connection
) -> None:
    register(owner)
    sync()
    requested = len(service.requested)
    [synced] = sync()
    assert (len(service.requested), synced.answers, synced.problem) == (requested, [], None)


@pytest.mark.answers("P12")
def test_p12_the_next_day_one_day_is_requested(
    sync: Callable[..., list[Synced]], service: Service, owner: psycopg.Connection
) -> None:
    plant = register(owner)
    clock = FakeClock(dt.datetime.now(dt.UTC) - dt.timedelta(days=3))
    sync(clock=clock)
    clock.pass_by(days=1)
    sync(clock=clock)
    assert windows_of(service, plant)[-1] == Window(
        TODAY - dt.timedelta(days=3), TODAY - dt.timedelta(days=2)
    )
    clock.pass_by(days=2)
    sync(clock=clock)
    assert windows_of(service, plant)[-1] == Window(TODAY - dt.timedelta(days=2), TODAY)


@pytest.mark.answers("P46", "P52")
def test_p46_p52_p59_lost_windows_are_not_reported_as_synced(
    sync: Callable[..., list[Synced]], service: Service, owner: psycopg.Connection
) -> None:
    plant = register(owner)
    clock = FakeClock(dt.datetime.now(dt.UTC))
    service.spoil = lambda *_: body(b"", 503)
    [synced] = sync(clock=clock)
    assert synced.answers == []
    assert "503" in (synced.problem or "")
    assert "7 attempts" in (synced.problem or "")
    assert statuses(owner, plant) == {YESTERDAY: "failed"}
    assert rows(owner, "SELECT status, days FROM solar.gaps ORDER BY last_day DESC") == [
        ("failed", 1),
        ("not requested", 364),
    ]
    service.spoil = lambda *_: None
    [synced] = sync(clock=clock)
    assert synced.problem is None
    assert set(statuses(owner, plant).values()) == {"complete"}
    assert rows(owner, "SELECT count(*) FROM solar.gaps") == [(0,)]


@pytest.mark.answers("P53")
def test_p53_the_crash_when_the_first_sync_stored_nothing(
    sync: Callable[..., list[Synced]], service: Service, owner: psycopg.Connection
) -> None:
    plant = register(owner)
    service.spoil = lambda *_: document([])
    [synced] = sync()
    assert synced.problem is None
    assert set(statuses(owner, plant).values()) == {"empty"}
    [synced] = sync()
    assert synced.problem is None


@pytest.mark.answers("P27", "P28", "P29", "P58")
@pytest.mark.parametrize(
    "answer",
    [
        document({"error": "Something went wrong"}),
        body(b"", 503),
        body(b"", 500),
        body(b"[{]"),
        body(b"<html>", 200),
        cut(b"[{", 100),
    ],
)
def test_p27_p28_p29_p58_transient_errors_are_retried(
    sync: Callable[..., list[Synced]], service: Service, owner: psycopg.Connection, answer: Any
) -> None:
    plant = register(owner)
    service.spoil = lambda _plant, _window, times: answer if times < 7 else None
    [synced] = sync()
    assert synced.problem is None
    assert len(windows_of(service, plant)) == 14
    assert set(statuses(owner, plant).values()) == {"complete"}


@pytest.mark.answers("P29")
@pytest.mark.parametrize(
    ("answer", "words"),
    [(document({"results": []}), "not an array but dict"), (body(b"", 404), "404")],
)
def test_permanent_errors_are_reported_and_not_retried(
    sync: Callable[..., list[Synced]],
    service: Service,
    owner: psycopg.Connection,
    answer: Any,
    words: str,
) -> None:
    plant = register(owner)
    service.spoil = lambda *_: answer
    [synced] = sync()
    assert words in (synced.problem or "")
    assert "MONITORING_URL" in (synced.problem or "")  # what to do
    assert len(service.requested) == 1
    assert set(statuses(owner, plant).values()) == {"failed"}


def test_a_plant_that_fails_leaves_the_others_done(
    sync: Callable[..., list[Synced]], service: Service, owner: psycopg.Connection
) -> None:
    plants = [register(owner, name) for name in "abc"]
    bad = plants[1].plant_id
    service.spoil = lambda plant, *_: body(b"", 500) if plant == bad else None
    problems = {synced.plant.name: synced.problem for synced in sync()}
    assert [name for name in "abc" if problems[name]] == ["b"]
    assert rows(owner, "SELECT DISTINCT status FROM solar.days WHERE plant_id <> %s", bad) == [
        ("complete",)
    ]


@pytest.mark.answers("P27")
def test_all_tries_together_are_bounded(
    sync: Callable[..., list[Synced]], service: Service, owner: psycopg.Connection
) -> None:
    for number in range(20):
        register(owner, str(number))
    service.spoil = lambda *_: body(b"", 503)
    assert all(synced.problem for synced in sync(tries=30))
    assert len(service.requested) == 20 + 30


def test_at_most_eight_requests_run_concurrently(
    sync: Callable[..., list[Synced]], service: Service, owner: psycopg.Connection
) -> None:
    for number in range(20):
        register(owner, str(number))

    def slowly(*_: Any) -> None:
        time.sleep(0.1)

    service.spoil = slowly
    sync()
    assert 4 <= service.most_at_once <= 8


def test_a_plant_that_is_registered_meanwhile_is_synced_too(
    sync: Callable[..., list[Synced]], service: Service, owner: psycopg.Connection
) -> None:
    register(owner, "first")
    late: list[Plant] = []

    def spoil(*_: Any) -> None:
        if not late:
            late.append(register(owner, "late"))

    service.spoil = spoil
    assert {synced.plant.name for synced in sync([1], with_new=True)} == {"first", "late"}


def test_retired_plants_are_left_alone(
    sync: Callable[..., list[Synced]], service: Service, owner: psycopg.Connection
) -> None:
    plant = register(owner)
    owner.execute("UPDATE solar.plants SET retired_at = now()")
    assert sync() == sync([plant.plant_id]) == []
    assert rows(owner, "SELECT count(*) FROM solar.gaps") == [(0,)]
    with pytest.raises(PermanentFailure, match="plant 1 is retired"):
        sync([plant.plant_id], window=Window(YESTERDAY, TODAY))
    assert service.requested == []


@pytest.mark.answers("P20")
def test_p20_a_plant_that_is_being_synced_is_not_deleted(
    sync: Callable[..., list[Synced]], service: Service, owner: psycopg.Connection
) -> None:
    plant = register(owner)
    failures = []

    def spoil(*_: Any) -> None:
        with pytest.raises(psycopg.errors.ObjectInUse, match="Please try again later!") as caught:
            owner.execute("DELETE FROM solar.plants")
        failures.append(caught.value)

    service.spoil = spoil
    assert sync()[0].problem is None
    assert failures
    owner.execute("DELETE FROM solar.plants")
    assert statuses(owner, plant) == {}


def test_two_syncs_of_one_plant_are_serialised(
    sync: Callable[..., list[Synced]], service: Service, owner: psycopg.Connection
) -> None:
    for number in range(3):
        register(owner, str(number))
    done: list[Synced] = []
    other = threading.Thread(target=lambda: done.extend(sync()))
    other.start()
    done += sync()
    other.join()
    assert len(done) == 6
    assert all(synced.problem is None for synced in done)
    assert len(service.requested) == len(set(service.requested)) == 6


def test_days_are_the_plants_own(
    sync: Callable[..., list[Synced]], service: Service, owner: psycopg.Connection
) -> None:
    plant = register(owner, zone="Pacific/Auckland")
    clock = FakeClock(dt.datetime(2026, 6, 10, 13, tzinfo=dt.UTC))  # the 11th there
    sync(clock=clock)
    assert windows_of(service, plant)[0] == Window(dt.date(2026, 6, 10), dt.date(2026, 6, 11))
    assert rows(owner, "SELECT max(read_at) FROM solar.readings") == [
        (dt.datetime(2026, 6, 10, 11, tzinfo=dt.UTC),)
    ]


def test_p23_chosen_days_are_requested_even_when_complete(
    sync: Callable[..., list[Synced]], service: Service, owner: psycopg.Connection
) -> None:
    plant = register(owner)
    sync()
    window = Window(dt.date(2020, 2, 1), dt.date(2020, 3, 1))
    before = rows(owner, "SELECT * FROM solar.syncs")
    for _ in range(2):
        [synced] = sync([plant.plant_id], window=window, depth=Depth(1, 50))
        assert windows_of(service, plant)[-1] == window
    assert rows(owner, "SELECT * FROM solar.syncs") == before
    assert [answer.unchanged for answer in synced.answers] == [29 * 24]


@pytest.mark.answers("P18")
@pytest.mark.parametrize(
    ("window", "words"),
    [
        (Window(YESTERDAY, YESTERDAY - dt.timedelta(days=1)), "From date can not be greater than"),
        (Window(YESTERDAY, YESTERDAY), "to is excluded"),
        (Window(YESTERDAY, TODAY + dt.timedelta(days=2)), "in the future"),
        (Window(TODAY - dt.timedelta(days=367), TODAY), "to which history goes"),
    ],
)
def test_p18_p25_impossible_days_are_rejected_before_any_request(
    sync: Callable[..., list[Synced]],
    service: Service,
    owner: psycopg.Connection,
    window: Window,
    words: str,
) -> None:
    plant = register(owner)
    with pytest.raises(PermanentFailure, match=words):
        sync([plant.plant_id], window=window)
    assert service.requested == []


@pytest.mark.answers("P16")
def test_p16_unknown_plants_are_rejected_before_any_request(
    sync: Callable[..., list[Synced]], service: Service, owner: psycopg.Connection
) -> None:
    plant = register(owner)
    with pytest.raises(PermanentFailure, match="there is no plant 98, 99"):
        sync([99, plant.plant_id, 98], window=Window(YESTERDAY, TODAY))
    assert service.requested == []


def test_a_plant_deleted_before_the_run_blocks_no_other(
    sync: Callable[..., list[Synced]], owner: psycopg.Connection
) -> None:
    plant = register(owner)
    assert [synced.plant for synced in sync([99, plant.plant_id, 10**30])] == [plant]


def test_our_own_fault_costs_one_plant_and_is_reported(
    sync: Callable[..., list[Synced]], owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = register(owner, "good"), register(owner, "bad")
    load_answer = load.take_answer

    def sometimes(store: Any, plant: Plant, *others: Any, **named: Any) -> Any:
        if plant == bad:
            raise KeyError("oh")
        return load_answer(store, plant, *others, **named)

    monkeypatch.setattr("pipelines.sources.solar.sync.take_answer", sometimes)
    problems = {synced.plant: synced.problem for synced in sync()}
    assert problems[good] is None
    assert "a fault of Isobar: KeyError('oh')" in (problems[bad] or "")
    assert set(statuses(owner, bad).values()) == {"failed"}


def test_p52_a_stopped_sync_is_not_reported_complete(
    warehouse: Warehouse, service: Service, owner: psycopg.Connection
) -> None:
    for number in range(30):
        register(owner, str(number))

    go_on = threading.Event()

    def wait(plant: int, *_: Any) -> None:
        if plant != 1:
            go_on.wait(30)

    service.spoil = wait
    plants = Sync(warehouse, client_of(service.source.url), SHORT, utc_now).plants()
    next(plants)
    threading.Timer(0.5, go_on.set).start()
    plants.close()  # type: ignore[attr-defined]
    ended = rows(
        owner, "SELECT plant_id, response_count FROM solar.syncs WHERE ended_at IS NOT NULL"
    )
    assert ended == [(1, 2)]
    assert rows(owner, "SELECT count(*) > 0 FROM solar.syncs WHERE ended_at IS NULL") == [(True,)]


def test_p58_an_unresponsive_service_is_not_awaited(
    warehouse: Warehouse, service: Service, owner: psycopg.Connection
) -> None:
    plant = register(owner)
    service.spoil = lambda _plant, _window, times: silence(4.0) if times == 1 else None
    client = client_of(service.source.url, read_seconds=1.5)
    [synced] = Sync(warehouse, client, Depth(1, 0), utc_now).plants()
    assert synced.problem is None
    assert len(windows_of(service, plant)) >= 2


@pytest.mark.answers("P39")
def test_p39_the_duration_of_a_sync_is_reported(
    sync: Callable[..., list[Synced]], owner: psycopg.Connection
) -> None:
    register(owner)
    began = time.monotonic()
    (synced,) = sync()
    assert 0 < synced.seconds <= time.monotonic() - began
    (seconds,) = rows(owner, "SELECT extract(EPOCH FROM ended_at - began_at) FROM solar.syncs")
    assert float(seconds[0]) <= time.monotonic() - began


@pytest.fixture(scope="module")
def sandbox() -> Iterator[str]:
    with sandbox_server() as url:
        yield f"{url}/solar"


def test_stored_readings_match_the_truth(
    warehouse: Warehouse, owner: psycopg.Connection, sandbox: str
) -> None:
    plant = register(owner)
    sync = Sync(warehouse, client_of(sandbox), SHORT, utc_now)
    assert [synced.problem for synced in sync.plants(None)] == [None]
    first = TODAY.replace(year=TODAY.year - 1) if (TODAY.month, TODAY.day) != (2, 29) else None
    expected = truth(1, plant.plant_id, first or YESTERDAY, YESTERDAY)
    stored = rows(
        owner,
        "SELECT read_at, expected_energy_kwh, expected_irradiation_wh_per_m2, observed_energy_kwh,"
        " observed_irradiation_wh_per_m2 FROM solar.readings WHERE read_at >= %s ORDER BY read_at",
        expected[0].at,
    )
    assert stored == [tuple(reading) for reading in expected]
