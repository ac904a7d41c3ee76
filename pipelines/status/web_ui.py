"""Probe the processes of `isobar ui` on this machine, and the definitions in its web server."""

import datetime as dt
from pathlib import Path

import psutil
import requests

from pipelines.config.noted_ui import read_noted_ui
from pipelines.failures import NotReady, TransientFailure, redact
from pipelines.postgres.process_identity import find
from pipelines.status.rules import ProcessFact

MAX_CHARACTERS = 400
ANSWER_SECONDS = 10
LOADED = """{ workspaceOrError { __typename ... on PythonError { message } ... on Workspace {
    locationEntries { locationOrLoadError { ... on PythonError { message } } } } } }"""


def noted_processes(state: Path) -> tuple[str | None, list[ProcessFact]]:
    """Return the URL of the web UI on this machine if it runs, and the state of its processes.

    Both are empty if it was never started, or was stopped cleanly.
    """
    url, noted = read_noted_ui(state)
    try:
        facts = [_fact(name, words) for name, words in noted.items()]
    except ValueError:  # written by another version
        return None, []
    is_up = any(one.name == "web server" and one.state == "alive" for one in facts)
    return url if is_up else None, facts


def living_processes(state: Path) -> list[str]:
    """Return the names of the processes of `isobar ui` on this machine that have not ended."""
    return [one.name for one in noted_processes(state)[1] if one.state != "dead"]


def query_web_server(url: str) -> str | None:
    """Return the error of the definitions that the web server has loaded, if any.

    Raises `TransientFailure` if it does not answer, and `NotReady` if access is denied.
    """
    try:
        answer = requests.post(
            f"{url.rstrip('/')}/graphql", json={"query": LOADED}, timeout=ANSWER_SECONDS
        )
    except requests.RequestException as error:
        raise TransientFailure(
            "ui",
            f"it does not answer ({type(error).__name__})",
            place=redact(url),
            remedy="See whether isobar ui runs.",
        ) from error
    try:
        workspace = answer.json()["data"]["workspaceOrError"]
        entries = workspace.get("locationEntries", [])
        answers = [workspace, *(entry["locationOrLoadError"] or {} for entry in entries)]
        messages = [one["message"] for one in answers if "message" in one]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        problem = f"it returned status {answer.status_code} without the definitions"
        remedy = "See whether ISOBAR_UI_URL is right."
        raise NotReady("ui", problem, place=redact(url), remedy=remedy) from error
    return redact(messages[0].strip())[:MAX_CHARACTERS] if messages else None


def _fact(name: str, noted: str) -> ProcessFact:
    """Return the state of a process that `isobar ui` recorded."""
    process, pid = find(noted), int(noted.split()[0])
    try:
        if process is not None:
            is_stopped = process.status() in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)
            started_at = dt.datetime.fromtimestamp(process.create_time(), dt.UTC)
            return ProcessFact(name, pid, "stopped" if is_stopped else "alive", started_at)
    except psutil.NoSuchProcess:
        pass
    return ProcessFact(name, pid, "dead", None)
