"""The dashboard page of solar plants: energy, what was lost and why, coverage, one plant's day."""

import datetime as dt
from dataclasses import replace
from functools import partial
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from pipelines.dashboard import page as ui

QUESTIONS = ui.Questions("pipelines.sources.solar")
#: The days that the page shows by period; those by day can be chosen.
PERIODS = {"day": 60, "month": 3 * 365, "year": 20 * 365}
LAST_DAYS = {"7 days": 7, "30 days": 30, "60 days": 60, "a year": 365}
FLEET = "All plants"
LACKS_HOURS = "datum.hours_present < datum.hours_expected"
CLICK = "Click on a day to see its hours."
NOTE = "Hollow: hours are missing, or the period has not ended. Both sums are of the hours present."
LOSSES = (
    "Sky: less sun than expected. Outage: no energy though the sun shone. Plant: less than 60 % of"
    " what the sun allowed. Sensor: it failed, and the sunlight is unknown. Soiling: less than"
    " clean panels yield of the same sunlight. Not delivered: estimated from the same hours of the"
    " 30 days before. Other: whatever else is low."
)
#: Why energy was not produced, as in metrics.solar_losses.
CAUSES = {
    "sky": ui.SKY,
    "outage": ui.RED,
    "plant": ui.ORANGE,
    "sensor": ui.PINK,
    "soiling": ui.GREEN,
    "other": ui.GREY,
    "not delivered": ui.BLUE,
}
DAYS = {
    "complete": ui.GREEN,
    "partial": ui.ORANGE,
    "empty": ui.PINK,
    "failed": ui.RED,
    "closed": ui.SKY,
    "not requested": ui.GREY,
}
SUMS = [
    *("observed_energy_kwh", "expected_energy_kwh"),
    *("hours_present", "hours_expected", "hours_due"),
]


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
        choose = partial(st.segmented_control, required=True, bind="query-params")
        period = choose("By", list(PERIODS), default="day", key="by") or "day"
        span = PERIODS[period]
        if period == "day":
            last = choose("Last", list(LAST_DAYS), default="60 days", key="last")
            span = LAST_DAYS[last or "60 days"]
        until = ui.today()
        clicked = st.date_input(
            "Day", None, max_value=until, key="day", bind="query-params", width=200
        )
    wanted: dict[str, Any] = {
        "plants": [ids[chosen]] if chosen in ids else [*ids.values()],
        "from_date": until - dt.timedelta(days=span),
        "to_date": until,
    }
    energy = QUESTIONS.ask("energy", period=period, **wanted)
    losses = None
    with ui.part("Energy lost by cause"):
        losses = QUESTIONS.ask("losses", period=period, **wanted)
    _show_numbers(energy, losses)
    _show_energy(energy, period)
    if isinstance(clicked, dt.date) or chosen in ids:
        day = clicked if isinstance(clicked, dt.date) else until - dt.timedelta(days=1)
        _show_day(wanted["plants"], day, str(chosen))
    if losses is not None:
        ui.show_chart(
            "Energy lost by cause",
            losses,
            _by_cause(losses, period, energy.rows["period_start"], "lost_kwh", "kWh"),
            empty="Nothing was lost, or nothing was delivered.",
            note=LOSSES,
        )
    if chosen not in ids:
        _show_plants(energy, losses, QUESTIONS.ask("health").rows)
    _show_coverage(wanted, is_one=chosen in ids)
    with ui.part("Low hours by cause"):
        low = QUESTIONS.ask("low_hours", **(wanted | {"from_date": until - dt.timedelta(days=730)}))
        months = low.rows["period_start"]
        empty = "No hour was low, or the weather of none is known yet."
        chart = _by_cause(low, "month", months, "hours", "hours")
        ui.show_chart("Low hours by cause, last two years", low, chart, empty=empty)


def _show_numbers(energy: ui.Answer, losses: ui.Answer | None) -> None:
    """Show the sums of all periods."""
    rows = _by_period(energy.rows)
    observed, expected = rows["observed_energy_kwh"].sum(), rows["expected_energy_kwh"].sum()
    since = f"{ui.as_day(rows['period_start'].min())}" if len(rows) else "then"
    with st.grid(4, min_column_width=200, border=True):
        ui.show_number(
            "Energy observed",
            energy,
            observed,
            unit="kWh",
            trend=rows["observed_energy_kwh"].fillna(0).tolist(),
            note=f"of {ui.as_number(expected, 'kWh')} expected since {since}",
        )
        ui.show_number(
            "Performance ratio",
            energy,
            observed / expected if expected else None,
            unit="%",
            trend=rows["ratio"].dropna().tolist(),
            note="Observed by expected energy.",
        )
        if losses is not None:
            worst = losses.rows.groupby("cause")["lost_kwh"].sum() if len(losses.rows) else None
            about = f"most of it: {worst.idxmax()}" if worst is not None else ""
            ui.show_number(
                "Lost",
                losses,
                losses.rows["lost_kwh"].sum() if len(losses.rows) else 0.0,
                unit="kWh",
                note=about or "Nothing was lost.",
                help="The sum of what hours lack to the expected energy. Hours above it are not"
                " set off, so this is more than the difference of the sums.",
            )
        present, hours = rows["hours_present"].sum(), rows["hours_due"].sum()
        ui.show_number(
            "Hours delivered",
            energy,
            present / hours if hours else None,
            unit="%",
            note=f"{ui.as_number(hours - present)} hours are missing",
        )


