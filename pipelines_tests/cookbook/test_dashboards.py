"""Pages of the dashboard on the known data; the browser tests see them as people do."""

import datetime as dt
from collections.abc import Iterator

import pytest
import streamlit as st

from pipelines.dashboard.page import open_engine
from pipelines.postgres.roles import ANALYST
from pipelines.postgres.server import Connections
from pipelines.sources.bookings import dashboard as bookings
from pipelines.sources.solar import dashboard as solar
from pipelines_tests.cookbook.known_solar import BEGINS, END, SIERRA
from pipelines_tests.dashboard.test_pages import OF_SOURCES, PLATFORM, shown


@pytest.fixture(autouse=True)
def of_the_known(
    server: Connections, known: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    monkeypatch.setenv("DATABASE_URL", url := server.url(ANALYST, known))
    st.cache_data.clear()
    yield
    open_engine(url).dispose()
    st.cache_resource.clear()


@pytest.mark.parametrize("module", [*PLATFORM, *OF_SOURCES])
def test_a_page_draws_what_is_loaded(module: str) -> None:
    page = shown(module)
    assert not page.exception
    assert len(page.subheader) > len(page.info)  # some of the data has grown too old to be shown
    assert not page.error


def test_of_very_many_hotels_only_counts_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    few = shown("pipelines.sources.bookings.dashboard")
    monkeypatch.setattr(bookings, "MAX_HOTELS", 1)
    page = shown("pipelines.sources.bookings.dashboard")
    assert not page.exception
    assert page.info[0].value.startswith("Choose up to 1 hotels")
    assert len(few.metric) == 4
    assert len(page.metric) == 1
    assert len(page.subheader) == len(few.subheader) - 1


def test_energy_is_of_whole_months_from_that_of_the_first_day_stored() -> None:
    rows = solar.QUESTIONS.ask(
        "energy", plants=[1], period="month", from_date=dt.date(2006, 1, 1), to_date=END
    ).rows
    months = [one.date() for one in rows["period_start"]]
    assert months == [BEGINS[SIERRA], dt.date(2026, 10, 1), dt.date(2026, 11, 1)]
    assert rows["hours_expected"].tolist() == [30 * 24, 31 * 24 + 1, 30 * 24]
    assert rows["hours_present"].iloc[-1] == 24  # and one is drawn as incomplete
