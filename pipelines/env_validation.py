"""What the values of variables have to look like: each function refuses one that has no use."""

import re
from zoneinfo import ZoneInfo

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from pipelines.failures import PermanentFailure

MOST_YEARS = 100
ODD_LINE = rb".xn--\ud800+2AA-"
"""Of which some encodings make halves of surrogate pairs, or an error of their own."""


def utf_8(name: str, value: str) -> str:
    """The value, if it was written in UTF-8; other bytes come as halves of surrogate pairs."""
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise misconfigured(f"{name} is not in UTF-8", "Write it anew, in UTF-8.")
    return value


def with_password(url: str | None, password: str | None) -> str | None:
    """The address with its password, if it has none of its own."""
    if url is None or password is None or (parsed := make_url(url)).password is not None:
        return url
    whole = parsed.set(password=password).render_as_string(hide_password=False)
    return whole.replace(" ", "%20")  # libpq wants that, too


def zone(name: str, value: str) -> str:
    """The name of a time zone that there is."""
    try:
        return ZoneInfo(value).key
    except (KeyError, ValueError, OSError) as error:
        raise misconfigured(
            f"{name} is {value!r}, which is no time zone", "Set it to UTC, Asia/Tashkent or alike."
        ) from error


def share(name: str, value: str) -> float:
    """A share from 0 to 1."""
    try:
        share = float(value)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise misconfigured(
            f"{name} is {value!r}, which is no share",
            "Set it to a number from 0 to 1, such as 0.1.",
        )
    return share


def years(name: str, value: str) -> int:
    """A number of years from 0 to 100."""
    if not re.fullmatch("[0-9]{1,3}", value) or int(value) > MOST_YEARS:
        raise misconfigured(
            f"{name} is {value!r}, which is no number of years",
            f"Set it to a whole number from 0 to {MOST_YEARS}.",
        )
    return int(value)


def broker(url: str | None, password: str | None) -> str | None:
    """The address of a Redis with its password, if any; neither is told when it is wrong."""
    if url is None:
        return None
    try:
        parsed = make_url(url)
        is_redis = parsed.drivername in ("redis", "rediss") and bool(parsed.host)
    except (ArgumentError, ValueError):
        is_redis = False
    if not is_redis:
        raise misconfigured(
            "CELERY_BROKER_URL is no address of a Redis",
            "Write redis://default@host:6379/0, and its password into CELERY_BROKER_PASSWORD.",
        )
    named = parsed.set(username=parsed.username or "default")
    return with_password(named.render_as_string(hide_password=False), password)


def runs(name: str, value: str | None) -> int | None:
    """A number of runs from 1 to 99, if any."""
    if value is not None and not re.fullmatch("[1-9][0-9]?", value):
        raise misconfigured(
            f"{name} is {value!r}, which is no number of runs",
            "Set it to a whole number from 1 to 99.",
        )
    return int(value) if value else None


def misconfigured(problem: str, remedy: str) -> PermanentFailure:
    """The failure of a variable that has no use."""
    return PermanentFailure(
        "configuration", problem, place="the environment or .env", remedy=remedy
    )


def check_postgres_url(name: str, value: str | None) -> None:
    """Refuse what is no PostgreSQL address with a database."""
    if value is None:
        return
    try:
        url = make_url(value)
        problem = None if url.database else "names no database"
        if "@" in (url.host or ""):
            problem = "has an @ in its password, which has to be written as %40"
        if url.get_backend_name() not in ("postgresql", "postgres"):
            problem = f"is not a PostgreSQL address but one of {url.get_backend_name()}"
    except (ArgumentError, ValueError):
        problem = "is not a PostgreSQL address"
    if problem is not None:
        raise misconfigured(
            f"{name} {problem}", "Write postgresql://user:password@host:port/database."
        )


def check_encoding(name: str, encoding: str) -> None:
    """Refuse an encoding that nobody knows, or in which lines and commas are other bytes."""
    try:
        is_fit = 'a,;"\n'.encode(encoding) == b'a,;"\n'
        ODD_LINE.decode(encoding).encode()
    except (LookupError, TypeError, ValueError):
        is_fit = False
    if not is_fit:
        raise misconfigured(
            f"{name} is {encoding!r}, which is no encoding that extends ASCII",
            "Set it to utf-8, cp1252, latin-1 or the like.",
        )
