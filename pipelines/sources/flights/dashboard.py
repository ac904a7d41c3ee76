"""The dashboard page of flights: cheapest itineraries, price history, withdrawn ones."""

from functools import partial
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from pipelines.dashboard import page as ui
from pipelines.warehouse.sql_files import read_sql


class Questions(ui.Questions):
    """The statements of this page, in which `{chosen}` is what its filters leave."""

    def ask(self, name: str, /, **parameters: Any) -> ui.Answer:
        """Execute a statement."""
        statement, chosen = (read_sql(self.package, f"dashboard/{one}") for one in (name, "chosen"))
        return ui.answer_of(statement.replace("{chosen}", chosen.rstrip()), parameters)


QUESTIONS = Questions("pipelines.sources.flights")
#: Lines that can be distinguished.
MAX_ROUTES = 6
#: Hours that one direction may take, layovers included.
MAX_HOURS = 99

#: What offers are sorted by, as `cheapest.sql` calls it.
SORTS = ("price", "duration", "stops", "departure", "rating, best first", "newest first")


def show() -> None:
    """Show the page."""
    st.title("Flights", anchor=False)
    choices = QUESTIONS.ask("choices").rows
    if choices.empty:
        st.info("No itinerary was loaded yet. Launch the job `flights` in Dagster.")
        return
    offer = st.text_input(
        "Open an offer by its number",
        key="offer",
        bind="query-params",
        placeholder="the number of an itinerary",
        icon=":material/search:",
    )
    number = str(offer or "").strip()
    # Where the visitor is: below the tables, if it was selected there.
    is_selected = any(
        st.session_state.get(key, {}).get("selection", {}).get("rows")
        for key in ("offer_row", "withdrawn_row")
    )
    if number and not is_selected:
        _show_offer(number)
    chosen = _choose(choices.iloc[0])
    currency = chosen["currency"]
    found = QUESTIONS.ask("cheapest", sort="price", **chosen)
    _show_numbers(found, QUESTIONS.ask("others", **chosen).rows, currency)
    history = QUESTIONS.ask("price_history", **chosen)
    lowest = history.rows.groupby("route")["lowest_price"].min().nsmallest(MAX_ROUTES).index
    price = f"lowest price, {currency}"
    ui.show_chart(
        "Lowest price by day",
        history,
        alt.Chart(history.rows[history.rows["route"].isin(lowest)])
        .mark_line(point=True)
        .encode(
            x=_day_axis(),
            y=alt.Y("lowest_price:Q", title=price, scale=alt.Scale(zero=False)),
            color=alt.Color("route:N", title=None, scale=ui.NEUTRAL),
            tooltip=[
                alt.Tooltip("snapshot_on:T", title="day", format=ui.day_format()),
                alt.Tooltip("route:N"),
                alt.Tooltip("lowest_price:Q", title=price, format=",.2f"),
                alt.Tooltip("itineraries:Q", format=","),
            ],
        )
        .properties(height=300),
        empty="No itinerary matches the filters.",
        note=f"The {MAX_ROUTES} routes with the lowest prices; choose cities to see others."
        if len(lowest) < history.rows["route"].nunique()
        else None,
    )
    departure = ui.day_format(has_weekday=True)
    by_departure = QUESTIONS.ask("by_departure", **chosen)
    ui.show_chart(
        "Cheapest days to depart",
        by_departure,
        alt.Chart(by_departure.rows)
        .mark_rect(stroke=ui.ink()[1])
        .encode(
            x=alt.X("date(departure_on):O", title="day of the month", axis=alt.Axis(labelAngle=0)),
            y=alt.Y("yearmonth(departure_on):O", title=None),
            color=alt.Color(
                "lowest_price:Q", title=currency, scale=alt.Scale(range=[*ui.LITTLE_TO_MUCH])
            ),
            tooltip=[
                alt.Tooltip("departure_on:T", title="departure", format=departure),
                alt.Tooltip("lowest_price:Q", title=price, format=",.2f"),
                alt.Tooltip("route:N"),
                alt.Tooltip("offers:Q", format=","),
            ],
        )
        .properties(height=200),
        empty="No itinerary on offer matches the filters.",
        note="The lowest price on offer by day of departure.",
    )
    sort = st.selectbox("Offers sorted by", [*SORTS], key="sort", bind="query-params", width=260)
    if sort != "price":
        found = QUESTIONS.ask("cheapest", sort=sort, **chosen)
    headings = _headings(str(currency))
    ui.show_table(
        "Offers",
        found,
        empty="No itinerary on offer matches the filters.",
        note="Sorted over all offers. Low, usual and high compare the cheapest offer of a departure"
        " day with what its cities usually cost so many weeks before. Select an offer to see its"
        " price's course and its legs.",
        key="offer_row",
        opens=("offer", "itinerary_id"),
        **headings,
    )
    with st.expander("Withdrawn itineraries", icon=":material/remove_circle:"):
        ui.show_table(
            "Withdrawn itineraries, latest first",
            QUESTIONS.ask("withdrawn", **chosen),
            empty="No withdrawn itinerary matches the filters.",
            key="withdrawn_row",
            opens=("offer", "itinerary_id"),
            **headings,
        )
    if number and is_selected:
        _show_offer(number)


