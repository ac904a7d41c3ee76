"""The page of a source that brings none: what came, the newest rows, and what is rejected."""

from typing import Any

import altair as alt
import streamlit as st
from sqlalchemy import ColumnClause, Date, DateTime, Table, literal_column, select
from sqlalchemy.dialects import postgresql

from pipelines.dashboard import page as ui
from pipelines.source import Source, is_plugin

QUESTIONS = ui.Questions("pipelines.dashboard")
OUTCOMES = {"loaded": ui.BLUE, "unchanged": ui.GREY, "rejected": ui.RED}


def pages_of(source: Source) -> list[ui.Page]:
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


def show_records(answer: ui.Answer, *, remedy: str = "") -> None:
    """Show what became of the records of each day; `answer` is that of `deliveries_by_day`."""
    days = answer.rows.groupby("day", as_index=False)[[*OUTCOMES]].sum()
    ui.show_chart(
        "Records by the day of their load, last 30 days",
        answer,
        alt.Chart(days.melt("day", [*OUTCOMES], "outcome", "records"))
        .mark_bar()
        .encode(
            x=ui.period_axis(days["day"], "day", "day"),
            y=alt.Y("records:Q", title=None, axis=alt.Axis(format="~s")),
            color=alt.Color("outcome:N", scale=ui.colour_scale(OUTCOMES), title=None),
            tooltip=[
                alt.Tooltip("day:T", format=ui.day_format()),
                "outcome:N",
                alt.Tooltip("records:Q", format=","),
            ],
        )
        .properties(height=240),
        empty=f"Nothing was delivered in the last 30 days{remedy}.",
        note="Every record that is read is loaded, unchanged or rejected.",
    )


def page_of(source: Source) -> ui.Page:
    """Return the page of a source, made of its declaration."""

    def show() -> None:
        st.title(title, anchor=False)
        st.caption(source.about)
        feeds = [one.feed or source.name for one in source.ledgers]
        days = QUESTIONS.ask("deliveries_by_day", feeds=feeds)
        show_records(days, remedy=f": isobar run {source.name}")
        for table in source.loads:
            rows = ui.answer_of(newest(source.table(table)), {})
            ui.show_table(f"Newest rows of {table}", rows, empty="There is no row yet.")
        ui.show_table(
            "Rejected records by reason",
            QUESTIONS.ask("quarantine_by_reason", feeds=feeds),
            empty="No rejected record is waiting.",
        )

    title = named(source)
    return ui.Page(title, ":material/dataset:", show)
