"""The dashboard page of shipments: a map with the weather, parcels at risk, one parcel tracked."""

from dataclasses import replace
from functools import partial
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from pipelines.dashboard import page as ui
from pipelines.dashboard.maps import world_map
from pipelines.sources.shipments.tracking import plain, show_parcels, status_colours

QUESTIONS = ui.Questions("pipelines.sources.shipments")
RISKS = {
    "storm": ui.RED,
    "freezing rain": ui.PINK,
    "snow": ui.SKY,
    "heat": ui.ORANGE,
    "none": ui.GREEN,
    "unknown": ui.GREY,
}
#: The same by shape, for who cannot distinguish the colours.
SHAPES = ("triangle-up", "diamond", "square", "cross", "circle", "triangle-down")
POINT = ("city", "latitude", "longitude")
#: Of more pairs of places, no line is drawn.
MAX_WAYS = 120
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
    "status_changed_at": ui.instant_column("Status since, UTC"),
    "promised_on": st.column_config.DateColumn("Promised", format="D MMM YYYY"),
    "is_overdue": st.column_config.CheckboxColumn("Overdue"),
    "transit_hours": st.column_config.NumberColumn(
        "In transit, h",
        format="%.0f",
        help="From first seen under way to delivered. Empty if nobody saw the way.",
    ),
}


def show() -> None:
    """Show the page."""
    st.title("Shipments", anchor=False)
    choices = QUESTIONS.ask("choices")
    entered = st.text_input(
        "Track a parcel by its number, of any carrier",
        key="parcel",
        bind="query-params",
        placeholder="TN26112300",
        icon=":material/search:",
    )
    if number := str(entered or "").strip():
        show_parcels(QUESTIONS.ask("track", tracking_number=number), number)
    if choices.rows.empty:
        st.info("No shipment was loaded yet. Drop a file into the inbox.")
        return
    offered = choices.rows.iloc[0]
    places = [*dict.fromkeys([*offered["cities"], *st.session_state.get("place", [])])]
    codes = {
        plain(status): status
        for status in (*offered["statuses"], *(["silent"] if offered["silent"] else []))
    }
    filters = {
        "risk": ("weather risk", "Weather risk", RISKS, "all"),
        "status": ("status", "Status", codes, "all on their way"),
        "country": ("country", "To country", offered["countries"], "all"),
        "place": ("place", "From or to", places, "all places"),
    }
    for key, (what, _, known, _) in filters.items():
        ui.note_unknown(what, key, offered["cities"] if key == "place" else known)
    with st.grid(4, min_column_width=200):
        risks, statuses, countries, chosen = (
            st.multiselect(label, [*known], placeholder=words, key=key, bind="query-params") or None
            for key, (_, label, known, words) in filters.items()
        )
    found = QUESTIONS.ask(
        "on_their_way",
        risks=risks and [one.replace(" ", "_") for one in risks],
        statuses=statuses and [codes[one] for one in statuses],
        countries=countries,
        places=chosen,
    )
    found = ui.in_words(found, "status", "weather_risk", "sender_risk", "receiver_risk")
    _show_numbers(choices, found)
    left, right = st.columns([5, 5], gap="medium")
    with left:
        marks = places_of(found.rows)
        ui.show_chart(
            "Where they come from and go to, with the weather",
            found,
            draw(found.rows, marks, number),
            empty="No shipment matches.",
            note="Click on a place to see its parcels. Shape and colour are the worst risk of its"
            " weather; it is larger with more parcels.",
            key="map",
            on_select=partial(_open_mark, marks),
        )
    with right:
        ui.show_table(
            "Parcels, those at risk first, ended ones last",
            replace(found, rows=found.rows.reindex(columns=[*LISTED, "total_rows"])),
            empty="No shipment matches.",
            note="Select a parcel to see its history. Ended ones are those of the last 14 days.",
            key="parcel_row",
            opens=("parcel", "tracking_number"),
            **LISTED,
        )
    by_status = ui.in_words(QUESTIONS.ask("by_status"), "status")
    ui.show_chart(
        "All parcels by carrier and status",
        by_status,
        alt.Chart(by_status.rows)
        .mark_bar()
        .encode(
            x=alt.X("parcels:Q", axis=alt.Axis(tickCount=6)),
            y=alt.Y("carrier:N", title=None),
            color=alt.Color("status:N", title=None, scale=status_colours(by_status.rows)),
            tooltip=["carrier", "status", alt.Tooltip("parcels:Q", format=",")],
        )
        .properties(height=290),
        empty="No shipment was loaded yet.",
    )
    delays = st.expander(
        "Does the weather delay parcels?",
        icon=":material/hourglass:",
        key="delays",
        on_change="rerun",
    )
    if delays.open:  # it reads all parcels
        with delays:
            _show_delays()


