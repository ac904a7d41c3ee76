"""Plug-ins that are wrong in one part each, and what is said of them.

Each is complete and sound but for that part (`pipelines_tests.plugins`).
"""

from collections.abc import Mapping
from typing import NamedTuple

from pipelines_tests.plugins import DECLARATION, TABLES

IMPORTS = "import Check, Feed, Field, FileInbox, Rows, Sandbox, Schedule, Source"
IMPORTS += ", SourceSettings, secret_text, url"
CHECK = 'Check(name="{name}_named", on="%s", expects="Stops have names.", remedy="name them")'
STOPS = "enriched.{name}_stops"
QUERY: Mapping[str, str] = {
    "sql/checks/{name}_named.sql": "SELECT stop_id FROM {name}.stops WHERE name = ''"
}


class Hostile(NamedTuple):
    """Files of a plug-in, and words of the message about it."""

    files: Mapping[str, str | None]
    message: str


def declared(*more: str, settings: str = "") -> str:
    """Return the declaration with more arguments of the source, and more settings."""
    words = DECLARATION.replace("import Source, SourceSettings, url", IMPORTS)
    words = words.replace('of buses.")\n', f'of buses.")\n{settings}', 1)
    arguments = "".join(f"    {one},\n" for one in more)
    return words.replace('of buses.",\n)', f'of buses.",\n{arguments})')


def scheduled(name: str = "{name}_daily", cron: str = "0 4 * * *") -> str:
    """Return the argument for one schedule."""
    return f'schedules=(Schedule(name="{name}", about="Load.", cron="{cron}"),)'


def checked(*checks: str) -> str:
    """Return the argument for checks."""
    return f"checks=({', '.join(checks)},)"


#: What each does wrong, by the name of the plug-in.
HOSTILE: Mapping[str, Hostile] = {
    "raising_jobs": Hostile(
        {"jobs.py": "raise RuntimeError('half written')"},
        "its definitions: RuntimeError: half written (isobar_raising_jobs/jobs.py:1)",
    ),
    "syntax_error": Hostile(
        {"__init__.py": "import os\ndef half("},
        "its declaration: SyntaxError: '(' was never closed (__init__.py, line 2)",
    ),
    "jobs_that_exit": Hostile({"jobs.py": "raise SystemExit('no')"}, "SystemExit: no"),
    "feeds_of_one_name": Hostile(
        {"__init__.py": declared("feeds=(Feed(parse=list), Feed(parse=list))")},
        "two feeds have the same name: feeds_of_one_name, feeds_of_one_name",
    ),
    "bad_cron": Hostile(
        {"__init__.py": declared(scheduled(cron="61 4 * * *"))},
        "its definitions: CroniterBadCronError: [61 4 * * *] is not acceptable",
    ),
    "required_setting": Hostile(
        {"__init__.py": declared(settings='    limit: int = Field(description="How many.")\n')},
        "REQUIRED_SETTING_LIMIT",
    ),
    "order": Hostile({"__init__.py": declared()}, "'order' cannot be the name of a schema"),
    "clashing_schedule": Hostile(
        {"__init__.py": declared(scheduled(name="flights_daily"))},
        "schedule flights_daily belongs to the source 'flights'",
    ),
    "clashing_variable": Hostile(
        {"__init__.py": DECLARATION.replace("{NAME}_", "FLIGHTS_")},
        "FLIGHTS_URL belongs to the source 'flights'",
    ),
    "platform_variable": Hostile(
        {"__init__.py": DECLARATION.replace("{NAME}_", "DATABASE_")},
        "DATABASE_URL belongs to Isobar",
    ),
    "check_of_nothing": Hostile(
        {"__init__.py": declared(checked(CHECK % "{name}.nothing")), **QUERY},
        "the check check_of_nothing_named is of check_of_nothing.nothing, which does not exist",
    ),
    "check_without_file": Hostile(
        {"__init__.py": declared(checked(CHECK % STOPS))}, "checks/check_without_file_named.sql"
    ),
    "raising_tables": Hostile(
        {"tables.py": f"{TABLES}\nraise RuntimeError('no tables')"},
        "its declaration: RuntimeError: no tables (isobar_raising_tables/tables.py:",
    ),
    "no_table": Hostile(
        {"__init__.py": declared("feeds=(Feed(parse=list, fetch=FileInbox()),)"), "jobs.py": None},
        "its feeds name no table: parse with Rows or Json",
    ),
    "no_key": Hostile(
        {
            "__init__.py": declared(
                "feeds=(Feed(parse=Rows(SourceSettings, table='no_key.trips'), fetch=FileInbox()),)"
            )
        },
        "there is no table no_key.trips: name its key",
    ),
    "quoted_table": Hostile(
        {"tables.py": TABLES.replace('"stops",', '"Order",')},
        "the name of the table quoted_table.Order would need quotation marks: rename it",
    ),
    "missing_table": Hostile(
        {"__init__.py": declared('loads=("missing_table.nothing",)')}, "missing_table.nothing"
    ),
}
#: A statement that never returns, as the query of a check.
ENDLESS = Hostile(
    {
        "__init__.py": declared(checked(CHECK % STOPS)),
        "sql/checks/{name}_named.sql": "SELECT pg_sleep(1000000)::text",
    },
    "the check endless_named took longer than 2 s",
)
#: What only the list of commands finds: loads go on.
OF_CLI: Mapping[str, Hostile] = {
    "raising_cli": Hostile(
        {"cli.py": "raise RuntimeError('no commands')"},
        "its commands: RuntimeError: no commands (isobar_raising_cli/cli.py:1)",
    ),
    "command_run": Hostile(
        {"cli.py": "import click\n\ncommands = [click.Command('run', callback=print)]"},
        "its commands: ValueError: there is a command 'run' already",
    ),
}
#: What only commands find.
OF_COMMANDS: Mapping[str, Hostile] = {
    "raising_sandbox": Hostile(
        {"sandbox.py": "raise RuntimeError('no simulation')"},
        "its sandbox: RuntimeError: no simulation (isobar_raising_sandbox/sandbox.py:1)",
    ),
    "bad_view": Hostile(
        {"sql/views/enriched.{name}_stops.sql": "CREATE OR REPLACE VIEW x AS SELECT nothing"},
        "its migration was rolled back",
    ),
    "invalid_secret": Hostile(
        {"__init__.py": declared(settings='    token: int = secret_text("A token.")\n')},
        "INVALID_SECRET_TOKEN",
    ),
}
RAISING_PAGES = Hostile(
    {"dashboard.py": "raise RuntimeError('no pages')"}, "its pages: RuntimeError: no pages"
)
