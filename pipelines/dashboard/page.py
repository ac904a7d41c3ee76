"""Building blocks of dashboard pages: queries, numbers, charts and tables with their SQL, maps.

A source's module `dashboard` has `pages`, a list of `Page`. For the overview it may have `card` and
`stories`; for the page *Ask* it may have `choices`, functions that return the values of a parameter
of questions with their labels, by the parameter's name. Statements are the files in the source's
`sql/dashboard/`. They read views and functions that analysts may use. The look is in `theme`.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal, TypeVar

import altair as alt
import pandas as pd
import psycopg
import streamlit as st
from psycopg.types.string import TextLoader
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from streamlit.navigation.page import StreamlitPage

from pipelines.config import Settings
from pipelines.dashboard.formats import (
    CLOCK,
    UNKNOWN,
    as_day,
    as_number,
    as_percent,
    as_time,
    day_format,
    heading,
)
from pipelines.dashboard.theme import (
    BACKGROUNDS,
    BLUE,
    CATEGORIES,
    GREEN,
    GREY,
    LITTLE_TO_MUCH,
    ORANGE,
    PINK,
    RED,
    SKY,
    THEME,
)
from pipelines.postgres.errors import is_cancelled
from pipelines.postgres.roles import ANALYST
from pipelines.warehouse.connection import engine_for
from pipelines.warehouse.sql_files import read_sql

#: How long a query result is cached, in seconds.
KEPT_SECONDS = 30
#: A login that has the rights of analysts and may not become one, as `GRANT … WITH SET FALSE` makes
#: it, reads with its own. Any other becomes one until the transaction ends, or fails.
AS_ANALYST = """
SELECT
    set_config('statement_timeout', :timeout, TRUE),
    CASE
        WHEN pg_has_role(:role, 'SET') OR NOT pg_has_role(:role, 'USAGE')
            THEN set_config('role', :role, TRUE)
    END
