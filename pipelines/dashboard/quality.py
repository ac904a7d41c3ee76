"""Data quality: problems, freshness, deliveries with their equation, and the quarantine."""

import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from pipelines.config import Settings, ui_url
from pipelines.dashboard import page as ui
from pipelines.dashboard.formats import UNKNOWN
from pipelines.dashboard.health import ICONS, RENEWED_SECONDS, Finding, health
from pipelines.dashboard.source_page import OUTCOMES, show_records
from pipelines.ingest.feeds import FileInbox
from pipelines.ingest.reasons import REASON_CODES, ReasonCode
from pipelines.postgres.process_identity import find, read_noted_ui
from pipelines.source import sources_of_feeds

QUESTIONS = ui.Questions("pipelines.dashboard")
ALL_REASONS = "all reasons"
#: The program where `make` has installed it.
IN_A_CLONE = ".venv/bin/isobar"


def show() -> None:
    """Show the page."""
    st.title("Data quality", anchor=False)
    feeds = QUESTIONS.ask("freshness")
    _show_problems()
    names = [*sources_of_feeds()]
    given = [one for one in feeds.rows["source"] if one not in names]  # of sources that are off
    with st.grid(2, min_column_width=230):
        chosen = st.multiselect(
            "Sources", [*names, *given], placeholder="all", key="source", bind="query-params"
        ) or [*names, *given]
        since = st.date_input("Records since", value=None, key="since", bind="query-params")
    _show_freshness(feeds, chosen)
    _show_deliveries(chosen, since)
    _show_quarantine(chosen, since)


@st.fragment(run_every=RENEWED_SECONDS)
def _show_problems() -> None:
    """Show each problem with what to do; the one that the address names is open."""
    found = health()
    st.subheader("What needs attention", anchor=False)
    if found.looked_at is not None:
        st.caption(f"As of {ui.as_time(found.looked_at)}.")
    if not found.findings:
        st.success("All is well.", icon=":material/check_circle:")
    named = st.query_params.get("problem")
    known = [one.key for one in found.findings]
    ui.note_unknown("problem", "problem", known, instead="it is over, or another one now")
    for one in sorted(found.findings, key=lambda one: one.key != named):
        # Only the one that is open has its rows sent to the browser.
        shown = st.expander(
            f"{ICONS[one.level]} {ui.as_plain(_titled(one))}",
            expanded=one.key == named,
            key=f"problem {one.key}",
            on_change="rerun" if one.rows else "ignore",
        )
        with shown:
            st.text(one.words)
            if one.remedy:
                st.text(f"What to do: {one.remedy.replace('`', '')}")
            if one.rows and shown.open:
                rows = pd.DataFrame(one.rows)
                st.dataframe(
                    rows,
                    hide_index=True,
                    width="stretch",
                    placeholder=UNKNOWN,
                    alt=f"{_titled(one)}: the rows that it found",
                    column_config={str(name): ui.heading(str(name)) for name in rows},
                )
            if one.since:
                st.caption(f"Since {ui.as_time(one.since)}")
            if one.path and (url := dagster_url(one.path.lstrip("/"))):
                st.link_button("Its history in Dagster", url, icon=":material/open_in_new:")


def _titled(one: Finding) -> str:
    """Return what is wrong in a line; of a check, as the overview says it, not the check's name."""
    kind, _, place = one.key.partition(":")
    if kind == "check" and one.plain:
        return one.plain
    if kind in ("quiet", "quarantine", "freshness", "run"):
        title = {"quiet": "Silent", "quarantine": "In quarantine", "freshness": "Late"}
        return f"{title.get(kind, 'Failed run')}: {place}"
    return one.words if len(one.words) < 90 else f"{one.words[:89]}…"


def _show_freshness(feeds: ui.Answer, chosen: Sequence[str]) -> None:
    rows = feeds.rows[feeds.rows["source"].isin(chosen)]
    promises = [f"every {ui.as_number(one)} h" for one in rows["expected_within_hours"].fillna(0)]
    has_promise = rows["expected_within_hours"].notna()
    shown = rows.drop(columns="expected_within_hours")
    shown.insert(4, "promise", pd.Series(promises, rows.index, "string").where(has_promise))
    ui.show_table(
        "Freshness",
        replace(feeds, rows=shown),
        empty="Nothing was delivered yet.",
        note="The promise is the longest time from one good run to the next, grace included.",
        source="Feed",
        last_delivery_at=ui.instant_column("Last new data, UTC"),
        last_success_at=ui.instant_column("Last good run, UTC"),
        promise="Promised",
        longest_silence_hours=st.column_config.NumberColumn(
            "Longest silence, h", format="%.0f", help="Between deliveries of the last 60 days."
        ),
        records_today=st.column_config.NumberColumn("Received today", format="localized"),
        rejected_today=st.column_config.NumberColumn("Rejected of these", format="localized"),
    )