def _date_format(period: str) -> str:
    return {"month": "%b %Y", "year": "%Y"}.get(period) or ui.day_format()


def _by_period(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the sums of all plants, and the ratio of observed to expected energy."""
    sums = rows.groupby("period_start", as_index=False)[SUMS].sum(min_count=1)
    return sums.assign(ratio=sums["observed_energy_kwh"] / sums["expected_energy_kwh"])


def _show_energy(energy: ui.Answer, period: str) -> None:
    """Energy by period; what lacks hours is hollow: it may only seem low."""
    rows = _by_period(energy.rows)
    rows = rows.assign(on=rows["period_start"].astype(str).str[:10])
    text, _ = ui.ink()
    kind = alt.Color(
        "kind:N", title=None, scale=ui.colour_scale({"observed": ui.BLUE, "expected": text})
    )
    tooltip = [
        alt.Tooltip("period_start:T", title=period, format=_date_format(period)),
        alt.Tooltip("observed_energy_kwh:Q", title="observed, kWh", format=",.0f"),
        alt.Tooltip("expected_energy_kwh:Q", title="expected, kWh", format=",.0f"),
        alt.Tooltip("ratio:Q", title="performance ratio", format=".0%"),
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
            fillOpacity=alt.condition(LACKS_HOURS, alt.value(0.1), alt.value(1)),
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
        energy,
        alt.layer(bars, ticks).properties(height=260),
        empty="No reading was loaded yet.",
        note=f"{NOTE} {CLICK}" if period == "day" else NOTE,
        key="energy" if period == "day" else None,
        on_select=partial(_open_day, "energy"),
    )


def _by_cause(
    answer: ui.Answer, period: str, periods: "pd.Series[Any]", value: str, unit: str
) -> alt.Chart:
    """Return bars of the sums in these periods by cause; one without any has its place."""
    rows = answer.rows.groupby(["period_start", "cause"], as_index=False)[value].sum()
    chart: alt.Chart = alt.Chart(rows).mark_bar().properties(height=280)
    return chart.encode(
        x=ui.period_axis(periods, "period_start", period),
        y=alt.Y(f"{value}:Q", title=unit, axis=alt.Axis(format="~s")),
        color=alt.Color("cause:N", title=None, scale=ui.colour_scale(CAUSES)),
        tooltip=[
            alt.Tooltip("period_start:T", title=period, format=_date_format(period)),
            "cause:N",
            alt.Tooltip(f"{value}:Q", title=unit, format=",.0f"),
        ],
    )


def _show_plants(energy: ui.Answer, losses: ui.Answer | None, health: pd.DataFrame) -> None:
    """Show a row for each plant; a click on one shows it alone."""
    grouped = energy.rows.groupby("name")
    table = grouped[SUMS].sum()
    lost = pd.Series(dtype=float)
    if losses is not None:
        lost = losses.rows.groupby("plant_name")["lost_kwh"].sum()
    issues = health.set_index("plant_name")["sensor_issues"]
    rows = pd.DataFrame(
        {
            "name": table.index,
            "observed": table["observed_energy_kwh"].to_numpy(),
            "ratio": (100 * table["observed_energy_kwh"] / table["expected_energy_kwh"]).to_numpy(),
            "course": [one["performance_ratio"].dropna().round(2).tolist() for _, one in grouped],
            "lost": lost.reindex(table.index).to_numpy(),
            "missing": (table["hours_due"] - table["hours_present"]).to_numpy(),
            "issues": issues.reindex(table.index).to_numpy(),
        }
    )
    ui.show_table(
        "Plants",
        replace(energy, rows=rows),
        empty="No reading was loaded yet.",
        note="Select a plant to see it alone.",
        key="plant_row",
        opens=("plant", "name"),
        name="Plant",
        observed=st.column_config.NumberColumn("Energy, kWh", format="%,.0f"),
        ratio=st.column_config.NumberColumn("Performance ratio", format="%.0f %%"),
        course=st.column_config.LineChartColumn("Its course"),
        lost=st.column_config.NumberColumn("Lost, kWh", format="%,.0f"),
        missing=st.column_config.NumberColumn("Hours missing", format="localized"),
        issues="Sensor issues",
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
        "**{plant}** produced {lost_kwh:,.0f} kWh less than expected on {day}:"
        " {share:.0%} are missing.",
        ":material/electric_bolt:",
    )
]
