"""The dashboard page of shipments: a map with the weather, parcels at risk, one parcel tracked."""

import altair as alt
import pandas as pd
import streamlit as st

from pipelines.dashboard.page import (
    RISK_COLOURS,
    Page,
    Questions,
    show_chart,
    show_table,
    world_map,
)

QUESTIONS = Questions("pipelines.sources.shipments")


def show() -> None:
    """Show the page."""
    st.title("Shipments")
    on_their_way = QUESTIONS.ask("on_their_way")
    places = _places(on_their_way.rows)
    colour = alt.Color(
        "weather_risk:N",
        title="weather risk",
        scale=alt.Scale(domain=list(RISK_COLOURS), range=list(RISK_COLOURS.values())),
    )
    tooltip = ["city", "end", "conditions", "temperature_celsius", "weather_risk", "shipments"]
    show_chart(
        "Shipments on their way, with the weather at both ends",
        type(on_their_way)(places, on_their_way.sql),
        world_map(places, colour, tooltip) if len(places) else alt.LayerChart(),
        empty="No shipment is on its way, or none of its places was found yet.",
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
    asked = {
        "tracking_number": number.text_input("Tracking number"),
        "carrier": carrier.text_input("Carrier", placeholder="DHL"),
    }
    if all(asked.values()):
        found = QUESTIONS.ask("track", **asked)
        rows = found.rows.astype("string").T.rename(columns={0: "value"}).reset_index(names="field")
        show_table(
            f"{asked['carrier']} {asked['tracking_number']}",
            type(found)(rows if len(found.rows) else found.rows, found.sql),
            empty="There is no such shipment.",
        )


def _places(rows: pd.DataFrame) -> pd.DataFrame:
    """Each place at an end of a shipment, with its weather and how many shipments it has."""
    ends = []
    for end in ("sender", "receiver"):
        columns = ("city", "conditions", "temperature_celsius", "latitude", "longitude")
        of_end = rows[["weather_risk", *(f"{end}_{name}" for name in columns)]]
        ends.append(of_end.set_axis(["weather_risk", *columns], axis="columns").assign(end=end))
    known = pd.concat(ends).dropna(subset=["latitude", "longitude"])
    keys = [name for name in known.columns if name != "shipments"]
    return (
        known.groupby(keys, dropna=False, as_index=False)
        .size()
        .rename(columns={"size": "shipments"})
    )


pages = [Page("Shipments", ":material/local_shipping:", show)]
