"""Variables as pydantic models: how they are read, and the failure for an invalid one.

`.env.example` and pages of the documentation are generated from the class of each source.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self
from zoneinfo import ZoneInfo

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
    from pipelines.config import Settings

#: Settings that are called like secrets: a message about an invalid one does not show its value.
SECRET_NAME = re.compile(
    r"(^|_)(token|password|passwd|passphrase|secret|credentials?|key|auth|cookie)s?(_|$)|apikey",
    re.IGNORECASE,
)
#: Shorter ones are in many words.
SHORTEST_SECRET = 4
#: The type of errors of our own validators.
OURS = "variable"


def secret_text(description: str) -> Any:
    """Declare a `SecretStr`, which may also be read from the file that `<variable>_FILE` names."""
    extra: dict[str, Any] = {"secret": True}
    return Field(default=None, description=description, repr=False, json_schema_extra=extra)


class Variables(BaseModel):
    """Environment variables, by `env_prefix` and the names of fields; an empty one is unset."""

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
        """Return what a field's declaration adds, such as the address that `url` gives."""
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
        hidden = [name for name in given if not cls.may_be_shown(name)]
        if problem["type"] == "missing":
            words = "is not set"
        elif field in hidden and problem["type"] in ("value_error", "assertion_error"):
            words = "is invalid: its source rejects it"  # whose words may repeat it
        else:
            words = problem["msg"] if problem["type"] == OURS else f"is invalid: {problem['msg']}"
        values = [text for name in hidden if len(text := str(given[name])) >= SHORTEST_SECRET]
        info = cls.model_fields.get(field)
        meaning = (
            f"Its meaning: {info.description}" if info and info.description else "See .env.example."
        )
        raise misconfigured(
            redact(f"{cls.variable(field) if field else 'a setting'} {words}", values),
            f"Correct or unset it. {meaning}",
        )

    @classmethod
    def may_be_shown(cls, field: str) -> bool:
        """Return whether messages may contain the value of a field: no secret, nor called so."""
        info = cls.model_fields.get(field)
        if info is None or cls.about(field).get("secret") or is_secret_name(cls.variable(field)):
            return False
        return "Secret" not in str(info.annotation)


def misconfigured(problem: str, remedy: str) -> PermanentFailure:
    """Return the failure for an invalid variable."""
    return PermanentFailure(
        "configuration", problem, place="the environment or .env", remedy=remedy
    )


def invalid(problem: str) -> PydanticCustomError:
    """Return the error of a validator; `problem` goes on after the name of the variable."""
    return PydanticCustomError(OURS, "{problem}", {"problem": problem})


def is_secret_name(name: str) -> bool:
    """Return whether a variable is called like a secret, as `BUSES_API_TOKEN` is."""
    return SECRET_NAME.search(name) is not None


def secret(environment: Mapping[str, str], name: str) -> str:
    """Return the value of `name`, else the content of the file `<name>_FILE`, else an empty string.

    Raises `PermanentFailure` if it cannot be read, or is not in UTF-8.
    """
    value = environment.get(name, "").strip()
    file = environment.get(f"{name}_FILE", "").strip()
    read = f"{name}_FILE" if file and not value else name
    try:
        if read != name:
            return Path(file).read_text("utf-8-sig").strip("\r\n")
        return value.encode().decode()
    except OSError as error:
        problem = f"{read}={file}: the secret's file cannot be read: {error.strerror}"
    except ValueError:
        problem = f"{read} is not in UTF-8"
    remedy = "Name a file that holds nothing but the secret and that this user may read"
    raise misconfigured(problem, f"{remedy} (in a container: the user 10001).")


def expanded(value: str | Path) -> Path:
    """Return an absolute path; a `~` is that of the user."""
    try:
        return Path(value).expanduser().absolute()
    except RuntimeError as error:
        raise invalid("names a user who has no home folder") from error


def _address(backends: Collection[str], example: str) -> AfterValidator:
    """Return a validator of a URL, which adds the password that another variable has."""

    def whole(value: SecretStr, info: ValidationInfo) -> SecretStr:
        from sqlalchemy import make_url  # imported only if a URL is set
        from sqlalchemy.exc import ArgumentError

        try:
            url = make_url(value.get_secret_value())
            is_fit = url.get_backend_name() in backends and "@" not in (url.host or "")
            is_fit &= bool(url.host if "redis" in backends else url.database)
        except (ArgumentError, ValueError):
            is_fit = False
        if not is_fit:
            raise invalid(f"is not the address of a server: write {example}")
        password = info.data.get(str(info.field_name).replace("_url", "_password"))
        if password is None or url.password is not None:
            return value
        user = url.username or ("default" if "redis" in backends else None)
        url = url.set(username=user, password=password.get_secret_value())
        # libpq requires %20, too.
        return SecretStr(url.render_as_string(hide_password=False).replace(" ", "%20"))

    return AfterValidator(whole)


