"""Platform settings, read from the environment once. Only this package and the CLI read it.

Settings of sources are in `env_validation`. .env.example lists all variables.
"""

import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dotenv import load_dotenv
from pydantic import Field, SecretStr

from pipelines.config.env_validation import (
    AnyPath,
    DatabaseUrl,
    RedisUrl,
    Variables,
    misconfigured,
    secret,
    secret_text,
)
from pipelines.failures import PermanentFailure
from pipelines.postgres import state_folder
from pipelines.postgres.roles import ANALYST, DAGSTER, SUPERUSER, WAREHOUSE

if TYPE_CHECKING:
    from pipelines.postgres.server import EmbeddedPostgres

PROJECT = Path(__file__).parents[2]
#: A link to the file at the top level; in an installed package, the file itself.
INSTANCE = Path(__file__).parents[1] / "dagster.yaml"
#: The folder of what runs print. A process that has this variable needs no preparing.
RUN_LOGS = "ISOBAR_RUN_LOGS"
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
#: A host: a name, or an address of version 4 or 6; by itself, with a port, or in a URL.
HOST = re.compile(
    r"(?:https?://)?([a-z0-9_][a-z0-9._-]*|\[[0-9a-f:.]+\]|[0-9a-f]*:[0-9a-f:.]+)(?::[0-9]+)?(?:[/?#].*)?",
    re.ASCII,
)
#: How long a file in an inbox without a final line break has to be unchanged.
CUT_SECONDS = 60
#: Variables that libpq would apply to connections to the built-in server, too.
OF_OTHER_SERVERS = (
    *("PGTZ", "PGDATESTYLE", "PGSERVICE", "PGSERVICEFILE", "PGHOSTADDR", "PGTARGETSESSIONATTRS"),
    *("PGCLIENTENCODING", "PGREQUIREAUTH", "PGSSLNEGOTIATION", "PGLOADBALANCEHOSTS"),
)


def _named(variable: str, default: Any = None, *, ge: int | None = None) -> Any:
    """Declare a setting whose variable is not called like its field; a number is at least `ge`."""
    most = None if ge is None else 999_999
    return Field(default, ge=ge, le=most, json_schema_extra={"variable": variable})


class Settings(Variables):
    """Settings from the environment, with defaults; .env.example lists the variables."""

    state: AnyPath = _named("ISOBAR_HOME", ...)
    database_password: SecretStr | None = secret_text("The password of DATABASE_URL.")
    database_url: DatabaseUrl | None = secret_text("The address of the warehouse.")
    #: Where analysts and the dashboards read, such as a replica.
    analyst_database_url: DatabaseUrl | None = secret_text("The address where analysts read.")
    dagster_postgres_password: SecretStr | None = secret_text("The password of Dagster's storage.")
    dagster_postgres_url: DatabaseUrl | None = secret_text("The address of Dagster's storage.")
    celery_broker_password: SecretStr | None = secret_text("The password of the broker.")
    celery_broker_url: RedisUrl | None = secret_text("The address of the broker.")
    #: None if it is not set.
    named_sources: Literal["sandbox", "live"] | None = _named("ISOBAR_SOURCES")
    named_schedules: AnyPath | None = _named("ISOBAR_SCHEDULES")
    sandbox_url: str | None = _named("ISOBAR_SANDBOX_URL")
    worker_runs: int | None = Field(None, ge=1, le=99)
    inbox_cut_seconds: int = _named("ISOBAR_INBOX_CUT_SECONDS", CUT_SECONDS, ge=0)
    #: Time limits of a statement of checks and views, of a run, and of a statement of dashboards.
    statement_seconds: int = _named("ISOBAR_STATEMENT_SECONDS", 600, ge=1)
    run_seconds: int = _named("ISOBAR_RUN_SECONDS", 7200, ge=1)  # as in dagster.yaml
    dashboard_seconds: int = _named("ISOBAR_DASHBOARD_SECONDS", 30, ge=1)
    #: The variables that were read. Sources read theirs from here.
    environment: Mapping[str, str] = Field(repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Parse the variables; an empty one counts as unset. Raises `PermanentFailure`."""
        texts = {field: cls.text(environment, field) for field in cls.model_fields}
        given: dict[str, object] = {field: text for field, text in texts.items() if text}
        left_out = () if "database_url" in given else OF_OTHER_SERVERS
        read = {name: value for name, value in environment.items() if name not in left_out}
        return cls.validated({"state": home() / ".isobar", **given, "environment": read})

    @classmethod
    def current(cls) -> "Settings":
        """Return the settings of this process, parsed once per environment."""
        return _parsed(tuple(os.environ.items()))

    @property
    def dagster_home(self) -> Path:
        """Dagster's home, which processes that we start have in DAGSTER_HOME."""
        return self.state / "dagster"

    @property
    def sources(self) -> str:
        """`live` or `sandbox`. Raises `PermanentFailure` where it has to be set and is not."""
        if self.database_url and not self.named_sources:  # simulated rows would look like data
            raise misconfigured(
                "DATABASE_URL is set, so ISOBAR_SOURCES has to be set, too",
                "Set ISOBAR_SOURCES=live to load the real sources, or ISOBAR_SOURCES=sandbox to"
                " write simulated parcels, plants and hotels into this database.",
            )
        return self.named_sources or "sandbox"

    @property
    def has_builtin_server(self) -> bool:
        """Whether the warehouse is on the built-in server."""
        return self.database_url is None

    def builtin_server(self, report: Callable[[str], None] = lambda _: None) -> "EmbeddedPostgres":
        """Return the server that is used if DATABASE_URL is unset."""
        from pipelines.postgres.server import EmbeddedPostgres

        for name in OF_OTHER_SERVERS:
            os.environ.pop(name, None)
        return EmbeddedPostgres(self.state, report)

    def warehouse_url(self, role: str = SUPERUSER) -> str:
        """Return the warehouse's URL: that of `own_url`, else of the built-in server for a role."""
        return self.own_url(role) or self._builtin_url(role, WAREHOUSE)

    def own_url(self, role: str) -> str | None:
        """Return the URL of the operator's own server: DATABASE_URL, or another one of analysts."""
        own = (self.analyst_database_url if role == ANALYST else None) or self.database_url
        return own.get_secret_value() if own else None

    def dagster_url(self) -> str:
        """Return the URL of Dagster's storage, by default `<warehouse>_dagster` on its server."""
        from sqlalchemy import make_url

        if self.dagster_postgres_url:
            url = make_url(self.dagster_postgres_url.get_secret_value())
        elif self.database_url:
            url = make_url(self.database_url.get_secret_value())
            url = url.set(database=f"{url.database}_dagster")
        else:
            url = make_url(self._builtin_url(DAGSTER, DAGSTER))
        return url.set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)

    def sandbox_address(self, path: str) -> str | None:
        """Return the URL of a path of the sandbox; None with real sources."""
        if self.sources == "live":
            return None
        if self.sandbox_url is None:
            raise misconfigured(
                "ISOBAR_SOURCES is sandbox, and no sandbox is running",
                "Start with isobar run or isobar ui, or set ISOBAR_SOURCES=live. In Python, call"
                " dg.materialize with instance=dg.DagsterInstance.get() (docs/dagster.md).",
            )
        return f"{self.sandbox_url}{path}"

    def inbox(self, source: str) -> Path | None:
        """Return the folder where the sandbox drops a source's files; None with real sources."""
        if self.sources == "live":
            return None
        folder = self.state / "inbox" / source
        with suppress(OSError):  # reading the inbox reports it, with a remedy
            state_folder.create(self.state)
            folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _builtin_url(self, role: str, database: str) -> str:
        url = self.builtin_server().recorded().url(role, database)
        return f"{url}?sslmode=disable"  # overrides PGSSLMODE: it has no TLS and needs none