"""
Chart = alt.Chart | alt.LayerChart | alt.FacetChart
#: PostgreSQL's OID of the type `numeric`.
NUMERIC = psycopg.adapters.types["numeric"].oid
#: For values that are neither good nor bad, such as routes: without red.
NEUTRAL = alt.Scale(range=[*CATEGORIES])


@dataclass(frozen=True)
class Page:
    """A page of the dashboard."""

    title: str
    #: A Material symbol, such as `:material/flight:`.
    icon: str
    show: Callable[[], None]

    @property
    def path(self) -> str:
        """The part of its address that names it."""
        return self.title.lower().replace(" ", "-")


@dataclass(frozen=True)
class Card:
    """The number of a source on the overview, with its course.

    Its statement returns a row for each day, the last one today's, with `value`, and optionally
    `detail`, words about the last one, `change` and `as_of`, by default the last delivery's time.
    """

    label: str
    statement: str
    #: Written after the number, such as `kWh`. `%` means that 1 is shown as 100 %.
    unit: str = ""
    decimals: int = 0
    #: Whether it is good if the number rises; None if it is neither.
    rise_is_good: bool | None = None
    help: str | None = None
    #: How many days before the number is compared with.
    days: int = 1
    #: Values of the statement's parameters.
    parameters: Callable[[], Mapping[str, Any]] = dict


@dataclass(frozen=True)
class Story:
    """A sentence on the overview, if the data support one.

    Its statement returns a row, or none. The sentence has names of its columns in braces, as in
    `str.format`; dates are written as `25 Nov`. Columns `link_<name>` are the parameters
    of the page that it links to.
    """

    statement: str
    sentence: str
    icon: str
    #: The page that it links to, by default the source's first one.
    page: str = ""


@dataclass(frozen=True)
class Answer:
    """Rows, and the statement that returned them with its parameters filled in."""

    rows: pd.DataFrame
    sql: str
    #: PostgreSQL's OID of the type of each column.
    kinds: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Questions:
    """The statements in `<package>/sql/dashboard/`."""

    package: str

    def ask(self, name: str, /, **parameters: Any) -> Answer:
        """Execute a statement; parameters are written as `%(name)s`.

        Rows are at most `KEPT_SECONDS` old.
        """
        return answer_of(read_sql(self.package, f"dashboard/{name}"), parameters)


def in_words(answer: Answer, *columns: str) -> Answer:
    """Return an answer with the codes of some columns as words: `freezing rain`."""
    return replace(answer, rows=answer.rows.replace(dict.fromkeys(columns, "_"), " ", regex=True))


@st.cache_resource
def open_engine(url: str) -> Engine:
    """Return one engine for all pages and visitors."""
    return engine_for(url, role=None)


@st.cache_data(ttl=KEPT_SECONDS, show_spinner=False)
def answer_of(statement: str, parameters: Mapping[str, Any]) -> Answer:
    """Execute a statement with parameters as `%(name)s`, cached."""
    settings = Settings.current()
    with open_engine(settings.warehouse_url(ANALYST)).connect() as connection:
        connection.execute(text("SET TRANSACTION READ ONLY"))
        limits = {"role": ANALYST, "timeout": f"{settings.dashboard_seconds}s"}
        connection.execute(text(AS_ANALYST), limits)
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        with driver.cursor() as cursor:
            cursor.adapters.register_loader("uuid", TextLoader)  # Arrow would make bytes of it
            cursor.execute(statement.encode(), parameters)
            columns = cursor.description or ()
            rows = pd.DataFrame(cursor.fetchall(), columns=[one.name for one in columns])
        # For people to read and to copy; what is executed has its values as parameters.
        sql = psycopg.ClientCursor(driver).mogrify(statement, parameters).strip()
    # Charts ignore the scale of a decimal: 57.00 would be drawn as 5,700.
    decimals = [one.name for one in columns if one.type_code == NUMERIC]
    kinds = {one.name: one.type_code for one in columns}
    as_floats = rows.astype(dict.fromkeys(decimals, "float64"))
    return Answer(as_floats, f"{sql.rstrip(';')};", kinds)


@contextmanager
def part(title: str) -> Iterator[None]:
    """Show that a query of this part of a page took too long; what follows is shown."""
    try:
        yield
    except (psycopg.Error, DBAPIError) as error:
        if not is_cancelled(error):
            raise
        seconds = Settings.current().dashboard_seconds
        st.error(f"{title}: the query took longer than {seconds} s and was cancelled.")
        st.caption("Ask for less, or raise `ISOBAR_DASHBOARD_SECONDS`.")


def show_number(
    label: str,
    answer: Answer,
    value: Any,
    *,
    unit: str = "",
    decimals: int = 0,
    trend: Sequence[float] | None = None,
    delta: Any = None,
    delta_about: str | None = None,
    rise_is_good: bool | None = None,
    note: str | None = None,
    help: str | None = None,  # noqa: A002 - as Streamlit calls it
) -> None:
    """Show a number with its trend, how it changed, and its statement in an expander."""
    has_delta = delta is not None and not pd.isna(delta)
    change: Any = as_number(delta, unit, decimals, sign=True)
    colour: Literal["normal", "inverse", "off"] = "off" if rise_is_good is None else "normal"
    with st.container(gap="xsmall"):
        st.metric(
            label,
            as_number(value, unit, decimals),
            # Streamlit draws an arrow by the sign, and none for the number 0.
            (change if float(delta) else 0) if has_delta else None,
            delta_color="inverse" if rise_is_good is False else colour,
            delta_description=delta_about if has_delta else None,
            chart_data=[*trend] if trend is not None and len(trend) > 1 else None,
            chart_type="area",
            help=help,
        )
        if note:
            st.caption(note)
        show_sql(answer)


def show_chart(
    title: str,
    answer: Answer,
    chart: Chart,
    *,
    empty: str,
    note: str | None = None,
    key: str | None = None,
    on_select: Callable[[], None] | None = None,
) -> Any:
    """Show a chart with its statement in an expander, or explain why it has no data.

    `note` explains how to read it, and is what a screen reader says. With a `key`, what is selected
    in the chart is returned; `on_select` is called when that changes.
    """
    st.subheader(title, anchor=False)
    selected = None
    if answer.rows.empty:
        st.info(empty)
    else:
        if note:
            st.caption(note)
        columns = alt.ExprRef("width < 500 ? 2 : 3")
        drawn = chart.configure_legend(
            orient="top", columns=columns, labelLimit=200, symbolSize=90, symbolOpacity=1
        ).properties(padding={"bottom": 4})
        words = (
            f"{title}. {note or ''} The values are in the rows that the statement below returns."
        )
        watched: Any = (on_select or "rerun") if key else "ignore"
        event = st.altair_chart(drawn, width="stretch", alt=words, key=key, on_select=watched)
        selected = event if key else None
    show_sql(answer)
    return selected


def show_table(
    title: str,
    answer: Answer,
    *,
    empty: str,
    note: str | None = None,
    key: str | None = None,
    opens: tuple[str, str] | None = None,
    is_sql_open: bool = False,
    **columns: Any,
) -> int | None:
    """Show rows with their statement in an expander; `columns` configures columns by name.

    Columns that are not named have headings made of their names, and dates in the visitor's form.
    If a column `total_rows`, made by `count(*) OVER ()`, exceeds the rows shown, it is noted below.
    With a `key`, a row can be selected: its position is returned. With `opens`, the key of a widget
    and the name of a column, the widget then has the value of the row.
    """
    st.subheader(title, anchor=False)
    selected = None
    if answer.rows.empty:
        st.info(empty)
    else:
        if note:
            st.caption(note)
        rows = answer.rows.drop(columns="total_rows", errors="ignore")
        opened: Any = partial(_open_selected, key, rows, *opens) if key and opens else "rerun"
        event: Any = st.dataframe(
            rows,
            hide_index=True,
            width="stretch",
            column_config=columns_of(answer) | columns,
            placeholder=UNKNOWN,
            alt=f"{title}. {note or ''}",
            key=key,
            on_select=opened if key else "ignore",
            selection_mode="single-row",
        )
        selected = next(iter(event["selection"]["rows"]), None) if key else None
        if (total := int(answer.rows.get("total_rows", [0])[0])) > len(rows):
            st.caption(f"The first {len(rows):,} of {total:,}.")
    show_sql(answer, is_open=is_sql_open)
    return selected


def selected_in(chart: str, name: str, field: str) -> list[dict[str, Any]]:
    """Return what a visitor selected in a chart, by the name of its parameter and a field of it.

    A click on another layer, such as the land of a map, selects what lacks the field.
    """
    found = st.session_state[chart]["selection"].get(name, [])
    return [one for one in found if field in one]


def _open_selected(key: str, rows: pd.DataFrame, widget: str, column: str) -> None:
    """Give a widget the value of the row that was selected; its address then has it, too."""
    for row in st.session_state[key]["selection"]["rows"]:
        value = rows[column].iloc[row]
        is_list = isinstance(st.session_state.get(widget), list)
        st.session_state[widget] = [value] if is_list else value


def day_column(title: str | None = None, **options: Any) -> Any:
    """Return the configuration of a column of dates, shown in the visitor's form."""
    return st.column_config.DateColumn(title, format="localized", **options)