def _day_axis() -> alt.X:
    axis = alt.Axis(format=ui.day_format(has_year=False))
    return alt.X("yearmonthdate(snapshot_on):T", title=None, axis=axis)


def _choose(offered: "pd.Series[Any]") -> dict[str, Any]:
    """Show the filters, route and date first; return the parameters of the statements."""
    filters = {
        "from": ("city or airport of departure", "From, city or airport", "origin"),
        "to": ("city or airport of arrival", "To, city or airport", "destination"),
        "route": ("route", "Routes", "routes"),
        "agent": ("agent", "Agents", "agents"),
        "airline": ("airline", "Airlines", "airlines"),
    }
    for key, (what, _, of) in filters.items():
        ui.note_unknown(what, key, _values(offered, of))

    def choose(key: str) -> list[str] | None:
        _, label, of = filters[key]
        known = _values(offered, of)
        return st.multiselect(label, known, placeholder="all", key=key, bind="query-params") or None

    with st.grid(4, min_column_width=230):
        chosen = {"origins": choose("from"), "destinations": choose("to")}
        days = st.date_input(
            "Departure, first and last day",
            value=[],
            min_value=offered["first_departure_on"],
            max_value=offered["last_departure_on"],
            key="departure",
            bind="query-params",
        )
        hours = st.number_input(
            "Hours per direction, at most",
            min_value=1,
            max_value=MAX_HOURS,
            value=None,
            step=1,
            placeholder="any",
            key="hours",
            help="From departure to arrival, layovers included.",
            bind="query-params",
        )
    more = st.expander("More filters", icon=":material/filter_list:")
    with more, st.grid(3, min_column_width=230):
        chosen |= {f"{key}s": choose(key) for key in ("route", "agent", "airline")}
        stops = st.multiselect(
            "Stops, most of any leg",
            range(4),
            format_func=_as_stops,
            placeholder="any",
            key="max_stops",
            bind="query-params",
        )
        outbound = st.multiselect(
            "Stops of the outbound leg",
            range(4),
            format_func=_as_stops,
            placeholder="any",
            key="outbound_stops",
            bind="query-params",
        )
        currency = st.selectbox(
            "Currency", offered["currencies"], key="currency", bind="query-params"
        )
    departs_from, departs_until = (days[0], days[-1]) if days else (None, None)
    return {
        **chosen,
        "departs_from": departs_from,
        "departs_until": departs_until,
        "stops": stops or None,
        "outbound_stops": outbound or None,
        "hours": hours,
        "currency": currency,
    }


def _as_stops(count: int) -> str:
    return "3 or more" if count == 3 else str(count)


def _values(offered: "pd.Series[Any]", of: str) -> list[str]:
    """Return the values of a filter; those of an end are cities, then airports."""
    if of in offered:
        return list(offered[of])
    return [*dict.fromkeys([*offered[f"{of}s"], *offered[f"{of}_airports"]])]


def _show_numbers(found: ui.Answer, others: pd.DataFrame, currency: Any) -> None:
    """Show the cheapest offer of those chosen, and how many there are in each currency."""
    left_out = " and ".join(
        f"{ui.as_number(offers)} in {other}" for other, offers in others.itertuples(index=False)
    )
    if found.rows.empty:
        if left_out:
            st.info(f"Offers in other currencies match the filters: {left_out}.")
        return
    first = found.rows.iloc[0]
    level = f"; {first['price_level']} for these cities" if first["price_level"] else ""
    with st.grid(2, min_column_width=230, border=True):
        ui.show_number(
            "Cheapest now",
            found,
            first["price_amount"],
            unit=str(currency),
            decimals=2,
            note=f"{ui.as_plain(first['origin'])} to {ui.as_plain(first['destination'])} on"
            f" {ui.as_day(first['departure_on'])}, by {ui.as_plain(first['agent'])}{level}",
        )
        matching = "that match the filters"
        note = f"{matching}; {left_out} are left out" if left_out else matching
        ui.show_number("Offers", found, first["total_rows"], note=note)


