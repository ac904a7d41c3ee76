"""Secrets from a variable, or from a file that another variable names."""

import re
from collections.abc import Mapping
from pathlib import Path

from pipelines.failures import PermanentFailure

MAX_BYTES = 8 * 1024
#: Settings that are called like secrets: a message about an invalid one does not show its value.
SECRET_NAME = re.compile(
    r"(^|_)(token|password|passwd|passphrase|secret|credentials?|key|auth|cookie)s?(_|$)|apikey",
    re.IGNORECASE,
)
#: A shorter value is masked in no message: it is a part of too many words.
MIN_CHARACTERS = 4


def is_secret_name(name: str) -> bool:
    """Return whether a variable is called like a secret, as `BUSES_API_TOKEN` is."""
    return SECRET_NAME.search(name) is not None


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
            place=f"{name}_FILE={file}" if Path(file).is_absolute() else f"{name}_FILE",
            remedy="Name a file that holds nothing but the secret and that this user may read"
            " (in a container: the user 10001).",
        ) from error
    return words
