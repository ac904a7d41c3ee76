"""The dashboard page of flights: cheapest itineraries, price history, withdrawn ones."""

from typing import Any

import altair as alt
import streamlit as st

from pipelines.dashboard.page import NEUTRAL, Card, Page, Questions, Story, show_chart, show_table

QUESTIONS = Questions("pipelines.sources.flights")


def show() -> None:
    """Show the page."""
    st.title("Flights")
    choices = QUESTIONS.ask("choices").rows
    if choices.empty:
        st.info("No itinerary was loaded yet. Launch the job `flights` in Dagster.")
        return
    offered = choices.iloc[0]
    with st.sidebar:
        origins = st.multiselect("From", offered["origins"], placeholder="all")
        destinations = st.multiselect("To", offered["destinations"], placeholder="all")
        days = st.date_input(
            "Departure, first and last day",
            value=[],
            min_value=offered["first_departure_on"],
            max_value=offered["last_departure_on"],
            format="YYYY-MM-DD",
        )
        routes = st.multiselect("Routes", offered["routes"], placeholder="all")
        agents = st.multiselect("Agents", offered["agents"], placeholder="all")
        airlines = st.multiselect("Airlines", offered["airlines"], placeholder="all")
        stops = st.slider("Stops a leg, at most", 0, 3, 3)
        currency = st.selectbox("Currency", offered["currencies"])
    departs_from, departs_until = (days[0], days[-1]) if days else (None, None)
    chosen = {
        "origins": origins or None,
        "destinations": destinations or None,
        "departs_from": departs_from,
        "departs_until": departs_until,
        "routes": routes or None,
        "agents": agents or None,
        "airlines": airlines or None,
        "stops": stops,
        "currency": currency,
    }
    history = QUESTIONS.ask("price_history", **chosen)
    price = alt.Y("lowest_price:Q", title=f"lowest price, {currency}", scale=alt.Scale(zero=False))
    show_chart(
        "Lowest price by day",
        history,
        alt.Chart(history.rows)
        .mark_line(point=True)
        .encode(
            x=alt.X("yearmonthdate(snapshot_on):T", title=None, axis=alt.Axis(format="%-d %b")),
            y=price,
            color=alt.Color("route:N", title=None, scale=NEUTRAL, legend=alt.Legend(columns=4)),
            tooltip=[
                alt.Tooltip("snapshot_on:T", title="day", format="%-d %b %Y"),
                alt.Tooltip("route:N"),
                alt.Tooltip("lowest_price:Q", title=f"lowest price, {currency}", format=",.2f"),
                alt.Tooltip("itineraries:Q", format=","),
            ],
        )
        .properties(height=340),
        empty="No itinerary matches the filters.",
    )
    headings: dict[str, Any] = {
        "withdrawn_on": "Withdrawn",
        "origin": "From",
        "destination": "To",
        "departure_on": "Departure",
        "return_on": "Return",
        "price_amount": st.column_config.NumberColumn(f"Price, {currency}", format="%.2f"),
        "last_price": st.column_config.NumberColumn(f"Last price, {currency}", format="%.2f"),
        "total_duration": st.column_config.TextColumn(
            "Duration, h:mm", help="Of all legs with their layovers, without the stay."
        ),
        "max_stops": st.column_config.NumberColumn("Stops", help="Most on any leg."),
        "airlines": "Airlines",
        "agent": "Agent",
        "agent_rating": "Agent's rating",
        "route": "Route",
        "first_seen_on": "First seen",
        "itinerary_id": "Itinerary",
    }
    show_table(
        "Cheapest itineraries on offer",
        QUESTIONS.ask("cheapest", **chosen),
        empty="No itinerary on offer matches the filters.",
        **headings,
    )
    show_table(
        "Withdrawn itineraries, latest first",
        QUESTIONS.ask("withdrawn", **chosen),
        empty="No withdrawn itinerary matches the filters.",
        **headings,
    )


pages = [Page("Flights", ":material/flight:", show)]
card = Card(
    "Cheapest offer",
    "card",
    decimals=2,
    rise_is_good=False,
    help="The lowest price of all offers in the last document of the day.",
)
stories = [
    Story(
        "drop",
        "**{origin} to {destination}** on {departure_on:%-d %b} is {share:.0%} cheaper:"
        " {price_amount:,.2f} {price_currency} instead of {before_amount:,.2f}.",
        ":material/sell:",
    )
]
