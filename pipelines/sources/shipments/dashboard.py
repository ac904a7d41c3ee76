"""The dashboard page of shipments: a map with the weather, parcels at risk, one parcel tracked."""

import datetime as dt
from dataclasses import replace
from itertools import cycle
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from pipelines.dashboard.page import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PINK,
    RED,
    SKY,
    Answer,
    Card,
    Chart,
    Page,
    Questions,
    Story,
    as_number,
    as_percent,
    as_time,
    colour_scale,
    ink,
    show_chart,
    show_number,
    show_sql,
    show_table,
    world_map,
)

QUESTIONS = Questions("pipelines.sources.shipments")
RISKS = {
    "storm": RED,
    "freezing_rain": PINK,
    "snow": SKY,
    "heat": ORANGE,
    "none": GREEN,
    "unknown": GREY,
}
#: The same by shape, for who cannot distinguish the colours.
SHAPES = ("triangle-up", "diamond", "square", "cross", "circle", "triangle-down")
#: Carriers use statuses of their own, too. Only those of a fault are red.
STATUSES = {"inbound_scan": GREY, "scanned": SKY, "in_transit": BLUE, "delivery": GREEN}
FAULTS = ("exception", "return", "fail", "lost", "damage")
UNITS = {" celsius": ", °C", " kmh": ", km/h", " minutes": ", min"}
LISTED: dict[str, Any] = {
    "tracking_number": "Number",
    "carrier": "Carrier",
    "status": "Status",
    "weather_risk": "Risk",
    "sender_city": "From",
    "receiver_city": "To",
    "receiver_country_code": "Country",
    "total_value": st.column_config.NumberColumn("Value", format="%,.2f"),
    "total_value_currency": "Currency",
    "weather_age_minutes": st.column_config.NumberColumn(
        "Age of weather, min", help="Of the older one, if both ends have one."
    ),
    "updated_at": st.column_config.DatetimeColumn(
        "Changed, UTC", format="D MMM YYYY, HH:mm", timezone="UTC"
    ),
}


def show() -> None:
    """Show the page."""
    st.title("Shipments", anchor=False)
    choices = QUESTIONS.ask("choices")
    number = st.text_input(
        "Track a parcel by its number, of any carrier",
        key="parcel",
        bind="query-params",
        placeholder="TN26112300",
        icon=":material/search:",
    )
    if number and number.strip():
        _show_parcels(str(number).strip())
    if choices.rows.empty:
        st.info("No shipment was loaded yet. Drop a file into the inbox.")
        return
    offered = choices.rows.iloc[0]
    with st.grid(3, min_column_width=230):
        risk = st.multiselect(
            "Weather risk", [*RISKS], placeholder="all", key="risk", bind="query-params"
        )
        status = st.multiselect(
            "Status",
            offered["statuses"],
            placeholder="all on their way",
            key="status",
            bind="query-params",
        )
        country = st.multiselect(
            "To country",
            offered["countries"],
            placeholder="all",
            key="country",
            bind="query-params",
        )
    chosen = {"risks": risk or None, "statuses": status or None, "countries": country or None}
    found = QUESTIONS.ask("on_their_way", **chosen)
    _show_numbers(choices, found)
    left, right = st.columns([4, 5], gap="medium")
    with left:
        show_chart(
            "Where they are, with the weather at both ends",
            found,
            _map(found.rows),
            empty="No shipment matches.",
            note="A place has the worst risk of its weather, by shape and colour, and is larger"
            " with more parcels; a line has that of its parcels.",
        )
    with right:
        show_table(
            "Parcels, those at risk first",
            replace(found, rows=found.rows.reindex(columns=[*LISTED, "total_rows"])),
            empty="No shipment matches.",
            note="Select a parcel to see its history.",
            key="parcel_row",
            opens=("parcel", "tracking_number"),
            **LISTED,
        )
    by_status = QUESTIONS.ask("by_status")
    show_chart(
        "By carrier and status",
        by_status,
        alt.Chart(by_status.rows)
        .mark_bar()
        .encode(
            x=alt.X("shipments:Q", axis=alt.Axis(tickCount=6)),
            y=alt.Y("carrier:N", title=None),
            color=alt.Color("status:N", title=None, scale=_status_colours(by_status.rows)),
            tooltip=["carrier", "status", alt.Tooltip("shipments:Q", format=",")],
        )
        .properties(height=290),
        empty="No shipment was loaded yet.",
    )


