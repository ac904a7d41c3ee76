"""Charts of the page of solar plants about losses: the steps from expected to observed energy."""

from dataclasses import dataclass, replace
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from pipelines.dashboard import page as ui

NOT_WHOLE = "!datum.is_whole"
HOLLOW = "Hollow: hours are missing, or the period is not over."
LOSSES = (
    "Sky: less sun than expected. Of what the sun allowed, outage: under 1 % was made; plant: under"
    " 60 %; other: 60 % or more. Sensor: it failed, and the sun is unknown. Gain: hours with more"
    " energy than expected."
)
LOW = "Hours with under 60 % of the expected energy, by the larger of their causes."
#: Why energy was not as expected, as in metrics.solar_losses, in the order of the waterfall.
CAUSES = {
    "sky": ui.SKY,
    "outage": ui.RED,
    "plant": ui.ORANGE,
    "other": ui.GREY,
    "sensor": ui.PINK,
    "gain": ui.GREEN,
}


@dataclass(frozen=True)
class Energy:
    """Rows of metrics.solar_periods, by what they are of."""

    answer: ui.Answer
    total: "pd.Series[Any]"
    periods: pd.DataFrame
    plants: pd.DataFrame
    each: pd.DataFrame


def energy_of(answer: ui.Answer) -> Energy:
    """Part the rows: of all plants and periods, of all plants, of all periods, of each."""
    rows = answer.rows
    is_plant, is_period = rows["plant_id"].notna(), rows["period_start"].notna()
    return Energy(
        answer,
        total=rows[~is_plant & ~is_period].iloc[0],
        periods=rows[~is_plant & is_period],
        plants=rows[is_plant & ~is_period],
        each=rows[is_plant & is_period],
    )


def waterfall(energy: Energy, losses: pd.DataFrame) -> pd.DataFrame:
    """Return the steps from expected to observed energy: each begins where the last one ends."""
    expected, observed = (energy.total[f"{name}_energy_kwh"] for name in ("expected", "observed"))
    sums = losses.groupby("cause")[["loss_kwh", "loss_amount"]].sum(min_count=1)
    worth = energy.total["observed_amount"]
    worth_expected = worth + sums["loss_amount"].sum()
    steps: list[tuple[Any, ...]] = [("expected", 0.0, expected, expected, worth_expected)]
    level = expected
    for cause in CAUSES:
        if cause in sums.index:
            loss = float(sums["loss_kwh"][cause])
            amount = -float(sums["loss_amount"][cause])
            steps.append((cause, level, level - loss, -loss, amount))
            level -= loss
    steps.append(("observed", 0.0, observed, observed, worth))
    return pd.DataFrame(steps, columns=["step", "begins", "ends", "kwh", "amount"])


def show_waterfall(energy: Energy, losses: ui.Answer) -> None:
    """Show the steps as a chart, and beside it as a table."""
    steps = waterfall(energy, losses.rows) if len(losses.rows) else pd.DataFrame()
    text, _ = ui.ink()
    colours = {"expected": text, **CAUSES, "observed": ui.BLUE}
    currencies = losses.rows["tariff_currency"].unique()
    is_one = len(currencies) == 1 and isinstance(currencies[0], str)
    chart_column, table_column = st.columns([3, 2])
    with chart_column:
        ui.show_chart(
            "From expected to observed energy",
            losses,
            alt.Chart(steps)
            .mark_bar()
            .encode(
                x=alt.X("step:N", title=None, sort=None, axis=alt.Axis(labelAngle=0)),
                y=alt.Y("begins:Q", title="kWh", axis=alt.Axis(format="~s")),
                y2="ends:Q",
                color=alt.Color("step:N", title=None, scale=ui.colour_scale(colours), legend=None),
                tooltip=["step:N", alt.Tooltip("kwh:Q", title="kWh", format=",.1f")],
            )
            .properties(height=280),
            empty="No reading was loaded yet.",
            note=LOSSES,
        )
    with table_column:
        ui.show_table(
            "The same in numbers",
            replace(losses, rows=steps[["step", "kwh", *(["amount"] if is_one else [])]])
            if len(steps)
            else losses,
            empty="No reading was loaded yet.",
            step="",
            kwh=st.column_config.NumberColumn("kWh", format="%,.1f"),
            amount=st.column_config.NumberColumn(
                str(currencies[0]) if is_one else "", format="%,.2f"
            ),
        )


def date_format(period: str) -> str:
    """Return how the first day of a period is written."""
    return {"month": "%b %Y", "year": "%Y"}.get(period) or ui.day_format()


def by_cause(
    answer: ui.Answer, period: str, periods: pd.DataFrame, value: str, unit: str
) -> alt.Chart:
    """Return bars of the sums in these periods by cause; one without any has its place."""
    rows = answer.rows.groupby(["period_start", "cause"], as_index=False)[value].sum()
    rows = rows[rows[value] != 0].merge(periods[["period_start", "is_whole"]], how="left")
    chart: alt.Chart = alt.Chart(rows).mark_bar(strokeWidth=1).properties(height=280)
    return chart.encode(
        x=ui.period_axis(periods["period_start"], "period_start", period),
        y=alt.Y(f"{value}:Q", title=unit, axis=alt.Axis(format="~s")),
        color=alt.Color("cause:N", title=None, scale=ui.colour_scale(CAUSES)),
        stroke=alt.Stroke("cause:N", title=None, scale=ui.colour_scale(CAUSES)),
        fillOpacity=alt.condition(NOT_WHOLE, alt.value(0.1), alt.value(1)),
        tooltip=[
            alt.Tooltip("period_start:T", title=period, format=date_format(period)),
            "cause:N",
            alt.Tooltip(f"{value}:Q", title=unit, format=",.0f"),
        ],
    )