def _show_deliveries(chosen: Sequence[str], since: Any) -> None:
    answer = QUESTIONS.ask("deliveries_by_day", feeds=[*chosen])
    show_records(answer)
    if not answer.rows.empty:
        total = {name: int(answer.rows[name].sum()) for name in ("read", *OUTCOMES)}
        sums = " + ".join(f"{ui.as_number(total[name])} {name}" for name in OUTCOMES)
        is_balanced = bool(answer.rows["is_balanced"].all())
        mark = ":green[:material/check:]" if is_balanced else ":red[:material/error:] not equal to"
        st.markdown(f"{mark} **{ui.as_number(total['read'])} read** = {sums}")
    with st.expander("Deliveries by day, and each one", icon=":material/list:"):
        ui.show_table(
            "By day and feed",
            answer,
            empty="Nothing was delivered in the last 30 days.",
            is_balanced=st.column_config.CheckboxColumn("Adds up"),
        )
        ui.show_table(
            "Deliveries, newest first",
            QUESTIONS.ask("deliveries", feeds=[*chosen], since=since),
            empty="Nothing was delivered, or nothing since that day.",
            name="Delivery",
            received_at=ui.instant_column("Received, UTC"),
            read_count=st.column_config.NumberColumn("Read", format="localized"),
            loaded_count=st.column_config.NumberColumn("Loaded", format="localized"),
            unchanged_count=st.column_config.NumberColumn("Unchanged", format="localized"),
            rejected_count=st.column_config.NumberColumn("Rejected", format="localized"),
            problem="Rejected as a whole",
            byte_count=st.column_config.NumberColumn("Bytes", format="localized"),
        )


def _show_quarantine(chosen: Sequence[str], since: Any) -> None:
    reasons = QUESTIONS.ask("quarantine_by_reason", feeds=[*chosen])
    shown = reasons.rows
    codes = map(_code_of, shown["feed"], shown["reason_code"])
    remedies = pd.Series([one.remedy if one else None for one in codes], dtype="string")
    shown = shown.assign(remedy=remedies, link=shown["feed"] + ": " + shown["reason_code"])
    columns = ["feed", "count", "reason", "remedy", "reason_code", "last_seen_at", "example"]
    ui.show_table(
        "Quarantine by reason",
        replace(reasons, rows=shown.reindex(columns=[*columns, "link"])),
        empty="No rejected record is waiting.",
        note="Select a reason to see its records, and the commands for them.",
        key="reason_row",
        opens=("reason", "link"),
        link=None,
        count=st.column_config.NumberColumn("Records", format="localized"),
        reason=st.column_config.TextColumn("Reason", width="medium"),
        remedy=st.column_config.TextColumn("What to do", width="medium"),
        reason_code="Code",
        last_seen_at=ui.instant_column("Last seen, UTC"),
        example=st.column_config.TextColumn("Example", width="medium"),
    )
    if reasons.rows.empty:
        return
    links = shown["link"].tolist()
    ui.note_unknown("reason", "reason", [ALL_REASONS, *links])
    chosen_reason = st.selectbox(
        "Records of", [ALL_REASONS, *links], key="reason", bind="query-params", width=420
    )
    selected = reasons.rows.iloc[links.index(chosen_reason)] if chosen_reason in links else None
    of_one = list(chosen) if selected is None else [str(selected["feed"])]
    code = None if selected is None else str(selected["reason_code"])
    ui.show_table(
        "Rejected records, newest first",
        QUESTIONS.ask("quarantined_records", feeds=of_one, reason_code=code, since=since),
        empty="No rejected record is waiting, or none since that day.",
        quarantine_id=st.column_config.NumberColumn("Number", format="%d"),
        received_at=ui.instant_column("Received, UTC"),
        reasons=st.column_config.TextColumn("Reasons", width="medium"),
        raw=st.column_config.TextColumn("Record", width="medium"),
    )
    waiting = reasons.rows["feed"].unique().tolist() if selected is None else of_one
    st.markdown("**Commands**, ready to copy")
    st.code("\n".join(commands(waiting, code)), language="bash", wrap_lines=True)


def commands(feeds: Sequence[str], code: str | None) -> list[str]:
    """Return the commands that show, retry and dismiss rejected records of feeds."""
    program = "isobar" if shutil.which("isobar") else IN_A_CLONE
    lines = []
    for name in feeds:
        source = sources_of_feeds().get(name)
        if source is None:
            continue
        lines.append(f"{program} quarantine show {name}")
        if source.retry or any(feed.retried_by for feed in source.feeds):
            lines.append(f"{program} quarantine retry {name}")
        if any(isinstance(one, FileInbox) for one in source.fetchers):
            which = f"--matching {shlex.quote(code)}" if code else "--all"
            lines.append(
                f"{program} quarantine dismiss {name} {which} --reason 'why they are acceptable'"
            )
    return lines


def _code_of(feed: str, code: str) -> ReasonCode | None:
    """Return the documentation of a reason code: a source's own, or one that all share."""
    source = sources_of_feeds().get(feed)
    own = source.reason_codes if source else ()
    known: Mapping[str, ReasonCode] = {one.code: one for one in (*REASON_CODES, *own)}
    kind = code.rpartition("_")[2]
    return known.get(code) or known.get(f"<field>_{kind}")


def dagster_url(path: str) -> str | None:
    """Return the URL of a page of the Dagster UI, from `ISOBAR_UI_URL` or a UI that runs here.

    It is looked up each time, because `isobar ui` may start and stop while the dashboard runs.
    """
    base = ui_url()
    if not base:
        url, noted = read_noted_ui(Settings.current().state)
        base = url if find(noted.get("web server", "")) else None  # it was killed, or is elsewhere
    return f"{base}/{path}" if base else None


PAGE = ui.Page("Data quality", ":material/fact_check:", show)
