"""The dashboard page of the weather: places, the sources that need them, and the quota."""

from typing import Any

import streamlit as st

from pipelines.dashboard import page as ui
from pipelines.sources.weather import Settings, source
from pipelines.sources.weather.clients import calls_per_day

QUESTIONS = ui.Questions("pipelines.sources.weather")
NOWHERE = "http://127.0.0.1:9"


def show() -> None:
    """Show the page."""
    st.title("Weather", anchor=False)
    places = ui.in_words(QUESTIONS.ask("places"), "delay_risk")
    if places.rows.empty:
        st.info("No source requests the weather of a place yet. Launch a job in Dagster.")
        return
    _show_numbers(places, QUESTIONS.ask("calls", **quota()))
    ui.show_table(
        "Places in use, those without weather and at risk first",
        places,
        empty="",
        note="Of airports and solar plants, hours are requested: theirs is the present hour.",
        risk_rows=None,
        unknown_rows=None,
        place="Place",
        country_code="Country",
        conditions="Weather",
        temperature_celsius=st.column_config.NumberColumn("Temperature, °C", format="%.1f"),
        wind_kmh=st.column_config.NumberColumn("Wind, km/h", format="%.0f"),
        delay_risk=st.column_config.TextColumn("Risk", help="Weather that may delay a parcel."),
        used_by=st.column_config.ListColumn("Needed by"),
        observed_at=ui.instant_column("As of, UTC"),
        problem="Why it is unknown",
    )
    st.caption("Weather data by Open-Meteo.com (CC BY 4.0), unless you use another provider.")


def _show_numbers(places: ui.Answer, calls: ui.Answer) -> None:
    first = places.rows.iloc[0]
    with st.grid(3, min_column_width=200, border=True):
        ui.show_number(
            "Places in use",
            places,
            first["total_rows"],
            note=f"{ui.as_number(first['unknown_rows'])} without weather",
        )
        ui.show_number(
            "Places at risk",
            places,
            first["risk_rows"],
            note="Storm, freezing rain, snow or heat may delay parcels.",
        )
        if not calls.rows.empty:
            now = calls.rows.iloc[-1]
            ui.show_number(
                "Calls to the weather service today",
                calls,
                now["value"],
                trend=calls.rows["value"].tolist(),
                note=f"{ui.as_plain(now['detail'])}; the last one {ui.as_time(now['as_of'])}",
                help="Their cost in the provider's quota, lookups of places included. The limit is"
                " that of the settings of this process.",
            )


def quota() -> dict[str, Any]:
    """Return the parameters of the statement."""
    # Without the addresses: none is called, and those of the sandbox are known to runs alone.
    urls: dict[str, Any] = {
        name: NOWHERE for name in Settings.model_fields if name.endswith("_url")
    }
    return {"calls_per_day": calls_per_day(source.load_settings(**urls))}


pages = [ui.Page("Weather", ":material/partly_cloudy_day:", show)]
