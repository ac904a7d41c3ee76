"""What a session must be: its role, UTC, ISO dates. Set as it begins, and compared after that.

The startup parameter `options` outranks settings of roles and databases. Variables that libpq reads
outrank it, and poolers drop it.
"""

from collections.abc import Mapping
from typing import Any

from pipelines.failures import PermanentFailure

#: Of Dagster's storage, too, whose times have no zone.
OF_TIMES = {"TimeZone": "UTC", "DateStyle": "ISO,YMD", "IntervalStyle": "postgres"}
#: Catalogues first: a temporary table of a source must not stand for one.
SETTINGS = {"search_path": "pg_catalog,pg_temp,public", **OF_TIMES}
#: Of sessions that may work for hours, whatever a role or database says.
UNHURRIED = "-c statement_timeout=0 -c idle_in_transaction_session_timeout=0"
#: Variables of libpq that outrank `options`, by the setting.
OUTRANKING = {"TimeZone": "PGTZ", "DateStyle": "PGDATESTYLE"}
POOLER = (
    "A pooler in between drops the startup parameter `options`, as PgBouncer does with"
    " ignore_startup_parameters: set the address to the server itself."
)


def options(role: str | None, settings: Mapping[str, str] = SETTINGS) -> str:
    """Return the startup parameter of a session that acts as `role`; None keeps the login."""
    role_name = {} if role is None else {"role": role}
    return " ".join(f"-c {name}={value}" for name, value in {**settings, **role_name}.items())


def compare(
    connection: Any, role: str | None, place: str, settings: Mapping[str, str] = SETTINGS
) -> None:
    """Raise `PermanentFailure` if a new session, of psycopg or psycopg2, is not what it must be."""
    with connection.cursor() as cursor:
        values = ", ".join(f"current_setting('{name}')" for name in settings)
        cursor.execute(f"SELECT current_user, {values}")
        user, *found = cursor.fetchone()
    connection.rollback()
    wrong = {
        name: value
        for (name, wanted), value in zip(settings.items(), found, strict=True)
        if value.replace(" ", "") != wanted
    }
    if role not in (None, user):
        wrong["role"] = user
    if not wrong:
        return
    connection.close()
    wanted = {**settings, "role": role}
    variables = " and ".join(OUTRANKING[name] for name in wrong if name in OUTRANKING)
    raise PermanentFailure(
        "database",
        "its sessions are not as Isobar needs them, so nothing was read or written: "
        + ", ".join(f"{name} is {value}, not {wanted[name]}" for name, value in wrong.items()),
        place=place,
        remedy=f"Unset {variables}. If that is not set: {POOLER}" if variables else POOLER,
    )