def _show_numbers(choices: Answer, found: Answer) -> None:
    """Show how many parcels there are, and how many of those chosen are at risk."""
    offered, rows = choices.rows.iloc[0], found.rows
    total = int(rows["total_rows"].iloc[0]) if len(rows) else 0
    at_risk = int(rows["risk_rows"].iloc[0]) if len(rows) else 0
    with st.grid(3, min_column_width=200, border=True):
        with st.container(gap="xsmall"):
            show_number(
                "Parcels chosen", found, total, note="On their way, if no status is chosen."
            )
        with st.container(gap="xsmall"):
            show_number(
                "At risk by the weather",
                found,
                at_risk,
                note=f"{as_percent(at_risk / total) if total else '0 %'} of those chosen",
            )
        with st.container(gap="xsmall"):
            show_number(
                "Parcels stored",
                choices,
                offered["parcels"],
                note=f"Last change {as_time(offered['updated_at'])}",
            )


def _show_parcels(number: str) -> None:
    """Show each parcel with a number: several carriers may use the same one."""
    found = QUESTIONS.ask("track", tracking_number=number)
    if found.rows.empty:
        st.warning(f"No carrier has a parcel {number}.", icon=":material/search_off:")
    for position in range(len(found.rows)):
        with st.container(border=True):
            _show_shipment(replace(found, rows=found.rows.iloc[[position]]))


def _show_shipment(found: Answer) -> None:
    """Show a shipment: its statuses as a line of time, its articles, and all of its fields."""
    one: dict[str, Any] = {str(name): value for name, value in found.rows.iloc[0].items()}
    statuses, articles = (one.pop(name, None) for name in ("status_history", "articles"))
    risk = one["weather_risk"] or "unknown"
    st.subheader(f"{one['carrier']} {one['tracking_number']}", anchor=False)
    st.markdown(
        f"**{_plain(one['status'])}** from {one['sender_city'] or 'an unknown place'}"
        f" ({one['sender_conditions'] or 'weather unknown'})"
        f" to {one['receiver_city'] or 'an unknown place'}"
        f" ({one['receiver_conditions'] or 'weather unknown'}); weather risk: {_plain(risk)};"
        f" {one['units']} pieces worth {as_number(one['total_value'], decimals=2)}"
        f" {one['total_value_currency'] or ''}"
    )
    _show_course(statuses or [])
    if articles:
        st.markdown("**Articles**")
        st.dataframe(
            pd.DataFrame(articles, columns=["sku", "name", "quantity", "unit_price"]),
            hide_index=True,
            width="stretch",
            column_config={
                "sku": "SKU",
                "name": "Article",
                "quantity": "Quantity",
                "unit_price": st.column_config.NumberColumn("Unit price", format="%,.2f"),
            },
        )
    fields = [(_heading(str(name)), _as_text(str(name), value)) for name, value in one.items()]
    rows = pd.DataFrame(fields, columns=["field", "value"])
    with st.expander("All fields", icon=":material/list:"):
        st.dataframe(
            rows,
            hide_index=True,
            width="stretch",
            column_config={"field": "Field", "value": "Value"},
        )
    show_sql(found)


def _show_course(statuses: list[dict[str, Any]]) -> None:
    """Show the statuses of a parcel on a line of time, and the hours between them."""
    rows = pd.DataFrame(statuses, columns=["since", "status"])
    rows["since"] = pd.to_datetime(rows["since"], utc=True, format="ISO8601")
    spent = rows["since"].diff().shift(-1).dt.total_seconds() / 3600
    last = (pd.Timestamp.now("UTC") - rows["since"].iloc[-1]).total_seconds() / 3600
    rows["hours"] = spent.fillna(last)
    rows["step"] = range(1, len(rows) + 1)
    if len(rows) > 1:
        line = alt.Chart(rows).encode(
            x=alt.X("since:T", title=None), y=alt.Y("step:O", axis=None, sort="descending")
        )
        shown = alt.layer(
            line.mark_line(interpolate="step-after", color=GREY),
            line.mark_point(filled=True, size=120).encode(
                color=alt.Color("status:N", legend=None, scale=_status_colours(rows)),
                tooltip=[alt.Tooltip("since:T", format="%-d %b %Y, %H:%M"), "status:N"],
            ),
            line.mark_text(align="left", dx=10, dy=-8, color=ink()[0]).encode(text="status:N"),
        )
        words = ", then ".join(rows["status"])
        st.altair_chart(shown.properties(height=150), width="stretch", alt=f"Statuses: {words}")
    st.dataframe(
        rows[["status", "since", "hours"]],
        hide_index=True,
        width="stretch",
        column_config={
            "status": "Status",
            "since": st.column_config.DatetimeColumn(
                "Since, UTC", format="D MMM YYYY, HH:mm", timezone="UTC"
            ),
            "hours": st.column_config.NumberColumn("Hours in it", format="%,.1f"),
        },
    )


