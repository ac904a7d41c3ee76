"""Plants side by side against a real service: what one sync requests, in which order."""

import datetime as dt
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from pipelines.failures import PermanentFailure, TransientFailure
from pipelines.orchestration.resources import utc_now
from pipelines.sources.solar import registry
from pipelines.sources.solar.load import Plant, load_response
from pipelines.sources.solar.sync import Sync, Synced
from pipelines.sources.solar.windows import Depth, Window
from pipelines.testing.fake_source import Answer, FakeSource, body, document
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.clock import FakeClock, today, yesterday
from pipelines_tests.sources.solar.made_up import Solar, client_of, items_of

YESTERDAY_ALONE = Depth(every_run=1, until=0)
A_YEAR = Depth(every_run=1, until=1)


class Service:
    """A monitoring service that returns each window, or what `spoil` says of a plant's."""

    def __init__(self, source: FakeSource) -> None:
        self.source = source
        self.spoil: Callable[[int, Window, int], Any] = lambda *_: None
        self.requested: list[tuple[int, Window]] = []
        self.most_at_once = self._at_once = 0
        self._lock = threading.Lock()
        source.will(self._answer)

    def fail(self, answer: Answer, times: int = 1000) -> None:
        """Answer each window in this way, so many times."""
        self.spoil = lambda _plant, _window, number: answer if number <= times else None

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


@dataclass
class Site(Solar):
    """The database of plants, and the service that is queried for their readings."""

    service: Service

    def sync(self, chosen: list[int] | None = None, **how: Any) -> list[Synced]:
        """Sync all plants, or those chosen; what came of each."""
        client = client_of(self.service.source.url, tries=how.pop("tries", 1000))
        options: dict[str, Any] = {
            "depth": YESTERDAY_ALONE,
            "clock": utc_now,
            "run_id": "run",
        } | how
        rest = options.pop("with_unfinished", False)
        return list(Sync(self.warehouse, client, **options).plants(chosen, with_unfinished=rest))

    def windows_of(self, plant: Plant) -> list[Window]:
        """The windows that were requested for a plant."""
        requested = self.service.requested
        return [window for plant_id, window in requested if plant_id == plant.plant_id]


@pytest.fixture
def site(warehouse: Warehouse, owner: psycopg.Connection, source: FakeSource) -> Site:
    return Site(warehouse, owner, Service(source))


def test_p08_p09_p39_a_new_plant_gets_yesterday_first_then_history(site: Site) -> None:
    plant = site.register()
    began = time.monotonic()
    [synced] = site.sync(depth=A_YEAR)
    took = time.monotonic() - began
    assert synced.problem is None
    assert 0 < synced.seconds <= took
    assert site.windows_of(plant)[0] == Window(yesterday(), today())
    assert len(site.windows_of(plant)) == 2
    assert set(site.statuses(plant).values()) == {"complete"}
    assert site.rows("SELECT count(*) FROM solar.gaps") == [(0,)]
    query = "SELECT run_id, response_count, problem, ended_at - began_at FROM solar.syncs"
    [(*stored, duration)] = site.rows(query)
    assert stored == ["run", 2, None]
    assert 0 <= duration.total_seconds() <= took
    [again] = site.sync(depth=A_YEAR)
    assert (len(site.service.requested), again.responses, again.problem) == (2, [], None)


def test_p12_the_next_day_one_day_is_requested(site: Site) -> None:
    plant = site.register()
    clock = FakeClock(dt.datetime.now(dt.UTC) - dt.timedelta(days=3))
    site.sync(clock=clock, depth=A_YEAR)
    clock.pass_by(days=1)
    site.sync(clock=clock, depth=A_YEAR)
    assert site.windows_of(plant)[-1] == Window(
        today() - dt.timedelta(days=3), today() - dt.timedelta(days=2)
    )
    clock.pass_by(days=2)
    site.sync(clock=clock, depth=A_YEAR)
    assert site.windows_of(plant)[-1] == Window(today() - dt.timedelta(days=2), today())


