"""Building blocks of dashboard pages: queries, charts with their SQL, maps.

A source's module `dashboard` has `pages`, a list of `Page`. Their statements are the files in its
`sql/dashboard/`. Statements read views and functions that analysts may use.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Any

import altair as alt
import pandas as pd
import psycopg
import streamlit as st
from sqlalchemy import Engine, text

from pipelines.config import Settings, ui_url
from pipelines.config.noted_ui import read_noted_ui
from pipelines.postgres.process_identity import find
from pipelines.postgres.roles import ANALYST
from pipelines.warehouse.connection import engine_for
from pipelines.warehouse.sql_files import read_sql

#: How long a query result is cached, in seconds.
KEPT_SECONDS = 30
Chart = alt.Chart | alt.LayerChart | alt.FacetChart
#: PostgreSQL's OID of the type `numeric`.
NUMERIC = psycopg.adapters.types["numeric"].oid
#: Colours that are distinguishable with any colour vision (Okabe and Ito, 2008).
BLUE, ORANGE, GREEN, RED, GREY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#9a9a9a"
#: For values that are neither good nor bad, such as routes: without red.
NEUTRAL = alt.Scale(range=[BLUE, ORANGE, GREEN, "#56b4e9", "#cc79a7", GREY])


@dataclass(frozen=True)
class Page:
    """A page of the dashboard."""

    title: str
    #: A Material symbol, such as `:material/flight:`.
    icon: str
    show: Callable[[], None]


@dataclass(frozen=True)
class Answer:
    """Rows, and the statement that returned them with its parameters filled in."""

    rows: pd.DataFrame
    sql: str


@dataclass(frozen=True)
class Questions:
    """The statements in `<package>/sql/dashboard/`."""

    package: str

    def ask(self, name: str, /, **parameters: Any) -> Answer:
        """Execute a statement; parameters are written as `%(name)s`.

        Rows are at most `KEPT_SECONDS` old.
        """
        return answer_of(read_sql(self.package, f"dashboard/{name}"), parameters)


@st.cache_resource
def open_engine(url: str) -> Engine:
    """Return one engine for all pages and visitors."""
    return engine_for(url, role=ANALYST)


@st.cache_data(ttl=KEPT_SECONDS, show_spinner=False)
def answer_of(statement: str, parameters: Mapping[str, Any]) -> Answer:
    """Execute a statement with parameters as `%(name)s`, cached."""
    settings = Settings.current()
    with open_engine(settings.warehouse_url(ANALYST)).connect() as connection:
        connection.execute(text("SET TRANSACTION READ ONLY"))
        connection.execute(text(f"SET LOCAL statement_timeout = '{settings.dashboard_seconds}s'"))
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        sql = psycopg.ClientCursor(driver).mogrify(statement, parameters).strip()
        with driver.cursor() as cursor:
            cursor.execute(sql.encode())
            columns = cursor.description or ()
            rows = pd.DataFrame(cursor.fetchall(), columns=[one.name for one in columns])
    # Charts ignore the scale of a decimal: 57.00 would be drawn as 5,700.
    decimals = [one.name for one in columns if one.type_code == NUMERIC]
    return Answer(rows.astype(dict.fromkeys(decimals, "float64")), f"{sql.rstrip(';')};")


def show_chart(
    title: str, answer: Answer, chart: Chart, *, empty: str, note: str | None = None
) -> None:
    """Show a chart with its statement in an expander, or explain why it has no data.

    `note` explains how to read it.
    """
    st.subheader(title)
    if answer.rows.empty:
        st.info(empty)
    else:
        if note:
            st.caption(note)
        st.altair_chart(chart.configure_legend(orient="top"), width="stretch")
    _show_sql(answer)


def show_table(title: str, answer: Answer, *, empty: str, **columns: Any) -> None:
    """Show rows with their statement in an expander; `columns` configures columns by name.

    If a column `total_rows`, made by `count(*) OVER ()`, exceeds the rows shown, it is noted below.
    """
    st.subheader(title)
    if answer.rows.empty:
        st.info(empty)
    else:
        rows = answer.rows.drop(columns="total_rows", errors="ignore")
        st.dataframe(rows, hide_index=True, width="stretch", column_config=columns)
        if (total := int(answer.rows.get("total_rows", [0])[0])) > len(rows):
            st.caption(f"The first {len(rows):,} of {total:,}.")
    _show_sql(answer)


def _show_sql(answer: Answer) -> None:
    with st.expander("SQL", icon=":material/database:"):
        st.code(answer.sql, language="sql")


def colour_scale(colours: Mapping[str, str]) -> alt.Scale:
    """Return a colour scale that includes values that are not in the data."""
    return alt.Scale(domain=list(colours), range=list(colours.values()))


#: The label of a period, one line below the other.
LABELS = {"day": ["%-d", "%b", "%Y"], "month": ["%b", "%Y"], "year": ["%Y"]}
UNITS = {"day": "yearmonthdate", "month": "yearmonth", "year": "year"}


def period_axis(column: str, period: str) -> alt.X:
    """Return an x axis with a band for each day, month or year of the rows, labels centred.

    For days, the first one and those of the first week of January show the year. If labels would
    overlap, every second one is left out.
    """
    lines = [f"timeFormat(datum.value, '{one}')" for one in LABELS[period]]
    label = f"[{', '.join(lines)}]"
    if period == "day":
        has_year = "datum.index == 0 || (month(datum.value) == 0 && date(datum.value) <= 7)"
        label = f"{has_year} ? {label} : [{', '.join(lines[:2])}]"
    axis = alt.Axis(labelExpr=label, labelAngle=0, labelOverlap="parity", ticks=False)
    return alt.X(f"{UNITS[period]}({column}):O", title=None, axis=axis)


def world_map(points: pd.DataFrame, *layers: alt.Chart) -> Chart:
    """Draw layers over country outlines, around `points` (`latitude`, `longitude`)."""
    west, east = _around(points["longitude"])
    south, north = _around(points["latitude"])
    corners = [[west, south], [west, north], [east, north], [east, south]]
    shape = {"type": "MultiPoint", "coordinates": corners}
    fit = {"type": "Feature", "properties": {}, "geometry": shape}
    countries = alt.InlineData(values=_countries())
    land = alt.Chart(countries).mark_geoshape(fill="#e4e4e4", stroke="white", clip=True)
    chart = alt.layer(land, *layers).project("mercator", fit=fit)
    return chart.properties(height=560)


def _around(degrees: pd.Series[float]) -> tuple[float, float]:
    """Return the range of coordinates with a margin for names, also around a single place."""
    if degrees.empty:  # show most of the world
        return -60.0, 60.0
    margin = max(1.0, 0.06 * (degrees.max() - degrees.min()))
    return degrees.min() - margin, degrees.max() + margin


@cache
def _countries() -> list[dict[str, Any]]:
    """Return country outlines (GeoJSON) of the package countryinfo; nothing is downloaded.

    Rings run clockwise, because Vega fills the outside of counterclockwise ones.
    """
    shapes = []
    for file in resources.files("countryinfo").joinpath("data").iterdir():
        if not file.name.endswith(".json"):
            continue
        shape = json.loads(file.read_text(encoding="utf-8")).get("geoJSON") or {}
        for feature in shape.get("features", []):
            geometry = feature["geometry"]
            many = (
                [geometry["coordinates"]]
                if geometry["type"] == "Polygon"
                else geometry["coordinates"]
            )
            polygons = [[_clockwise(ring) for ring in polygon[:1]] for polygon in many]
            shapes.append(
                {
                    "type": "Feature",
                    "geometry": {"type": "MultiPolygon", "coordinates": polygons},
                }
            )
    return shapes


def _clockwise(ring: list[list[float]]) -> list[list[float]]:
    turned = sum((b[0] - a[0]) * (b[1] + a[1]) for a, b in pairwise(ring))
    return ring if turned > 0 else ring[::-1]


def dagster_url(path: str) -> str | None:
    """Return the URL of a page of the Dagster UI, from `ISOBAR_UI_URL` or a UI that runs here.

    It is looked up each time, because `isobar ui` may start and stop while the dashboard runs.
    """
    base = ui_url() or _url_of_running_ui()
    return f"{base}/{path}" if base else None


def _url_of_running_ui() -> str | None:
    """Return the URL recorded by `isobar ui`, unless its web server was killed or is elsewhere."""
    url, noted = read_noted_ui(Settings.current().state)
    return url if find(noted.get("web server", "")) else None


def today() -> dt.date:
    """Return the current date, UTC."""
    return dt.datetime.now(dt.UTC).date()
