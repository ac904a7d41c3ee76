"""The dashboard page of hotel bookings: on the books, pickup, pace, cancellations."""

import altair as alt
import pandas as pd
import streamlit as st

from pipelines.dashboard import page as ui

QUESTIONS = ui.Questions("pipelines.sources.bookings")
BY_NIGHT = "The line is by night of stay, from today on."
#: Of more, hotels are to be chosen: their books take a millisecond per hotel.
MAX_HOTELS = 250
NO_LAST_YEAR = "Last year is not known: there are no events of a month before that time."
AT_CLOSE = "At the close of {}, the last business day that is over at all hotels."
DAY = ui.day_format(has_weekday=True)
NIGHT = alt.Tooltip("night_of_stay:T", title="night of stay", format=DAY)


def show() -> None:
    """Show the page."""
    st.title("Hotel bookings", anchor=False)
    hotels = QUESTIONS.ask("hotels").rows
    if hotels.empty:
        st.info("No booking was loaded yet. Launch the job `bookings` in Dagster.")
        return
    names = dict(zip(hotels["hotel_name"], hotels["hotel_id"].tolist(), strict=True))
    ui.note_unknown("hotel", "hotel", names)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.multiselect(
            "Hotels", [*names], placeholder="all", key="hotel", bind="query-params", width=420
        )
        nights = st.slider(
            "Nights ahead", 14, 180, 60, key="nights", bind="query-params", width=260
        )
    of_hotels = {"hotels": [names[name] for name in chosen] or [*names.values()]}
    if len(of_hotels["hotels"]) <= MAX_HOTELS:
        shown = {name: key for name, key in names.items() if key in of_hotels["hotels"]}
        books = QUESTIONS.ask("on_the_books", nights=nights, **of_hotels)
        if books.rows.empty:
            st.info(
                "The books are made with the next run. Launch the job `refresh_hotel_bookings`."
            )
            return
        st.caption(AT_CLOSE.format(f"{books.rows['closed_on'].iloc[0]:{ui.day_format()}}"))
        _show_numbers(books, nights)
        _show_books(books)
        _show_hotels(nights, shown)
        _show_pickup(nights, of_hotels)
        _show_occupancy(nights, shown)
        _show_pace(of_hotels)
    else:
        st.info(f"Choose up to {MAX_HOTELS} hotels to see what is on their books.")
    _show_months(of_hotels)


def _show_numbers(books: ui.Answer, nights: int) -> None:
    """Show the sums of all nights."""
    rows = books.rows
    total = int(rows["on_the_books"].sum())
    last_year = rows["last_year"].sum(min_count=1)
    compared, hotels = rows["hotels_compared"].iloc[0], rows["hotels"].iloc[0]
    with st.grid(4, min_column_width=200, border=True):
        ui.show_number(
            f"On the books, next {nights} nights",
            books,
            total,
            trend=rows["on_the_books"].tolist(),
            delta=rows["this_year"].sum(min_count=1) - last_year,
            delta_about="against last year at this lead time"
            + (f", {compared} of {hotels} hotels" if compared < hotels else ""),
            rise_is_good=True,
            help=BY_NIGHT,
            note=NO_LAST_YEAR if pd.isna(last_year) else None,
        )
        for days in (1, 7, 30):
            column = f"pickup_{days}_day{'s' if days > 1 else ''}"
            ui.show_number(
                f"Pickup, {days} business day{'s' if days > 1 else ''}, next {nights} nights",
                books,
                rows[column].sum(),
                trend=rows[column].tolist(),
                help=BY_NIGHT,
            )


def _show_books(books: ui.Answer) -> None:
    rows = books.rows
    text, _ = ui.ink()
    years = {"this year": ui.BLUE, "last year": text}
    across = _nights(rows)
    bars = (
        alt.Chart(rows.assign(year="this year"))
        .mark_bar()
        .encode(
            x=across,
            y=alt.Y("on_the_books:Q", title="reservations"),
            color=alt.Color("year:N", title=None, scale=ui.colour_scale(years)),
            tooltip=[NIGHT, *map(_count, rows.columns[1:5])],
        )
    )
    ticks = (
        alt.Chart(rows.dropna(subset=["last_year"]).assign(year="last year"))
        .mark_tick(thickness=2)
        .encode(x=across, y="last_year:Q", color="year:N", tooltip=[NIGHT, _count("last_year")])
    )
    ui.show_chart(
        "On the books by night",
        books,
        alt.layer(bars, ticks).properties(height=280),
        empty="Nothing is on the books.",
        note="Last year: the same weekday 52 weeks ago, as many days before the night.",
    )


def _nights(rows: pd.DataFrame) -> alt.X:
    return ui.period_axis(rows["night_of_stay"], "night_of_stay", "day").title("night of stay")


def _count(column: str) -> alt.Tooltip:
    return alt.Tooltip(f"{column}:Q", title=column.replace("_", " "), format=",")


def _show_hotels(nights: int, names: dict[str, int]) -> None:
    """Show each hotel beside last year; one that is selected is the only one on the page."""
    by_hotel = QUESTIONS.ask("by_hotel", nights=nights, hotels=[*names.values()], names=[*names])
    ui.show_table(
        f"Hotels beside last year, next {nights} nights",
        by_hotel,
        empty="",
        note="At the same lead time, furthest behind first. Pickup is of seven business days and"
        f" these {nights} nights; the last whole month is as it stood at its end. Select a hotel to"
        " see it alone.",
        key="hotel_row",
        opens=("hotel", "hotel_name"),
        hotel_name="Hotel",
        change_pct=st.column_config.NumberColumn("Change, %", format="%.1f"),
        pickup_7_days="Pickup",
        pickup_7_days_before="Pickup, 7 days before",
        last_month="Last month",
        month_a_year_before="A year before",
    )


