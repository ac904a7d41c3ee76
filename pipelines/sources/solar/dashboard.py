"""The dashboard page of solar plants: energy, performance ratio, coverage, causes of low hours."""

import datetime as dt

import altair as alt
import streamlit as st

from pipelines.dashboard.page import (
    BLUE,
    GREEN,
    GREY,
    NEUTRAL,
    ORANGE,
    RED,
    Answer,
    Card,
    Page,
    Questions,
    Story,
    colour_scale,
    period_axis,
    show_chart,
    show_table,
    today,
)

QUESTIONS = Questions("pipelines.sources.solar")
PERIODS = {"day": 90, "month": 3 * 365, "year": 20 * 365}
LACKS_HOURS = "datum.hours_present < datum.hours_expected"
NOTE = "Hollow: hours are missing, or the period has not ended. Both sums are of the hours present."
DATES = {"day": "%-d %b %Y", "month": "%b %Y", "year": "%Y"}
CAUSES = {"sky": GREY, "sensor": ORANGE, "plant": RED}
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
    _show_energy(QUESTIONS.ask("energy", period=period, **wanted), period)
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
            tooltip=[
                alt.Tooltip("plant_name:N", title="plant"),
                alt.Tooltip("day:T", format=DATES["day"]),
                alt.Tooltip("status:N"),
                alt.Tooltip("hours_present:Q", title="hours present"),
                alt.Tooltip("hours_expected:Q", title="hours expected"),
                alt.Tooltip("problem:N"),
            ],
        )
        .properties(width=205, height=220),
        empty="No day was requested yet.",
    )
    low = QUESTIONS.ask("low_hours", **(wanted | {"from_date": until - dt.timedelta(days=730)}))
    show_chart(
        "Low hours by cause, last two years",
        low,
        alt.Chart(low.rows)
        .mark_bar()
        .encode(
            x=alt.X("yearmonth(month):T", title=None),  # which keeps a month without low hours
            y=alt.Y("hours:Q"),
            color=alt.Color("low_yield_cause:N", title=None, scale=colour_scale(CAUSES)),
            row=alt.Row("plant_name:N", title=None),
            tooltip=[
                alt.Tooltip("plant_name:N", title="plant"),
                alt.Tooltip("month:T", format="%b %Y"),
                alt.Tooltip("low_yield_cause:N", title="cause"),
                alt.Tooltip("hours:Q", format=","),
            ],
        )
        .properties(width=700, height=110),
        empty="No hour was low, or the weather of none is known yet.",
    )
    show_table(
        "Plant health",
        QUESTIONS.ask("health", plants=wanted["plants"]),
        empty="No plant has readings of the last month.",
        plant_name="Plant",
        day="Until",
        performance_ratio_7_days="Performance ratio, 7 days",
        performance_ratio_30_days="Performance ratio, 30 days",
        availability_30_days="Availability, 30 days",
        longest_gap_hours="Longest gap, h",
        sensor_issues="Sensor issues",
    )


def _show_energy(energy: Answer, period: str) -> None:
    """Energy and performance ratio; what lacks hours is hollow: it may only seem low."""
    hollow = alt.condition(LACKS_HOURS, alt.value(0.1), alt.value(1))
    kind = alt.Color(
        "kind:N", title=None, scale=colour_scale({"observed": BLUE, "expected": "#333333"})
    )
    when = period_axis("period_start", period)
    tooltip = [
        alt.Tooltip("name:N", title="plant"),
        alt.Tooltip("period_start:T", title=period, format=DATES[period]),
        alt.Tooltip("observed_energy_kwh:Q", title="observed, kWh", format=",.0f"),
        alt.Tooltip("expected_energy_kwh:Q", title="expected, kWh", format=",.0f"),
        alt.Tooltip("performance_ratio:Q", title="performance ratio", format=".2f"),
        alt.Tooltip("hours_present:Q", title="hours present", format=","),
        alt.Tooltip("hours_expected:Q", title="hours expected", format=","),
    ]
    chart = alt.Chart(energy.rows).encode(x=when, tooltip=tooltip)
    bars = (
        chart.transform_calculate(kind="'observed'")
        .mark_bar(strokeWidth=1)
        .encode(
            y=alt.Y("observed_energy_kwh:Q", title="kWh"),
            color=kind,
            stroke=kind,
            fillOpacity=hollow,
        )
    )
    ticks = (
        chart.transform_calculate(kind="'expected'")
        .mark_tick(thickness=2)
        .encode(y="expected_energy_kwh:Q", color=kind)
    )
    show_chart(
        "Energy, expected and observed",
        energy,
        alt.layer(bars, ticks)
        .properties(width=700, height=140)
        .facet(row=alt.Row("name:N", title=None))
        .resolve_scale(y="independent"),
        empty="No reading was loaded yet.",
        note=NOTE,
    )
    ratio = chart.encode(
        y=alt.Y("performance_ratio:Q", title="observed by expected energy"),
        color=alt.Color("name:N", title=None, scale=NEUTRAL),
    )
    show_chart(
        "Performance ratio",
        energy,
        alt.layer(
            ratio.mark_line(strokeWidth=1),
            ratio.mark_point(filled=True, size=50).encode(
                stroke=alt.Stroke("name:N", title=None, scale=NEUTRAL), fillOpacity=hollow
            ),
        ).properties(height=260),
        empty="No reading was loaded yet.",
        note=NOTE,
    )


pages = [Page("Solar plants", ":material/solar_power:", show)]
card = Card("Energy of the last whole day", "card", unit="kWh", rise_is_good=True)
stories = [
    Story(
        "lost",
        "**{plant}** lost {lost_kwh:,.0f} kWh on {day:%-d %b}: {share:.0%} of what was expected.",
        ":material/electric_bolt:",
    )
]
