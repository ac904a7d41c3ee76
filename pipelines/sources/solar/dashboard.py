"""The dashboard page of solar plants: energy, what was lost and why, coverage, one plant's day."""

import datetime as dt
from dataclasses import replace
from functools import partial
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from pipelines.dashboard import page as ui
from pipelines.sources.solar.loss_charts import (
    HOLLOW,
    LOSSES,
    LOW,
    NOT_WHOLE,
    Energy,
    by_cause,
    date_format,
    energy_of,
    show_waterfall,
)

QUESTIONS = ui.Questions("pipelines.sources.solar")
#: The days that the page shows by period; those by day can be chosen.
PERIODS = {"day": 60, "month": 3 * 365, "year": 20 * 365}
LAST_MONTH = "last month"
LAST_DAYS = {"7 days": 7, "30 days": 30, "60 days": 60, LAST_MONTH: 0, "a year": 365}
FLEET = "All plants"
CLICK = "Click on a day to see its hours."
TODAY = (
    "Today comes tomorrow: a day of a plant is requested when it is over there. Its last whole day"
    " is {day}."
)
DAYS = {
    "complete": ui.GREEN,
    "partial": ui.ORANGE,
    "empty": ui.PINK,
    "failed": ui.RED,
    "closed": ui.SKY,
    "not requested": ui.GREY,
}


def show() -> None:
    """Show the page."""
    st.title("Solar plants", anchor=False)
    plants = QUESTIONS.ask("plants").rows
    if plants.empty:
        st.info("No plant is registered yet. `make run` loads those of the service.")
        return
    ids = dict(zip(plants["name"], plants["plant_id"].tolist(), strict=True))
    ui.note_unknown("plant", "plant", [FLEET, *ids])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox("Plant", [FLEET, *ids], key="plant", bind="query-params", width=260)
        here = plants[plants["name"] == chosen] if chosen in ids else plants
        today = here["today"].min()  # of several, the one that is over last
        choose = partial(st.segmented_control, required=True, bind="query-params")
        period = choose("By", list(PERIODS), default="day", key="by") or "day"
        last = ""
        if period == "day":
            last = st.selectbox(
                "Last", list(LAST_DAYS), 2, key="last", bind="query-params", width=140
            )
        clicked = st.date_input(
            "Day", None, max_value=today, key="day", bind="query-params", width=200
        )
    first, end = days_of(today, period, last)
    wanted: dict[str, Any] = {
        "plants": here["plant_id"].tolist(),
        "from_date": first,
        "to_date": end,
    }
    energy = energy_of(QUESTIONS.ask("energy", period=period, **wanted))
    losses = None
    with ui.part("Energy lost by cause"):
        losses = QUESTIONS.ask("losses", period=period, **wanted)
    _show_numbers(energy)
    if losses is not None:
        show_waterfall(energy, losses)
    _show_energy(energy, period)
    if isinstance(clicked, dt.date) and clicked >= today:
        st.info(TODAY.format(day=ui.as_day(today - dt.timedelta(days=1))))
    elif isinstance(clicked, dt.date) or chosen in ids:
        day = clicked if isinstance(clicked, dt.date) else today - dt.timedelta(days=1)
        _show_day(wanted["plants"], day, str(chosen))
    if losses is not None:
        for title, value, unit, note in (
            ("Energy lost by cause", "loss_kwh", "kWh", LOSSES),
            ("Low hours by cause", "low_hours", "hours", LOW),
        ):
            ui.show_chart(
                title,
                losses,
                by_cause(losses, period, energy.periods, value, unit),
                empty="Each hour is as expected, or none was delivered.",
                note=f"{note} {HOLLOW}",
            )
    if chosen not in ids:
        _show_plants(energy, losses, QUESTIONS.ask("health").rows)
    with ui.part("Findings"):
        _show_findings(QUESTIONS.ask("findings", **wanted))
    _show_coverage(wanted | {"to_date": today}, is_one=chosen in ids)


