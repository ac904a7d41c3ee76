"""The page that answers questions: those of the cookbook and the functions, as forms.

The address has the question and its values, so it is a link that gives the same answer.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from textwrap import shorten
from typing import Any, Literal
from urllib.parse import urlencode

import altair as alt
import pandas as pd
import psycopg
import streamlit as st

from pipelines.dashboard import cookbook
from pipelines.dashboard.page import (
    NEUTRAL,
    Answer,
    Page,
    Questions,
    answer_of,
    as_plain,
    clock,
    day_format,
    heading,
    input_format,
    note_unknown,
    show_table,
    today,
)
from pipelines.dashboard.source_page import title_of
from pipelines.isolation import isolated
from pipelines.source import Source, by_seniority

QUESTIONS = Questions("pipelines.dashboard")
#: So much of what is searched for is read.
MAX_CHARACTERS = 200
#: Rows that are shown, and that are in the file.
MAX_ROWS = 5000
#: Rows that are queried where a question limits them.
ROWS = 100
#: Bars and lines that can be distinguished.
MAX_BARS, MAX_LINES, MAX_DAYS = 40, 6, 60
#: Questions that a search shows.
MAX_FOUND = 10
#: A name in a statement, where keywords are in capitals.
NAME = re.compile(r"\b[a-z][\w.]*")
#: What a search leaves out: the ends of words, and words that every question has.
STEM = re.compile(r"(?<=\w{4})(?:s|es|ed|ing)$")
FILLERS = re.compile(
    r"(?:an?|and|are|at|be|by|did|does|do|for|from|how|in|is|it|many|much|of|on|or|the|there|to"
    r"|was|were|what|when|where|which|who|with)"
)
#: The calendar of inputs.
FIRST_YEAR, LAST_YEAR = 1950, 2100
#: The title of questions that are of no source.
PLATFORM = "Data quality"
#: The example call at the end of a function's comment.
EXAMPLE = re.compile(r"Example: SELECT \* FROM [\w.]+\((.*)\);$", re.DOTALL)
NAMED = re.compile(r"(\w+) => (.+?)(?=, \w+ =>|$)", re.DOTALL)
#: Sentences of a comment that are for who writes SQL.
FOR_SQL = re.compile(r"Raises an error|To get |For all hotels|For several plants|Example:")
#: Parameters that are matched with a part of a text.
PATTERN = re.compile(r"I?LIKE %\((\w+)\)s")
Kind = Literal["integer", "date", "instant", "text"]
KINDS: dict[str, Kind] = {
    "integer": "integer",
    "bigint": "integer",
    "date": "date",
    "timestamp with time zone": "instant",
}
#: Results of a list that say no more than a name.
NOT_MEASURED = re.compile(r"_id$|^(latitude|longitude|leg_number|year|load_number)$")
Choices = Mapping[str, Callable[[], Mapping[str, str]]]


def feeds() -> dict[str, str]:
    """Return the feeds that delivered something."""
    return {one: one for one in QUESTIONS.ask("feeds").rows["source"]}


#: The values of parameters of questions that are of no source.
CHOICES: Choices = {"feed": feeds}


@dataclass(frozen=True)
class Field:
    """A field of a form."""

    name: str
    kind: Kind
    #: What it has at first, as ISO 8601 or digits; empty for nothing.
    example: str
    is_required: bool = True
    #: Whether it is a part of a text, in upper or lower case.
    is_part: bool = False


@dataclass(frozen=True)
class Question:
    """A question that the database can answer, and the form of its values."""

    #: Its name in the address.
    key: str
    #: The title of the page that it belongs to.
    group: str
    title: str
    words: str
    source: Source | None
    fields: Callable[[], list[Field]]
    #: Returns the statement and its parameters for the values of the fields.
    statement: Callable[[Mapping[str, str]], tuple[str, dict[str, Any]]]
    #: Names of views, columns and parameters by which it is found, too.
    names: str = ""


def show() -> None:
    """Show the page."""
    st.title("Ask", anchor=False)
    known = {one.key: one for one in [*_of_cookbook(), *_of_functions()]}
    if not known:
        st.info("There is nothing to ask for yet. Run `make run`, which makes the database.")
        return
    given = st.query_params.to_dict()
    words = _search(given.pop("search", ""))
    note_unknown("question", "question", known, instead="choose one below")
    linked = known.get(given.get("question", "")) or next(iter(known.values()))
    question = _choose(known, linked, words)
    if question is not linked:
        given = {}
    st.markdown(question.words)
    values = _form(question, given)
    searched = {"search": words} if words else {}
    st.query_params.from_dict(searched | {"question": question.key} | values)
    missing = [one for one in question.fields() if one.is_required and not values.get(one.name)]
    if missing:
        st.info(f"Fill in {', '.join(_label(one) for one in missing)}.")
        return
    try:
        answer = answer_of(*question.statement(values))
    except psycopg.errors.QueryCanceled:
        raise
    except psycopg.Error as error:
        st.error(as_plain(f"{error.diag.message_primary or error}."), icon=":material/edit:")
        return
    _show_answer(question, answer, values)
    with st.expander("Views and tables that you can query", icon=":material/list:"):
        show_table("Views and tables", QUESTIONS.ask("relations"), empty="")


def _search(given: str) -> str:
    """Show the field of words to search for; return them."""
    words = st.text_input(
        "Search all questions",
        value=given,
        key="search",
        placeholder="cheapest days, parcels at risk, occupancy",
        icon=":material/search:",
        help="Of all sources, by words of the question and names.",
    )
    return (words or "").strip()


def found_by(words: str, known: Mapping[str, Question]) -> list[str]:
    """Return the keys of questions that have the most of these words, best first.

    Words of a title count more. Endings such as that of the plural do not matter.
    """
    given = re.findall(r"\w+", words[:MAX_CHARACTERS].lower().replace("_", " "))
    kept = [STEM.sub("", one) for one in given if not FILLERS.fullmatch(one)] or given
    begins = [re.compile(rf"\b{one}") for one in kept]
    scores: dict[str, tuple[int, int]] = {}
    for key, one in known.items():
        title = f"{one.title} {one.key} {one.group}".lower().replace("_", " ")
        text = f"{title} {one.words} {one.names}".lower().replace("_", " ")
        in_text, in_title = (
            sum(bool(begin.search(place)) for begin in begins) for place in (text, title)
        )
        scores[key] = in_text, in_title
    most = max((score for score, _ in scores.values()), default=0)
    best = [key for key, (score, _) in scores.items() if score == most > 0]
    return sorted(best, key=lambda key: -scores[key][1])


def _choose(known: Mapping[str, Question], linked: Question, words: str) -> Question:
    """Show the questions that have the words; without any, the subjects and the questions of one.

    At first, the one of the link is chosen.
    """
    if words:
        found = found_by(words, known)
        if found:
            return _choose_found(found, known, linked, words)
        st.info(as_plain(f"No question has the words {words[:100]}."), icon=":material/search_off:")
    groups = [*dict.fromkeys(one.group for one in known.values())]
    group = st.pills("About", groups, default=linked.group, key="group", required=True)
    keys = [key for key, one in known.items() if one.group == group]
    chosen = st.selectbox(
        "Question",
        keys,
        index=keys.index(linked.key) if linked.key in keys else 0,
        format_func=lambda key: known[key].title,
        key=f"question of {group}",
        help="Type to find one.",
    )
    return known[chosen]


def _choose_found(
    found: list[str], known: Mapping[str, Question], linked: Question, words: str
) -> Question:
    """Show the questions that were found, and where each belongs."""
    shown = found[:MAX_FOUND]
    chosen = st.radio(
        f"The first {len(shown)} of {len(found)} questions: add a word to find fewer"
        if len(found) > len(shown)
        else "Questions with these words",
        shown,
        index=shown.index(linked.key) if linked.key in shown else 0,
        format_func=lambda key: as_plain(f"{known[key].title} · {known[key].group}"),
        key=f"found by {words}",
    )
    return known[chosen]


def _form(question: Question, given: Mapping[str, str]) -> dict[str, str]:
    """Show a field for each value; return what they have, without those that are empty."""
    fields = question.fields()
    if not fields:
        return {}
    offered = CHOICES
    if question.source is not None and (module := question.source.module("dashboard")):
        offered = getattr(module, "choices", {})
    with st.form(question.key, border=True):
        with st.grid(4, min_column_width=200):
            filled = {
                one.name: _input(question, one, offered, given.get(one.name)) for one in fields
            }
        st.form_submit_button("Ask", type="primary", icon=":material/search:")
    return {name: value for name, value in filled.items() if value}


def _input(question: Question, field: Field, offered: Choices, given: str | None) -> str:
    """Show a field; return its value as text."""
    label, key = _label(field), f"{question.key} {field.name}"
    value = field.example if given is None else given
    subject = field.name.removesuffix("_id")
    options = dict(offered[subject]()) if subject in offered else {}
    if options and not field.is_part:
        names = [*options]
        if value not in options and given is not None and field.kind == "text":
            names.append(value)
        place = names.index(value) if value in names else 0
        chosen = st.selectbox(
            label,
            names,
            index=place if field.is_required or value else None,
            format_func=lambda one: options.get(one, one),
            key=key,
            placeholder="any",
        )
        return chosen or ""
    if field.kind == "integer":
        most = MAX_ROWS if field.name == "rows" else None
        number = int(value) if re.fullmatch(r"-?\d{1,15}", value) else None
        chosen_number = st.number_input(
            label,
            value=min(number, most) if most and number else number,
            max_value=most,
            step=1,
            key=key,
            placeholder="any",
        )
        return "" if chosen_number is None else str(chosen_number)
    if field.kind == "date":
        day = st.date_input(label, value=_moment(value), key=key, format=input_format())
        return day.isoformat() if isinstance(day, dt.date) else ""
    if field.kind == "instant":
        moment = st.datetime_input(
            f"{label}, UTC", value=_moment(value), key=key, format=input_format()
        )
        return f"{moment:%Y-%m-%d %H:%M}+00" if moment else ""
    about = "A part of it is enough, in upper or lower case." if field.is_part else None
    return (st.text_input(label, value=value, key=key, help=about) or "").strip()


def _moment(value: str) -> dt.datetime | None:
    """Return an instant as it is in UTC; None for text that is none, such as of a link."""
    try:
        moment = dt.datetime.fromisoformat(value)
    except ValueError:
        return None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        return None
    return moment.astimezone(dt.UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _label(field: Field) -> str:
    if field.name == "rows":
        return "Rows, at most"
    return heading(field.name.removesuffix("_id") or "id")


def _of_cookbook() -> list[Question]:
    """Return the questions of all sources, and those of the platform."""
    found = []
    for source in by_seniority():
        with isolated(source.name, "its questions", source.package):
            title = title_of(source)
            found += [
                _of_file(one, source.name, title, source)
                for one in cookbook.questions(source.package)
            ]
    own = cookbook.questions(cookbook.PLATFORM)
    return [*found, *(_of_file(one, "platform", PLATFORM, None) for one in own)]


def _of_file(one: cookbook.Question, place: str, group: str, source: Source | None) -> Question:
    parts = {*PATTERN.findall(one.template)}

    def fields() -> list[Field]:
        return [
            Field(name, "text", value.strip("%"), is_part=True)
            if name in parts
            else Field(name, _kind_of(value), value)
            for name, value in of_today(one).items()
        ]

    def statement(values: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
        numbers = {field.name for field in fields() if field.kind == "integer"}
        return one.template, {
            name: int(value) if name in numbers else as_pattern(value) if name in parts else value
            for name, value in values.items()
        }

    key = f"{place}.{one.name}"
    names = " ".join(NAME.findall(one.template))
    return Question(key, group, one.title, one.words, source, fields, statement, names)


def of_today(question: cookbook.Question) -> dict[str, str]:
    """Return the values that a question has at first, with dates that make sense today."""
    week_ago = today() - dt.timedelta(days=7)
    now = {"rows": str(ROWS), "year": str(week_ago.year), "month": str(week_ago.month)}
    values = cookbook.values_at(question, dt.datetime.now(dt.UTC))
    return {name: now.get(name) or value for name, value in values.items()}


def as_pattern(part: str) -> str:
    """Return a pattern of texts that have a part; a pattern stays as it is."""
    return part if "%" in part else f"%{part}%"


def _kind_of(example: str) -> Kind:
    if example.isdigit():
        return "integer"
    if not cookbook.DAY.match(example):
        return "text"
    return "date" if cookbook.DAY.fullmatch(example) else "instant"


def _of_functions() -> list[Question]:
    """Return the functions that an analyst may call, as the database documents them."""
    owners = {name: source for source in by_seniority() for name in source.object_files}
    return [
        _of_function(str(row["name"]), row["about"] or "", row["arguments"], owners)
        for row in QUESTIONS.ask("functions").rows.to_dict("records")
    ]


def _of_function(
    name: str, about: str, arguments: list[dict[str, str]], owners: Mapping[str, Source]
) -> Question:
    comment = " ".join(about.split())
    words = FOR_SQL.split(comment)[0].strip()

    def fields() -> list[Field]:
        values = example_values(comment, arguments)
        return [
            Field(
                one["name"] or "id",
                KINDS.get(one["type"], "text"),
                values.get(one["name"], _default(one["default"])),
                is_required=one["name"] in values or not one["default"],
            )
            for one in arguments
        ]

    def statement(values: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
        given = [(one["name"], one["name"] or "id", one["type"]) for one in arguments]
        named = [
            (f"{argument} => " if argument else "") + f"%({field})s::{type_}"
            for argument, field, type_ in given
            if field in values
        ]
        return f"SELECT *\nFROM {name}({', '.join(named)})\nLIMIT {MAX_ROWS + 1}", {**values}

    first = words.partition(". ")[0].partition(": ")[0].removeprefix("Returns ").rstrip(".")
    title = f"{name}: {shorten(first, 90, placeholder=' …')}"
    names = " ".join(one["name"] for one in arguments)
    return Question(name, "Functions", title, words, owners.get(name), fields, statement, names)


def _default(expression: str | None) -> str:
    """Return the value of a default, if it is a plain one."""
    found = re.match(r"'(\w+)'|(\d+)$", expression or "")
    return (found[1] or found[2]) if found else ""


def example_values(comment: str, arguments: list[dict[str, str]]) -> dict[str, str]:
    """Return the example's values in a comment, evaluated by the database; nulls are left out."""
    found = EXAMPLE.search(comment)
    if found is None:
        return {}
    expressions = dict(NAMED.findall(found[1])) or {arguments[0]["name"]: found[1]}
    columns = ", ".join(f"({one})::text" for one in expressions.values())
    rows = answer_of(f"SELECT {columns};".replace("%", "%%"), {}).rows
    ((*values,),) = rows.itertuples(index=False, name=None)
    return {name: one for name, one in zip(expressions, values, strict=True) if one is not None}


