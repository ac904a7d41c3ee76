"""Configuration of an operator with any text in it: it works, or is rejected with a message."""

import datetime as dt
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipelines import config as environment
from pipelines.config import Settings, read_dot_env
from pipelines.orchestration.schedule_config import declared, longest_wait, read_timetable
from pipelines.source import sources
from pipelines.warehouse.connection import engine_for
from pipelines_tests.command import OURS as VARIABLES
from pipelines_tests.command import SECRET_VARIABLES
from pipelines_tests.drills.fuzz import (
    Verdicts,
    json_values,
    often,
    texts,
)

ENCODINGS = ["utf-8", "cp1252", "latin-1", "utf-7", "utf-16", "raw_unicode_escape", "idna", "hz"]
WORDS = ["~", "~nobody/x", "/", ".", "//", "redis://h", "postgresql://u:p@h:1/d", "http://[", "1"]
#: What variables can be: bytes that are no UTF-8 come as halves of pairs.
as_given = st.text(st.characters(codec="utf-8", exclude_characters="\x00")) | st.binary().map(
    lambda one: os.fsdecode(one.replace(b"\x00", b""))
)
of_variables = as_given | st.sampled_from(
    [*WORDS, *ENCODINGS, "\udcff", "postgresql://u@h/d?options=a&options=b", "postgres://h/d\udcff"]
)
URLS = r"(postgres(ql)?(\+[a-z]{0,3})?|redis)://[a-z:@%/\[\]0-9?=&.,]{0,25}"


def use(settings: Settings) -> None:
    """Use settings as commands do before they connect anywhere."""
    for source in sources().values():
        source.settings.is_set_up(settings)
        source.load_settings(settings)
    if not settings.has_builtin_server:  # which would be started
        settings.dagster_url()
        engine_for(settings.warehouse_url(), role=None).dispose()


@often()
@given(
    st.dictionaries(
        st.sampled_from([*VARIABLES, *(f"{one}_FILE" for one in sorted(SECRET_VARIABLES))]),
        of_variables | st.from_regex(URLS, fullmatch=True),
        max_size=4,
    )
)
@example({})
def test_variables_are_accepted_or_rejected_with_a_message(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    verdicts: Verdicts,
    variables: dict[str, str],
) -> None:
    monkeypatch.chdir(tmp_path)  # where a relative ISOBAR_HOME is made
    ours = {"DATABASE_URL": "postgresql://u@h/d", "ISOBAR_SANDBOX_URL": "http://127.0.0.1:9"}
    with verdicts.count():
        use(Settings.from_environment({"ISOBAR_HOME": str(tmp_path)} | ours | variables))
    readers: list[Callable[[Mapping[str, str]], object]] = [
        environment.own_schedules,
        environment.alert_urls,
    ]
    for reader in readers:
        with verdicts.count():
            reader(variables)


@often()
@given(
    st.binary()
    | st.text(alphabet="A=b'\"#\\ \n${}é\x00").map(str.encode)
    | st.sampled_from([b"A=\xff", b"A=\x00", b"\x00=a"])
)
@example(b"A=1\n# a comment\nB='2'\n")
def test_variable_files_are_parsed_or_rejected_with_a_message(
    tmp_path: Path, verdicts: Verdicts, content: bytes
) -> None:
    (tmp_path / ".env").write_bytes(content)
    kept = dict(os.environ)
    try:
        with verdicts.count():
            read_dot_env(tmp_path / ".env")
    finally:
        for name in os.environ.keys() - kept:
            del os.environ[name]


def as_toml(table: dict[str, Any]) -> str:
    """A table of tables as its file, where TOML can say it."""
    return "\n".join(
        f"[{json.dumps(kind)}.{json.dumps(name)}]\n"
        + "\n".join(f"{json.dumps(key)} = {as_value(value)}" for key, value in lines.items())
        for kind, entries in table.items()
        for name, lines in entries.items()
    )


def as_value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {as_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_value, value)) + "]"
    return "1979-05-27T07:32:00Z" if value is None else json.dumps(value)


FIELDS = st.from_regex(r"(\*|[0-9]{1,2}|L|mon|[0-9]-[0-9])(/[0-9]{0,2}|,[0-9]|#[0-9])?")
crons = st.lists(FIELDS, min_size=4, max_size=7).map(" ".join) | st.sampled_from(
    ["0 0 31 4 *", "0 0 30 2 *", "@daily", "@reboot", "* * * * *", "0 0 29 2 *", "0 0 L * *"]
)
DECLARED = {name: one.model_dump(exclude={"name"}) for name, one in declared().items()}
own_tables = st.dictionaries(
    st.sampled_from(["schedules", "others"]),
    st.dictionaries(
        st.sampled_from(["flights_daily", "own", "1 x"]) | texts,
        st.fixed_dictionaries(
            {},
            optional={
                "job": st.sampled_from(["flights", "shipments"]),
                "cron": crons | texts,
                "zone": st.sampled_from(["UTC", "Europe/Paris", "America", ""]) | texts,
                "config": st.dictionaries(texts, json_values, max_size=2),
            },
        ),
        max_size=2,
    ),
    max_size=2,
)


@often(300)
@given(st.binary() | own_tables.map(lambda one: as_toml(one).encode("utf-8", "replace")))
@example(as_toml({"schedules": DECLARED}).encode())
def test_schedules_are_accepted_or_rejected_with_a_message(
    tmp_path: Path, verdicts: Verdicts, content: bytes
) -> None:
    own = tmp_path / "schedules.toml"
    own.write_bytes(content)
    with verdicts.count():
        for one in read_timetable(own).values():
            assert longest_wait(one) > dt.timedelta()