def days_of(today: dt.date, period: str, last: str) -> tuple[dt.date, dt.date]:
    """Return the first day that is shown, and the day after the last one.

    Months and years begin whole.
    """
    if last == LAST_MONTH:
        end = today.replace(day=1)
        return (end - dt.timedelta(days=1)).replace(day=1), end
    first = today - dt.timedelta(days=LAST_DAYS.get(last) or PERIODS[period])
    if period != "day":
        first = first.replace(day=1) if period == "month" else first.replace(month=1, day=1)
    return first, today


def _show_numbers(energy: Energy) -> None:
    """Show the numbers of all periods."""
    total, periods = energy.total, energy.periods
    since = f"{ui.as_day(periods['period_start'].min())}" if len(periods) else "then"
    worth = ""
    if not pd.isna(total["observed_amount"]):
        worth = f", worth {ui.as_number(total['observed_amount'], total['tariff_currency'])}"
    missing = f"{ui.as_number(total['hours_missing'] or 0)} hours are missing"
    if total["not_delivered_kwh"]:
        missing += f", some {ui.as_number(total['not_delivered_kwh'], 'kWh')} by estimate"
    shown = [
        (
            "Energy observed",
            "observed_energy_kwh",
            "kWh",
            f"of {ui.as_number(total['expected_energy_kwh'], 'kWh')} expected since {since}{worth}",
        ),
        ("Performance ratio", "performance_ratio", "%", "Observed by expected energy."),
        (
            "Weather-adjusted ratio",
            "weather_adjusted_ratio",
            "%",
            "Observed by what the sun allowed.",
        ),
        (
            "Operational availability",
            "operational_availability",
            "%",
            "Hours in which it ran, of those with sun.",
        ),
        ("IEC performance ratio", "iec_performance_ratio", "%", "By capacity and irradiation."),
        ("Hours delivered", "data_completeness", "%", missing),
    ]
    with st.grid(3, min_column_width=200, border=True):
        for label, column, unit, note in shown:
            ui.show_number(
                label,
                energy.answer,
                total[column],
                unit=unit,
                trend=periods[column].dropna().tolist(),
                note=note,
            )


def _show_energy(energy: Energy, period: str) -> None:
    """Energy by period; what lacks hours is hollow: it may only seem low."""
    rows = energy.periods
    rows = rows.assign(on=rows["period_start"].astype(str).str[:10])
    text, _ = ui.ink()
    kind = alt.Color(
        "kind:N", title=None, scale=ui.colour_scale({"observed": ui.BLUE, "expected": text})
    )
    tooltip = [
        alt.Tooltip("period_start:T", title=period, format=date_format(period)),
        alt.Tooltip("observed_energy_kwh:Q", title="observed, kWh", format=",.0f"),
        alt.Tooltip("expected_energy_kwh:Q", title="expected, kWh", format=",.0f"),
        alt.Tooltip("performance_ratio:Q", title="performance ratio", format=".0%"),
        alt.Tooltip("hours_present:Q", title="hours present", format=","),
        alt.Tooltip("hours_expected:Q", title="hours expected", format=","),
    ]
    across = ui.period_axis(rows["period_start"], "period_start", period)
    chart = alt.Chart(rows).encode(x=across, tooltip=tooltip)
    bars = (
        chart.transform_calculate(kind="'observed'")
        .mark_bar(strokeWidth=1)
        .encode(
            y=alt.Y("observed_energy_kwh:Q", title="kWh", axis=alt.Axis(format="~s")),
            color=kind,
            stroke=kind,
            fillOpacity=alt.condition(NOT_WHOLE, alt.value(0.1), alt.value(1)),
        )
        .add_params(alt.selection_point(name="clicked", fields=["on"]))
    )
    ticks = (
        chart.transform_calculate(kind="'expected'")
        .mark_tick(thickness=2)
        .encode(y="expected_energy_kwh:Q", color=kind)
    )
    ui.show_chart(
        "Energy, expected and observed",
        replace(energy.answer, rows=rows),
        alt.layer(bars, ticks).properties(height=260),
        empty="No reading was loaded yet.",
        note=f"{HOLLOW} {CLICK}" if period == "day" else HOLLOW,
        key="energy" if period == "day" else None,
        on_select=partial(_open_day, "energy"),
    )