def home() -> Path:
    """Return the folder of .env and .isobar: the clone, or else the working directory."""
    return PROJECT if (PROJECT / "pyproject.toml").is_file() else Path.cwd()


def read_dot_env(file: Path) -> None:
    """Load variables that are not set from a file, if it exists. Raises `PermanentFailure`."""
    try:
        load_dotenv(file)
    except (ValueError, OSError) as error:
        raise PermanentFailure(
            "configuration",
            f"the .env file cannot be read: {error}",
            place=str(file),
            remedy="Write lines as NAME=value, in UTF-8.",
        ) from error


def bypass_proxies_on_this_machine() -> None:
    """Have this process and its children reach servers of this machine without a proxy.

    In both spellings: gRPC, by which Dagster reaches the code server, reads the lower one alone.
    """
    named = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    if named.strip() != "*":
        hosts = ",".join(sorted({*named.split(","), *LOOPBACK_HOSTS} - {""}))
        os.environ.update(no_proxy=hosts, NO_PROXY=hosts)


def own_schedules(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return the operator's schedules, if any."""
    settings = Settings.from_environment(environment)
    usual = settings.state / "schedules.toml"
    return settings.named_schedules or (usual if os.path.lexists(usual) else None)


def alert_urls(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return the apprise URLs that receive alerts; works even if other settings are invalid."""
    between = r"[\s,;]+(?=[A-Za-z][\w+.-]*://)|\s+"  # a comma within a URL is part of it
    entries = [one.strip(",;") for one in re.split(between, secret(environment, "ALERT_URLS"))]
    return [one for one in entries if one]


def ui_url(environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the public URL of the web UI, without a trailing slash. Alerts need only this."""
    return environment.get("ISOBAR_UI_URL", "").strip().rstrip("/") or None


def allowed_hosts(environment: Mapping[str, str] = os.environ) -> frozenset[str]:
    """Return the names and addresses by which our web servers may be addressed.

    They are those of this machine to itself, of ISOBAR_UI_URL, and of ISOBAR_ALLOWED_HOSTS, where a
    port alone, as a site of a proxy, names no host.
    """
    found = set(LOOPBACK_HOSTS)
    for name in ("ISOBAR_ALLOWED_HOSTS", "ISOBAR_UI_URL"):
        for entry in re.split(r"[\s,]+", environment.get(name, "").lower()):
            if not entry or re.fullmatch(r"(https?://)?:[0-9]+", entry):
                continue
            if (match := HOST.fullmatch(entry)) is None:
                raise misconfigured(
                    f"{name} has an entry that is not the name or address of a host",
                    "Write names such as isobar.example.org, without patterns.",
                )
            found.add(match[1].strip("[]").rstrip("."))
    return frozenset(found)


def with_allowed_host(host: str) -> dict[str, str]:
    """Return the environment of a web server that listens on `host` and allows that name, too."""
    return {
        **os.environ,
        "ISOBAR_ALLOWED_HOSTS": f"{os.environ.get('ISOBAR_ALLOWED_HOSTS', '')} {host}".strip(),
    }


def disabled_sources() -> frozenset[str]:
    """Return the sources that the operator disabled."""
    names = os.environ.get("ISOBAR_DISABLE_SOURCES", "")
    return frozenset(filter(None, re.split(r"[\s,]+", names)))


@lru_cache(maxsize=4)
def _parsed(variables: tuple[tuple[str, str], ...]) -> Settings:
    return Settings.from_environment(dict(variables))
