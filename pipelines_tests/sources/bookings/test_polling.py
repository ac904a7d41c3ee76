"""Reading the events API on and on: nothing is lost, nothing counts twice."""

import datetime as dt
from dataclasses import replace

import psycopg
import pytest

from pipelines.http.client import HttpClient
from pipelines.sources.bookings import Settings
from pipelines.sources.bookings.client import EventsClient, has_news, poll
from pipelines.sources.bookings.counts import refresh
from pipelines.testing.fake_source import FakeSource, body, document
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.clock import FakeClock
from pipelines_tests.loaders import runner
from pipelines_tests.sources.bookings.made_up import counts, event

BEGIN = dt.datetime(2026, 9, 15, 12, tzinfo=dt.UTC)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(BEGIN)


class Feed:
    """An API and how far it was read."""

    #: The service, where the test controls it.
    source: FakeSource
    owner: psycopg.Connection

    def __init__(self, store: Warehouse, url: str, clock: FakeClock) -> None:
        http = HttpClient("bookings", "BOOKINGS_EVENTS_URL", attempts=2, first_wait_seconds=0.01)
        self.client = EventsClient(url, http)
        self.store, self.clock = store, clock
        self.load = runner("bookings", store).load

    def poll(self) -> list[tuple[int, int, int, int]]:
        outcomes, failure = poll(self.store, self.client, Settings(), self.load, clock=self.clock)
        assert failure is None
        return [counts(outcome) for outcome in outcomes]

    def has_news(self) -> bool:
        return has_news(self.store, self.client, self.clock)

    def requested(self) -> list[str | None]:
        """Return the lower bound of time of each request for events."""
        marks = [path.partition("updated__gte=")[2] for _, path in self.source.requests]
        return [mark.replace("%3A", ":") or None for mark in marks]

    def ids(self) -> list[int]:
        """Return the ids of the stored events."""
        rows = self.owner.execute("SELECT event_id FROM bookings.events ORDER BY event_id")
        return [number for (number,) in rows]


@pytest.fixture
def feed(
    warehouse: Warehouse, source: FakeSource, clock: FakeClock, owner: psycopg.Connection
) -> Feed:
    made = Feed(warehouse, source.url, clock)
    made.source, made.owner = source, owner
    return made


def at(hours: float) -> str:
    """A time so many hours before the beginning, as the API writes it."""
    return f"{BEGIN - dt.timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}"


def test_late_events_are_read_within_the_lookback_or_on_request(feed: Feed) -> None:
    feed.client = replace(feed.client, overlap=dt.timedelta(hours=6))
    feed.source.will(document([event(1, event_timestamp=at(1))]))
    feed.poll()
    feed.poll()
    poll(feed.store, feed.client, Settings(), feed.load, clock=feed.clock, is_whole=True)
    assert feed.requested() == [None, at(7), None]


def test_the_watermark_survives_idle_time_and_restarts(feed: Feed) -> None:
    """DEF E51: it was kept in a cache that forgot it after five minutes; all was counted again."""
    feed.source.will(document([event(1, event_timestamp=at(1)), event(2, event_timestamp=at(1))]))
    feed.poll()
    refresh(feed.store)
    query = "SELECT * FROM metrics.hotel_bookings_by_event_day"
    before = feed.owner.execute(query).fetchall()
    feed.clock.pass_by(hours=5)
    fresh = Feed(feed.store, feed.client.url, feed.clock)
    fresh.poll()
    assert feed.requested()[-1] == at(2)
    feed.clock.pass_by(hours=24)
    fresh.poll()
    assert feed.requested()[-1] is None
    assert refresh(feed.store)[0] == 0
    assert feed.owner.execute(query).fetchall() == before


def test_a_reading_that_breaks_off_moves_no_watermark(feed: Feed) -> None:
    """DEF E52: the watermark moved before events were processed, and a crash lost them."""
    first = {"next": "?offset=1", "results": [event(1, event_timestamp=at(5))]}
    feed.source.will(document(first), body(b"gone", 500))
    outcomes, failure = poll(feed.store, feed.client, Settings(), feed.load, clock=feed.clock)
    assert [counts(outcome) for outcome in outcomes] == [(1, 1, 0, 0)]
    assert failure is not None
    assert "500" in str(failure)
    last = "SELECT watermark_at, read_whole_at FROM bookings.polls"
    assert feed.owner.execute(last).fetchall() == [(None, None)]
    second = {"next": None, "results": [event(2, event_timestamp=at(9))]}
    feed.source.will(document(first), document(second))
    assert feed.poll() == [(1, 1, 0, 0)]
    assert feed.ids() == [1, 2]
    assert feed.owner.execute(last).fetchall() == [(BEGIN - dt.timedelta(hours=5), BEGIN)]


def test_a_page_with_the_month_first_is_rejected_as_a_file_is(feed: Feed) -> None:
    sent = [event(n, event_timestamp=f"03-{n:02}-2026 10:00") for n in (4, 21)]
    feed.source.will(document(sent))
    _, failure = poll(feed.store, feed.client, Settings(), feed.load, clock=feed.clock)
    assert "events[1] has the month first" in str(failure)
    assert feed.ids() == []


def test_equal_and_late_times_are_not_missed(feed: Feed) -> None:
    """DEF E54: of events with the time of the last one, and of late ones, nothing arrived."""
    first = event(1, event_timestamp=at(1))
    feed.source.will(document([first]))
    feed.poll()
    equal, little_late = event(2, event_timestamp=at(1)), event(3, event_timestamp=at(1.9))
    feed.source.will(document([little_late, first, equal]))
    assert feed.poll() == [(3, 2, 1, 0)]
    very_late = event(4, event_timestamp=at(500))
    feed.source.will(document([very_late, little_late, first, equal]))
    feed.clock.pass_by(hours=25)
    assert feed.has_news()
    assert feed.poll() == [(4, 1, 3, 0)]
    assert feed.requested()[-1] is None
    assert feed.ids() == [1, 2, 3, 4]


def test_future_events_neither_move_the_watermark_nor_start_endless_runs(feed: Feed) -> None:
    """A system whose naive times are of another zone is always ahead."""
    events = [event(1, event_timestamp=at(1)), event(2, event_timestamp=at(-5))]
    feed.source.will(document(events))
    feed.poll()
    feed.poll()
    for _ in range(5):
        feed.clock.pass_by(seconds=30)
        assert not feed.has_news()
    feed.source.will(document([*events, event(3, event_timestamp=at(0))]))
    assert feed.has_news()
    assert feed.poll() == [(3, 1, 2, 0)]
    assert feed.requested()[-1] == at(2)


def test_without_news_no_delivery_is_recorded_and_no_run_requested(feed: Feed) -> None:
    """Also after a poll that was killed before it was noted: the next one goes on from it."""
    feed.source.will(document([event(1, event_timestamp=at(1))]))
    assert feed.has_news()
    feed.poll()
    assert feed.has_news()  # another question, another delivery
    feed.poll()
    assert not feed.has_news()
    assert feed.poll() == []
    assert feed.owner.execute("SELECT count(*) FROM ops.deliveries").fetchone() == (2,)
    feed.owner.execute("DELETE FROM bookings.polls")
    assert feed.poll() == []
    feed.poll()
    assert feed.requested()[-1] == at(2)