def instant_column(title: str | None = None, **options: Any) -> Any:
    """Return the configuration of a column of instants, shown in UTC and in the visitor's form."""
    return st.column_config.DatetimeColumn(title, format="localized", timezone="UTC", **options)


def columns_of(answer: Answer) -> dict[str, Any]:
    """Return the configuration of columns by their types, with headings made of their names."""
    return {name: _column(name, answer.kinds.get(name, 0)) for name in map(str, answer.rows)}


def _column(name: str, kind: int) -> Any:
    title, types = heading(name), psycopg.adapters.types
    if kind == types["date"].oid:
        return day_column(title)
    if kind == types["timestamptz"].oid:
        return instant_column(title)
    if kind == types["timestamp"].oid:
        return st.column_config.DatetimeColumn(title, format="localized")
    is_number = kind in (NUMERIC, *(types[one].oid for one in ("int4", "int8", "float8")))
    if is_number and not name.endswith("_id"):
        return st.column_config.NumberColumn(title, format="localized")
    return st.column_config.Column(title)


def show_sql(answer: Answer, *, is_open: bool = False) -> None:
    """Show the statement of an answer, by default folded."""
    with st.expander("SQL", icon=":material/database:", type="compact", expanded=is_open):
        st.code(answer.sql, language="sql", wrap_lines=True)


