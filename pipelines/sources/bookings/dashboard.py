"""The dashboard page of hotel bookings: on the books, pickup, pace, cancellations."""

import altair as alt
import streamlit as st

from pipelines.dashboard.page import (
    BLUE,
    GREY,
    RED,
    Card,
    Page,
    Questions,
    Story,
    colour_scale,
    period_axis,
    show_chart,
)

QUESTIONS = Questions("pipelines.sources.bookings")
#: Above this number of hotels, occupancy is not drawn, and pickup and pace, which take a
#: millisecond per hotel to compute from events, are left out.
MAX_HOTELS = 250


def show() -> None:
    """Show the page."""
    st.title("Hotel bookings")
    hotels = QUESTIONS.ask("hotels").rows
    if hotels.empty:
        st.info("No booking was loaded yet. Launch the job `bookings` in Dagster.")
        return
    with st.sidebar:
        names = dict(zip(hotels["hotel_id"].tolist(), hotels["hotel_name"], strict=True))
        chosen = st.multiselect(
            "Hotels", list(names), format_func=names.__getitem__, placeholder="all"
        )
        nights = st.slider("Nights ahead", 14, 180, 60)
    of_hotels = {"hotels": chosen or list(names)}
    are_few = len(of_hotels["hotels"]) <= MAX_HOTELS
    books = QUESTIONS.ask("on_the_books" if are_few else "net_bookings", nights=nights, **of_hotels)
    now = st.columns(4)
    now[0].metric(f"On the books, next {nights} nights", f"{books.rows['on_the_books'].sum():,}")
    if are_few:
        for column, days in zip(now[1:], ("1_day", "7_days", "30_days"), strict=True):
            name = days.replace("_", " ")
            column.metric(f"Pickup, {name}", f"{books.rows[f'pickup_{days}'].sum():+,}")
    else:
        st.info(f"Choose up to {MAX_HOTELS} hotels on the left to see pickup, occupancy and pace.")
    show_chart(
        "On the books by night",
        books,
        alt.Chart(books.rows)
        .mark_bar(color=BLUE)
        .encode(
            x=period_axis("night_of_stay", "day").title("night of stay"),
            y=alt.Y("on_the_books:Q", title="reservations"),
            tooltip=[
                alt.Tooltip("night_of_stay:T", title="night of stay", format="%a %-d %b %Y"),
                *(
                    alt.Tooltip(f"{one}:Q", title=one.replace("_", " "), format=",")
                    for one in books.rows.columns[1:]
                ),
            ],
        )
        .properties(height=280),
        empty="Nothing is on the books.",
    )
    if are_few:
        _show_occupancy(nights, of_hotels)
        _show_pace(of_hotels)
    months = QUESTIONS.ask("by_month", **of_hotels)
    kinds = {"bookings": BLUE, "cancellations": RED}
    show_chart(
        "Bookings and cancellations by month",
        months,
        alt.Chart(months.rows.melt(["month", "cancellation_rate_pct"], [*kinds], "kind", "nights"))
        .mark_bar()
        .encode(
            x=period_axis("month", "month"),
            xOffset="kind:N",
            y=alt.Y("nights:Q", title="nights of reservations"),
            color=alt.Color("kind:N", title=None, scale=colour_scale(kinds)),
            tooltip=[
                alt.Tooltip("month:T", title="month", format="%b %Y"),
                alt.Tooltip("kind:N", title="kind"),
                alt.Tooltip("nights:Q", title="nights of reservations", format=","),
                alt.Tooltip("cancellation_rate_pct:Q", title="cancelled, %"),
            ],
        )
        .properties(height=280),
        empty="No booking in the last two years.",
    )


def _show_occupancy(nights: int, of_hotels: dict[str, list[int]]) -> None:
    occupancy = QUESTIONS.ask("occupancy", nights=nights, **of_hotels)
    show_chart(
        "Occupancy by week",
        occupancy,
        alt.Chart(occupancy.rows)
        .mark_rect()
        .encode(
            x=period_axis("period_start", "day").title("week from Monday"),
            y=alt.Y("hotel_name:N", title=None),
            color=alt.Color("occupancy:Q", title=None, legend=alt.Legend(format=".0%")),
            tooltip=[
                alt.Tooltip("hotel_name:N", title="hotel"),
                alt.Tooltip("period_start:T", title="week from", format="%a %-d %b %Y"),
                alt.Tooltip("rooms_booked:Q", title="room nights booked", format=","),
                alt.Tooltip("rooms_available:Q", title="room nights available", format=","),
                alt.Tooltip("occupancy:Q", format=".1%"),
            ],
        ),
        empty="How many rooms a hotel has is not entered: INSERT INTO bookings.hotels.",
    )


def _show_pace(of_hotels: dict[str, list[int]]) -> None:
    pace = QUESTIONS.ask("pace", **of_hotels)
    years = {"this year": BLUE, "last year": GREY}
    rows = pace.rows.rename(columns={"this_year": "this year", "last_year": "last year"})
    show_chart(
        "Pace: next month, beside the same weeks last year",
        pace,
        alt.Chart(rows.melt("days_before_arrival", [*years], "year", "on_the_books").dropna())
        .mark_line()
        .encode(
            x=alt.X(
                "days_before_arrival:Q",
                title="days before arrival",
                scale=alt.Scale(reverse=True, nice=False),
            ),
            y=alt.Y("on_the_books:Q", title="nights on the books"),
            color=alt.Color("year:N", title=None, scale=colour_scale(years)),
            tooltip=[
                alt.Tooltip("days_before_arrival:Q", title="days before arrival"),
                alt.Tooltip("year:N"),
                alt.Tooltip("on_the_books:Q", title="nights on the books", format=","),
            ],
        )
        .properties(height=280),
        empty="There is no night to compare yet.",
    )


pages = [Page("Hotel bookings", ":material/hotel:", show)]
card = Card(
    "Nights picked up in seven days",
    "card",
    days=7,
    rise_is_good=True,
    help="Bookings less cancellations of all hotels, by the day on which they were made.",
)
stories = [
    Story(
        "behind",
        "**{hotel}** is {behind:.0%} behind last year: {this_year:,.0f} reservations are on the"
        " books for the next 30 nights, and there were {last_year:,.0f} at the same lead time.",
        ":material/trending_down:",
    )
]