def _show_delays() -> None:
    delays = ui.in_words(QUESTIONS.ask("delays"), "weather")
    parcels = delays.rows["parcels"].map("{:,}".format)
    rows = delays.rows.assign(name=delays.rows["weather"] + " (" + parcels + ")")
    ui.show_chart(
        "Hours in transit by the weather at both ends",
        delays,
        alt.Chart(rows)
        .mark_bar()
        .encode(
            x=alt.X(
                "mean_transit_hours:Q",
                title="hours in transit, mean",
                axis=alt.Axis(tickCount=6),
            ),
            y=alt.Y("name:N", title=None, sort=None),
            color=alt.Color("weather:N", legend=None, scale=ui.colour_scale(RISKS)),
            tooltip=[
                alt.Tooltip("weather:N"),
                alt.Tooltip("parcels:Q", format=","),
                *(
                    alt.Tooltip(f"{one}_transit_hours:Q", title=f"{one}, h", format=",.1f")
                    for one in ("mean", "median", "longest")
                ),
            ],
        )
        .properties(height=240),
        empty="No parcel was seen on its way and then delivered yet.",
        note="Of parcels seen under way and delivered within the last 90 days: the worst weather in"
        " the hours in which they were sent and delivered, and the number of parcels. Few parcels"
        " prove little.",
    )


def _show_numbers(choices: ui.Answer, found: ui.Answer) -> None:
    """Show how many parcels there are, and how many of those chosen are at risk."""
    offered, rows = choices.rows.iloc[0], found.rows
    total, at_risk, unknown, promised, overdue = (
        int(rows[f"{name}_rows"].iloc[0]) if len(rows) else 0
        for name in ("total", "risk", "unknown", "promised", "overdue")
    )
    share = f"{ui.as_percent(at_risk / total) if total else '0 %'} of those chosen"
    with st.grid(4, min_column_width=200, border=True):
        ui.show_number(
            "Parcels chosen",
            found,
            total,
            note="On their way, unless a status is chosen.",
        )
        ui.show_number(
            "Overdue",
            found,
            overdue if promised else None,
            note=f"{promised:,} of those chosen have a promised day",
        )
        ui.show_number(
            "At risk by the weather",
            found,
            at_risk,
            note=f"{share}; unknown for {unknown:,}" if unknown else share,
        )
        ui.show_number(
            "Parcels stored",
            choices,
            offered["parcels"],
            note=f"{offered['silent']:,} silent; last change {ui.as_time(offered['updated_at'])}",
        )


