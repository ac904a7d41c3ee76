"""Secrets are visible neither in the web UI nor in logs.

Every secret is a word that stands nowhere else, and is looked for in all that there is to read.
"""

import gzip
import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import psutil
import psycopg
import pytest
import requests
from psycopg import sql

from pipelines.failures import redact
from pipelines.postgres.roles import SUPERUSER
from pipelines.postgres.server import Connections
from pipelines_tests.command import isobar
from pipelines_tests.security.questions import COMPUTE_LOGS, EVENTS, QUESTIONS
from pipelines_tests.served_ui import Ui, start, words_of

pytestmark = pytest.mark.timeout(900)
MARKED = "hunter2marked"
LOGIN = "keeper_of_secrets"


@pytest.fixture(scope="module")
def variables(server: Connections) -> Iterator[dict[str, str]]:
    """Secrets of database, broker, weather and alerts, and in the addresses of sources."""
    with psycopg.connect(server.url(SUPERUSER, "postgres"), autocommit=True) as connection:
        role = sql.Identifier(LOGIN)
        connection.execute(
            sql.SQL("CREATE ROLE {} SUPERUSER LOGIN PASSWORD {}").format(role, f"{MARKED}/pg")
        )
        connection.execute("CREATE DATABASE marked")
        database = f"127.0.0.1:{server.port}/marked"
        yield {
            "DATABASE_URL": f"postgresql://{LOGIN}:{MARKED}%2Fpg@{database}",
            "WEATHER_PROVIDER": "weatherapi",
            "WEATHER_API_KEY": f"{MARKED}/weather",
            "WEATHER_BASE_URL": "http://127.0.0.1:9",
            "FLIGHTS_URL": f"http://me:{MARKED}flights@127.0.0.1:9/x?token={MARKED}token",
            "MONITORING_URL": f"http://me:{MARKED}solar@127.0.0.1:9/",
            "BOOKINGS_EVENTS_URL": f"http://127.0.0.1:9/?api_key={MARKED}bookings",
            "CELERY_BROKER_PASSWORD": f"{MARKED}broker",
            "ALERT_URLS": f"json://me:{MARKED}alert@127.0.0.1:9/{MARKED}path?+X={MARKED}head",
        }
        for name in ("marked", "marked_dagster"):
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )
        connection.execute(sql.SQL("DROP ROLE {}").format(role))


@pytest.fixture(scope="module")
def outputs() -> dict[str, str]:
    return {}


@pytest.fixture(scope="module")
def ui(variables: dict[str, str], state_folder: Path, outputs: dict[str, str]) -> Iterator[Ui]:
    """A web UI after a run in which every source failed."""
    state = Path(tempfile.mkdtemp(dir=state_folder))
    state.chmod(0o755)
    done = isobar(state, "run", **variables)
    assert done.returncode != 0
    assert "Connection refused" in done.stderr
    outputs["run"] = done.stdout + done.stderr
    serving = start(state, **variables)
    for words in (("status",), ("status", "--json"), ("alerts", "test"), ("plants", "list")):
        done = isobar(state, *words, **variables)
        outputs[" ".join(words)] = done.stdout + done.stderr
    yield serving
    serving.stop()


def leaks(outputs: dict[str, str]) -> list[str]:
    """Return each place of a secret, with a few characters around it."""
    return [
        f"{place}: …{text[max(0, text.index(MARKED) - 80) : text.index(MARKED) + 20]}…"
        for place, text in outputs.items()
        if MARKED in text
    ]


def queried(ui: Ui, query: str, **variables: Any) -> str:
    return json.dumps(ui.query(query, **variables), ensure_ascii=False)


def test_no_command_shows_a_secret(ui: Ui, outputs: dict[str, str]) -> None:
    assert all(outputs.values()), outputs
    assert "Usage" not in str(outputs)
    assert leaks(outputs) == []


@pytest.mark.parametrize("name", QUESTIONS)
def test_no_page_of_the_web_ui_shows_a_secret(ui: Ui, name: str) -> None:
    answer = queried(ui, QUESTIONS[name])
    assert len(answer) > 30
    assert leaks({name: answer}) == []


def test_no_run_shows_a_secret(ui: Ui) -> None:
    runs = json.loads(queried(ui, "{ runsOrError { ... on Runs { results { id } } } }"))
    ids = [run["id"] for run in runs["runsOrError"]["results"]]
    assert ids
    shown: dict[str, str] = {}
    for run_id in ids:
        shown[run_id] = queried(ui, EVENTS, id=run_id)
        for key in set(re.findall(r'"fileKey": ?"(\w+)"', shown[run_id])):
            shown[f"{run_id}, {key}"] = queried(ui, COMPUTE_LOGS, id=run_id, key=key)
        debug = requests.get(f"{ui.url}/download_debug/{run_id}", timeout=60)
        shown[f"{run_id}, debug file"] = gzip.decompress(debug.content).decode()
    assert len(shown) > 2 * len(ids)
    assert "what to do" in str(shown)
    assert leaks(shown) == []


def test_no_file_of_the_state_folder_has_a_secret(ui: Ui) -> None:
    files = [one for one in ui.state.rglob("*") if one.is_file()]
    assert {"web_server.log", "daemon.log", "code_server.log"} <= {one.name for one in files}
    texts = {str(one): one.read_bytes().decode("utf-8", "replace") for one in files}
    assert leaks(texts) == []


def test_no_command_line_has_a_secret(ui: Ui) -> None:
    """Every account of the machine sees those."""
    processes = [psutil.Process(ui.process.pid), *ui.children()]
    lines = {str(one.pid): " ".join(words_of(one)) for one in processes}
    assert len(lines) >= 4
    assert leaks(lines) == []


def test_a_secret_in_the_query_of_an_address_is_masked() -> None:
    names = "key api_key apikey subscription-key account_key appid sig token access_token"
    for name in (*names.split(), "accessToken", "client_secret", "X-Amz-Signature"):
        address = f"https://h/x?page=2&{name}={MARKED}&monkey=1&design=2"
        assert redact(address) == f"https://h/x?page=2&{name}=***&monkey=1&design=2"


def test_a_secret_is_masked_however_a_service_repeats_it() -> None:
    secret = 'a"b\\c/d é+'
    forms = (secret, json.dumps(secret), json.dumps(secret, ensure_ascii=False), quote(secret))
    for form in (*forms, quote(secret, safe=""), quote_plus(secret)):
        assert redact(f"no such key: {form}", [secret]).replace('"', "") == "no such key: ***"


def test_a_password_with_an_at_sign_is_masked_as_a_whole() -> None:
    """`requests` sends it so, though it should be written as %40."""
    assert redact(f"http://me:a@{MARKED}@h/x@y") == "http://me:***@h/x@y"
    assert redact(f"http://me:{MARKED}@h:80?mail=a@b.c") == "http://me:***@h:80?mail=a@b.c"


def test_no_table_has_a_secret(ui: Ui, variables: dict[str, str]) -> None:
    texts = {}
    for name in ("marked", "marked_dagster"):
        url = variables["DATABASE_URL"].removesuffix("/marked") + f"/{name}"
        with psycopg.connect(url) as connection:
            tables = connection.execute(
                "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
                " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
            ).fetchall()
            for (table,) in tables:
                rows = connection.execute(f"SELECT t::text FROM {table} t".encode())
                texts[f"{name}: {table}"] = "\n".join(text for (text,) in rows)
    assert len(texts) > 50
    assert leaks(texts) == []
