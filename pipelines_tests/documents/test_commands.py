"""Commands, options and variables that the documents name exist, and all are documented."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from pipelines.cli.main import isobar
from pipelines.config import Settings
from pipelines.config.env_validation import Variables
from pipelines.runtime.logins import OWNER_PASSWORD, PASSWORDS
from pipelines.source import sources
from pipelines_tests.command import PROJECT, SECRET_VARIABLES
from pipelines_tests.documents.pages import PAGES, blocks, code_spans, name_of

EXAMPLE = PROJECT / ".env.example"
MAKEFILE = PROJECT / "Makefile"
#: It also names commands and options of earlier versions.
HISTORY = PROJECT / "CHANGELOG.md"
SHELL = re.compile(r"(?:^|[(\s=/])(isobar|make) ([^\n|>)#;]*)", re.MULTILINE)


def said(page: Path) -> list[tuple[str, list[str]]]:
    """Each command of ours that a page sets as code, in its words."""
    spans = [one for one in code_spans(page) if re.match(r"(\S*/)?(isobar|make) ", one)]
    code = "\n".join([*spans, *blocks(page, "sh")])
    return [(program, words.split()) for program, words in SHELL.findall(code)]


def leaves(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    """Yield each command that does something, with its whole name."""
    if not isinstance(command, click.Group):
        yield name, command
        return
    context = click.Context(command)
    for word in command.list_commands(context):
        one = command.get_command(context, word)
        assert one is not None
        yield from leaves(one, f"{name} {word}")


def problem(words: list[str]) -> str | None:
    """Return what is wrong with the words of an `isobar` command."""
    command: click.Command = isobar
    for word in words:
        options = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
        if word.startswith("--") and word not in options | {"--help"}:
            return f"{command.name} has no {word}"
        if isinstance(command, click.Group) and not word.startswith("-"):
            found = command.get_command(click.Context(command), word)
            if found is None:
                return f"{command.name} has no command {word}"
            command = found
        if command.context_settings.get("ignore_unknown_options"):
            return None  # what follows is another program's
    return None


@pytest.mark.parametrize("page", sorted({*PAGES} - {HISTORY}), ids=name_of)
def test_commands_and_options_in_documents_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", MAKEFILE.read_text(), re.MULTILINE))
    unknown = [
        " ".join(words)
        for program, words in said(page)
        if words[0] != "…"
        and (words[0] not in targets if program == "make" else problem(words) is not None)
    ]
    assert unknown == []


def test_every_command_and_option_has_a_help_text() -> None:
    silent = []
    for name, command in leaves(isobar, "isobar"):
        options = [one for one in command.params if isinstance(one, click.Option)]
        silent += [] if command.help else [name]
        silent += [f"{name} {one.opts[0]}" for one in options if not (one.help or one.hidden)]
    assert silent == []


def test_every_variable_is_in_the_example_and_no_other() -> None:
    code = (PROJECT / "pipelines/config/__init__.py").read_text()
    read = set(re.findall(r'"((?:ISOBAR|ALERT)_[A-Z_]+)"', code))
    kinds: list[type[Variables]] = [Settings, *(one.settings for one in sources().values())]
    read |= {name for one in kinds for name in one.variables().values()}
    # What docker-compose.yml sets, all variables, and what processes pass on.
    internal = {"ISOBAR_SANDBOX_URL", "ENVIRONMENT", "ISOBAR_RUN_LOGS"}
    composed = set(
        re.findall(r"\$\{([A-Z_]+)[:}]", (PROJECT / "docker-compose.yml").read_text())
    ) - {f"{name}_FILE" for name in SECRET_VARIABLES | {OWNER_PASSWORD, *PASSWORDS.values()}}
    shown = re.findall(r"^# ([A-Z_]+)=", EXAMPLE.read_text(), re.MULTILINE)
    assert sorted(shown) == sorted((read | composed) - internal)
