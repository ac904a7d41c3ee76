"""The dashboard page of shipments: a map with the weather, parcels at risk, one parcel tracked."""

from dataclasses import replace

import altair as alt
import pandas as pd
import streamlit as st

from pipelines.dashboard.page import (
    GREEN,
    GREY,
    RED,
    Chart,
    Page,
    Questions,
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
    "none": GREEN,
    "unknown": GREY,
}


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
            color=alt.Color("status:N", title=None),
            tooltip=["carrier", "status", "shipments"],
        ),
        empty="No shipment was loaded yet. Drop a file into the inbox.",
    )


def _show_tracking() -> None:
    st.subheader("Track a parcel")
    number, carrier = st.columns(2)
    given = {
        "tracking_number": number.text_input("Tracking number"),
        "carrier": carrier.text_input("Carrier", placeholder="DHL"),
    }
    if all(given.values()):
        found = QUESTIONS.ask("track", **given)
        rows = found.rows.astype("string").T.rename(columns={0: "value"}).reset_index(names="field")
        show_table(
            f"{given['carrier']} {given['tracking_number']}",
            replace(found, rows=rows) if len(found.rows) else found,
            empty="There is no such shipment.",
        )


def _map(rows: pd.DataFrame) -> Chart:
    """A line for each pair of places, by risk, and a dot with its weather for each place."""
    ends = ["sender", "receiver"]
    names = ["city", "conditions", "temperature_celsius", "latitude", "longitude"]
    places = pd.concat(
        [rows[[f"{end}_{name}" for name in names]].set_axis(names, axis=1) for end in ends]
    )
    places = places.dropna(subset=["latitude", "longitude"]).drop_duplicates()
    points = [f"{end}_{name}" for end in ends for name in ("city", "latitude", "longitude")]
    lines = rows.groupby([*points, "weather_risk"], as_index=False).size()
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
            tooltip=["sender_city", "receiver_city", "weather_risk", "shipments"],
        )
    )
    dots = (
        alt.Chart(places)
        .mark_circle(size=80, color="#333333")
        .encode(longitude="longitude:Q", latitude="latitude:Q", tooltip=names[:3])
    )
    return world_map(places, ways, dots)


pages = [Page("Shipments", ":material/local_shipping:", show)]