def _show_plants(energy: Energy, losses: ui.Answer | None, health: pd.DataFrame) -> None:
    """Show a row for each plant; a click on one shows it alone."""
    plants = energy.plants.set_index("plant_name")
    courses = energy.each.groupby("plant_name")["performance_ratio"]
    course = courses.apply(lambda ratios: ratios.dropna().round(2).tolist())
    lost = pd.Series(dtype=float)
    if losses is not None:
        lost = losses.rows.groupby("plant_name")["loss_kwh"].sum()
    ratios = {
        "weather_adjusted_ratio": "Weather-adjusted",
        "operational_availability": "Availability",
        "iec_performance_ratio": "IEC ratio",
    }
    columns: dict[str, Any] = {
        name: st.column_config.NumberColumn(title, format="%.0f %%")
        for name, title in ratios.items()
    }
    rows = plants[["observed_energy_kwh"]].assign(
        lost=lost.reindex(plants.index),
        **{name: 100 * plants[name] for name in ratios},
        specific_yield=plants["specific_yield_kwh_per_kwp"],
        course=course.reindex(plants.index),
        missing=plants["hours_missing"],
        issues=health.set_index("plant_name")["sensor_issues"].reindex(plants.index),
    )
    ui.show_table(
        "Plants",
        replace(energy.answer, rows=rows.reset_index(names="name")),
        empty="No reading was loaded yet.",
        note="Select a plant to see it alone. Availability is operational: hours in which it ran.",
        key="plant_row",
        opens=("plant", "name"),
        name="Plant",
        observed_energy_kwh=st.column_config.NumberColumn("Energy, kWh", format="%,.0f"),
        lost=st.column_config.NumberColumn("Below expected, kWh", format="%,.0f"),
        **columns,
        specific_yield=st.column_config.NumberColumn("kWh/kWp", format="%,.0f"),
        course=st.column_config.LineChartColumn("Performance ratio"),
        missing=st.column_config.NumberColumn("Hours missing", format="localized"),
        issues="Sensor issues",
    )


def _show_findings(found: ui.Answer) -> None:
    """Show soiling and impossible energy, if there is any."""
    ui.show_table(
        "Findings",
        ui.in_words(found, "finding"),
        empty="No soiling, and no energy that cannot be.",
        note="Stored as sent, and in all sums. Soiling: a slow decline under the same sun over four"
        " weeks, a rule of thumb. Above expected or above sun: more energy than there can be. Watt"
        " hours: the unit is probably Wh.",
        plant_name="Plant",
        local_hour=st.column_config.DatetimeColumn("Local hour", format="HH:mm"),
        decline_per_day_pct=st.column_config.NumberColumn("Decline a day, %", format="%.2f"),
        observed_energy_kwh=st.column_config.NumberColumn("Observed, kWh", format="%,.1f"),
        best_energy_kwh=st.column_config.NumberColumn("Best of the day, kWh", format="%,.1f"),
    )


