"""Pages of the dashboard on the known data; the browser tests see them as people do."""

import datetime as dt
import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from pipelines.dashboard import ask
from pipelines.dashboard.page import as_plain, dagster_url
from pipelines.postgres.process_identity import identity
from pipelines.postgres.roles import ANALYST
from pipelines.postgres.server import Connections
from pipelines.sources.bookings import dashboard as bookings
from pipelines.sources.flights import dashboard as flights
from pipelines.sources.shipments import dashboard as shipments
from pipelines.sources.solar import dashboard as solar
from pipelines.warehouse.sql_files import read_sql
from pipelines_tests.cookbook import known_flights, known_shipments
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


def test_of_very_many_hotels_only_counts_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    few = shown("pipelines.sources.bookings.dashboard")
    assert not few.exception
    monkeypatch.setattr(bookings, "MAX_HOTELS", 1)
    page = shown("pipelines.sources.bookings.dashboard")
    assert not page.exception
    assert page.info[0].value.startswith("Choose up to 1 hotels")
    assert len(few.metric) == 4
    assert len(page.metric) == 1
    assert len(page.subheader) == len(few.subheader) - 4


def test_energy_is_of_whole_months_from_that_of_the_first_day_stored() -> None:
    rows = solar.QUESTIONS.ask(
        "energy", plants=[1], period="month", from_date=dt.date(2006, 1, 1), to_date=END
    ).rows
    months = [one.date() for one in rows["period_start"]]
    assert months == [BEGINS[SIERRA], dt.date(2026, 10, 1), dt.date(2026, 11, 1)]
    assert rows["hours_expected"].tolist() == [30 * 24, 31 * 24 + 1, 30 * 24]
    assert rows["hours_present"].iloc[-1] == 24  # and one is drawn as incomplete
    # Neither hours to come nor those before the first stored day are missing.
    assert rows["hours_due"].tolist() == [30 * 24, 31 * 24 + 1, 24]
    (year,) = solar.QUESTIONS.ask(
        "energy", plants=[1], period="year", from_date=dt.date(2006, 1, 1), to_date=END
    ).rows["hours_due"]
    assert year == rows["hours_due"].sum()
    # East of UTC days are over, and stored, before that of UTC is.
    for plants in ([1], [1, 2]):
        before = solar.QUESTIONS.ask(
            "energy",
            plants=plants,
            period="month",
            from_date=BEGINS[SIERRA],
            to_date=dt.date(2026, 10, 31),
        ).rows
        assert (before["hours_present"] <= before["hours_due"]).all()
        assert before["hours_due"].max() == 31 * 24 + 1


def test_the_address_of_dagster_is_looked_up_each_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("ISOBAR_UI_URL", raising=False)
    monkeypatch.setenv("ISOBAR_HOME", str(tmp_path))
    assert dagster_url("runs") is None
    record = {"url": "http://127.0.0.1:3000", "host": socket.gethostname()}
    for process, url in ((identity(), f"{record['url']}/runs"), ("1 since 0", None)):
        noted = record | {"processes": {"web server": process}}
        (tmp_path / "ui.json").write_text(json.dumps(noted))
        assert dagster_url("runs") == url
    monkeypatch.setenv("ISOBAR_UI_URL", "https://isobar.example.com/")
    assert dagster_url("runs") == "https://isobar.example.com/runs"


