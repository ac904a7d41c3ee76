"""The web app that Streamlit executes for `isobar dashboard`."""

import re
from importlib import resources

import psycopg
import streamlit as st
from sqlalchemy.exc import DBAPIError

from pipelines.dashboard import ask, overview, quality
from pipelines.dashboard import page as ui
from pipelines.dashboard.source_page import pages_of
from pipelines.failures import Failure
from pipelines.isolation import broken_sources, isolated
from pipelines.postgres.errors import cause_of, words_of
from pipelines.source import by_seniority

#: Local files: a page icon by name would be fetched from the Internet.
ICON, LOGO = (
    str(resources.files("pipelines.dashboard").joinpath(name)) for name in ("icon.svg", "logo.svg")
)


def pages() -> list[ui.Page]:
    """Return all pages: the overview, those of sources, data quality, questions.

    One that Streamlit rejects, for its icon or its title, switches its source off.
    """
    first, last = [overview.PAGE], [quality.PAGE, ask.PAGE]
    paths = {one.path for one in (*first, *last)}
    for source in by_seniority():
        with isolated(source.name, "its pages", source.package):
            own = pages_of(source)
            for one in own:
                if one.path in paths:
                    raise ValueError(f"there is a page {one.title!r} already")
                ui.as_streamlit(one)
                paths.add(one.path)
            first += own
    return [*first, *last]


#: Values that end widgets (as a number) or statements with an error.
UNUSABLE = re.compile(r"\x00|^\s*[+-]?(inf(inity)?|nan|[0-9.]+e\+?[0-9]{3,})\s*$", re.IGNORECASE)
#: Streamlit cuts the labels of links off at one line.
STYLE = """
<style>
[data-testid="stPageLink"] p { white-space: normal; overflow: visible; }
</style>
"""


def _drop_unusable_parameters() -> None:
    """Remove what widgets and PostgreSQL cannot take from the address: infinity, NaN, NUL."""
    for name in [*st.query_params]:
        if any(UNUSABLE.search(value) for value in st.query_params.get_all(name)):
            del st.query_params[name]


def main() -> None:
    """Show the page that the URL selects."""
    st.set_page_config("Isobar", ICON, layout="wide", initial_sidebar_state="collapsed")
    st.html(STYLE)
    st.logo(LOGO, size="large")
    known = [ui.as_streamlit(one, is_first=one is overview.PAGE) for one in pages()]
    _drop_unusable_parameters()
    for broken in broken_sources():
        st.warning(ui.as_plain(str(broken)), icon=":material/power_off:")
    chosen = st.navigation(known, position="top")
    try:
        with ui.part(chosen.title):
            chosen.run()
    except Failure as failure:
        st.error(ui.as_plain(str(failure)))
    except (psycopg.Error, DBAPIError) as error:
        cause = ui.as_plain(words_of(cause_of(error)))
        st.error(f"The warehouse did not answer: {cause}", icon=":material/database_off:")
        st.caption(
            "`isobar status` shows what is wrong with it. This page asks again when it is reloaded."
        )


main()
