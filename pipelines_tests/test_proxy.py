"""The login in front of the web UI: a real Caddy before two real web servers, one read-only."""

import json
import os
import shutil
import ssl
import subprocess
import tempfile
from base64 import b64encode
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from dagster_postgres import DagsterPostgresStorage
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from pipelines.postgres.ports import free_port
from pipelines.postgres.roles import DAGSTER
from pipelines.postgres.server import Connections
from pipelines.runtime import dagster_processes
from pipelines.runtime.bootstrap import wait_until
from pipelines.runtime.processes import Child
from pipelines_tests.command import PROJECT, environment

VIEWER, OPERATOR = ("viewer", "to see"), ("operator", "to do")
LAUNCH = """
mutation { launchRun(executionParams: {runConfigData: {}, selector: {jobName: "housekeeping",
  repositoryName: "__repository__", repositoryLocationName: "pipelines"}}) {
  __typename ... on PythonError { message } } }
"""
MOVE = """
mutation { setSensorCursor(cursor: "mine", sensorSelector: {sensorName: "alerts",
  repositoryName: "__repository__", repositoryLocationName: "pipelines"}) { __typename } }
"""
#: Of the job that LAUNCH starts.
RUNS = """{ runsOrError(filter: {pipelineName: "housekeeping"}) {
  ... on Runs { results { jobName } } } }"""
SUBSCRIBE = 'subscription { pipelineRunLogs(runId: "none", cursor: null) { __typename } }'
UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
MISSING = "there is no Caddy on the PATH; on Debian: apt install caddy"
HASHES = ("VIEWER_PASSWORD_HASH", "OPERATOR_PASSWORD_HASH")


@dataclass(frozen=True)
class Site:
    """A site, as someone with this name and password meets it; without them as a stranger."""

    url: str
    authority: Path
    login: tuple[str, str] | None = None

    def get(self, path: str = "/", **headers: str) -> requests.Response:
        return self.request("GET", path, headers=headers)

    def request(self, method: str, path: str, **more: Any) -> requests.Response:
        with requests.Session() as session:
            session.trust_env = False
            return session.request(
                method,
                f"{self.url}{path}",
                auth=self.login,
                verify=str(self.authority),
                timeout=120,
                **more,
            )

    def query(self, query: str) -> Any:
        answer = self.request("POST", "/graphql", json={"query": query})
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]


@dataclass(frozen=True)
class Proxied:
    """A Caddy that runs, with our Caddyfile."""

    process: Child
    sites: tuple[str, str]
    authority: Path

    def viewers(self, login: tuple[str, str] | None = None) -> Site:
        return Site(self.sites[0], self.authority, login)

    def operators(self, login: tuple[str, str] | None = None) -> Site:
        return Site(self.sites[1], self.authority, login)

    def answers(self) -> bool:
        with suppress(requests.RequestException, OSError):
            return all(site.get() is not None for site in (self.viewers(), self.operators()))
        return False


def caddy(*words: str | Path) -> list[str]:
    """A command of Caddy; without it the test is skipped, but fails in CI."""
    path = shutil.which("caddy")
    if path is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(MISSING)
    return [str(word) for word in (path, *words)]


def with_caddyfile(verb: str) -> list[str]:
    file = PROJECT / "deploy" / "access" / "Caddyfile"
    return caddy(verb, "--adapter", "caddyfile", "--config", file)


def hashed(password: str) -> str:
    return subprocess.check_output(
        caddy("hash-password", "--plaintext", password), text=True
    ).strip()


def of_caddy(folder: Path, **given: str) -> dict[str, str]:
    """Caddy's environment: its own files go into `folder`, and none of ours is passed on."""
    folders = dict.fromkeys(("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"), str(folder))
    return {"PATH": os.defpath, **folders, **given}


