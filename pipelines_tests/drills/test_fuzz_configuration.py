"""Configuration of an operator with any text in it: it works, or is rejected with a message."""

import datetime as dt
import json
import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipelines import config as environment
from pipelines.config import Settings, read_dot_env
from pipelines.orchestration.schedule_config import longest_wait, read_timetable
from pipelines.source import sources
from pipelines.warehouse.connection import engine_for
from pipelines_tests.command import OURS as VARIABLES
from pipelines_tests.command import SECRET_VARIABLES
from pipelines_tests.drills.fuzz import Verdicts, json_values, often, texts

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
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verdicts: Verdicts, variables: dict[str, str]
) -> None:
    monkeypatch.chdir(tmp_path)  # where a relative ISOBAR_HOME is made
    ours = {"DATABASE_URL": "postgresql://u@h/d", "ISOBAR_SANDBOX_URL": "http://127.0.0.1:9"}
    with verdicts.count():
        use(Settings.from_environment({"ISOBAR_HOME": str(tmp_path)} | ours | variables))
    for reader in (environment.own_schedules, environment.alert_urls):
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


FIELDS = st.from_regex(r"(\*|[0-9]{1,2}|L|mon|[0-9]-[0-9])(/[0-9]{0,2}|,[0-9]|#[0-9])?")
crons = st.lists(FIELDS, min_size=4, max_size=7).map(" ".join) | st.sampled_from(
    ["0 0 31 4 *", "0 0 30 2 *", "@daily", "@reboot", "* * * * *", "0 0 29 2 *", "0 0 L * *"]
)
words = texts | st.sampled_from(["flights", "shipments", "UTC", "Europe/Paris", "America", ""])


@often(300)
@given(
    st.binary()
    | st.builds(
        "[schedules.{}]\n{} = {}\n{} = {}".format,
        st.sampled_from(["flights_daily", "own", '"1 x"']) | texts,
        st.sampled_from(["cron", "zone", "job", "config"]),
        (crons | words).map(json.dumps),
        st.sampled_from(["cron", "zone", "job", "about"]),
        (crons | words | json_values).map(json.dumps),
    ).map(lambda one: one.encode("utf-8", "replace"))
)
@example(b'[schedules.flights_daily]\ncron = "30 6 * * 1-5"\nzone = "Asia/Tashkent"\n')
def test_schedules_are_accepted_or_rejected_with_a_message(
    tmp_path: Path, verdicts: Verdicts, content: bytes
) -> None:
    own = tmp_path / "schedules.toml"
    own.write_bytes(content)
    with verdicts.count():
        for one in read_timetable(own).values():
            assert longest_wait(one) > dt.timedelta()
