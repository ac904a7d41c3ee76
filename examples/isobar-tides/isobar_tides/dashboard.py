"""The dashboard page of the gauges."""

import altair as alt

from pipelines.dashboard.page import Page, Questions, show_chart

QUESTIONS = Questions("isobar_tides")


def show() -> None:
    """Show the page."""
    levels = QUESTIONS.ask("levels", days=7)
    line = (
        alt.Chart(levels.rows)
        .mark_line()
        .encode(x="read_at:T", y="level_cm:Q", color="station_name:N")
    )
    show_chart("Water levels", levels, line, empty="No reading yet.")


pages = [Page("Tides", ":material/waves:", show)]
