"""The dashboard page of flights: cheapest itineraries, price history, withdrawn ones."""

import altair as alt
import streamlit as st

from pipelines.dashboard.page import Page, Questions, show_chart, show_table

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
        routes = st.multiselect("Routes", offered["routes"], placeholder="all")
        agents = st.multiselect("Agents", offered["agents"], placeholder="all")
        airlines = st.multiselect("Airlines", offered["airlines"], placeholder="all")
        stops = st.slider("Stops a leg, at most", 0, 3, 3)
        currency = st.selectbox("Currency", offered["currencies"])
    chosen = {
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
            x=alt.X("yearmonthdate(snapshot_on):T", title=None),
            y=price,
            color=alt.Color("route:N", title=None),
            tooltip=["snapshot_on:T", "route", alt.Tooltip("lowest_price:Q", format=",.2f")],
        )
        .properties(height=340),
        empty="No itinerary matches the filters.",
    )
    show_table(
        "Cheapest itineraries on offer",
        QUESTIONS.ask("cheapest", **chosen),
        empty="No itinerary on offer matches the filters.",
    )
    show_table(
        "Withdrawn itineraries, latest first",
        QUESTIONS.ask("withdrawn", routes=routes or None),
        empty="No itinerary was withdrawn.",
    )


pages = [Page("Flights", ":material/flight:", show)]