def as_streamlit(page: Page, *, is_first: bool = False) -> StreamlitPage:
    """Return a page as Streamlit knows it, for the navigation and for links."""
    return st.Page(
        page.show, title=page.title, icon=page.icon, url_path=page.path, default=is_first
    )


def link_to(page: Page, label: str, *, icon: str | None = None, **parameters: Any) -> None:
    """Show a link to a page, with values of its filters. `icon` is by default the page's."""
    given = {name: str(one) for name, one in parameters.items() if one is not None}
    st.page_link(
        as_streamlit(page), label=label, icon=icon, query_params=given or None, width="stretch"
    )


def note_unknown(
    what: str, key: str, known: Collection[Any], *, instead: str = "all are shown"
) -> None:
    """Say which values of a filter in the address there are not. Call it before the widget."""
    given = st.query_params.get_all(key)
    if unknown := [one for one in given if one not in map(str, known)]:
        rest = instead if len(unknown) == len(given) else "the others are shown"
        words = f"There is no {what} {', '.join(unknown)[:100]}; {rest}."
        st.info(as_plain(words), icon=":material/search_off:")


def as_plain(words: str) -> str:
    """Return texts of others without Markdown; an invisible character parts bare addresses."""
    words = re.sub(r"(?<=www)(?=\.)|(?=://)|(?=@)", "\u2060", words, flags=re.IGNORECASE)
    return re.sub(r"([\\`*_{}\[\]()#+!|<>~$:])", r"\\\1", words)


def colour_scale(colours: Mapping[str, str]) -> alt.Scale:
    """Return a colour scale that includes values that are not in the data."""
    return alt.Scale(domain=list(colours), range=list(colours.values()))


#: By the length of a period: Vega's unit of time, the step from one to the next, and the label.
PERIODS = {
    "day": ("yearmonthdate", "D", "%-d %b"),
    "week": ("yearmonthdate", "7D", "%-d %b"),
    "month": ("yearmonth", "MS", "%b %Y"),
    "year": ("year", "YS", "%Y"),
}
Axis = TypeVar("Axis", alt.X, alt.Y)


def period_axis(
    periods: Iterable[Any],
    column: str,
    period: str,
    channel: type[Axis] = alt.X,  # type: ignore[assignment]
) -> Axis:
    """Return an axis with a band for each day, week, month or year, the newest right or on top.

    `periods` are the first days of periods. Those between them without a value have their place,
    too.
    """
    unit, step, label = PERIODS[period]
    moments = pd.to_datetime(pd.Series([*periods], dtype="object"))
    every = () if moments.empty else pd.date_range(moments.min(), moments.max(), freq=step)
    return channel(
        f"{unit}({column}):O",
        title=None,
        scale=alt.Scale(
            domain=[alt.DateTime(year=d.year, month=d.month, date=d.day) for d in every]
            or alt.Undefined,
            reverse=channel is alt.Y,
        ),
        axis=alt.Axis(format=label, labelAngle=0, labelOverlap=True, ticks=False),
    )


def ink() -> tuple[str, str]:
    """Return the colours of text and of the background in the visitor's theme."""
    theme = st.context.theme.type or "light"
    return THEME[f"theme.{theme}.textColor"], BACKGROUNDS[theme]


def today() -> dt.date:
    """Return the current date, UTC."""
    return dt.datetime.now(dt.UTC).date()
