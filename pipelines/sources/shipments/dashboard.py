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
    RED,
    Answer,
    Card,
    Chart,
    Page,
    Questions,
    Story,
    colour_scale,
    show_chart,
    show_table,
    world_map,
)

QUESTIONS = Questions("pipelines.sources.shipments")
RISKS = {
    "storm": RED,
    "freezing_rain": "#cc79a7",
    "snow": "#56b4e9",
    "heat": ORANGE,
    "none": GREEN,
    "unknown": GREY,
}
#: Carriers use statuses of their own, too. Only those of a fault are red.
STATUSES = {"inbound_scan": GREY, "scanned": "#56b4e9", "in_transit": BLUE, "delivery": GREEN}
FAULTS = ("exception", "return", "fail", "lost", "damage")
UNITS = {" celsius": ", °C", " kmh": ", km/h", " minutes": ", min"}


def show() -> None:
    """Show the page."""
    st.title("Shipments")
    on_their_way = QUESTIONS.ask("on_their_way")
    show_chart(
        "Shipments on their way, with the weather at both ends",
        on_their_way,
        _map(on_their_way.rows),
        empty="No shipment is on its way.",
    )
    show_table(
        "At risk",
        QUESTIONS.ask("at_risk"),
        empty="The weather delays no shipment.",
        tracking_number="Tracking number",
        carrier="Carrier",
        status="Status",
        weather_risk="Risk",
        sender_city="From",
        sender_conditions="Weather at sender",
        receiver_city="To",
        receiver_conditions="Weather at receiver",
        weather_age_minutes=st.column_config.NumberColumn(
            "Age of weather, min", help="Of the older one, if both ends have one."
        ),
        total_value=st.column_config.NumberColumn("Value", format="%.2f"),
        total_value_currency="Currency",
        updated_at=st.column_config.DatetimeColumn(
            "Changed, UTC", format="YYYY-MM-DD HH:mm", timezone="UTC"
        ),
    )
    _show_tracking()
    by_status = QUESTIONS.ask("by_status")
    show_chart(
        "By carrier and status",
        by_status,
        alt.Chart(by_status.rows)
        .mark_bar()
        .encode(
            x=alt.X("shipments:Q"),
            y=alt.Y("carrier:N", title=None),
            color=alt.Color("status:N", title=None, scale=_status_colours(by_status.rows)),
            tooltip=["carrier", "status", "shipments"],
        ),
        empty="No shipment was loaded yet. Drop a file into the inbox.",
    )


def _show_tracking() -> None:
    st.subheader("Track a parcel")
    number, carrier = st.columns(2)
    given = {
        "tracking_number": number.text_input("Tracking number").strip(),
        "carrier": carrier.text_input("Carrier", placeholder="DHL").strip(),
    }
    if all(given.values()):
        _show_shipment(QUESTIONS.ask("track", **given), given)


def _show_shipment(found: Answer, given: dict[str, str]) -> None:
    """Show the fields of a shipment one below the other, then its statuses and its articles."""
    # The function ignores the case of the carrier; the title shows it as stored.
    one = found.rows.iloc[0].to_dict() if len(found.rows) else given
    statuses, articles = (one.pop(name, None) for name in ("status_history", "articles"))
    fields = [(_heading(str(name)), _as_text(str(name), value)) for name, value in one.items()]
    rows = pd.DataFrame(fields, columns=["field", "value"])
    show_table(
        f"{one['carrier']} {one['tracking_number']}",
        replace(found, rows=rows) if len(found.rows) else found,
        empty="There is no such shipment.",
        field="Field",
        value="Value",
    )
    if statuses:
        st.markdown("**Statuses**")
        rows = pd.DataFrame(statuses, columns=["since", "status"])
        since = pd.to_datetime(rows["since"], utc=True, format="ISO8601")
        st.dataframe(
            rows.assign(since=since.dt.strftime("%Y-%m-%d %H:%M UTC")),
            hide_index=True,
            width="content",
            column_config={"since": "Since", "status": "Status"},
        )
    if articles:
        st.markdown("**Articles**")
        st.dataframe(
            pd.DataFrame(articles, columns=["sku", "name", "quantity", "unit_price"]),
            hide_index=True,
            width="content",
            column_config={
                "sku": "SKU",
                "name": "Article",
                "quantity": "Quantity",
                "unit_price": st.column_config.NumberColumn("Unit price", format="%.2f"),
            },
        )


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
    """Draw a line for each pair of places, by risk, and a dot with its weather for each place."""
    ends = ["sender", "receiver"]
    names = ["city", "conditions", "temperature_celsius", "latitude", "longitude"]
    places = pd.concat(
        [rows[[f"{end}_{name}" for name in names]].set_axis(names, axis=1) for end in ends]
    )
    places = places.dropna(subset=["latitude", "longitude"]).drop_duplicates()
    points = [f"{end}_{name}" for end in ends for name in ("city", "latitude", "longitude")]
    labels = places.dropna(subset=["city"]).drop_duplicates(["city", "latitude", "longitude"])
    ways_of = rows.dropna(subset=[one for one in points if not one.endswith("city")])
    lines = ways_of.groupby([*points, "weather_risk"], as_index=False, dropna=False).size()
    lines = lines.rename(columns={"size": "shipments"})
    colour = alt.Color(
        "weather_risk:N",
        title="weather risk",
        scale=colour_scale(RISKS),
    )
    ways = (
        alt.Chart(lines)
        .mark_rule(opacity=0.7)
        .encode(
            longitude="sender_longitude:Q",
            latitude="sender_latitude:Q",
            longitude2="receiver_longitude:Q",
            latitude2="receiver_latitude:Q",
            color=colour,
            size=alt.Size("shipments:Q", legend=None, scale=alt.Scale(range=[1.5, 5])),
            tooltip=[
                alt.Tooltip("sender_city:N", title="from"),
                alt.Tooltip("receiver_city:N", title="to"),
                alt.Tooltip("weather_risk:N", title="weather risk"),
                alt.Tooltip("shipments:Q"),
            ],
        )
    )
    tooltip = [
        alt.Tooltip("city:N"),
        alt.Tooltip("conditions:N", title="weather"),
        alt.Tooltip("temperature_celsius:Q", title="temperature, °C"),
    ]
    dots = (
        alt.Chart(places)
        .mark_circle(size=80, color="#333333")
        .encode(longitude="longitude:Q", latitude="latitude:Q", tooltip=tooltip)
    )
    text = alt.Chart(labels).encode(
        longitude="longitude:Q", latitude="latitude:Q", text="city:N", tooltip=tooltip
    )
    style: dict[str, Any] = {"align": "left", "dx": 8, "fontSize": 12}
    outline = text.mark_text(**style, color="white", stroke="white", strokeWidth=3, opacity=0.8)
    return world_map(places, ways, dots, outline, text.mark_text(**style, color="#333333"))


pages = [Page("Shipments", ":material/local_shipping:", show)]
card = Card("Parcels on their way", "card", days=7)
stories = [
    Story(
        "under_weather",
        "**{parcels:,} parcels** are on their way through {weather}, most of them at {city}.",
        ":material/thunderstorm:",
    )
]
