"""The first page: whether everything is all right, a number of each source, what is new."""

import datetime as dt
from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from pipelines.config import Settings
from pipelines.dashboard import page as ui
from pipelines.dashboard import quality
from pipelines.dashboard.health import ICONS, RENEWED_SECONDS, Finding, Health, health
from pipelines.dashboard.source_page import pages_of, title_of
from pipelines.failures import redact
from pipelines.isolation import SOURCE_ERRORS
from pipelines.source import Source, by_seniority

QUESTIONS = ui.Questions("pipelines.dashboard")
#: Errors are all shown; warnings beyond these are one click away.
MAX_WARNINGS = 3
MAX_STORIES = 6


def show() -> None:
    """Show the page."""
    st.title("Overview", anchor=False)
    feeds = QUESTIONS.ask("feeds")
    if feeds.rows.empty:
        st.info("Nothing was loaded yet. Run `make run`, or launch a job in Dagster.")
    _show_health()
    if feeds.rows.empty:
        return
    st.subheader("Sources", anchor=False)
    last = dict(zip(feeds.rows["source"], feeds.rows["last_delivery_at"], strict=True))
    with st.grid(min_column_width=255, border=True):
        for source in by_seniority():
            _guarded(source.name, _show_card, source, last)
    _show_stories(feeds)


@st.fragment(run_every=RENEWED_SECONDS)
def _show_health() -> None:
    found = health()
    text, colour = verdict(found)
    with st.container(border=True, key="health"):
        st.subheader(f"{colour} {text}", anchor=False)
        if found.looked_at is not None:
            settings = Settings.current()
            is_simulated = settings.has_builtin_server and settings.sources == "sandbox"
            note = " · Simulated sources cause warnings on purpose." if is_simulated else ""
            st.caption(f"As of {ui.as_time(found.looked_at)}{note}")
        shown = [one for one in found.findings if one.level != "warning"]
        warnings = [one for one in found.findings if one.level == "warning"]
        for finding in [*shown, *warnings[:MAX_WARNINGS]]:
            _show_finding(finding)
        if rest := warnings[MAX_WARNINGS:]:
            with st.expander(f"{len(rest)} more warnings", type="compact"):
                for finding in rest:
                    _show_finding(finding)


def verdict(found: Health) -> tuple[str, str]:
    """Return the state in words, and its icon."""
    errors = sum(one.level == "error" for one in found.findings)
    warnings = sum(one.level == "warning" for one in found.findings)
    several = "" if warnings == 1 else "s"
    if errors:
        words = f"{errors} error{'' if errors == 1 else 's'}"
        more = f" and {warnings} warning{several}" if warnings else ""
        return f"{words}{more}: this needs you", ICONS["error"]
    if warnings:
        return f"No errors, but {warnings} warning{several}", ICONS["warning"]
    if found.looked_at is None:
        return "Nothing wrong is known", ICONS["unknown"]
    return "All is well", ":green[:material/check_circle:]"


def _show_finding(one: Finding) -> None:
    words = one.plain or one.words
    safe = ui.as_plain(words if len(words) <= 130 else f"{words[:129]}…")
    ui.link_to(quality.PAGE, f"{ICONS[one.level]} {safe}", icon="", problem=one.key)


def _show_card(source: Source, last: dict[str, Any]) -> None:
    """Show the number of a source: the one that it declares, or else the records of a day."""
    module = source.module("dashboard")
    pages = pages_of(source)
    card: ui.Card | None = getattr(module, "card", None)
    feeds = [one.feed or source.name for one in source.ledgers]
    if card is not None:
        answer = ui.Questions(source.package).ask(card.statement, **card.parameters())
    elif feeds:
        card = ui.Card("Records loaded today", "card")
        answer = QUESTIONS.ask("card", feeds=feeds)
    else:
        return
    times = [last[feed] for feed in feeds if feed in last]
    title = title_of(source)
    with st.container(gap="xsmall"):
        if pages:
            ui.link_to(pages[0], f"**{title}**")
        else:
            st.markdown(f"**{title}**")
        _show_course(card, answer, as_of=max(times) if times else None)


