"""Validation of environment variables; each function raises for an invalid value."""

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pipelines.failures import PermanentFailure

if TYPE_CHECKING:
    from sqlalchemy import URL


def utf_8(name: str, value: str) -> str:
    """Return a value that is valid UTF-8; the environment shows other bytes as surrogates."""
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise misconfigured(f"{name} is not in UTF-8", "Save it in UTF-8.")
    return value


def with_password(url: str | None, password: str | None) -> str | None:
    """Return the URL with the password added, unless it contains one."""
    if url is None or password is None or (parsed := _parsed(url)).password is not None:
        return url
    whole = parsed.set(password=password).render_as_string(hide_password=False)
    return whole.replace(" ", "%20")  # libpq requires it, too


def broker(url: str | None, password: str | None) -> str | None:
    """Return a Redis URL with its password, if set; error messages show neither."""
    if url is None:
        return None
    try:
        parsed = _parsed(url)
        is_redis = parsed.drivername in ("redis", "rediss") and bool(parsed.host)
    except ValueError:
        is_redis = False
    if not is_redis:
        raise misconfigured(
            "CELERY_BROKER_URL is not the URL of a Redis",
            "Write redis://default@host:6379/0, and its password into CELERY_BROKER_PASSWORD.",
        )
    named = parsed.set(username=parsed.username or "default")
    return with_password(named.render_as_string(hide_password=False), password)


def runs(name: str, value: str | None) -> int | None:
    """Return a number of runs from 1 to 99, if set."""
    if value is not None and not re.fullmatch("[1-9][0-9]?", value):
        raise misconfigured(
            f"{name} is {value!r}, which is not a number of runs",
            "Set it to a whole number from 1 to 99.",
        )
    return int(value) if value else None


def seconds(name: str, value: str | None, default: int, *, least: int) -> int:
    """Return a number of seconds from `least` to 999,999, or the default."""
    if value is not None and not (re.fullmatch("[0-9]{1,6}", value) and int(value) >= least):
        raise misconfigured(
            f"{name} is {value!r}, which is not a number of seconds",
            f"Set it to a whole number of seconds, at least {least}.",
        )
    return default if value is None else int(value)


def _parsed(url: str) -> "URL":
    """Parse a URL. Raises `ValueError`. SQLAlchemy is imported only if a URL is set."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(url)
    except ArgumentError as error:
        raise ValueError("is not an address") from error


def host(name: str, value: str) -> str:
    """Return the host of a URL or of `host:port`, in lower case. Raises `PermanentFailure`."""
    is_ipv6 = value.count(":") > 1 and not re.search(r"[\[/]", value)
    try:
        found = urlsplit(value if "//" in value else f"//[{value}]" if is_ipv6 else f"//{value}")
        parsed = found.hostname or ""
    except ValueError:
        parsed = ""
    if not re.fullmatch(r"[a-z0-9._:-]+", parsed, re.ASCII):
        raise misconfigured(
            f"{name} has an entry that is not the name or address of a host",
            "Write names such as isobar.example.org, without patterns, as browsers send them.",
        )
    return parsed.rstrip(".")


def misconfigured(problem: str, remedy: str) -> PermanentFailure:
    """Return the failure for an invalid variable."""
    return PermanentFailure(
        "configuration", problem, place="the environment or .env", remedy=remedy
    )


def check_postgres_url(name: str, value: str | None) -> None:
    """Raise `PermanentFailure` unless the value is a PostgreSQL URL with a database name."""
    if value is None:
        return
    try:
        url = _parsed(value)
        problem = None if url.database else "names no database"
        if "@" in (url.host or ""):
            problem = "has an @ in its password, which has to be written as %40"
        if url.get_backend_name() not in ("postgresql", "postgres"):
            problem = f"is not a PostgreSQL address but one of {url.get_backend_name()}"
    except ValueError:
        problem = "is not a PostgreSQL address"
    if problem is not None:
        raise misconfigured(
            f"{name} {problem}", "Write postgresql://user:password@host:port/database."
        )


def expand_path(name: str, value: str) -> Path:
    """Return the absolute path of the variable `name`. Raises `PermanentFailure`."""
    try:
        return Path(value).expanduser().absolute()
    except RuntimeError as error:
        raise misconfigured(
            f"{name} is {value!r}, and that user has no home folder", "Write the full path."
        ) from error
