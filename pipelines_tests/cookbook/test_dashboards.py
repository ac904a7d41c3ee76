"""Pages of the dashboard on the known data; the browser tests see them as people do."""

import datetime as dt
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from streamlit.testing.v1 import AppTest

from pipelines.dashboard import ask
from pipelines.dashboard.page import as_plain
from pipelines.postgres.roles import ANALYST
from pipelines.postgres.server import Connections
from pipelines.sources.flights import dashboard as flights
from pipelines.sources.solar import dashboard as solar
from pipelines.sources.solar import loss_charts
from pipelines_tests.cookbook import known_flights
from pipelines_tests.cookbook.known_solar import BEGINS, END, SIERRA
from pipelines_tests.dashboard.test_ask import opened
from pipelines_tests.dashboard.test_pages import OF_SOURCES, PLATFORM, reading, show, shown

#: The day on which all known itineraries depart.
THERE = dt.date.fromisoformat(known_flights.THERE)


@pytest.fixture(autouse=True)
def of_the_known(server: Connections, known: str) -> Iterator[None]:
    with reading(server.url(ANALYST, known)):
        yield


@pytest.mark.parametrize("module", [*PLATFORM, *OF_SOURCES])
def test_a_page_draws_what_is_loaded(module: str) -> None:
    page = shown(module)
    assert not page.exception
    assert len(page.subheader) > len(page.info)  # some of the data has grown too old to be shown
    assert not page.error


def test_a_month_that_is_not_whole_is_hollow() -> None:
    rows = solar.QUESTIONS.ask(
        "energy", plants=[1, 2], period="month", from_date=dt.date(2006, 1, 1), to_date=END
    ).rows
    sierra = rows[(rows["plant_id"] == 1) & rows["period_start"].notna()]
    assert sierra["period_start"].tolist() == [
        BEGINS[SIERRA],
        dt.date(2026, 10, 1),
        dt.date(2026, 11, 1),
    ]
    assert sierra["is_whole"].tolist() == [True, True, False]
    # Neither hours to come nor those before the first stored day are missing.
    assert sierra["hours_expected"].tolist() == [30 * 24, 31 * 24 + 1, 24]
    assert sierra["data_completeness"].tolist() == [1, 1, 1]
    fleet = rows[rows["plant_id"].isna()]
    assert fleet["is_whole"].tolist() == [True, False, False, False]
    assert fleet["hours_missing"].iloc[1] == 24 + 3


def test_the_days_shown_are_those_that_are_over_at_the_plant() -> None:
    new_year = dt.date(2026, 1, 1)
    assert solar.days_of(new_year, "day", "7 days") == (dt.date(2025, 12, 25), new_year)
    assert solar.days_of(new_year, "day", "last month") == (dt.date(2025, 12, 1), new_year)
    november = dt.date(2026, 11, 30)
    assert solar.days_of(november, "day", "last month")[1] == dt.date(2026, 11, 1)
    assert solar.days_of(november, "month", "") == (dt.date(2023, 12, 1), november)
    assert solar.days_of(november, "year", "")[0] == dt.date(2006, 1, 1)


def test_flights_are_filtered_by_city_and_day_of_departure() -> None:
    page = shown("pipelines.sources.flights.dashboard")
    currency = next(one for one in page.selectbox if one.label == "Currency")
    currency.set_value("GBP").run()
    offered = page.dataframe[0].value
    assert {"origin", "destination", "departure_on", "return_on", "total_duration"} <= {*offered}
    page.multiselect[0].set_value(["Budapest, HU"])
    page.date_input[0].set_value((THERE, THERE)).run()
    assert not page.exception
    assert page.dataframe[0].value.equals(offered)
    chosen: dict[str, Any] = dict.fromkeys(
        ("destinations", "routes", "agents", "airlines", "hours", "outbound_stops")
    )
    chosen |= {"currency": "GBP", "stops": [0, 1], "sort": "price"}
    for origin, day, count in (
        ("Budapest, HU", THERE, len(offered)),
        ("BUD", THERE, len(offered)),
        ("London, GB", THERE, 0),
        ("LHR", THERE, 0),
        ("Budapest, HU", THERE + dt.timedelta(days=1), 0),
    ):
        chosen |= {"origins": [origin], "departs_from": day, "departs_until": day}
        assert len(flights.QUESTIONS.ask("cheapest", **chosen).rows) == count


def test_a_shipment_is_shown_as_it_is_stored_with_its_articles() -> None:
    page = shown("pipelines.sources.shipments.dashboard")
    listed = page.dataframe[0].value
    assert {"total_value", "total_value_currency", "weather_age_minutes"} <= {*listed}
    assert "total_rows" not in listed
    page.text_input[0].set_value(" TN20261001").run()
    assert not page.exception
    assert "DHL TN20261001" in [one.value for one in page.subheader]
    statuses, articles, fields = (one.value for one in page.dataframe[:3])
    assert statuses["status"].tolist()[-1] == dict(fields.to_numpy().tolist())["Status"]
    assert dict(fields.to_numpy().tolist())["Total value"] == "850.00"
    assert articles["name"].tolist() == ["Laptop", "Mouse"]