def dagster(folder: Path, server: Connections) -> Generator[str]:
    """A code server and the two web servers, as host and port of these: read-only, then full."""
    (folder / "dagster.yaml").symlink_to(PROJECT / "dagster.yaml")
    storage = server.url(DAGSTER, DAGSTER).replace("postgresql://", "postgresql+psycopg2://")
    DagsterPostgresStorage(storage)  # it makes the tables
    variables = environment(folder, DAGSTER_HOME=str(folder), DAGSTER_POSTGRES_URL=storage)
    code, read_only, full = (free_port() for _ in range(3))
    address: dagster_processes.Address = {"host": "127.0.0.1", "port": code}
    workspace = dagster_processes.write_workspace(folder / "workspace.yaml", address)
    commands = {
        "code": dagster_processes.code_server(address),
        "read_only": dagster_processes.web_server(
            "127.0.0.1", read_only, workspace, is_read_only=True
        ),
        "full": dagster_processes.web_server("127.0.0.1", full, workspace),
    }
    children = [
        Child(name, words, environment=variables, log=folder / f"{name}.log")
        for name, words in commands.items()
    ]
    try:
        for child, port in zip(children, (None, read_only, full), strict=True):
            child.start()
            if port is not None:
                wait_until(partial(answers, port), child, seconds=300)
                yield f"127.0.0.1:{port}"
    finally:
        for child in children:
            child.stop()


def answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/server_info", timeout=2).ok
    except requests.RequestException:
        return False


@pytest.fixture(scope="module")
def proxied(server: Connections) -> Iterator[Proxied]:
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        viewers, operators = (f"https://localhost:{free_port()}" for _ in range(2))
        hashes = zip(HASHES, (hashed(VIEWER[1]), hashed(OPERATOR[1])), strict=True)
        servers = stack.enter_context(closing(dagster(folder, server)))
        given = of_caddy(
            folder,
            VIEWERS_SITE=viewers,
            OPERATORS_SITE=operators,
            VIEWERS_UPSTREAM=next(servers),
            OPERATORS_UPSTREAM=next(servers),
            **dict(hashes),
        )
        process = Child("caddy", with_caddyfile("run"), given, log=folder / "caddy.log")
        stack.callback(process.stop)
        process.start()
        authority = folder / "caddy" / "pki" / "authorities" / "local" / "root.crt"
        proxied = Proxied(process, (viewers, operators), authority)
        wait_until(proxied.answers, process, seconds=300)
        yield proxied


def subscribed(site: Site, **headers: str) -> dict[str, Any]:
    if site.login is not None:
        words = b64encode(":".join(site.login).encode()).decode()
        headers["Authorization"] = f"Basic {words}"
    opened = connect(
        f"{site.url.replace('https://', 'wss://')}/graphql",
        ssl=ssl.create_default_context(cafile=site.authority),
        additional_headers=headers,
        subprotocols=[Subprotocol("graphql-ws")],
        open_timeout=120,
        proxy=None,
    )
    with opened as socket:
        socket.send(json.dumps({"type": "connection_init"}))
        socket.send(json.dumps({"type": "start", "id": "1", "payload": {"query": SUBSCRIBE}}))
        message: dict[str, Any] = {}
        while message.get("type") != "data":
            message = json.loads(socket.recv(timeout=120))
    answer: dict[str, Any] = message["payload"]["data"]
    return answer


def test_strangers_see_nothing_of_either_site(proxied: Proxied) -> None:
    for login in (None, ("viewer", "guessed"), ("operator", ""), ("", ""), ("someone", VIEWER[1])):
        for site in (proxied.viewers(login), proxied.operators(login)):
            for path in ("/", "/server_info", "/graphql?query={version}", "/logs/x.out"):
                rejected = site.get(path)
                assert rejected.status_code == 401
                assert "agster" not in rejected.text
            posted = site.request("POST", "/graphql", json={"query": LAUNCH})
            assert posted.status_code == 401
            key = {"Sec-WebSocket-Key": b64encode(b"0" * 16).decode()}
            assert site.get("/graphql", **UPGRADE, **key).status_code == 401


def test_the_viewers_password_opens_the_viewers_site_alone(proxied: Proxied) -> None:
    assert 'id="__next"' in proxied.viewers(VIEWER).get().text
    assert proxied.viewers(VIEWER).query("{ version }")["version"]
    assert proxied.operators(VIEWER).get().status_code == 401


