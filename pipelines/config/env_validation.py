"""Variables as pydantic models: how they are read, and the failure for an invalid one."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
)
from pydantic_core import PydanticCustomError

from pipelines.failures import PermanentFailure, redact

if TYPE_CHECKING:
    from sqlalchemy import URL

#: Settings that are called like secrets: a message about an invalid one does not show its value.
SECRET_NAME = re.compile(
    r"(^|_)(token|password|passwd|passphrase|secret|credentials?|key|auth|cookie)s?(_|$)|apikey",
    re.IGNORECASE,
)


#: Shorter ones are in many words.
SHORTEST_SECRET = 4


def secret_text(description: str) -> Any:
    """Declare a `SecretStr`, which may also be read from the file that `<variable>_FILE` names."""
    extra: dict[str, Any] = {"secret": True}
    return Field(default=None, description=description, repr=False, json_schema_extra=extra)


class Variables(BaseModel):
    """Environment variables, named by the class's `env_prefix` and its field names.

    An empty variable counts as unset.
    """

    model_config = ConfigDict(
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        validate_by_name=True,
        arbitrary_types_allowed=True,
    )
    _prefix: ClassVar[str] = ""

    def __init_subclass__(cls, *, env_prefix: str | None = None, **options: Any) -> None:
        super().__init_subclass__(**options)
        if env_prefix is not None:
            cls._prefix = env_prefix

    @classmethod
    def variable(cls, field: str) -> str:
        """Return the environment variable of a field."""
        return str(cls.about(field).get("variable") or f"{cls._prefix}{field}".upper())

    @classmethod
    def variables(cls) -> dict[str, str]:
        """Return the environment variable of each field."""
        return {field: cls.variable(field) for field in cls.model_fields}

    @classmethod
    def about(cls, field: str) -> Mapping[str, Any]:
        """Return the properties of a field declared with `url`, `folder` or `secret_text`."""
        extra = cls.model_fields[field].json_schema_extra if field in cls.model_fields else None
        return extra if isinstance(extra, dict) else {}

    @classmethod
    def text(cls, environment: Mapping[str, str], field: str) -> str:
        """Return the value of a field's variable or of its secret's file; empty if unset."""
        name = cls.variable(field)
        if cls.about(field).get("secret"):
            return secret(environment, name)
        return environment.get(name, "").strip()

    @classmethod
    def validated(cls, given: Mapping[str, object]) -> Self:
        """Make the settings from values by field. Raises `PermanentFailure`."""
        try:
            return cls(**given)
        except ValidationError as error:  # and not as its cause, for it may contain values
            problem = error.errors(include_url=False, include_input=False)[0]
        field = str(problem["loc"][0]) if problem["loc"] else ""
        remedy, words = problem.get("ctx", {}).get("remedy"), problem["msg"]
        hidden = [name for name in given if not cls.may_be_shown(name)]
        if problem["type"] == "missing":
            words = "is not set"
        elif field in hidden and problem["type"] in ("value_error", "assertion_error"):
            words = "is invalid: its source rejects it"  # whose words may repeat it
        elif not remedy:
            words = f"is invalid: {words}"
        values = [text for name in hidden if len(text := str(given[name])) >= SHORTEST_SECRET]
        raise misconfigured(
            redact(f"{cls.variable(field) if field else 'a setting'} {words}", values),
            remedy or f"Correct or unset it. {cls._meaning(field)}",
        )

    @classmethod
    def may_be_shown(cls, field: str) -> bool:
        """Return whether messages may contain the value of a field: no secret, nor called so."""
        info = cls.model_fields.get(field)
        return (
            info is not None
            and not cls.about(field).get("secret")
            and not is_secret_name(cls.variable(field))
            and "Secret" not in str(info.annotation)
        )

    @classmethod
    def _meaning(cls, field: str) -> str:
        info = cls.model_fields.get(field)
        return (
            f"Its meaning: {info.description}" if info and info.description else "See .env.example."
        )


def misconfigured(problem: str, remedy: str) -> PermanentFailure:
    """Return the failure for an invalid variable."""
    return PermanentFailure(
        "configuration", problem, place="the environment or .env", remedy=remedy
    )


def invalid(problem: str, remedy: str) -> PydanticCustomError:
    """Return the error of a validator; `problem` goes on after the name of the variable."""
    return PydanticCustomError("variable", problem, {"remedy": remedy})


def is_secret_name(name: str) -> bool:
    """Return whether a variable is called like a secret, as `BUSES_API_TOKEN` is."""
    return SECRET_NAME.search(name) is not None


def secret(environment: Mapping[str, str], name: str) -> str:
    """Return the value of `name`, else the content of the file `<name>_FILE`, else an empty string.

    Line breaks around the content are removed. Raises `PermanentFailure` if it cannot be read, or
    if the value is not in UTF-8, of which the environment shows other bytes as surrogates.
    """
    value = environment.get(name, "").strip()
    file = environment.get(f"{name}_FILE", "").strip()
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise misconfigured(f"{name} is not in UTF-8", "Save it in UTF-8.")
    if value or not file:
        return value
    try:
        return Path(file).read_text("utf-8-sig").strip("\r\n")
    except (OSError, ValueError) as error:
        raise PermanentFailure(
            "configuration",
            f"the secret's file cannot be read: {getattr(error, 'strerror', None) or 'no text'}",
            place=f"{name}_FILE={file}" if Path(file).is_absolute() else f"{name}_FILE",
            remedy="Name a file that holds nothing but the secret and that this user may read"
            " (in a container: the user 10001).",
        ) from error


def expanded(value: str | Path) -> Path:
    """Return an absolute path; a `~` is that of the user."""
    try:
        return Path(value).expanduser().absolute()
    except RuntimeError as error:
        raise invalid("names a user who has no home folder", "Write the full path.") from error


def _database(value: SecretStr, info: ValidationInfo) -> SecretStr:
    """Check the URL of a database, and add the password that another variable has."""
    url = _parsed(value)
    is_postgresql = url is not None and url.get_backend_name() in ("postgresql", "postgres")
    if url is None or not is_postgresql or "@" in (url.host or "") or not url.database:
        raise invalid(
            "is not the address of a PostgreSQL database",
            "Write postgresql://user:password@host:port/database; an @ in a password is"
            " written as %40.",
        )
    return _with_password(value, info)


def _redis(value: SecretStr, info: ValidationInfo) -> SecretStr:
    """Check the URL of a Redis, and add the password that another variable has."""
    url = _parsed(value)
    if url is None or url.drivername not in ("redis", "rediss") or not url.host:
        raise invalid(
            "is not the URL of a Redis",
            "Write redis://default@host:6379/0, and its password into CELERY_BROKER_PASSWORD.",
        )
    named = url.set(username=url.username or "default")
    return _with_password(SecretStr(named.render_as_string(hide_password=False)), info)


def _parsed(value: SecretStr) -> "URL | None":
    """Parse a URL; None if it is none. SQLAlchemy is imported only if a URL is set."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(value.get_secret_value())
        url.get_backend_name()
    except (ArgumentError, ValueError):
        return None
    return url


def _with_password(value: SecretStr, info: ValidationInfo) -> SecretStr:
    password = info.data.get(str(info.field_name).replace("_url", "_password"))
    url = _parsed(value)
    if password is None or url is None or url.password is not None:
        return value
    whole = url.set(password=password.get_secret_value()).render_as_string(hide_password=False)
    return SecretStr(whole.replace(" ", "%20"))  # libpq requires it, too


AnyPath = Annotated[Path, BeforeValidator(expanded)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_database)]
RedisUrl = Annotated[SecretStr, AfterValidator(_redis)]


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