def places_of(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the places where parcels come from and go to, as marks on a map.

    Columns: `mark`, `name`, `numbers` (of the parcels), `parcels`, `latitude`, `longitude`, `risk`
    (the worst), and `conditions` and `temperature_celsius` of it.
    """
    names = ["city", "latitude", "longitude", "risk", "conditions", "temperature_celsius"]
    ends = pd.concat(
        [
            rows[["tracking_number", *(f"{end}_{name}" for name in names)]].set_axis(
                ["numbers", "name", *names[1:]], axis=1
            )
            for end in ("sender", "receiver")
        ]
    ).dropna(subset=["latitude", "longitude"])
    ends = ends.fillna({"name": "", "risk": "unknown"})
    ends = ends.sort_values("risk", key=lambda one: one.map([*RISKS].index), kind="stable")
    ends = ends.astype({one: "float64" for one in names if one.endswith(("ude", "celsius"))})
    by_place = ends.groupby(["name", "latitude", "longitude"], sort=False)
    found = by_place.agg({"numbers": "unique", **dict.fromkeys(names[3:], "first")})
    found["parcels"] = found["numbers"].map(len)
    return found.reset_index().rename_axis("mark").reset_index()


def _open_mark(places: pd.DataFrame) -> None:
    """Open the parcel of the mark that was clicked, or filter by its place if it has several."""
    for one in ui.selected_in("map", "place", "mark"):
        mark = places.set_index("mark").loc[one["mark"]]
        if len(mark["numbers"]) == 1:
            st.session_state["parcel"] = mark["numbers"][0]
        else:
            st.session_state["place"] = [mark["name"]] if mark["name"] else []


def draw(rows: pd.DataFrame, places: pd.DataFrame, number: str) -> ui.Chart:
    """Draw a line for each pair of places, by risk, and a mark with its weather for each place.

    The line of the parcel with the number is thick. Of very many places no line is drawn.
    """
    points = [f"{end}_{name}" for end in ("sender", "receiver") for name in POINT]
    ways_of = rows.dropna(subset=[one for one in points if not one.endswith("city")])
    ways_of = ways_of.assign(
        is_opened=ways_of["tracking_number"] == number,
        weather_risk=ways_of["weather_risk"].fillna("unknown"),
    )
    lines = ways_of.groupby([*points, "weather_risk", "is_opened"], as_index=False, dropna=False)
    ways = lines.size().rename(columns={"size": "parcels"})
    if len(ways) > MAX_WAYS:
        ways = ways[ways["is_opened"]]
    _, paper = ui.ink()
    seen = {*places["risk"], *ways["weather_risk"]}
    risks = [one for one in RISKS if one in seen]
    colours = ui.colour_scale({one: RISKS[one] for one in risks})
    shapes = dict(zip(RISKS, SHAPES, strict=True))
    legend = alt.Legend(symbolSize=240)
    tooltip = [
        alt.Tooltip("name:N", title="place"),
        alt.Tooltip("conditions:N", title="weather"),
        alt.Tooltip("temperature_celsius:Q", title="temperature, °C"),
        alt.Tooltip("risk:N"),
        alt.Tooltip("parcels:Q", title="parcels from and to"),
    ]
    rules = (
        alt.Chart(ways)
        .mark_rule()
        .encode(
            longitude="sender_longitude:Q",
            latitude="sender_latitude:Q",
            longitude2="receiver_longitude:Q",
            latitude2="receiver_latitude:Q",
            color=alt.Color("weather_risk:N", title=None, scale=colours, legend=None),
            opacity=alt.condition("datum.is_opened", alt.value(1), alt.value(0.4)),
            strokeWidth=alt.condition("datum.is_opened", alt.value(5), alt.value(1.5)),
            tooltip=[
                alt.Tooltip("sender_city:N", title="from"),
                alt.Tooltip("receiver_city:N", title="to"),
                alt.Tooltip("weather_risk:N", title="weather risk"),
                alt.Tooltip("parcels:Q"),
            ],
        )
    )
    marks = (
        alt.Chart(places.drop(columns=["numbers"]))
        .mark_point(filled=True, opacity=1, stroke=paper, strokeWidth=1, cursor="pointer")
        .encode(
            latitude="latitude:Q",
            longitude="longitude:Q",
            tooltip=tooltip,
            fill=alt.Fill("risk:N", title="risk", scale=colours, legend=legend),
            shape=alt.Shape(
                "risk:N",
                title="risk",
                scale=alt.Scale(domain=risks, range=[shapes[one] for one in risks]),
                legend=legend,
            ),
            size=alt.Size("parcels:Q", legend=None, scale=alt.Scale(range=[110, 600])),
        )
        .add_params(alt.selection_point(name="place", fields=["mark"]))
    )
    return world_map(places, rules, marks)


choices = {
    "carrier": lambda: {one: one for one in QUESTIONS.ask("by_status").rows["carrier"]},
    "country": lambda: {
        one: one for some in QUESTIONS.ask("choices").rows["countries"] for one in some
    },
}
pages = [ui.Page("Shipments", ":material/local_shipping:", show)]
card = ui.Card("Parcels on their way", "card", days=7)
stories = [
    ui.Story(
        "under_weather",
        "**{parcels}** on the way through {weather}, {parcels_there} from or to {city}.",
        ":material/thunderstorm:",
    )
]
