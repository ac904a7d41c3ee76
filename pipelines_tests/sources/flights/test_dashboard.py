"""The page of flights: what its filters leave, on real offers."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pipelines.dashboard.formats import UNKNOWN
from pipelines.dashboard.page import today
from pipelines.postgres.roles import ANALYST
from pipelines.postgres.server import Connections
from pipelines.sources.flights.dashboard import QUESTIONS
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


def captions(page: AppTest) -> str:
    assert not page.exception
    return "\n".join(one.value for one in page.caption)


def on_day(number: int, route: str, ahead: int, **changes: Any) -> dict[str, Any]:
    """A leg that departs so many days from now."""
    day = today() + dt.timedelta(days=ahead)
    times = {"departure_time": f"{day}T12:00", "arrival_time": f"{day}T14:00"}
    return leg(number, route[:3], route[-3:], **{**times, **changes})


ROUTES = ("LHR-YYZ", "LTN-YTZ", "YXU-YYZ", "BUD-LTN")


def test_a_city_of_a_filter_is_one_city_with_all_its_airports(flights: Flights) -> None:
    """London was two, and Toronto had not the airport that most fly to."""
    legs = [on_day(n, route, 30) for n, route in enumerate(ROUTES)]
    flights.deliver(today(), flights_document([itinerary(n, [n]) for n in range(4)], legs))
    found = {
        (name, city): numbers(opened(**{name: city})).get("Offers")
        for name, city in (
            *(("from", "London, GB"), ("from", "London, CA"), ("from", "LTN")),
            *(("to", "Toronto, CA"), ("to", "YTZ"), ("to", "London, GB")),
        )
    }
    assert [*found.values()] == ["2", "1", "1", "3", "1", "1"]
    table = opened(to="London, GB").dataframe[0].value
    assert table[["origin", "destination"]].to_numpy().tolist() == [["Budapest, HU", "London, GB"]]


def test_stops_are_also_those_of_the_outbound_leg_alone(flights: Flights) -> None:
    out, direct = on_day(1, "BUD-LTN", 30, stops=1), on_day(2, "BUD-LTN", 30)
    back, slow = on_day(3, "LTN-BUD", 37), on_day(4, "LTN-BUD", 37, stops=2)
    offers = [itinerary(1, [1, 3]), itinerary(2, [2, 4]), itinerary(3, [2, 3])]
    flights.deliver(today(), flights_document(offers, [out, direct, back, slow]))
    assert numbers(opened(outbound_stops="0"))["Offers"] == "2"
    assert numbers(opened(outbound_stops="1"))["Offers"] == "1"
    assert numbers(opened(outbound_stops="0", max_stops="0"))["Offers"] == "1"


def test_offers_in_other_currencies_are_counted_and_left_out(flights: Flights) -> None:
    prices = ("£80", "€10", "€20", "$5")
    offers = [itinerary(n, [1], price=price) for n, price in enumerate(prices)]
    flights.deliver(today(), flights_document(offers, [on_day(1, "BUD-LTN", 30)]))
    page = opened(currency="GBP")
    assert numbers(page) == {"Cheapest now": "80.00 GBP", "Offers": "1"}
    assert "that match the filters; 2 in EUR and 1 in USD are left out" in captions(page)
    assert numbers(opened(currency="EUR"))["Cheapest now"] == "10.00 EUR"


def test_an_offer_whose_record_is_rejected_is_not_on_offer_and_can_be_opened(
    flights: Flights,
) -> None:
    legs = [on_day(1, "BUD-LTN", 30), on_day(2, "LTN-BUD", 37), on_day(3, "BUD-LTN", 31)]
    offers = [itinerary(1, [1, 2], price="£20"), itinerary(2, [3]), itinerary(3, [3])]
    yesterday = today() - dt.timedelta(days=1)
    flights.deliver(yesterday, flights_document(offers, legs))
    flights.deliver(today(), flights_document(offers, [legs[0], legs[2]]))
    page = opened(offer="it_1")
    assert numbers(page) == {"Cheapest now": "35.00 GBP", "Offers": "2"}
    assert "It is not on offer: last accepted on " in captions(page)
    assert "Its last price: 20.00 GBP" in captions(page)
    assert page.dataframe[0].value["leg_number"].tolist() == [1, 2]


def test_the_course_of_an_offer_has_no_price_of_another_journey(flights: Flights) -> None:
    for ago, price, route in (
        (2, "£300", "LHR-JFK"),
        (1, "£290", "BUD-LTN"),
        (0, "£280", "BUD-LTN"),
    ):
        offers = [itinerary(1, [1], price=price), itinerary(2, [2]), itinerary(3, [2])]
        legs = [on_day(1, route, 30), on_day(2, "BUD-LTN", 30)]
        flights.deliver(today() - dt.timedelta(days=ago), flights_document(offers, legs))
    course = QUESTIONS.ask("offer_prices", itinerary_id="it_1").rows
    assert course["price_amount"].astype(int).tolist() == [290, 280]


@pytest.mark.parametrize(
    ("prices", "fall"),
    [((100, 90, 50), [("it_1", 44, 90, 50)]), ((100, 50, 90), []), ((100, None, 90), [])],
)
def test_a_story_of_a_fall_is_of_the_last_document(
    flights: Flights, prices: tuple[int | None, ...], fall: list[tuple[object, ...]]
) -> None:
    """A price that had nearly doubled was said as 10 % cheaper."""
    for ago, price in zip((2, 1, 0), prices, strict=True):
        offers = [itinerary(2, [1]), itinerary(3, [1])]
        offers += [itinerary(1, [1], price=f"£{price}")] if price else []
        document = flights_document(offers, [on_day(1, "BUD-LTN", 30)])
        flights.deliver(today() - dt.timedelta(days=ago), document)
    rows = QUESTIONS.ask("drop").rows
    said = rows[["link_offer", "fall_pct", "previous_amount", "price_amount"]]
    assert [(key, *map(round, numbers)) for key, *numbers in said.itertuples(index=False)] == fall
    overview()


def overview() -> AppTest:
    page = AppTest.from_function(show, args=("pipelines.dashboard.overview",), default_timeout=60)
    page.run()
    assert not page.exception
    return page


@pytest.mark.parametrize(
    ("ago", "value", "delta"),
    [
        ((2, 1, 0), "70.00 GBP", "-10.00 GBP"),
        ((2, 0), "70.00 GBP", ""),  # the day before has no document
        ((9, 8, 7), UNKNOWN, ""),  # the last whole day has none
    ],
)
def test_the_card_compares_with_the_day_before_by_the_calendar(
    flights: Flights, ago: tuple[int, ...], value: str, delta: str
) -> None:
    """It showed an old day as the last one, and compared it with whatever row came before."""
    for price, days in zip((90, 80, 70)[-len(ago) :], ago, strict=True):
        offers = [itinerary(n, [1], price=f"£{price + n}") for n in (0, 1)]
        offers.append(itinerary(2, [1], price="€1"))
        # What departs is in the document for another day.
        offers.append(itinerary(3, [2], price="£1"))
        legs = [on_day(1, "BUD-LTN", 30), on_day(2, "BUD-LTN", -days - 1)]
        flights.deliver(today() - dt.timedelta(days=days), flights_document(offers, legs))
    page = overview()
    (metric,) = [one for one in page.metric if one.label == "Cheapest offer"]
    assert (metric.value, metric.delta) == (value, delta)
    newest = today() - dt.timedelta(days=ago[-1])
    words = f"No document since {newest}" if value == UNKNOWN else "2 offers in GBP; 1 in other"
    assert words in captions(page)