AnyPath = Annotated[Path, BeforeValidator(expanded)]
DatabaseUrl = Annotated[
    SecretStr,
    _address(
        ("postgresql", "postgres"),
        "postgresql://user:password@host:port/database, with an @ in a password written as %40",
    ),
]
RedisUrl = Annotated[
    SecretStr,
    _address(
        ("redis", "rediss"),
        "redis://default@host:6379/0, and its password into CELERY_BROKER_PASSWORD",
    ),
]


def url(
    description: str, *, sandbox: str = "", example: str = "", is_optional: bool = False
) -> Any:
    """Declare the URL of a service.

    Unset, it is the path `sandbox` of the simulated sources; with real ones it is None. With
    `is_optional`, the source is on without it.
    """
    extra: dict[str, Any] = {"url": sandbox, "is_optional": is_optional, "example": example}
    return Field(default=None, description=description, json_schema_extra=extra)


def folder(description: str, *, example: str = "") -> Any:
    """Declare a source's inbox; the sandbox defaults to `inbox/<source>` of ISOBAR_HOME."""
    extra: dict[str, Any] = {"folder": True, "example": example}
    return Field(default=None, description=description, json_schema_extra=extra)


def _zone(value: str) -> str:
    try:
        return ZoneInfo(value).key
    except (KeyError, ValueError, OSError) as error:
        raise invalid("is not a time zone, such as UTC or Asia/Tashkent") from error


def _encoding(value: str) -> str:
    try:
        is_fit = 'a,;"\n'.encode(value) == b'a,;"\n'
    except (LookupError, TypeError, ValueError):
        is_fit = False
    if not is_fit:
        raise invalid("is not an encoding that extends ASCII, such as utf-8 or cp1252")
    return value


#: The name of an existing time zone.
TimeZoneName = Annotated[str, AfterValidator(_zone)]
#: An encoding in which line breaks and commas are the same bytes as in ASCII.
TextEncoding = Annotated[str, AfterValidator(_encoding)]
#: The type of a field declared with `folder`.
Folder = AnyPath | None


class SourceSettings(Variables):
    """The variables of a source, which is off if, with real sources, no URL or folder is set."""

    @classmethod
    def switches(cls) -> list[str]:
        """Return the fields of which, with real sources, one must be set to turn the source on."""
        return [
            field
            for field in cls.model_fields
            if ("url" in (extra := cls.about(field)) or "folder" in extra)
            and not extra.get("is_optional")
        ]

    @classmethod
    def load(cls, platform: Settings, source: str, **values: object) -> Self:
        """Read the variables; `values` take precedence. Raises `PermanentFailure`."""
        given = {field: value for field, value in values.items() if value is not None}
        for field in cls.model_fields.keys() - given.keys():
            if (value := cls._value(platform, source, field)) is not None:
                given[field] = value
        return cls.validated(given)

    @classmethod
    def is_set_up(cls, platform: Settings) -> bool:
        """Return whether the source is on, by which variables are set; does not validate them."""
        is_needed = platform.sources == "live" and bool(cls.switches())
        return not is_needed or cls.is_chosen(platform.environment)

    @classmethod
    def is_chosen(cls, environment: Mapping[str, str]) -> bool:
        """Return whether a variable that turns the source on is set: it is not simulated then."""
        return any(cls.text(environment, field) for field in cls.switches())

    @property
    def is_off(self) -> bool:
        """Whether none of the variables that turn the source on is set."""
        switches = self.switches()
        return bool(switches) and all(getattr(self, field) is None for field in switches)

    def missing(self) -> str:
        """Return a message that names the unset variables of a source that is off."""
        names = [self.variable(field) for field in self.switches()]
        if len(names) == 1:
            return f"{names[0]} is not set"
        return f"neither {' nor '.join(names)} is set"

    @classmethod
    def _value(cls, platform: Settings, source: str, field: str) -> object:
        """Return the value of a field: its variable, else that of the sandbox, such as its URL."""
        extra = cls.about(field)
        if value := cls.text(platform.environment, field):
            return value
        if "folder" in extra:
            return platform.inbox(source)
        if "url" in extra:
            return platform.sandbox_address(extra["url"])
        if "sandbox" in extra and platform.sources == "sandbox":
            return None if cls.is_chosen(platform.environment) else extra["sandbox"]
        return None
