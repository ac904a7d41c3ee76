"""One parcel on the page of shipments: its way, its statuses in time, and all of its fields."""

import datetime as dt
from dataclasses import replace
from itertools import cycle
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from pipelines.dashboard import page as ui

#: Carriers use statuses of their own, too. Only those of a fault are red.
STATUSES = {
    "inbound scan": ui.GREY,
    "scanned": ui.SKY,
    "in transit": ui.BLUE,
    "delivery": ui.GREEN,
    "exception": ui.ORANGE,
    "returned": ui.PINK,
}
FAULTS = ("exception", "return", "fail", "lost", "damage", "cancel")


def show_parcels(found: ui.Answer, number: str) -> None:
    """Show each parcel with a number: several carriers may use the same one."""
    if found.rows.empty:
        st.warning(ui.as_plain(f"No carrier has a parcel {number}."), icon=":material/search_off:")
    for position in range(len(found.rows)):
        with st.container(border=True):
            _show_shipment(replace(found, rows=found.rows.iloc[[position]]))


def _show_shipment(found: ui.Answer) -> None:
    """Show a shipment: its statuses as a line of time, its articles, and all of its fields."""
    known = found.rows.astype(object).where(found.rows.notna(), None)  # NaN would be a text
    parcel: dict[str, Any] = {str(name): value for name, value in known.iloc[0].items()}
    statuses, articles = (parcel.pop(name, None) for name in ("status_history", "articles"))
    st.subheader(ui.as_plain(f"{parcel['carrier']} {parcel['tracking_number']}"), anchor=False)
    st.markdown(
        f"{_way(parcel)};"
        f" {parcel['units']} piece{'' if parcel['units'] == 1 else 's'} worth"
        f" {ui.as_number(parcel['total_value'], decimals=2)}"
        f" {ui.as_plain(parcel['total_value_currency'] or '')}"
    )
    if parcel["newer_rejected_at"] is not None:
        st.warning(
            f"A file of {ui.as_time(parcel['newer_rejected_at'])} has rejected lines about it,"
            " so that its status may be out of date. See *Data quality*.",
            icon=":material/warning:",
        )
    is_open = parcel["is_on_its_way"] or parcel["is_silent"]
    _show_course(statuses or [], is_open=is_open)
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
    if not parcel["is_on_its_way"]:  # to which the weather of now is no risk
        for name in ("weather_risk", "sender_risk", "receiver_risk"):
            del parcel[name]
    fields = [(ui.heading(str(name)), _as_text(str(name), value)) for name, value in parcel.items()]
    rows = pd.DataFrame(fields, columns=["Field", "Value"])
    with st.expander("All fields", icon=":material/list:"):
        st.dataframe(rows, hide_index=True, width="stretch")
    ui.show_sql(found)


def _way(parcel: dict[str, Any]) -> str:
    """Return how far a parcel is, and between which places; with the weather, if on its way."""
    ends = {
        end: ui.as_plain(parcel[f"{end}_city"] or "an unknown place")
        for end in ("sender", "receiver")
    }
    if not parcel["is_on_its_way"]:
        what = "silent" if parcel["is_silent"] else parcel["status_class"]
        if parcel["transit_hours"] is not None:
            what += f" in {ui.as_number(parcel['transit_hours'], 'h')}"
        return (
            f"**{what.capitalize()}** from {ends['sender']} to {ends['receiver']},"
            f" since {ui.as_time(parcel['status_changed_at'])}{_promise(parcel)}"
        )
    weather = {end: ui.as_plain(parcel[f"{end}_conditions"] or "weather unknown") for end in ends}
    return (
        f"**{ui.as_plain(plain(parcel['status']))}** from {ends['sender']} ({weather['sender']})"
        f" to {ends['receiver']} ({weather['receiver']});"
        f" weather risk: {plain(parcel['weather_risk'] or 'unknown')}{_promise(parcel)}"
    )


def _promise(parcel: dict[str, Any]) -> str:
    """Return until when a parcel was promised, and whether that was or can be true."""
    if parcel["promised_on"] is None:
        return ""
    kept = {True: ", on time", False: ", late", None: ", overdue" if parcel["is_overdue"] else ""}
    return f"; promised for {parcel['promised_on']:%-d %b %Y}{kept[parcel['is_on_time']]}"


def _show_course(statuses: list[dict[str, Any]], *, is_open: bool) -> None:
    """Show the statuses of a parcel on a line of time, and the hours between them."""
    rows = pd.DataFrame(statuses, columns=["since", "status"])
    rows["status"] = rows["status"].map(plain)
    rows["since"] = pd.to_datetime(rows["since"], utc=True, format="ISO8601")
    spent = rows["since"].diff().shift(-1).dt.total_seconds() / 3600
    last = (pd.Timestamp.now("UTC") - rows["since"].iloc[-1]).total_seconds() / 3600
    rows["hours"] = spent.fillna(last) if is_open else spent  # what has ended stays so
    rows["step"] = range(1, len(rows) + 1)
    if len(rows) > 1:
        at = f"{ui.day_format(has_year=False)}, {ui.CLOCK}"
        line = alt.Chart(rows).encode(
            x=alt.X("since:T", title=None, axis=alt.Axis(format=at, tickCount=5)),
            y=alt.Y("step:O", axis=None, sort="descending"),
        )
        shown = alt.layer(
            line.mark_line(interpolate="step-after", color=ui.GREY),
            line.mark_point(filled=True, size=120).encode(
                color=alt.Color("status:N", legend=None, scale=status_colours(rows)),
                tooltip=[
                    alt.Tooltip("since:T", format=f"{ui.day_format()}, {ui.CLOCK}"),
                    "status:N",
                ],
            ),
            line.mark_text(align="left", dx=10, dy=-8, color=ui.ink()[0]).encode(text="status:N"),
        )
        words = ", then ".join(rows["status"])
        st.altair_chart(shown.properties(height=150), width="stretch", alt=f"Statuses: {words}")
    st.dataframe(
        rows[["status", "since", "hours"]],
        hide_index=True,
        width="stretch",
        column_config={
            "status": "Status",
            "since": ui.instant_column("Since, UTC"),
            "hours": st.column_config.NumberColumn("Hours in it", format="%,.1f"),
        },
    )


def plain(status: Any) -> str:
    """Return a status or a risk as words."""
    return str(status).replace("_", " ")


def _as_text(name: str, value: Any) -> str | None:
    if value is None or pd.isna(value):
        return None
    if isinstance(value, dt.datetime):
        return f"{value.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"
    if isinstance(value, float):
        return f"{value:,.2f}" if name == "total_value" else f"{value:.10g}"
    return plain(value) if name.endswith(("status", "risk")) else str(value)


def status_colours(rows: pd.DataFrame) -> alt.Scale:
    """Return the colours of the statuses in `rows`."""
    others = cycle(("#cc79a7", "#f0e442"))
    colours = dict(STATUSES)
    for status in rows["status"]:
        is_fault = any(word in status for word in FAULTS)
        colours[status] = colours.get(status) or (ui.RED if is_fault else next(others))
    return ui.colour_scale(colours)