def test_offers_are_sorted_over_all_of_them() -> None:
    chosen: dict[str, Any] = dict.fromkeys(
        ("origins", "destinations", "routes", "agents", "airlines", "hours", "departs_from")
    )
    chosen |= {"currency": "GBP", "stops": None, "outbound_stops": None, "departs_until": None}
    orders = {}
    for sort in flights.SORTS:
        rows = flights.QUESTIONS.ask("cheapest", sort=sort, **chosen).rows
        orders[sort] = rows
        assert len(rows) == len(orders["price"])
    assert orders["price"]["price_amount"].is_monotonic_increasing
    assert orders["duration"]["total_duration"].is_monotonic_increasing
    assert orders["stops"]["max_stops"].is_monotonic_increasing
    assert orders["departure"]["departure_on"].is_monotonic_increasing
    assert orders["rating, best first"]["agent_rating"].dropna().is_monotonic_decreasing
    assert orders["newest first"]["first_accepted_on"].is_monotonic_decreasing


def test_an_offer_has_its_course_and_its_legs() -> None:
    page = shown("pipelines.sources.flights.dashboard")
    cheapest = page.dataframe[0].value.iloc[0]
    (currency,) = (one.value for one in page.selectbox if one.label == "Currency")
    number, price = cheapest["itinerary_id"], f"{cheapest['price_amount']:,.2f} {currency}"
    page.text_input[0].set_value(number).run()
    assert not page.exception
    state = f"It is on offer. Its last price: {price}, by {as_plain(cheapest['agent'])}."
    assert state in [one.value for one in page.caption]
    titles = [one.value for one in page.subheader]
    assert f"The price of {as_plain(number)}" in titles
    assert "Legs, in local times" in titles
    page.text_input[0].set_value("www.x.org").run()
    assert page.warning[0].value == "There is no itinerary www\u2060.x.org."


def test_a_plant_alone_has_its_day() -> None:
    page = shown("pipelines.sources.solar.dashboard")
    fleet = [one.value for one in page.subheader]
    assert "Plants" in fleet
    (plants,) = (one.value for one in page.dataframe if "specific_yield" in one.value)
    name = plants["name"].iloc[0]
    page.selectbox[0].set_value(name).run()
    assert not page.exception
    one = [one.value for one in page.subheader]
    assert any(title.startswith(f"{name} on ") for title in one)
    assert "Plants" not in one


def test_today_of_a_plant_comes_tomorrow() -> None:
    page = shown("pipelines.sources.solar.dashboard")
    page.date_input[0].set_value(dt.datetime.now(ZoneInfo("Europe/Madrid")).date()).run()
    assert not page.exception
    assert any(one.value.startswith("Today comes tomorrow") for one in page.info)


@pytest.mark.parametrize("plants", [[1], [2], [1, 2]])
def test_the_waterfall_leads_from_expected_to_observed_energy(plants: list[int]) -> None:
    wanted = {"plants": plants, "from_date": BEGINS[SIERRA], "to_date": END, "period": "month"}
    lost = solar.QUESTIONS.ask("losses", **wanted).rows
    assert {*lost["cause"]} <= {*loss_charts.CAUSES}
    energy = loss_charts.energy_of(solar.QUESTIONS.ask("energy", **wanted))
    steps = loss_charts.waterfall(energy, lost)
    assert len(steps) >= 5
    ends = steps["ends"].tolist()
    assert steps["begins"].tolist() == [0, *ends[:-2], 0]
    assert ends[-2] == pytest.approx(energy.total["observed_energy_kwh"], abs=0.01)
    assert ends[-1] == energy.total["observed_energy_kwh"]
    assert steps["kwh"].tolist()[1:-1] == pytest.approx(
        [end - begin for begin, end in zip(steps["begins"], ends, strict=True)][1:-1]
    )


def test_every_question_has_a_form_that_answers() -> None:
    keys = [one.key for one in ask._of_cookbook()]
    assert len({*keys}) == len(keys) > 50
    for key in keys:
        page = opened(question=key)
        assert not page.exception, key
        assert not page.error, (key, page.error[0].value)
        assert page.query_params["question"] == key


@pytest.mark.parametrize(
    ("module", "name", "words"),
    [
        ("bookings", "hotel", "There is no hotel Nope; all are shown."),
        ("solar", "plant", "There is no plant Nope; all are shown."),
        ("flights", "from", "There is no city or airport of departure Nope; all are shown."),
        ("shipments", "country", "There is no country Nope; all are shown."),
    ],
)
def test_a_link_with_an_unknown_value_says_so(module: str, name: str, words: str) -> None:
    app = AppTest.from_function(
        show, args=(f"pipelines.sources.{module}.dashboard",), default_timeout=60
    )
    app.query_params[name] = "Nope"
    page = app.run()
    assert not page.exception
    assert words in [one.value for one in page.info]
