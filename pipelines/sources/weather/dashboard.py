"""The dashboard page of the weather: places, and the sources that need them."""

import streamlit as st

from pipelines.dashboard import page as ui

QUESTIONS = ui.Questions("pipelines.sources.weather")


def show() -> None:
    """Show the page."""
    st.title("Weather", anchor=False)
    places = ui.in_words(QUESTIONS.ask("places"), "delay_risk")
    if places.rows.empty:
        st.info("No source requests the weather of a place yet. Launch a job in Dagster.")
        return
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
            note="Storm, freezing rain, snow or heat of the last six hours may delay parcels.",
        )
        _show_quotas()
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


def _show_quotas() -> None:
    """Show the requests of today, of the fullest quota, and below it each quota in words."""
    quotas = QUESTIONS.ask("quotas")
    rows = quotas.rows
    lines = [ui.as_plain(f"{row.provider}: {row.summary}") for row in rows.itertuples()]
    ui.show_number(
        "Requests used today, UTC",
        quotas,
        None if rows.empty else rows["requests_used"].iloc[0],
        note="  \n".join(lines) or "The job weather has not run yet.",
    )


pages = [ui.Page("Weather", ":material/partly_cloudy_day:", show)]
