"""The page that answers questions: those of the cookbook, as forms.

The address has the question and its values, so it is a link that gives the same answer.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import urlencode

import psycopg
import streamlit as st

from pipelines.dashboard import cookbook
from pipelines.dashboard import page as ui
from pipelines.dashboard.source_page import title_of
from pipelines.isolation import isolated
from pipelines.source import Source, by_seniority

QUESTIONS = ui.Questions("pipelines.dashboard")
#: Rows that are shown, and that are in the file.
MAX_ROWS = 5000
#: Rows that are queried where a question limits them.
ROWS = 100
#: The calendar of inputs.
FIRST_YEAR, LAST_YEAR = 1950, 2100
#: The title of questions that are of no source.
PLATFORM = "Data quality"
#: Parameters that are matched with a part of a text.
PATTERN = re.compile(r"I?LIKE %\((\w+)\)s")
Kind = Literal["integer", "date", "instant", "text"]
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
    #: What it has at first, as ISO 8601 or digits.
    example: str
    #: Whether it is a part of a text, in upper or lower case.
    is_part: bool = False


@dataclass(frozen=True)
class Form:
    """A question of the cookbook with its place on the page."""

    #: Its name in the address.
    key: str
    #: The title of the page that it belongs to.
    group: str
    source: Source | None
    question: cookbook.Question

    @property
    def fields(self) -> list[Field]:
        """The fields of its parameters, with what they have at first."""
        parts = {*PATTERN.findall(self.question.template)}
        return [
            Field(name, "text", value.strip("%"), is_part=True)
            if name in parts
            else Field(name, _kind_of(value), value)
            for name, value in of_today(self.question).items()
        ]

    def answer(self, values: Mapping[str, str]) -> ui.Answer:
        """Return the rows that answer it for values of its fields."""
        parameters: dict[str, Any] = {
            one.name: as_pattern(values[one.name]) if one.is_part else values[one.name]
            for one in self.fields
        }
        numbers = {one.name: int(values[one.name]) for one in self.fields if one.kind == "integer"}
        return ui.answer_of(self.question.template, parameters | numbers)


def show() -> None:
    """Show the page."""
    st.title("Ask", anchor=False)
    known = {one.key: one for one in _of_cookbook()}
    if not known:
        st.info("There is nothing to ask for yet. Run `make run`, which makes the database.")
        return
    given = st.query_params.to_dict()
    ui.note_unknown("question", "question", known, instead="choose one below")
    linked = known.get(given.get("question", "")) or next(iter(known.values()))
    form = known[
        st.selectbox(
            "Question",
            [*known],
            index=[*known].index(linked.key),
            format_func=lambda key: f"{known[key].question.title} · {known[key].group}",
            help="Type to find one by its words.",
        )
    ]
    if form is not linked:
        given = {}
    st.markdown(form.question.words)
    values = _form(form, given)
    st.query_params.from_dict({"question": form.key} | values)
    missing = [one for one in form.fields if not values.get(one.name)]
    if missing:
        st.info(f"Fill in {', '.join(_label(one) for one in missing)}.")
        return
    try:
        answer = form.answer(values)
    except psycopg.errors.QueryCanceled:
        raise
    except psycopg.Error as error:
        st.error(ui.as_plain(f"{error.diag.message_primary or error}."), icon=":material/edit:")
        return
    _show_answer(form, answer, values)
    with st.expander("Views and tables that you can query", icon=":material/list:"):
        ui.show_table("Views and tables", QUESTIONS.ask("relations"), empty="")


def _form(form: Form, given: Mapping[str, str]) -> dict[str, str]:
    """Show a field for each value; return what they have, without those that are empty."""
    fields = form.fields
    if not fields:
        return {}
    offered = CHOICES
    if form.source is not None and (module := form.source.module("dashboard")):
        offered = getattr(module, "choices", {})
    with st.form(form.key, border=True):
        with st.grid(4, min_column_width=200):
            filled = {one.name: _input(form, one, offered, given.get(one.name)) for one in fields}
        st.form_submit_button("Ask", type="primary", icon=":material/search:")
    return {name: value for name, value in filled.items() if value}


def _input(form: Form, field: Field, offered: Choices, given: str | None) -> str:
    """Show a field; return its value as text."""
    label, key = _label(field), f"{form.key} {field.name}"
    value = field.example if given is None else given
    subject = field.name.removesuffix("_id")
    options = dict(offered[subject]()) if subject in offered else {}
    if options and not field.is_part:
        names = [*options]
        if value not in options and given is not None and field.kind == "text":
            names.append(value)
        place = names.index(value) if value in names else 0
        return st.selectbox(
            label, names, index=place, format_func=lambda one: options.get(one, one), key=key
        )
    if field.kind == "integer":
        most = MAX_ROWS if field.name == "rows" else None
        number = int(value) if re.fullmatch(r"-?\d{1,15}", value) else None
        chosen_number = st.number_input(
            label,
            value=min(number, most) if most and number else number,
            max_value=most,
            step=1,
            key=key,
        )
        return "" if chosen_number is None else str(chosen_number)
    if field.kind == "date":
        day = st.date_input(label, value=_moment(value), key=key)
        return day.isoformat() if isinstance(day, dt.date) else ""
    if field.kind == "instant":
        moment = st.datetime_input(f"{label}, UTC", value=_moment(value), key=key)
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
    return ui.heading(field.name.removesuffix("_id") or "id")


def _of_cookbook() -> list[Form]:
    """Return the questions of all sources, and those of the platform."""
    found = []
    for source in by_seniority():
        with isolated(source.name, "its questions", source.package):
            own, title = cookbook.questions(source.package), title_of(source)
            found += [Form(f"{source.name}.{one.name}", title, source, one) for one in own]
    own = cookbook.questions(cookbook.PLATFORM)
    return [*found, *(Form(f"platform.{one.name}", PLATFORM, None, one) for one in own)]


def of_today(question: cookbook.Question) -> dict[str, str]:
    """Return the values that a question has at first, with dates that make sense today."""
    week_ago = ui.today() - dt.timedelta(days=7)
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


def _show_answer(form: Form, answer: ui.Answer, values: Mapping[str, str]) -> None:
    """Show the rows as a table, which can be downloaded, and the link to them."""
    rows = answer.rows.iloc[:MAX_ROWS]
    ui.show_table(
        "Answer", replace(answer, rows=rows), empty="No row answers this.", is_sql_open=True
    )
    if len(answer.rows) > MAX_ROWS:
        st.caption(f"The first {MAX_ROWS:,} rows. Ask for less, or copy the statement.")
    place = (st.context.url or "").partition("?")[0]
    st.markdown("**Link** to this answer, which asks again when it is opened")
    st.code(f"{place}?{urlencode({'question': form.key, **values})}", None, wrap_lines=True)


PAGE = ui.Page("Ask", ":material/forum:", show)
