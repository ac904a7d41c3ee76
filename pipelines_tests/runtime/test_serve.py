"""`isobar serve`: processes as containers run them, on a server whose logins have passwords."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
import yaml  # type: ignore[import-untyped]

from pipelines.config import Settings
from pipelines.failures import PermanentFailure
from pipelines.postgres.ports import free_port
from pipelines.postgres.roles import SUPERUSER, WAREHOUSE
from pipelines.postgres.server import Connections, EmbeddedPostgres
from pipelines.runtime.logins import OWNER_PASSWORD, PASSWORDS
from pipelines.runtime.processes import kill_session
from pipelines_tests.command import PROJECT, begin, environment, isobar
from pipelines_tests.orchestration.operations.made_up import until
from pipelines_tests.sandbox_server import sandbox_server
from pipelines_tests.served_ui import LAUNCH, RUN, params

COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
#: Passwords with every sign that trips over quoting.
WORDS = {name: f"{name.lower()}@/:#'%\\ \"" for name in PASSWORDS.values()}


@pytest.fixture(scope="module")
def server(state_folder: Path) -> Iterator[Connections]:
    """A server of its own, for roles and their passwords belong to a server."""
    built_in = EmbeddedPostgres(state_folder / "serve")
    yield built_in.start()
    built_in.stop()


@pytest.fixture(scope="module")
def variables(server: Connections, state_folder: Path) -> dict[str, str]:
    """The environment of a container, with a migrated database; one password is in a file."""
    place = f"127.0.0.1:{server.port}"
    file = state_folder / "loader_password"
    file.write_text(WORDS["LOADER_PASSWORD"] + "\n")
    given = {
        "DATABASE_URL": server.url(SUPERUSER, WAREHOUSE),
        "DAGSTER_POSTGRES_URL": f"postgresql://dagster@{place}/dagster",
        "DAGSTER_POSTGRES_PASSWORD": WORDS["DAGSTER_PASSWORD"],
        **WORDS,
        "LOADER_PASSWORD": "",
        "LOADER_PASSWORD_FILE": str(file),
    }
    done = isobar(state_folder / "serve-home", "migrate", "--logins", **given)
    assert done.returncode == 0, done.stderr
    return given | {
        "DATABASE_URL": f"postgresql://isobar_loader@{place}/isobar",
        "DATABASE_PASSWORD_FILE": str(file),
        **dict.fromkeys(WORDS, ""),
    }


@pytest.mark.parametrize(("role", "name"), PASSWORDS.items())
def test_each_role_logs_in_by_its_password_and_no_other(
    server: Connections, variables: dict[str, str], role: str, name: str
) -> None:
    database = "dagster" if role == "dagster" else WAREHOUSE
    where = f"host=127.0.0.1 port={server.port} user={role} dbname={database}"
    with psycopg.connect(where, password=WORDS[name]) as connection:
        found = connection.execute(
            "SELECT current_user, rolsuper FROM pg_roles WHERE rolname = %s", [role]
        )
        assert found.fetchone() == (role, False)
    if role in server.passwords:
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(where, password=server.passwords[role])


@pytest.mark.parametrize("database", ["dagster", "postgres", "template1"])
def test_an_analyst_enters_the_warehouse_and_nothing_else(
    server: Connections, variables: dict[str, str], database: str
) -> None:
    where = f"host=127.0.0.1 port={server.port} user=isobar_analyst dbname={database}"
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(where, password=WORDS["ANALYST_PASSWORD"])


def test_all_unset_variables_are_reported_at_once(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("word\n")
    (tmp_path / "empty").write_text("\n")
    files = {"POSTGRES": "secret", "ANALYST": "empty"}
    given = {f"{role}_PASSWORD_FILE": str(tmp_path / name) for role, name in files.items()}
    done = isobar(tmp_path, "serve", "validate", LOADER_PASSWORD="word", **given)
    assert done.returncode == 1
    missing = [name for name in (OWNER_PASSWORD, *PASSWORDS.values()) if name in done.stderr]
    assert missing == ["ANALYST_PASSWORD", "OPERATOR_PASSWORD", "DAGSTER_PASSWORD"]


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"COMPOSE_PROFILES": "sandbox"}, None),
        ({"COMPOSE_PROFILES": ""}, "COMPOSE_PROFILES=sandbox"),
        ({"COMPOSE_PROFILES": "sandbox,access"}, "VIEWER_PASSWORD_HASH"),
        ({"COMPOSE_PROFILES": "sandbox,workers"}, "CELERY_BROKER_PASSWORD"),
        (
            {"COMPOSE_PROFILES": "sandbox", "CELERY_BROKER_URL": "redis://default@broker:6379/0"},
            "only one of COMPOSE_PROFILES=workers",
        ),
        ({"COMPOSE_PROFILES": "sandbox", "ALERT_URLS": "nonsense"}, "ALERT_URLS"),
    ],
)
def test_invalid_values_are_reported_before_anything_starts(
    tmp_path: Path, variables: dict[str, str], words: str | None
) -> None:
    done = isobar(tmp_path, "serve", "validate", POSTGRES_PASSWORD="word", **WORDS | variables)
    assert done.returncode == (1 if words else 0), done.stderr
    assert (words or "The settings are valid") in done.stderr


def test_an_address_reads_its_password_from_a_variable_or_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("p@ss/word\r\n")
    for variables in ({"DATABASE_PASSWORD": "p@ss/word"}, {"DATABASE_PASSWORD_FILE": str(file)}):
        settings = Settings.from_environment({"DATABASE_URL": "postgresql://u@host/d"} | variables)
        assert settings.warehouse_url() == "postgresql://u:p%40ss%2Fword@host/d"
    own = {"DATABASE_URL": "postgresql://u:own@host/d", "DATABASE_PASSWORD": "other"}
    assert Settings.from_environment(own).warehouse_url() == "postgresql://u:own@host/d"


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_secret_that_cannot_be_read_names_its_variable(
    tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "key").write_bytes(content)
    variables = {"DATABASE_PASSWORD_FILE": str(tmp_path / "key")}
    with pytest.raises(PermanentFailure, match="DATABASE_PASSWORD_FILE"):
        Settings.from_environment(variables | {"DATABASE_URL": "postgresql://u@h/d"})


class Served:
    """The processes of Dagster, each started as a container starts it."""

    def __init__(self, stack: ExitStack, home: Path, variables: dict[str, str]) -> None:
        self.stack = stack
        self.home = home
        self.variables = variables
        self.code = f"127.0.0.1:{free_port()}"
        self.web, self.read_only = (f"127.0.0.1:{free_port()}" for _ in range(2))

    def start(self) -> None:
        code, web, read_only = (
            f"--port={one.rpartition(':')[2]}" for one in (self.code, self.web, self.read_only)
        )
        self._begin("code", code)
        until(lambda: self.is_healthy("code"), 300)
        known = f"--code-server={self.code}"
        for words in (("web", web), ("web", read_only, "--read-only"), ("daemon",)):
            self._begin(*words, known)

    def is_healthy(self, service: str) -> bool:
        """Return what the health check of docker compose says of a service, at the ports here."""
        kind, *words = COMPOSE["services"][service]["healthcheck"]["test"]
        if kind == "CMD-SHELL":
            words = ["sh", "-c", words[0].replace("$$", "$")]
        for place, port in ((self.code, "4000"), (self.web, "3000")):
            words = [word.replace(port, place.rpartition(":")[2]) for word in words]
        variables = environment(self.home, **self.variables)
        variables["PATH"] = f"{Path(sys.executable).parent}:{variables['PATH']}"
        return subprocess.run(words, env=variables, capture_output=True, timeout=60).returncode == 0

    def _begin(self, *words: str) -> None:
        process = begin(self.home, "serve", *words, **self.variables)
        self.stack.callback(_end, process)

    def query(self, place: str, query: str, **variables: Any) -> Any:
        deadline = time.monotonic() + 300
        while True:
            with suppress(requests.ConnectionError):
                question = {"query": query, "variables": variables}
                answer = requests.post(f"http://{place}/graphql", json=question, timeout=120).json()
                if "errors" not in answer and "UnavailableError" not in str(answer):
                    return answer["data"]
            assert time.monotonic() < deadline, "no answer"
            time.sleep(0.5)


def _end(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    try:
        process.communicate(timeout=60)  # a code server waits for its runs
    finally:
        kill_session(process.pid)
        process.communicate()


@pytest.fixture(scope="module")
def served(variables: dict[str, str], state_folder: Path) -> Iterator[Served]:
    home = state_folder / "serve-home"
    home.mkdir(exist_ok=True)
    with sandbox_server() as url, ExitStack() as stack:
        processes = Served(stack, home, variables | {"ISOBAR_SANDBOX_URL": url})
        processes.start()
        yield processes


def test_runs_launched_in_the_web_server_are_executed_elsewhere(served: Served) -> None:
    launched = served.query(served.web, LAUNCH, params=params("shipments"))["launchRun"]
    assert launched["__typename"] == "LaunchRunSuccess", launched
    run: Any = partial(served.query, served.web, RUN, id=launched["run"]["runId"])
    until(lambda: run()["runOrError"]["status"] in ("SUCCESS", "FAILURE"), 300)
    assert run()["runOrError"]["status"] == "SUCCESS"


def test_the_health_checks_of_compose_find_what_does_not_work(
    served: Served, tmp_path: Path, state_folder: Path
) -> None:
    for service in ("code", "web", "daemon"):
        until(partial(served.is_healthy, service), 300)
    elsewhere = Served(ExitStack(), tmp_path, served.variables)
    assert not elsewhere.is_healthy("code")
    assert not elsewhere.is_healthy("web")
    beat = tmp_path / f"worker.{socket.gethostname()}.beat"
    assert not elsewhere.is_healthy("worker")
    beat.touch()
    assert elsewhere.is_healthy("worker")
    os.utime(beat, (time.time() - 120, time.time() - 120))
    assert not elsewhere.is_healthy("worker")


def test_the_read_only_web_server_shows_runs_and_launches_none(served: Served) -> None:
    launched = served.query(served.read_only, LAUNCH, params=params("shipments"))["launchRun"]
    assert launched["__typename"] == "UnauthorizedError"
    shown = served.query(served.read_only, "{ runsOrError { ... on Runs { results { status } } } }")
    assert "results" in shown["runsOrError"]
