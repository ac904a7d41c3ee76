"""The dashboard page of solar plants: energy, performance ratio, coverage, causes of low hours."""

import datetime as dt

import altair as alt
import streamlit as st

from pipelines.dashboard.page import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    Page,
    Questions,
    colour_scale,
    show_chart,
    show_table,
    today,
)

QUESTIONS = Questions("pipelines.sources.solar")
PERIODS = {"day": 90, "month": 3 * 365, "year": 20 * 365}
DAYS = {
    "complete": GREEN,
    "partial": ORANGE,
    "empty": GREY,
    "failed": RED,
    "not requested": "#d9d9d9",
}


def show() -> None:
    """Show the page."""
    st.title("Solar plants")
    plants = QUESTIONS.ask("plants").rows
    if plants.empty:
        st.info("No plant is registered yet: `isobar plants add`.")
        return
    names = dict(zip(plants["plant_id"], plants["name"], strict=True))
    with st.sidebar:
        chosen = st.multiselect(
            "Plants", list(names), format_func=names.__getitem__, placeholder="all"
        )
        period = st.segmented_control("By", list(PERIODS), default="day") or "day"
    until = today()
    wanted = {
        "plants": chosen or list(names),
        "from_date": until - dt.timedelta(days=PERIODS[period]),
        "to_date": until,
    }
    energy = QUESTIONS.ask("energy", period=period, **wanted)
    kinds = {"expected_energy_kwh": GREY, "observed_energy_kwh": BLUE}
    when = alt.X("period_start:T", title=None)
    show_chart(
        "Energy, expected and observed",
        energy,
        alt.Chart(energy.rows.melt(["name", "period_start"], [*kinds], "kind", "kwh"))
        .mark_line(interpolate="step-after")
        .encode(
            x=when,
            y=alt.Y("kwh:Q", title="kWh"),
            color=alt.Color("kind:N", title=None, scale=colour_scale(kinds)),
            row=alt.Row("name:N", title=None),
            tooltip=["name", "period_start:T", "kind", alt.Tooltip("kwh:Q", format=",.0f")],
        )
        .resolve_scale(y="independent")
        .properties(width=700, height=140),
        empty="No reading was loaded yet.",
    )
    show_chart(
        "Performance ratio",
        energy,
        alt.Chart(energy.rows)
        .mark_line()
        .encode(
            x=when,
            y=alt.Y("performance_ratio:Q", title="observed by expected energy"),
            color=alt.Color("name:N", title=None),
            tooltip=["name", "period_start:T", alt.Tooltip("performance_ratio:Q", format=".2f")],
        )
        .properties(height=260),
        empty="No reading was loaded yet.",
    )
    coverage = QUESTIONS.ask("coverage", **(wanted | {"from_date": until - dt.timedelta(days=366)}))
    show_chart(
        "Coverage, last year",
        coverage,
        alt.Chart(coverage.rows)
        .mark_rect()
        .encode(
            x=alt.X("date(day):O", title="day of the month"),
            y=alt.Y("yearmonth(day):O", title=None),
            color=alt.Color("status:N", title=None, scale=colour_scale(DAYS)),
            column=alt.Column("plant_name:N", title=None),
            tooltip=["plant_name", "day:T", "status", "hours_present", "hours_expected", "problem"],
        )
        .properties(width=205, height=220),
        empty="No day was requested yet.",
    )
    low = QUESTIONS.ask("low_hours", **(wanted | {"from_date": until - dt.timedelta(days=730)}))
    show_chart(
        "Low hours by cause: sky, sensor or plant",
        low,
        alt.Chart(low.rows)
        .mark_bar()
        .encode(
            x=alt.X("yearmonth(month):T", title=None),
            y=alt.Y("hours:Q"),
            color=alt.Color("low_yield_cause:N", title=None),
            row=alt.Row("plant_name:N", title=None),
            tooltip=["plant_name", "month:T", "low_yield_cause", "hours"],
        )
        .properties(width=700, height=110),
        empty="No hour was low, or the weather of none is known yet.",
    )
    show_table(
        "Plant health",
        QUESTIONS.ask("health", plants=wanted["plants"]),
        empty="No plant has readings of the last month.",
    )


pages = [Page("Solar plants", ":material/solar_power:", show)]
