"""The page of commands: what `isobar --help` and `make help` say, command by command.

`docs.generate` writes the page; a test fails while it is not what this gives.
"""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import click

PAGE = Path(__file__).parent / "commands.md"
MAKEFILE = Path(__file__).parent.parent / "Makefile"
HEAD = """\
# Commands

Look up a command, its options and its exit codes. This page is generated from the commands' own
help texts and from the Makefile: `make docs` writes it; do not edit it.

The command is `.venv/bin/isobar`, which `make run` and `make setup` install; `-h` after any command
shows its help. Results go to standard output, everything else to standard error. Exit codes:
0 success, 1 a failure, with a message, 2 wrong usage, 130 stopped by Ctrl-C.
"""


def page(isobar: click.Group) -> str:
    """The whole page."""
    commands = list(leaves(isobar, "isobar"))
    table = [f"| [`{name}`](#{_anchor(name)}) | {_short(one)} |" for name, one in commands]
    parts = [HEAD, "\n".join(["| command | what it does |", "|---|---|", *table, ""])]
    parts += [_section(name, one) for name, one in commands]
    parts.append("## make\n\n| target | what it does |\n|---|---|")
    parts.append("\n".join(f"| `make {name}` | {about} |" for name, about in targets()) + "\n")
    return "\n".join(parts)


def leaves(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    """Each command that does something, with its whole name."""
    if not isinstance(command, click.Group):
        yield name, command
        return
    context = click.Context(command)
    for word in command.list_commands(context):
        one = command.get_command(context, word)
        assert one is not None
        yield from leaves(one, f"{name} {word}")


def targets() -> list[tuple[str, str]]:
    """Each target of the Makefile that is for people."""
    return re.findall(r"^([a-z-]+):.*## (.*)$", MAKEFILE.read_text(), re.MULTILINE)


def _section(name: str, command: click.Command) -> str:
    arguments = [one for one in command.params if isinstance(one, click.Argument)]
    usage = " ".join([name, *(one.make_metavar(click.Context(command)) for one in arguments)])
    lines = [f"## {name}", "", *([f"`{usage}`", ""] if arguments else []), _words(command), ""]
    options = [one for one in command.params if isinstance(one, click.Option) and not one.hidden]
    if options:
        lines += ["| option | meaning |", "|---|---|"]
        lines += [_option(one, click.Context(command)) for one in options]
        lines.append("")
    return "\n".join(lines)


def _option(option: click.Option, context: click.Context) -> str:
    names, about = option.get_help_record(context) or ("", "")
    return f"| `{_escaped(names.replace(' RANGE', ''))}` | {_escaped(about)} |"


def _words(command: click.Command) -> str:
    """The help text; what it sets apart by hand is shown as it stands."""
    text = inspect.cleandoc(command.help or "")
    parts = [
        f"```\n{one.removeprefix(chr(8)).strip()}\n```" if one.startswith("\b") else one
        for one in re.split(r"\n\n", text)
    ]
    return "\n\n".join(parts)


def _short(command: click.Command) -> str:
    return _escaped(command.get_short_help_str(limit=200))


def _escaped(words: str) -> str:
    return " ".join(words.split()).replace("|", "\\|")


def _anchor(heading: str) -> str:
    return heading.replace(" ", "-")