def test_p46_p52_p59_lost_windows_are_not_reported_as_synced(site: Site) -> None:
    plant = site.register()
    clock = FakeClock(dt.datetime.now(dt.UTC))
    site.service.spoil = lambda *_: body(b"", 503)
    [synced] = site.sync(clock=clock, depth=A_YEAR)
    assert synced.responses == []
    assert "503" in (synced.problem or "")
    assert "7 attempts" in (synced.problem or "")
    assert site.statuses(plant) == {yesterday(): "failed"}
    assert site.rows("SELECT status, days FROM solar.gaps ORDER BY last_day DESC") == [
        ("failed", 1),
        ("not requested", 364),
    ]
    site.service.spoil = lambda *_: None
    [synced] = site.sync(clock=clock, depth=A_YEAR)
    assert synced.problem is None
    assert set(site.statuses(plant).values()) == {"complete"}
    assert site.rows("SELECT count(*) FROM solar.gaps") == [(0,)]


def test_p31_p53_nothing_at_all_is_empty_and_no_crash(site: Site) -> None:
    plant = site.register()
    site.service.spoil = lambda *_: document([])
    [synced] = site.sync()
    assert synced.problem is None
    assert set(site.statuses(plant).values()) == {"empty"}
    [synced] = site.sync()
    assert synced.problem is None


def test_p27_p28_p29_p58_transient_errors_are_retried(site: Site) -> None:
    for answer in (document({"error": "Something went wrong"}), body(b"", 503), body(b"[{]")):
        plant = site.register(str(answer))
        site.service.fail(answer, times=6)
        [synced] = site.sync([plant.plant_id])
        assert synced.problem is None
        assert len(site.windows_of(plant)) == 7
        assert site.statuses(plant) == {yesterday(): "complete"}


def test_permanent_errors_are_reported_and_not_retried(site: Site) -> None:
    for answer, words in (
        (document({"results": []}), "not an array but dict"),
        (body(b"", 404), "404"),
    ):
        plant = site.register(words)
        site.service.fail(answer)
        [synced] = site.sync([plant.plant_id], depth=A_YEAR)
        assert words in (synced.problem or "")
        assert "MONITORING_URL" in (synced.problem or "")  # what to do
        assert len(site.windows_of(plant)) == 1
        assert set(site.statuses(plant).values()) == {"failed"}