def test_flights_are_filtered_by_city_and_day_of_departure() -> None:
    page = shown("pipelines.sources.flights.dashboard")
    currency = next(one for one in page.selectbox if one.label == "Currency")
    currency.set_value("GBP").run()
    offered = page.dataframe[0].value
    assert {"origin", "destination", "departure_on", "return_on", "total_duration"} <= {*offered}
    page.multiselect[0].set_value(["Budapest"])
    page.date_input[0].set_value((THERE, THERE)).run()
    assert not page.exception
    assert page.dataframe[0].value.equals(offered)
    chosen: dict[str, Any] = dict.fromkeys(
        ("destinations", "routes", "agents", "airlines", "hours")
    )
    chosen |= {"currency": "GBP", "stops": 3, "sort": "price"}
    for origin, day, count in (
        ("Budapest", THERE, len(offered)),
        ("BUD", THERE, len(offered)),
        ("London", THERE, 0),
        ("LHR", THERE, 0),
        ("Budapest", THERE + dt.timedelta(days=1), 0),
    ):
        chosen |= {"origins": [origin], "departs_from": day, "departs_until": day}
        assert len(flights.QUESTIONS.ask("cheapest", **chosen).rows) == count


def test_a_table_that_is_cut_off_says_so() -> None:
    def show() -> None:
        import pandas as pd

        from pipelines.dashboard.page import Answer, show_table

        rows = pd.DataFrame({"name": ["a", "b"], "total_rows": [1250, 1250]})
        show_table("Names", Answer(rows, "SELECT"), empty="")

    page = AppTest.from_function(show).run()
    assert page.dataframe[0].value.columns.tolist() == ["name"]
    assert page.caption[0].value == "The first 2 of 1,250."


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


def test_the_weather_of_now_is_no_risk_to_a_delivered_parcel() -> None:
    wanted = {"risks": None, "countries": None, "places": None}
    rows = shipments.QUESTIONS.ask("on_their_way", statuses=["delivery"], **wanted).rows
    assert rows["tracking_number"].tolist() == ["TN20261002"]
    assert rows[["weather_risk", "sender_risk", "weather_age_minutes"]].isna().all(axis=None)
    took = known_shipments.DELIVERED_AT - known_shipments.SENT_AT
    assert rows["in_transit_hours"].tolist() == [took.total_seconds() / 3600]
    assert rows["risk_rows"].tolist() == [0]
    page = shown("pipelines.sources.shipments.dashboard")
    page.text_input[0].set_value("TN20261002").run()
    assert not page.exception
    words = next(one.value for one in page.markdown if "Delivered in" in one.value)
    assert words.startswith("**Delivered in 62 h** from Berlin to Paris, ")
    assert "risk" not in words
    fields = next(one.value for one in page.dataframe if "field" in one.value)
    assert "Weather risk" not in fields["field"].tolist()


def test_offers_are_sorted_over_all_of_them() -> None:
    chosen: dict[str, Any] = dict.fromkeys(
        ("origins", "destinations", "routes", "agents", "airlines", "hours", "departs_from")
    )
    chosen |= {"currency": "GBP", "stops": 3, "departs_until": None}
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
    assert orders["newest first"]["first_seen_on"].is_monotonic_decreasing


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
    page.text_input[0].set_value("it_none").run()
    assert page.warning[0].value == as_plain("There is no itinerary it_none.")


def test_a_plant_alone_has_its_day() -> None:
    page = shown("pipelines.sources.solar.dashboard")
    fleet = [one.value for one in page.subheader]
    assert "Plants" in fleet
    name = page.dataframe[0].value["name"].iloc[0]
    page.selectbox[0].set_value(name).run()
    assert not page.exception
    one = [one.value for one in page.subheader]
    assert any(title.startswith(f"{name} on ") for title in one)
    assert "Plants" not in one


def test_losses_are_what_was_expected_and_not_produced() -> None:
    """Those of delivered hours are at least the difference of the sums."""
    wanted = {"plants": [1], "from_date": BEGINS[SIERRA], "to_date": END, "period": "month"}
    lost = solar.QUESTIONS.ask("losses", **wanted).rows
    assert (lost["lost_kwh"] > 0).all()
    assert {*lost["cause"]} <= {*solar.CAUSES}
    energy = solar.QUESTIONS.ask("energy", **wanted).rows
    delivered = lost[lost["cause"] != "not delivered"].groupby("period_start")["lost_kwh"].sum()
    missing = energy["expected_energy_kwh"] - energy["observed_energy_kwh"]
    by_month = dict(zip([one.date() for one in energy["period_start"]], missing, strict=True))
    for month, kwh in delivered.items():
        assert kwh >= by_month[month] - 1


