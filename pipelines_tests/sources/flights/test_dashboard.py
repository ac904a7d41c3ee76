"""The page of flights: what its filters leave, on real offers."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pipelines.dashboard.page import today
from pipelines.postgres.roles import ANALYST
from pipelines.postgres.server import Connections
from pipelines_tests.dashboard.test_pages import reading, show
from pipelines_tests.sources.flights.made_up import Flights, flights_document, itinerary, leg


@pytest.fixture(autouse=True)
def on_a_database(server: Connections, database: str) -> Iterator[None]:
    with reading(server.url(ANALYST, database)):
        yield


def offered(flights: Flights) -> None:
    """Four offers, of which the cheapest takes longest."""
    day = today() + dt.timedelta(days=30)
    departs = dt.datetime.combine(day, dt.time(8))

    def one_way(number: int, hours: float, **changes: Any) -> dict[str, Any]:
        # London is an hour behind Budapest.
        arrives = departs + dt.timedelta(hours=hours - 1)
        times = {"departure_time": departs, "arrival_time": arrives}
        return leg(
            number, **{name: f"{at:%Y-%m-%dT%H:%M}" for name, at in times.items()}, **changes
        )

    legs = [
        one_way(1, 9, duration_mins=180, stops=1),  # six hours of layovers
        one_way(2, 3, duration_mins=180),
        one_way(3, 20, duration_mins=120),  # impossible: the stated duration counts
        one_way(4, 3.5, duration_mins=210),
    ]
    offers = [
        itinerary(1, [1], price="£10"),
        itinerary(2, [2], price="£30"),
        itinerary(3, [3], price="£40"),
        itinerary(4, [2, 4], price="£20"),
    ]
    flights.deliver(today(), flights_document(offers, legs))


def opened(**parameters: str) -> AppTest:
    app = AppTest.from_function(
        show, args=("pipelines.sources.flights.dashboard",), default_timeout=60
    )
    for name, value in parameters.items():
        app.query_params[name] = value
    return app.run()


def numbers(page: AppTest) -> dict[str, str]:
    assert not page.exception
    return {one.label: one.value for one in page.metric}


def test_a_direction_takes_at_most_the_hours_of_the_filter_however_offers_are_sorted(
    flights: Flights,
) -> None:
    offered(flights)
    found = {hours: numbers(opened(hours=hours)) for hours in ("2", "3", "4", "8", "9")}
    assert {hours: (one["Offers"], one["Cheapest now"]) for hours, one in found.items()} == {
        "2": ("1", "40.00 GBP"),
        "3": ("2", "30.00 GBP"),
        "4": ("3", "20.00 GBP"),
        "8": ("3", "20.00 GBP"),
        "9": ("4", "10.00 GBP"),
    }
    assert numbers(opened())["Offers"] == "4"
    page = opened(hours="4", sort="duration")
    assert not page.exception
    assert page.dataframe[0].value["itinerary_id"].tolist() == ["it_3", "it_2", "it_4"]
    assert page.query_params["hours"] == "4"
