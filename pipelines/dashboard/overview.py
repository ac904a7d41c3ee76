"""The first page: what arrived today by source, what is late, what was rejected."""

import datetime as dt
from dataclasses import replace

import altair as alt
import pandas as pd
import streamlit as st

from pipelines.dashboard.page import (
    BLUE,
    GREY,
    RED,
    Page,
    Questions,
    colour_scale,
    dagster_url,
    show_chart,
    show_table,
)
from pipelines.source import sources

#: Each source is checked at least daily; two more hours are a delay.
LATE = dt.timedelta(hours=26)
QUESTIONS = Questions("pipelines.dashboard")


def show() -> None:
    """Show the page."""
    st.title("Overview")
    answer = QUESTIONS.ask("sources_today")
    if answer.rows.empty:
        st.info("Nothing was loaded yet. Run `make run`, or launch a job in Dagster.")
        return
    rows = answer.rows
    totals = st.columns(4)
    totals[0].metric("Deliveries today", f"{rows['deliveries_today'].sum():,}")
    totals[1].metric("Records today", f"{rows['records_today'].sum():,}")
    totals[2].metric("Rejected today", f"{rows['rejected_today'].sum():,}")
    totals[3].metric("In quarantine", f"{rows['in_quarantine'].sum():,}")
    show_table(
        "Sources",
        replace(answer, rows=_with_state(rows)),
        empty="",
        source="Source",
        state=st.column_config.TextColumn(
            "State", help="late: no delivery for 26 hours. A source of files may just have none."
        ),
        last_delivery_at=st.column_config.DatetimeColumn("Last loaded", format="YYYY-MM-DD HH:mm"),
        deliveries_today=st.column_config.NumberColumn("Deliveries today", format="localized"),
        records_today=st.column_config.NumberColumn("Records today", format="localized"),
        rejected_today=st.column_config.NumberColumn("Rejected today", format="localized"),
        in_quarantine=st.column_config.NumberColumn("In quarantine", format="localized"),
        page=st.column_config.LinkColumn("In Dagster", display_text="open"),
    )
    by_day = QUESTIONS.ask("records_by_day", days=30)
    colours = {"loaded": BLUE, "unchanged": GREY, "rejected": RED}
    show_chart(
        "Records by day, last 30 days",
        by_day,
        alt.Chart(by_day.rows.melt(["day", "source"], [*colours], "outcome", "records"))
        .mark_bar()
        .encode(
            x=alt.X("yearmonthdate(day):T", title=None),
            y=alt.Y("records:Q", title=None),
            color=alt.Color("outcome:N", scale=colour_scale(colours), title=None),
            facet=alt.Facet("source:N", title=None, columns=3),
            tooltip=["day:T", "source", "outcome", alt.Tooltip("records:Q", format=",")],
        )
        .resolve_scale(y="independent")
        .properties(width=185, height=150),
        empty="Nothing was delivered in the last 30 days.",
    )


def _with_state(rows: pd.DataFrame) -> pd.DataFrame:
    """Add the column `state` and, if Dagster's URL is known, `page`."""
    age = pd.Timestamp.now("UTC") - pd.to_datetime(rows["last_delivery_at"], utc=True)
    feeds = {
        ledger.feed or source.name: ledger.on
        for source in sources().values()
        for ledger in source.ledgers
    }
    pages = [
        dagster_url(f"assets/{feeds[name].replace('.', '/')}") if name in feeds else None
        for name in rows["source"]
    ]
    state = (age > LATE).map({True: "late", False: "on time"})
    shown = rows.assign(state=state, page=pd.Series(pages, rows.index, "string"))
    return shown[["source", "state", *rows.columns[1:], "page"]].dropna(axis="columns", how="all")


PAGE = Page("Overview", ":material/home:", show)