def _show_answer(question: Question, answer: Answer, values: Mapping[str, str]) -> None:
    """Show the rows as a chart where that makes sense, as a table and as a file."""
    rows = answer.rows.iloc[:MAX_ROWS]
    _show_chart(question, rows)
    show_table("Answer", replace(answer, rows=rows), empty="No row answers this.", is_sql_open=True)
    if len(answer.rows) > MAX_ROWS:
        st.caption(f"The first {MAX_ROWS:,} rows. Ask for less, or copy the statement.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if len(rows):
            st.download_button(
                "Download as CSV",
                as_csv(answer, rows),
                f"{question.key}.csv",
                "text/csv",
                on_click="ignore",
                icon=":material/download:",
            )
    place = (st.context.url or "").partition("?")[0]
    st.markdown("**Link** to this answer, which asks again when it is opened")
    st.code(f"{place}?{urlencode({'question': question.key, **values})}", None, wrap_lines=True)


def as_csv(answer: Answer, rows: pd.DataFrame) -> str:
    """Return rows as a CSV file, with lists as words and decimals as the database has them."""
    written = rows.copy()
    for name, decimals in answer.decimals.items():
        written[name] = [
            "" if pd.isna(one) else f"{one:.{decimals}f}" for one in written[name].tolist()
        ]
    for column in map(str, written):
        if any(isinstance(one, list) for one in written[column]):
            written[column] = [
                ", ".join(map(str, one)) if isinstance(one, list) else one
                for one in written[column]
            ]
    return written.to_csv(index=False)


def _show_chart(question: Question, rows: pd.DataFrame) -> None:
    """Draw measures by time, or by name, if the first column is one; if in doubt, draw nothing."""
    if len(rows) < 2 or any(_is_not_drawn(str(name), rows[name]) for name in rows):
        return
    measures = [
        str(name)
        for name in rows.select_dtypes("number")
        if not NOT_MEASURED.search(str(name)) and not str(name).startswith("days_")
    ]
    if not measures:
        return
    texts = [str(name) for name in rows if isinstance(rows[name].iloc[0], str)]
    first = str(rows.columns[0])
    is_time = _is_time(rows[first]) and rows[first].nunique() > 1
    axis = first if is_time or first.startswith("days_") else None
    if axis is None and (texts != [first] or len(rows) > MAX_BARS):
        return
    if rows.duplicated([axis, *texts[:1]] if axis else texts[:1]).any():
        return  # neither a course nor one for each name
    st.subheader("Chart", anchor=False)
    measure = measures[0]
    if len(measures) > 1:
        measure = st.selectbox(
            "Shows", measures, format_func=heading, key=f"{question.key} chart", width=300
        )
    st.altair_chart(
        draw(rows, axis, measure, texts), width="stretch", alt=f"{question.title} {measure}"
    )


def _is_not_drawn(name: str, column: pd.Series[Any]) -> bool:
    """Return whether a column says that rows are things, such as events, or intervals."""
    is_interval = any(isinstance(one, dt.timedelta) for one in column.head())
    return is_interval or name.endswith("_id") or name == "id"


def _is_time(column: pd.Series[Any]) -> bool:
    first = column.dropna()
    return len(first) > 0 and isinstance(first.iloc[0], dt.date)


def draw(rows: pd.DataFrame, axis: str | None, measure: str, texts: list[str]) -> Any:
    """Draw lines over an axis, for each name one if a value of the axis has many; else bars."""
    value = alt.Y(f"{measure}:Q", title=heading(measure))
    tooltip: list[Any] = [*texts[:2], alt.Tooltip(f"{measure}:Q", format=",")]
    if axis is None:
        name = alt.Y(f"{texts[0]}:N", title=None, sort=None)
        bars = alt.Chart(rows).mark_bar()
        return bars.encode(x=alt.X(f"{measure}:Q", title=heading(measure)), y=name, tooltip=tooltip)
    is_time = _is_time(rows[axis])
    if is_time:
        moments = pd.to_datetime(rows[axis], utc=True)  # which are drawn as they are in UTC
        rows = rows.assign(**{axis: moments.dt.tz_localize(None)})
    across = (
        alt.X(f"{axis}:T", title=None, axis=time_axis(rows[axis]))
        if is_time
        else alt.X(f"{axis}:Q", title=heading(axis), scale=alt.Scale(reverse=True))
    )
    when = alt.Tooltip(f"{axis}:T", format=day_format()) if is_time else alt.Tooltip(f"{axis}:Q")
    line = alt.Chart(rows).mark_line(point=len(rows) <= MAX_DAYS).encode(x=across, y=value)
    if rows[axis].is_unique or not texts:
        return line.encode(tooltip=[when, *tooltip])
    names = rows[texts[0]].value_counts().index[:MAX_LINES]
    few = alt.FieldOneOfPredicate(texts[0], [*names])
    colour = alt.Color(f"{texts[0]}:N", title=None, scale=NEUTRAL)
    return line.transform_filter(few).encode(color=colour, tooltip=[when, *tooltip])


def time_axis(moments: pd.Series[Any]) -> alt.Axis:
    """Return an axis whose labels differ: of months, days or hours, by the span of the moments."""
    span: pd.Timedelta = moments.max() - moments.min()
    if span.days > MAX_DAYS * 4:
        interval, format_, step = "month", "%b %Y", span.days // 240
    elif span.days >= 3 or (moments == moments.dt.normalize()).all():
        interval, format_, step = "day", day_format(has_year=False), span.days // 8
    else:
        at = clock() if span.days < 1 else f"{day_format(has_year=False)}, {clock()}"
        return alt.Axis(format=at, tickCount=6, labelOverlap=True)
    count: Any = {"interval": interval, "step": max(1, step)}
    return alt.Axis(format=format_, tickCount=count, labelOverlap=True)


PAGE = Page("Ask", ":material/forum:", show)
