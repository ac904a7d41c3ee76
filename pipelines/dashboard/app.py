"""The web app that Streamlit executes for `isobar dashboard`."""

from importlib import resources

import psycopg
import streamlit as st
from sqlalchemy.exc import DBAPIError

from pipelines.config import mask
from pipelines.dashboard import functions, overview, quality
from pipelines.dashboard.page import Page
from pipelines.failures import Failure
from pipelines.source import PLUGIN_ERRORS, is_plugin, sources

#: A local file: a page icon by name would be fetched from the Internet.
ICON = resources.files("pipelines.dashboard").joinpath("icon.svg")


def pages() -> list[Page]:
    """Return all pages: the overview, those of sources, data quality, functions."""
    found: list[Page] = []
    for source in sources().values():
        try:
            own = source.module("dashboard")
        except PLUGIN_ERRORS as error:
            if not is_plugin(source):
                raise
            st.warning(f"The pages of the plug-in {source.name} do not load: {mask(repr(error))}")
            continue
        found += own.pages if own else []
    return [overview.PAGE, *found, quality.PAGE, functions.PAGE]


def main() -> None:
    """Show the page that the URL selects."""
    st.set_page_config("Isobar", str(ICON), layout="wide")
    known = [
        st.Page(
            one.show,
            title=one.title,
            icon=one.icon,
            url_path=one.title.lower().replace(" ", "-"),
            default=one is overview.PAGE,
        )
        for one in pages()
    ]
    chosen = st.navigation(known)
    try:
        chosen.run()
    except Failure as failure:
        st.error(str(failure))
    except (psycopg.Error, DBAPIError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        st.error(f"The warehouse did not answer: {cause}", icon=":material/database_off:")
        st.caption(
            "`isobar status` shows what is wrong with it. This page asks again when it is reloaded."
        )


main()
