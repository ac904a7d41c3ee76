"""`isobar` as a person runs it: in a process of its own, on a state folder of its own.

Commands that end by themselves are forked from a process that has imported the libraries: each
starts two seconds earlier, and ends without what Python does at its exit. Those that stay, such as
`isobar ui`, and those of the README start as they do for a person.
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pipelines.config import Settings
from pipelines.config.env_validation import Variables
from pipelines.runtime.logins import OWNER_PASSWORD, PASSWORDS
from pipelines.source import sources

PROJECT = Path(__file__).parent.parent
MAIN = (sys.executable, "-m", "pipelines.cli")
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["pipelines.cli.main", "dagster", "pandas", "alembic.command"])
OF_SOURCES = tuple(
    name for source in sources().values() for name in source.settings.variables().values()
)
OURS = (
    *("DATABASE_URL", "DAGSTER_POSTGRES_URL", "DAGSTER_HOME", "ISOBAR_HOME", "ISOBAR_SOURCES"),
    *("ISOBAR_SANDBOX_URL", "ISOBAR_SCHEDULES", "ALERT_URLS", "ISOBAR_UI_URL"),
    *("CELERY_BROKER_URL", "WORKER_RUNS", "ISOBAR_ALLOWED_HOSTS"),
    *("ISOBAR_DISABLE_SOURCES", "ISOBAR_STATEMENT_SECONDS", "ISOBAR_RUN_SECONDS"),
    *("ISOBAR_INBOX_CUT_SECONDS", "ISOBAR_DASHBOARD_SECONDS", "ANALYST_DATABASE_URL"),
    *("DATABASE_PASSWORD", "DAGSTER_POSTGRES_PASSWORD", "CELERY_BROKER_PASSWORD"),
    *OF_SOURCES,
)
OF_LOGINS = (OWNER_PASSWORD, *PASSWORDS.values())
#: The secrets of the platform and of sources: each may be in a file.
DECLARED: list[type[Variables]] = [Settings, *(one.settings for one in sources().values())]
SECRET_VARIABLES = {"ALERT_URLS"} | {
    kind.variable(field)
    for kind in DECLARED
    for field in kind.model_fields
    if kind.about(field).get("secret")
}
FILES = tuple(f"{name}_FILE" for name in (*sorted(SECRET_VARIABLES), *OF_LOGINS))


def environment(state: Path, **variables: str) -> dict[str, str]:
    """The environment of a test's commands: none of our variables but these."""
    ours = (*OURS, *OF_LOGINS, *FILES)
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    empty = dict.fromkeys(ours, "")  # so that a developer's .env has no say
    empty["ISOBAR_DISABLE_SOURCES"] = os.environ.get("ISOBAR_DISABLE_SOURCES", "")
    if "DATABASE_URL" in variables:  # which has no default of them
        empty["ISOBAR_SOURCES"] = "sandbox"
    if variables.get("ISOBAR_SOURCES") == "live":  # no test may reach a public service
        empty |= dict.fromkeys(("WEATHER_BASE_URL", "GEOCODING_BASE_URL"), "http://127.0.0.1:9")
    return kept | empty | {"ISOBAR_HOME": str(state)} | variables


def executed(*words: str | Path, **how: Any) -> "subprocess.CompletedProcess[str]":
    """Execute a program, in the folder of the project if no other is named, to its end."""
    options: dict[str, Any] = {"cwd": PROJECT, "capture_output": True, "check": False}
    return subprocess.run(words, text=True, **(options | how))


def isobar(state: Path, *words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    if "PYTHONPATH" in variables:  # plug-ins: what was imported already knows none of them
        how = {"env": environment(state, **variables), "stdin": subprocess.DEVNULL}
        return executed(*MAIN, *words, timeout=600, **how)
    with tempfile.TemporaryDirectory() as folder:
        outputs = [Path(folder, name) for name in ("stdout", "stderr")]
        process = FORKS.Process(
            target=_become, args=(words, environment(state, **variables), outputs)
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(sys.modules, "__main__", ModuleType("__main__"))  # else it is run again
            process.start()
        try:
            process.join(600)
        finally:  # also of a test that is interrupted
            is_late = process.is_alive()
            process.kill()
            process.join()
        said = [one.read_text() for one in outputs]
        if is_late or process.exitcode is None:
            raise subprocess.TimeoutExpired(words, 600, *said)
        return subprocess.CompletedProcess(words, process.exitcode, *said)


def _become(words: tuple[str, ...], variables: dict[str, str], outputs: list[Path]) -> None:
    """Go on as `isobar`, in a process that was forked for it."""
    from pipelines.cli.__main__ import main

    os.chdir(PROJECT)
    os.environ.clear()
    os.environ.update(variables)
    time.tzset()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, output in enumerate(outputs, start=1):
        os.dup2(os.open(output, os.O_CREAT | os.O_WRONLY), number)
    sys.argv = ["isobar", *words]
    main()


def begin(state: Path, *words: str, **variables: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*MAIN, *words],
        env=environment(state, **variables),
        cwd=PROJECT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