def _show_pickup(nights: int, of_hotels: dict[str, list[int]]) -> None:
    pickup = QUESTIONS.ask("pickup", nights=nights, **of_hotels)
    ui.show_chart(
        "Pickup, 14 business days, by night of stay",
        pickup,
        alt.Chart(pickup.rows)
        .mark_rect()
        .encode(
            x=_nights(pickup.rows),
            y=ui.period_axis(pickup.rows["changed_on"], "changed_on", "day", alt.Y).title(
                "booked on"
            ),
            color=alt.Color(
                "pickup:Q",
                title=None,
                scale=alt.Scale(range=[ui.RED, "#d9d9d9", ui.BLUE], domainMid=0),
            ),
            tooltip=[
                NIGHT,
                alt.Tooltip("changed_on:T", title="booked on", format=DAY),
                alt.Tooltip("pickup:Q", format="+,"),
            ],
        )
        .properties(height=380),
        empty="Nothing was booked for these nights in the last two weeks.",
        note="Booked less cancelled, by business day: blue is more, red is less.",
    )


def _show_occupancy(nights: int, names: dict[str, int]) -> None:
    occupancy = QUESTIONS.ask("occupancy", nights=nights, hotels=[*names.values()], names=[*names])
    ui.show_chart(
        "Occupancy by week",
        occupancy,
        alt.Chart(occupancy.rows)
        .mark_rect()
        .encode(
            x=ui.period_axis(occupancy.rows["period_start"], "period_start", "week").title(
                "week from Monday"
            ),
            y=alt.Y("hotel_name:N", title=None),
            color=alt.Color(
                "occupancy:Q",
                title=None,
                legend=alt.Legend(format=".0%"),
                scale=alt.Scale(range=[*ui.LITTLE_TO_MUCH]),
            ),
            tooltip=[
                alt.Tooltip("hotel_name:N", title="hotel"),
                alt.Tooltip("period_start:T", title="week from", format=DAY),
                alt.Tooltip("rooms_booked:Q", title="room nights booked", format=","),
                alt.Tooltip("rooms_available:Q", title="room nights available", format=","),
                alt.Tooltip("occupancy:Q", format=".0%"),
            ],
        )
        .properties(height=190 + 24 * max(1, occupancy.rows["hotel_id"].nunique())),
        empty="How many rooms a hotel has is not entered: INSERT INTO bookings.hotels.",
    )


def _show_pace(of_hotels: dict[str, list[int]]) -> None:
    pace = QUESTIONS.ask("pace", **of_hotels)
    years = {"this year": ui.BLUE, "last year": ui.GREY}
    rows = pace.rows.rename(columns={"this_year": "this year", "last_year": "last year"})
    ui.show_chart(
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
            color=alt.Color("year:N", title=None, scale=ui.colour_scale(years)),
            tooltip=[
                alt.Tooltip("days_before_arrival:Q", title="days before arrival"),
                alt.Tooltip("year:N"),
                alt.Tooltip("on_the_books:Q", title="nights on the books", format=","),
            ],
        )
        .properties(height=280),
        empty="There is no night to compare yet.",
        note=f"{_compared(pace.rows, len(of_hotels['hotels']))} A total is known once that day has"
        " passed for all nights of the month; so the line of this year ends at the lead time that"
        " the last night has today.",
    )


def _compared(rows: pd.DataFrame, hotels: int) -> str:
    """Say of which hotels the lines are: of those with last year, or of all if none has it."""
    if rows["last_year"].isna().all():
        return "No hotel's events begin 90 days before the same month last year."
    compared = rows["hotels_compared"].iloc[0]
    return f"{compared} of {hotels} hotels have last year; the lines are theirs."


def _show_months(of_hotels: dict[str, list[int]]) -> None:
    months = QUESTIONS.ask("by_month", **of_hotels)
    kinds = {"bookings": ui.BLUE, "cancellations": ui.RED}
    ui.show_chart(
        "Bookings and cancellations by month",
        months,
        alt.Chart(months.rows.melt(["month"], [*kinds], "kind", "nights"))
        .mark_bar()
        .encode(
            x=ui.period_axis(months.rows["month"], "month", "month"),
            xOffset="kind:N",
            y=alt.Y("nights:Q", title="nights of reservations"),
            color=alt.Color("kind:N", title=None, scale=ui.colour_scale(kinds)),
            tooltip=[
                alt.Tooltip("month:T", title="month", format="%b %Y"),
                alt.Tooltip("kind:N", title="kind"),
                alt.Tooltip("nights:Q", title="nights of reservations", format=","),
            ],
        )
        .properties(height=280),
        empty="No booking in the last two years.",
        note="Events by the month (UTC) in which they were made. The share of reservations that are"
        " cancelled is in metrics.hotel_stays.",
    )


choices = {
    "hotel": lambda: {
        str(hotel.hotel_id): hotel.hotel_name for hotel in QUESTIONS.ask("hotels").rows.itertuples()
    },
    "period": lambda: {period: period for period in ("day", "week", "month", "year")},
    "axis": lambda: {"event": "day of the event", "stay": "night of the stay"},
}
pages = [ui.Page("Hotel bookings", ":material/hotel:", show)]
card = ui.Card(
    "Pickup, 7 business days, nights to come",
    "card",
    days=7,
    rise_is_good=True,
    help="Nights that were booked less those that were cancelled in seven whole business days, of"
    " all hotels. Changes of a night that was past do not count.",
)
stories = [
    ui.Story(
        "behind",
        "**{hotel}** is {behind:.0%} behind last year: {this_year:,.0f} nights are on the"
        " books for the next 30 nights, and there were {last_year:,.0f} at the same lead time.",
        ":material/trending_down:",
    )
]
