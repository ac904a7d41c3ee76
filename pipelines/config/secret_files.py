"""Secrets from a variable, or from a file that another variable names."""

from collections.abc import Mapping
from pathlib import Path

from pipelines.failures import PermanentFailure

MAX_BYTES = 8 * 1024


def secret(environment: Mapping[str, str], name: str) -> str:
    """Return the value of `name`, else the content of the file `<name>_FILE`, else an empty string.

    Leading and trailing line breaks of the file are removed. Raises `PermanentFailure` if it cannot
    be read.
    """
    value = environment.get(name, "").strip()
    file = environment.get(f"{name}_FILE", "").strip()
    if value or not file:
        return value
    try:
        if Path(file).is_fifo():
            raise ValueError("it is a pipe, which would keep us waiting")  # noqa: TRY301 - reported below
        with Path(file).open("rb") as opened:
            words = opened.read(MAX_BYTES + 1).decode("utf-8-sig").strip("\r\n")
        if len(words) > MAX_BYTES or not all(one.isprintable() or one.isspace() for one in words):
            raise ValueError("it is not a few words of text")  # noqa: TRY301 - reported below
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or str(error)
        raise PermanentFailure(
            "configuration",
            f"the secret's file cannot be read: {problem}",
            place=f"{name}_FILE={file}",
            remedy="Name a file that holds nothing but the secret and that this user may read"
            " (in a container: the user 10001).",
        ) from error
    return words