def test_a_plant_that_fails_leaves_the_others_done(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that fails by a fault of ours."""
    good, down, bad = (site.register(name) for name in ("good", "down", "bad"))
    site.service.spoil = lambda plant, *_: body(b"", 500) if plant == down.plant_id else None

    def sometimes(store: Any, plant: Plant, *others: Any, **named: Any) -> Any:
        if plant == bad:
            raise KeyError("oh")
        return load_response(store, plant, *others, **named)

    monkeypatch.setattr("pipelines.sources.solar.sync.load_response", sometimes)
    problems = {synced.plant: synced.problem or "" for synced in site.sync()}
    assert problems[good] == ""
    assert "500" in problems[down]
    assert "a fault of Isobar: KeyError('oh')" in problems[bad]
    for plant, status in ((good, "complete"), (down, "failed"), (bad, "failed")):
        assert site.statuses(plant) == {yesterday(): status}


def test_all_tries_together_are_bounded(site: Site) -> None:
    for number in range(20):
        site.register(str(number))
    site.service.spoil = lambda *_: body(b"", 503)
    assert all(synced.problem for synced in site.sync(tries=30))
    assert len(site.service.requested) == 20 + 30


def test_at_most_eight_requests_run_concurrently(site: Site) -> None:
    for number in range(20):
        site.register(str(number))

    def slowly(*_: Any) -> None:
        time.sleep(0.1)

    site.service.spoil = slowly
    site.sync()
    assert 4 <= site.service.most_at_once <= 8


def test_p08_the_chosen_plants_are_synced_and_those_whose_sync_was_killed(site: Site) -> None:
    """Without it, the plant waits for ten minutes until it is due again."""
    for name in ("chosen", "killed", "finished"):
        site.register(name)
    site.sync()
    site.owner.execute("UPDATE solar.syncs SET ended_at = NULL WHERE plant_id = 2")
    synced = site.sync([1], with_unfinished=True)
    assert {one.plant.name for one in synced} == {"chosen", "killed"}
    assert site.rows("SELECT count(*) FROM solar.syncs WHERE ended_at IS NULL") == [(0,)]


def test_retired_plants_are_left_alone(site: Site) -> None:
    plant = site.register()
    site.owner.execute("UPDATE solar.plants SET retired_at = now()")
    assert site.sync() == site.sync([plant.plant_id]) == []
    assert site.rows("SELECT count(*) FROM solar.gaps") == [(0,)]
    with pytest.raises(PermanentFailure, match="no plant in service has the number 1"):
        site.sync([plant.plant_id], window=Window(yesterday(), today()))
    assert site.service.requested == []


def test_p20_a_plant_that_is_being_synced_is_not_deleted(site: Site) -> None:
    """It was answered with 200, as if it were done."""
    busy, idle = site.register("busy"), site.register("idle")
    failures = []

    def spoil(*_: Any) -> None:
        with pytest.raises(psycopg.errors.ObjectInUse, match="Please try again later!"):
            site.owner.execute("DELETE FROM solar.plants")
        with pytest.raises(TransientFailure) as caught:
            registry.delete(site.warehouse, busy.plant_id)
        failures.append(caught.value.problem)
        registry.delete(site.warehouse, idle.plant_id)

    site.service.spoil = spoil
    assert site.sync([busy.plant_id])[0].problem is None
    assert failures == ["Data sync of plant 1 is running. Please try again later!"]
    assert registry.delete(site.warehouse, busy.plant_id) == 24
    assert site.statuses(busy) == {}


def test_two_syncs_of_one_plant_are_serialised(site: Site) -> None:
    for number in range(3):
        site.register(str(number))
    done: list[Synced] = []
    other = threading.Thread(target=lambda: done.extend(site.sync(depth=A_YEAR)))
    other.start()
    done += site.sync(depth=A_YEAR)
    other.join()
    assert len(done) == 6
    assert all(synced.problem is None for synced in done)
    assert len(site.service.requested) == len(set(site.service.requested)) == 6


def test_days_are_the_plants_own(site: Site) -> None:
    plant = site.register(zone="Pacific/Auckland")
    clock = FakeClock(dt.datetime(2026, 6, 10, 13, tzinfo=dt.UTC))  # the 11th there
    site.sync(clock=clock)
    assert site.windows_of(plant)[0] == Window(dt.date(2026, 6, 10), dt.date(2026, 6, 11))
    assert site.rows("SELECT max(read_at) FROM solar.readings") == [
        (dt.datetime(2026, 6, 10, 11, tzinfo=dt.UTC),)
    ]


def test_p16_p18_p25_impossible_requests_are_rejected_before_any_request(site: Site) -> None:
    plant = site.register()
    last, day = Window(yesterday(), today()), dt.timedelta(days=1)
    for others, window, words in (
        ([], Window(yesterday(), yesterday() - day), "From date can not be greater than"),
        ([], Window(yesterday(), yesterday()), "to is excluded"),
        ([], Window(yesterday(), today() + 2 * day), "in the future"),
        ([], Window(today() - 367 * day, today()), "where history begins"),
        ([99, 98], last, "no plant in service has the number 98, 99"),
    ):
        with pytest.raises(PermanentFailure, match=words):
            site.sync([*others, plant.plant_id], window=window, depth=A_YEAR)
    assert site.service.requested == []


def test_p52_a_stopped_sync_is_not_reported_complete(site: Site) -> None:
    for number in range(30):
        site.register(str(number))

    go_on = threading.Event()

    def wait(plant: int, *_: Any) -> None:
        if plant != 1:
            go_on.wait(30)

    site.service.spoil = wait
    plants = Sync(site.warehouse, client_of(site.service.source.url), A_YEAR, utc_now).plants()
    next(plants)
    threading.Timer(0.1, go_on.set).start()
    plants.close()  # type: ignore[attr-defined]
    ended = site.rows("SELECT plant_id, response_count FROM solar.syncs WHERE ended_at IS NOT NULL")
    assert ended == [(1, 2)]
    assert site.rows("SELECT count(*) > 0 FROM solar.syncs WHERE ended_at IS NULL") == [(True,)]