def _show_day(plants: list[int], day: dt.date, name: str) -> None:
    """Show the hours of one day of a plant, or of all together."""
    curve = QUESTIONS.ask("curve", plants=plants, day=day)
    text, _ = ui.ink()
    kinds = {"observed": ui.BLUE, "expected": text}
    dashes = alt.Scale(domain=[*kinds], range=[[1, 0], [6, 4]])
    names = {"observed_energy_kwh": "observed", "expected_energy_kwh": "expected"}
    rows = curve.rows.rename(columns=names).melt("local_hour", [*kinds], "kind", "kWh")
    ui.show_chart(
        f"{ui.as_plain(name)} on {ui.as_day(day)}",
        curve,
        alt.Chart(rows)  # a line ends where hours are missing
        .mark_line(point=True)
        .encode(
            x=alt.X("local_hour:T", title="local time", axis=alt.Axis(format=ui.CLOCK)),
            y=alt.Y("kWh:Q"),
            color=alt.Color(
                "kind:N",
                title=None,
                scale=ui.colour_scale(kinds),
                legend=alt.Legend(symbolType="stroke", symbolStrokeWidth=3, symbolSize=500),
            ),
            strokeDash=alt.StrokeDash("kind:N", title=None, scale=dashes),
            tooltip=[
                alt.Tooltip("local_hour:T", title="hour", format=ui.CLOCK),
                "kind:N",
                alt.Tooltip("kWh:Q", format=",.1f"),
            ],
        )
        .properties(height=220),
        empty="No hour of this day is stored.",
    )
    missing = QUESTIONS.ask("missing_hours", plants=plants, day=day)
    if len(missing.rows):
        ui.show_table("Hours that are missing on this day", missing, empty="", plant_name="Plant")


def _open_day(chart: str) -> None:
    """Choose the day that was clicked in a chart, and its plant if it is of one."""
    for one in ui.selected_in(chart, "clicked", "on"):
        st.session_state["day"] = dt.date.fromisoformat(one["on"])
        if "plant_name" in one:
            st.session_state["plant"] = one["plant_name"]


def _show_coverage(wanted: dict[str, Any], *, is_one: bool) -> None:
    """Show a calendar of one plant's last year, or the last 60 days of each plant."""
    days = 366 if is_one else 60
    coverage = QUESTIONS.ask(
        "coverage", **(wanted | {"from_date": wanted["to_date"] - dt.timedelta(days=days)})
    )
    chart = (
        alt.Chart(coverage.rows.assign(on=coverage.rows["day"].astype(str)))
        .mark_rect(stroke=ui.ink()[1], cursor="pointer")
        .encode(
            color=alt.Color("status:N", title=None, scale=ui.colour_scale(DAYS)),
            tooltip=[
                alt.Tooltip("plant_name:N", title="plant"),
                alt.Tooltip("day:T", format=ui.day_format()),
                alt.Tooltip("status:N"),
                alt.Tooltip("hours_present:Q", title="hours present"),
                alt.Tooltip("hours_expected:Q", title="hours expected"),
                alt.Tooltip("problem:N"),
            ],
        )
        .add_params(alt.selection_point(name="clicked", fields=["on", "plant_name"]))
    )
    if is_one:
        drawn = chart.encode(
            x=alt.X("date(day):O", title="day of the month", axis=alt.Axis(labelAngle=0)),
            y=alt.Y("yearmonth(day):O", title=None),
        ).properties(height=340)
    else:
        plants = max(1, coverage.rows["plant_name"].nunique())
        drawn = chart.encode(
            x=ui.period_axis(coverage.rows["day"], "day", "day"),
            y=alt.Y("plant_name:N", title=None, axis=alt.Axis(labelOverlap=False)),
        ).properties(height=190 + 24 * plants)
    ui.show_chart(
        "Coverage, last year" if is_one else "Coverage, last 60 days",
        coverage,
        drawn,
        empty="No day was requested yet.",
        note=CLICK,
        key="coverage",
        on_select=partial(_open_day, "coverage"),
    )


def plants() -> dict[str, str]:
    """Return the names of plants by their numbers."""
    rows = QUESTIONS.ask("plants").rows
    return {str(row["plant_id"]): row["name"] for row in rows.to_dict("records")}


choices = {
    "plant": plants,
    "plant_2": plants,
    "period": lambda: {one: one for one in ("hour", "day", "week", "month", "year")},
}
pages = [ui.Page("Solar plants", ":material/solar_power:", show)]
card = ui.Card("Energy of the last whole day", "card", unit="kWh", rise_is_good=True)
stories = [
    ui.Story(
        "lost",
        "**{plant}** made {share:.0%} of what was expected on {day}: {lost_kwh:,.0f} kWh less.",
        ":material/electric_bolt:",
    )
]
