"""Data quality: the ledger, and the quarantine by reason with its records."""

import altair as alt
import streamlit as st

from pipelines.dashboard.page import RED, Page, Questions, dagster_url, show_chart, show_table
from pipelines.source import sources

QUESTIONS = Questions("pipelines.dashboard")


def show() -> None:
    """Show the page."""
    st.title("Data quality")
    names = [one.name for one in sources().values() if one.ledgers]
    chosen = st.multiselect("Sources", names, placeholder="all") or names
    reasons = QUESTIONS.ask("quarantine_by_reason", sources=chosen)
    show_chart(
        "Rejected records by reason",
        reasons,
        alt.Chart(reasons.rows)
        .mark_bar(color=RED)
        .encode(
            x=alt.X("count:Q", title="records"),
            y=alt.Y("reason_code:N", sort="-x", title=None, axis=alt.Axis(labelLimit=420)),
            tooltip=["source", "reason_code", "count", "reason", "example"],
        ),
        empty="No rejected record is waiting.",
    )
    show_table(
        "Rejected records, newest first",
        QUESTIONS.ask("quarantined_records", sources=chosen),
        empty="No rejected record is waiting.",
    )
    show_table(
        "Deliveries, newest first",
        QUESTIONS.ask("deliveries", sources=chosen),
        empty="Nothing was delivered yet.",
    )
    if url := dagster_url("asset-groups"):
        st.link_button("Checks and freshness in Dagster", url)


PAGE = Page("Data quality", ":material/fact_check:", show)