def test_a_viewer_starts_and_changes_nothing(proxied: Proxied) -> None:
    viewer = proxied.viewers(VIEWER)
    before = viewer.query(RUNS)
    assert viewer.query(LAUNCH)["launchRun"]["__typename"] == "UnauthorizedError"
    assert viewer.query(MOVE)["setSensorCursor"]["__typename"] == "UnauthorizedError"
    assert viewer.get(f"/graphql?query={quote(LAUNCH)}").status_code == 405
    for kind in ("materialization", "check", "observation"):
        path = f"/report_asset_{kind}/flights/itineraries"
        assert viewer.request("POST", path, json={}).status_code in (401, 403)
    assert viewer.query(RUNS) == before


def test_operators_may_write_on_their_site_and_viewers_only_read(proxied: Proxied) -> None:
    operator = proxied.operators(OPERATOR)
    assert 'id="__next"' in operator.get().text
    assert operator.query(MOVE)["setSensorCursor"]["__typename"] == "Sensor"
    before = len(operator.query(RUNS)["runsOrError"]["results"])
    assert operator.query(LAUNCH)["launchRun"]["__typename"] == "LaunchRunSuccess"
    looking = proxied.viewers(OPERATOR)
    assert looking.query(LAUNCH)["launchRun"]["__typename"] == "UnauthorizedError"
    assert len(looking.query(RUNS)["runsOrError"]["results"]) == before + 1


def test_another_site_cannot_use_the_password_that_a_browser_keeps(proxied: Proxied) -> None:
    """Browsers add it to whatever a page requests, and Dagster accepts mutations from links."""
    operator = proxied.operators(OPERATOR)
    before = operator.query(RUNS)
    path = f"/graphql?query={quote(LAUNCH)}"
    for site_header in ("cross-site", "same-site"):  # the second: a page of another port
        elsewhere = {"Sec-Fetch-Site": site_header}
        for mode in ("no-cors", "cors"):
            rejected = operator.get(path, **elsewhere, **{"Sec-Fetch-Mode": mode})
            assert rejected.status_code == 403
        form = elsewhere | {"Sec-Fetch-Mode": "navigate"}
        assert operator.request("POST", path, headers=form).status_code == 403
        with pytest.raises(InvalidStatus, match="403"):
            subscribed(operator, **elsewhere, **{"Sec-Fetch-Mode": "websocket"})
        embedded = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "object", "Accept": "*/*"}
        assert operator.get(path, **elsewhere, **embedded).status_code == 403
    link = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Accept": "text/html"}
    followed = operator.get(path, **{"Sec-Fetch-Site": "cross-site"}, **link)
    assert followed.headers["Content-Type"].startswith("text/html")
    assert operator.query(RUNS) == before


def test_a_page_of_another_origin_opens_no_subscription(proxied: Proxied) -> None:
    """Chromium sends the password to another port or subdomain, and no Sec-Fetch-Site."""
    for site in (proxied.viewers(VIEWER), proxied.operators(OPERATOR)):
        assert set(subscribed(site, Origin=site.url)) == {"pipelineRunLogs"}
        for origin in ("https://localhost:1", site.url.replace("https", "http"), "null"):
            with pytest.raises(InvalidStatus, match="403"):
                subscribed(site, Origin=origin)
            posted = site.request(
                "POST", "/graphql", json={"query": RUNS}, headers={"Origin": origin}
            )
            assert posted.status_code == 403


@pytest.mark.parametrize("missing", HASHES)
def test_a_missing_password_prevents_the_start_and_is_named(tmp_path: Path, missing: str) -> None:
    """The hashes are of no password at all; an empty one counts as none."""
    hashes = dict.fromkeys(HASHES, "$2a$14$" + "x" * 53)
    del hashes[missing]
    for given, words in ((hashes, f"{missing}_is_not_set"), (hashes | {missing: ""}, "be empty")):
        for verb in ("validate", "run"):
            ended = subprocess.run(
                with_caddyfile(verb),
                env=of_caddy(tmp_path, **given),
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
            )
            assert ended.returncode != 0
            assert verb == "run" or words in ended.stderr  # Caddy 2.11 runs without a word