def test_every_risk_has_a_colour() -> None:
    function = read_sql("pipelines.sources.weather", "views/weather.worse_risk")
    known = re.findall(r"WHEN .* THEN '(\w+)'$", function, re.MULTILINE)
    assert {*known, "unknown"} == {*shipments.RISKS}


def parcels(count: int) -> pd.DataFrame:
    """Parcels from as many places as there are parcels to Rome, which has a storm."""
    ends = {"city": "City {}", "conditions": "fog", "temperature_celsius": 3.0, "risk": "none"}
    rows = [
        {f"sender_{name}": str(one).format(n) for name, one in ends.items()}
        | {"sender_latitude": 45 + n % 10, "sender_longitude": n / 10.0}
        | {f"receiver_{name}": one for name, one in ends.items()}
        | {"receiver_city": "Rome", "receiver_latitude": 41.9, "receiver_longitude": 12.5}
        | {"receiver_risk": "storm", "weather_risk": "storm", "tracking_number": f"TN{n}"}
        for n in range(count)
    ]
    return pd.DataFrame(rows)


def test_each_place_has_a_mark_with_its_parcels_and_worst_risk() -> None:
    rows = parcels(200)
    places = shipments.places_of(rows)
    assert len(places) == 201
    (rome,) = places[places["name"] == "Rome"].to_dict("records")
    assert (rome["parcels"], rome["risk"]) == (200, "storm")
    assert places[places["name"] == "City 7"]["numbers"].tolist() == [["TN7"]]
    drawn = shipments.draw(rows, places, "TN3").to_json()
    assert drawn.count('"is_opened": true') == 1  # of so many lines, that of the parcel alone
    assert '"is_opened": false' not in drawn


def test_shipments_without_coordinates_have_a_map() -> None:
    columns = ("city", "conditions", "temperature_celsius", "latitude", "longitude", "risk")
    ends = {f"{end}_{name}": [None] for end in ("sender", "receiver") for name in columns}
    rows = pd.DataFrame(ends | {"weather_risk": ["unknown"], "tracking_number": ["TN1"]})
    drawn = shipments.draw(rows, shipments.places_of(rows)).to_json()
    assert "NaN" not in drawn


def test_every_question_has_a_form_that_answers() -> None:
    keys = [one.key for one in (*ask._of_cookbook(), *ask._of_functions())]
    assert len({*keys}) == len(keys) > 60
    for key in keys:
        page = opened(question=key)
        assert not page.exception, key
        assert not page.error, (key, page.error[0].value)
        assert page.query_params["question"] == key


def test_an_answer_has_the_rows_of_the_values_in_the_address() -> None:
    page = opened(question="bookings.by_month", hotel="2607", year="2026", from_day="2026-08-01")
    assert page.dataframe[0].value["bookings"].tolist() == [2, 0, 5, 1, 0]


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


def test_the_chosen_reason_of_the_quarantine_is_in_the_address() -> None:
    def records(app: AppTest) -> pd.DataFrame:
        return next(one.value for one in app.dataframe if "raw" in one.value)

    page = shown("pipelines.dashboard.quality")
    reasons = next(one for one in page.selectbox if one.label == "Records of")
    assert len(records(page)) == 4
    reason = next(one for one in reasons.options if one.startswith("flights: "))
    reasons.set_value(reason).run()
    assert not page.exception
    assert records(page)["feed"].tolist() == ["flights"]
    app = AppTest.from_function(show, args=("pipelines.dashboard.quality",), default_timeout=60)
    app.query_params["reason"] = reason
    assert records(app.run())["feed"].tolist() == ["flights"]