def _show_course(card: ui.Card, answer: ui.Answer, *, as_of: Any) -> None:
    rows = answer.rows
    if rows.empty:
        st.caption(f"{card.label}: there is nothing yet.")
        return
    now, before = rows.iloc[-1], rows.iloc[-1 - card.days : -card.days]
    then = before["value"].iloc[0] if len(before) else None
    as_of = now.get("as_of", as_of)
    change = None if then is None else float(now["value"]) - float(then)
    ui.show_number(
        card.label,
        answer,
        now["value"],
        unit=now.get("unit", card.unit),
        decimals=card.decimals,
        trend=rows["value"].astype(float).tolist(),
        delta=now.get("change", change),
        delta_about=f"against {'the day' if card.days == 1 else f'{card.days} days'} before",
        rise_is_good=card.rise_is_good,
        note="  \n".join(
            filter(None, [ui.as_plain(now.get("detail") or ""), f"As of {ui.as_time(as_of)}"])
        ),
        help=card.help,
    )


def _show_stories(feeds: ui.Answer) -> None:
    st.subheader("What is new", anchor=False)
    found: list[tuple[str, Callable[[], None]]] = []
    for row in feeds.rows[feeds.rows["is_quiet"]].to_dict("records"):
        of_one = ui.Answer(pd.DataFrame([row | {"link_source": row["source"]}]), feeds.sql)
        found.append((row["source"], partial(_show_story, QUIET, of_one, quality.PAGE)))
    for source in by_seniority():
        _guarded(source.name, _collect_stories, source, found)
    if not found:
        st.caption("Nothing stands out in the data of today.")
        return
    with st.grid(2, min_column_width=330, border=True):
        for name, show_one in found[:MAX_STORIES]:
            _guarded(name, show_one)


def _collect_stories(source: Source, found: list[tuple[str, Callable[[], None]]]) -> None:
    module = source.module("dashboard")
    if module is None:
        return
    titles = {page.title: page for page in pages_of(source)}
    for story in getattr(module, "stories", ()):
        answer = ui.Questions(source.package).ask(story.statement)
        if not answer.rows.empty:
            page = titles.get(story.page) or next(iter(titles.values()), quality.PAGE)
            found.append((source.name, partial(_show_story, story, answer, page)))


def _guarded(name: str, show: Callable[..., None], *values: Any) -> None:
    """Show something of a source; an error in it is shown, and the other sources go on."""
    try:
        show(*values)
    except SOURCE_ERRORS as error:
        problem = " ".join(redact(f"{type(error).__name__}: {error}").split())
        st.warning(ui.as_plain(f"{name}: {problem[:300]}"), icon=":material/power_off:")


def _show_story(story: ui.Story, answer: ui.Answer, page: ui.Page) -> None:
    row = {str(name): one for name, one in answer.rows.iloc[0].to_dict().items()}
    words = {name: ui.as_plain(one) for name, one in row.items() if isinstance(one, str)}
    days = {name: one for name, one in row.items() if isinstance(one, dt.date) and not pd.isna(one)}
    words |= {name: ui.as_day(one, has_year=False) for name, one in days.items()}
    links = {name.removeprefix("link_"): one for name, one in row.items() if "link_" in name}
    with st.container(gap="xsmall"):
        ui.link_to(page, story.sentence.format(**row | words), icon=story.icon, **links)
        ui.show_sql(answer)


QUIET = ui.Story(
    "feeds",
    "**{source}** went quiet: no delivery for {silent_hours:,.0f} h, where the longest silence of"
    " the last 60 days was {longest_silence_hours:,.0f} h.",
    ":material/notifications_paused:",
)
PAGE = ui.Page("Overview", ":material/home:", show)