def _plain(status: Any) -> str:
    return str(status).replace("_", " ")


def _heading(name: str) -> str:
    words = name.replace("_", " ").capitalize()
    for ending, unit in UNITS.items():
        words = words.removesuffix(ending) + (unit if words.endswith(ending) else "")
    return words


def _as_text(name: str, value: Any) -> str | None:
    if value is None or pd.isna(value):
        return None
    if isinstance(value, dt.datetime):
        return f"{value.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"
    if isinstance(value, float):
        return f"{value:,.2f}" if name == "total_value" else f"{value:.10g}"
    return str(value)


def _status_colours(rows: pd.DataFrame) -> alt.Scale:
    others = cycle((ORANGE, "#cc79a7", "#f0e442"))
    return colour_scale(
        {
            one: RED if any(word in one for word in FAULTS) else STATUSES.get(one) or next(others)
            for one in dict.fromkeys([*STATUSES, *rows["status"]])
        }
    )


def _map(rows: pd.DataFrame) -> Chart:
    """Draw a line for each pair of places, by risk, and a mark with its weather for each place."""
    ends = ["sender", "receiver"]
    names = ["city", "conditions", "temperature_celsius", "latitude", "longitude", "risk"]
    every = pd.concat(
        [rows[[f"{end}_{name}" for name in names]].set_axis(names, axis=1) for end in ends]
    ).dropna(subset=["latitude", "longitude"])
    every["risk"] = every["risk"].fillna("unknown")
    places = every.groupby(names, as_index=False, dropna=False).size()
    places = places.rename(columns={"size": "parcels"})
    points = [f"{end}_{name}" for end in ends for name in ("city", "latitude", "longitude")]
    labels = places.dropna(subset=["city"]).drop_duplicates(["city", "latitude", "longitude"])
    ways_of = rows.dropna(subset=[one for one in points if not one.endswith("city")])
    lines = ways_of.groupby([*points, "weather_risk"], as_index=False, dropna=False).size()
    lines = lines.rename(columns={"size": "parcels"})
    text, paper = ink()
    colours = colour_scale(RISKS)
    ways = (
        alt.Chart(lines)
        .mark_rule(opacity=0.45)
        .encode(
            longitude="sender_longitude:Q",
            latitude="sender_latitude:Q",
            longitude2="receiver_longitude:Q",
            latitude2="receiver_latitude:Q",
            color=alt.Color("weather_risk:N", title=None, scale=colours, legend=None),
            strokeWidth=alt.StrokeWidth("parcels:Q", legend=None, scale=alt.Scale(range=[1, 4])),
            tooltip=[
                alt.Tooltip("sender_city:N", title="from"),
                alt.Tooltip("receiver_city:N", title="to"),
                alt.Tooltip("weather_risk:N", title="weather risk"),
                alt.Tooltip("parcels:Q"),
            ],
        )
    )
    tooltip = [
        alt.Tooltip("city:N"),
        alt.Tooltip("conditions:N", title="weather"),
        alt.Tooltip("temperature_celsius:Q", title="temperature, °C"),
        alt.Tooltip("risk:N"),
        alt.Tooltip("parcels:Q", title="parcels from and to"),
    ]
    marks = (
        alt.Chart(places)
        .mark_point(filled=True, opacity=1, stroke=paper, strokeWidth=1)
        .encode(
            longitude="longitude:Q",
            latitude="latitude:Q",
            tooltip=tooltip,
            fill=alt.Fill("risk:N", title="risk", scale=colours),
            shape=alt.Shape(
                "risk:N", title="risk", scale=alt.Scale(domain=[*RISKS], range=[*SHAPES])
            ),
            size=alt.Size("parcels:Q", legend=None, scale=alt.Scale(range=[90, 320])),
        )
    )
    named = alt.Chart(labels).encode(
        longitude="longitude:Q", latitude="latitude:Q", text="city:N", tooltip=tooltip
    )
    style: dict[str, Any] = {"align": "left", "dx": 10, "fontSize": 12}
    outline = named.mark_text(**style, color=paper, stroke=paper, strokeWidth=3, opacity=0.8)
    return world_map(places, ways, marks, outline, named.mark_text(**style, color=text))


pages = [Page("Shipments", ":material/local_shipping:", show)]
card = Card("Parcels on their way", "card", days=7)
stories = [
    Story(
        "under_weather",
        "**{parcels:,} parcels** are on their way through {weather}, most of them at {city}.",
        ":material/thunderstorm:",
    )
]
