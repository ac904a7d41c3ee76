"""`isobar` as a person runs it: in a process of its own, on a state folder of its own."""

import os
import subprocess
import sys
from pathlib import Path

from pipelines.runtime.logins import OWNER_PASSWORD, PASSWORDS
from pipelines.source import secret_variables, sources

PROJECT = Path(__file__).parent.parent
OF_SOURCES = tuple(
    name for source in sources().values() for name in source.settings.variables().values()
)
OURS = (
    *("DATABASE_URL", "DAGSTER_POSTGRES_URL", "DAGSTER_HOME", "ISOBAR_HOME", "ISOBAR_SOURCES"),
    *("ISOBAR_SANDBOX_URL", "ISOBAR_SCHEDULES", "ALERT_URLS", "ISOBAR_UI_URL", "ISOBAR_CODE_URL"),
    *("CELERY_BROKER_URL", "WORKER_RUNS", "ISOBAR_WEB_SERVER_URL"),
    *("DATABASE_PASSWORD", "DAGSTER_POSTGRES_PASSWORD", "CELERY_BROKER_PASSWORD"),
    *OF_SOURCES,
)
OF_LOGINS = (OWNER_PASSWORD, *PASSWORDS.values())
FILES = tuple(f"{name}_FILE" for name in (*sorted(secret_variables()), *OF_LOGINS))


def environment(state: Path, **variables: str) -> dict[str, str]:
    """The environment of a test's commands: none of our variables but these."""
    ours = (*OURS, *OF_LOGINS, *FILES)
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    empty = dict.fromkeys(ours, "")  # so that a developer's .env has no say
    if variables.get("ISOBAR_SOURCES") == "live":  # no test may reach a public service
        empty |= dict.fromkeys(("WEATHER_BASE_URL", "GEOCODING_BASE_URL"), "http://127.0.0.1:9")
    return kept | empty | {"ISOBAR_HOME": str(state)} | variables


def isobar(state: Path, *words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "pipelines.cli.main", *words],
        env=environment(state, **variables),
        cwd=PROJECT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def begin(state: Path, *words: str, **variables: str) -> "subprocess.Popen[str]":
    """Begin a command, in a session of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "pipelines.cli.main", *words],
        env=environment(state, **variables),
        cwd=PROJECT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
