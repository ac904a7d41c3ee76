"""The page of a source that brings none: what came, the newest rows, and what is rejected."""

from typing import Any

import altair as alt
import streamlit as st
from sqlalchemy import ColumnClause, Date, DateTime, Table, literal_column, select
from sqlalchemy.dialects import postgresql

from pipelines.dashboard.page import (
    BLUE,
    GREY,
    RED,
    Page,
    Questions,
    answer_of,
    colour_scale,
    period_axis,
    show_chart,
    show_table,
)
from pipelines.source import Source, is_plugin

QUESTIONS = Questions("pipelines.dashboard")
OUTCOMES = {"loaded": BLUE, "unchanged": GREY, "rejected": RED}


def pages_of(source: Source) -> list[Page]:
    """Return the pages of a source: its own, or the one made of a plug-in's declaration."""
    module = source.module("dashboard")
    if module is not None and hasattr(module, "pages"):
        return list(module.pages)
    return [page_of(source)] if is_plugin(source) and source.loads else []


def title_of(source: Source) -> str:
    """Return what the dashboards call a source: the title of its first page."""
    return next((one.title for one in pages_of(source)), named(source))


def named(source: Source) -> str:
    """Return the name of a source in words."""
    return source.name.replace("_", " ").capitalize()


def newest(table: Table) -> str:
    """Return the query of the rows that came last; within a delivery, of the latest times first."""
    times = (one for one in table.columns if isinstance(one.type, Date | DateTime))
    order = (one.desc().nulls_last() for one in (table.c.delivery_id, *times))
    every: ColumnClause[Any] = literal_column("*")
    query = select(every).select_from(table).order_by(*order)
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    return f"{query.compile(dialect=dialect)}\nLIMIT 100"


def page_of(source: Source) -> Page:
    """Return the page of a source, made of its declaration."""

    def show() -> None:
        st.title(title, anchor=False)
        st.caption(source.about)
        feeds = [one.feed or source.name for one in source.ledgers]
        days = QUESTIONS.ask("records_of_source", feeds=feeds)
        show_chart(
            "Records by the day of their delivery",
            days,
            alt.Chart(days.rows)
            .mark_bar()
            .encode(
                x=period_axis(days.rows["day"], "day", "day"),
                y=alt.Y("records:Q", title="records"),
                color=alt.Color("outcome:N", title=None, scale=colour_scale(OUTCOMES)),
                tooltip=["day:T", "outcome", "records"],
            ),
            empty=f"Nothing was delivered in the last 30 days: isobar run {source.name}",
        )
        for table in source.loads:
            rows = answer_of(newest(source.table(table)), {})
            show_table(f"Newest rows of {table}", rows, empty="There is no row yet.")
        show_table(
            "Rejected records by reason",
            QUESTIONS.ask("quarantine_by_reason", feeds=feeds),
            empty="No rejected record is waiting.",
        )

    title = named(source)
    return Page(title, ":material/dataset:", show)
