"""The functions page: call functions with values from a form, and list views and tables."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import psycopg
import streamlit as st

from pipelines.dashboard.page import Answer, Page, Questions, answer_of, show_table

QUESTIONS = Questions("pipelines.dashboard")
MAX_ROWS = 1000
#: The example call at the end of a function's comment.
EXAMPLE = re.compile(r"Example: SELECT \* FROM [\w.]+\((.*)\);$", re.DOTALL)
NAMED = re.compile(r"(\w+) => (.+?)(?=, \w+ =>|$)", re.DOTALL)
Arguments = Sequence[Mapping[str, str]]


def show() -> None:
    """Show the page."""
    st.title("Functions", anchor=False)
    found = QUESTIONS.ask("functions")
    functions = {str(row["name"]): row for row in found.rows.to_dict("records")}
    given = st.query_params.get("function")
    names = list(functions)
    if not names:
        st.info("There are no functions yet. Run `make run`, which makes the database.")
        return
    chosen = st.selectbox("Function", names, index=names.index(given) if given in functions else 0)
    st.query_params["function"] = chosen
    function = functions[chosen]
    comment, arguments = " ".join((function["about"] or "").split()), function["arguments"]
    st.markdown(comment.partition(" Example: ")[0])
    try:
        values = _form(chosen, arguments, example_values(comment, arguments))
        answer = call(chosen, arguments, values)
        if len(answer.rows) > MAX_ROWS:
            st.caption(f"The first {MAX_ROWS:,} rows; query the function by SQL for all.")
        show_table("Answer", replace(answer, rows=answer.rows[:MAX_ROWS]), empty="It has no rows.")
    except psycopg.Error as error:
        hint = f" For example: `{error.diag.message_hint}`" if error.diag.message_hint else ""
        st.error(f"{error.diag.message_primary}.{hint}")
    show_table("All functions", found, empty="", arguments=None)
    show_table("Views and tables", QUESTIONS.ask("relations"), empty="")


def _form(function: str, arguments: Arguments, values: Mapping[str, str]) -> dict[str, str]:
    """Show a field per argument, filled from the example; empty fields are left out."""
    with st.form(function):
        columns = st.columns(max(1, min(4, len(arguments))))
        filled = {
            one["name"]: columns[number % len(columns)].text_input(
                one["name"] or "id",
                value=values.get(one["name"], ""),
                placeholder=one["default"] or one["type"],
                help=f"{one['type']}, {one['default'] or 'required'}",
            )
            for number, one in enumerate(arguments)
        }
        st.form_submit_button("Call", type="primary")
    return {name: value for name, value in filled.items() if value}


def call(function: str, arguments: Arguments, values: Mapping[str, str]) -> Answer:
    """Call a function with the values of the form. Raises `psycopg.Error`."""
    named = [
        (f"{one['name']} => " if one["name"] else "") + f"%(a{place})s::{one['type']}"
        for place, one in enumerate(arguments)
        if one["name"] in values or not one["default"]  # a required one is then NULL
    ]
    given = {f"a{place}": values.get(one["name"]) for place, one in enumerate(arguments)}
    return answer_of(f"SELECT * FROM {function}({', '.join(named)}) LIMIT {MAX_ROWS + 1};", given)


def example_values(comment: str, arguments: Arguments) -> dict[str, str]:
    """Return the example's values in a comment, evaluated by the database; nulls are left out."""
    found = EXAMPLE.search(comment)
    if found is None:
        return {}
    expressions = dict(NAMED.findall(found[1])) or {arguments[0]["name"]: found[1]}
    columns = ", ".join(f"({one})::text" for one in expressions.values())
    ((*values,),) = _rows(f"SELECT {columns};".replace("%", "%%"))
    return {name: one for name, one in zip(expressions, values, strict=True) if one is not None}


def _rows(statement: str) -> list[tuple[Any, ...]]:
    return list(answer_of(statement, {}).rows.itertuples(index=False, name=None))


PAGE = Page("Functions", ":material/function:", show)