def _show_offer(number: str) -> None:
    """Show the price of an itinerary by day, and its legs in local times."""
    course = QUESTIONS.ask("offer_prices", itinerary_id=number)
    if course.rows.empty:
        st.warning(ui.as_plain(f"There is no itinerary {number}."), icon=":material/search_off:")
        return
    rows = course.rows
    rejected = [alt.Tooltip("rejection_reason:N", title="rejected, because")]
    with st.container(border=True):
        ui.show_chart(
            f"The price of {ui.as_plain(number)}",
            course,
            alt.Chart(rows)
            .mark_line(point=True, interpolate="step-after", color=ui.BLUE)
            .encode(
                x=_day_axis(),
                y=alt.Y("price_amount:Q", title=None, scale=alt.Scale(zero=False)),
                tooltip=[
                    alt.Tooltip("snapshot_on:T", title="day", format=ui.day_format()),
                    alt.Tooltip("price_amount:Q", title="price", format=",.2f"),
                    "price_currency:N",
                    "agent:N",
                    *(rejected if rows["rejection_reason"].any() else []),
                ],
            )
            .properties(height=200),
            empty="",
            note=_state(rows),
        )
        ui.show_table(
            "Legs, in local times",
            QUESTIONS.ask("offer_legs", itinerary_id=number),
            empty="Its legs are not known.",
            leg_number="Leg",
            departure_city="From",
            departure_local=st.column_config.DatetimeColumn("Departs, local", format="localized"),
            arrival_city="To",
            arrival_local=st.column_config.DatetimeColumn("Arrives, local", format="localized"),
            airline="Airline",
            stops="Stops",
            elapsed_minutes=st.column_config.NumberColumn("Under way, min"),
            layover_minutes=st.column_config.NumberColumn("Layovers, min"),
            duration_minutes=st.column_config.NumberColumn("Stated duration, min"),
            time_verdict=st.column_config.TextColumn(
                "Times", help="Whether departure, arrival and stated duration agree."
            ),
        )


def _state(rows: "pd.DataFrame") -> str:
    """Say whether an itinerary is on offer, and its last price."""
    last, accepted = rows.iloc[-1], rows.dropna(subset="price_amount")
    price = ""
    if len(accepted):
        known = accepted.iloc[-1]
        amount = f"{known['price_amount']:,.2f} {known['price_currency']}"
        price = f" Its last price: {amount}, by {ui.as_plain(known['agent'])}."
    if last["on_offer"]:
        return f"It is on offer.{price}"
    departure = f"its departure is on {ui.as_day(last['departure_on'])}"
    if not pd.isna(last["withdrawn_on"]):
        return f"It was withdrawn on {ui.as_day(last['withdrawn_on'])}; {departure}.{price}"
    accepted_on = ui.as_day(last["last_accepted_on"])
    return f"It is not on offer: last accepted on {accepted_on}; {departure}.{price}"


def _headings(currency: str) -> dict[str, Any]:
    return {
        "withdrawn_on": ui.day_column("Withdrawn"),
        "origin": "From",
        "destination": "To",
        "departure_on": ui.day_column("Departure"),
        "return_on": ui.day_column("Return"),
        "price_amount": st.column_config.NumberColumn(f"Price, {currency}", format="%,.2f"),
        "last_price": st.column_config.NumberColumn(f"Last price, {currency}", format="%,.2f"),
        "total_duration": st.column_config.TextColumn(
            "Duration, all legs, h:mm", help="With layovers, without the stay."
        ),
        "max_stops": st.column_config.NumberColumn("Stops", help="Most on any leg."),
        "price_level": st.column_config.TextColumn(
            "For these cities", help="Low, usual or high; empty if it is not known."
        ),
        "low_price": st.column_config.NumberColumn("Usually from", format="%,.2f"),
        "high_price": st.column_config.NumberColumn("Usually to", format="%,.2f"),
        "airlines": "Airlines",
        "agent": "Agent",
        "agent_rating": "Agent's rating",
        "route": "Route",
        "first_accepted_on": ui.day_column("First seen"),
        "itinerary_id": "Itinerary",
    }


def offered(column: str) -> dict[str, str]:
    """Return the values of a filter."""
    rows = QUESTIONS.ask("choices").rows
    return {one: one for one in rows.iloc[0][column]} if len(rows) else {}


choices = {
    "currency": partial(offered, "currencies"),
    "destination": partial(offered, "destinations"),
    "airline": partial(offered, "airlines"),
}
pages = [ui.Page("Flights", ":material/flight:", show)]
card = ui.Card(
    "Cheapest offer",
    "card",
    decimals=2,
    rise_is_good=False,
    help="The lowest price of all offers in the last document of the day, in the currency of most.",
)
stories = [
    ui.Story(
        "drop",
        "**{origin} to {destination}** on {departure_on} is {fall_pct:.0f} % cheaper:"
        " {price_amount:,.2f} {price_currency} instead of {previous_amount:,.2f}.",
        ":material/sell:",
    )
]
