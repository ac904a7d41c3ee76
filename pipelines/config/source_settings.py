"""Environment variables of sources: one class per source, one field per variable.

`.env.example` and the settings pages of the documentation are generated from these classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Literal,
    Self,
    Union,
    get_args,
    get_origin,
)
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from pipelines.config.env_validation import expand_path, misconfigured, utf_8
from pipelines.config.secret_files import MIN_CHARACTERS, is_secret_name, secret
from pipelines.failures import PermanentFailure, redact

if TYPE_CHECKING:
    from pipelines.config import Settings

#: A line that some encodings decode to lone surrogates or reject with their own exception type.
ODD_LINE = rb".xn--\ud800+2AA-"


def url(
    description: str,
    *,
    sandbox: str = "",
    example: str = "",
    is_optional: bool = False,
) -> Any:
    """Declare the URL of a service.

    If it is unset, it is the path `sandbox` of the simulated sources; with real ones it is None.
    With `is_optional`, the source is on without it.
    """
    extra: dict[str, Any] = {"url": sandbox, "is_optional": is_optional, "example": example}
    return Field(default=None, description=description, json_schema_extra=extra)


def folder(description: str, *, example: str = "") -> Any:
    """Declare a source's inbox; the sandbox defaults to `inbox/<source>` of ISOBAR_HOME."""
    extra: dict[str, Any] = {"folder": True, "example": example}
    return Field(default=None, description=description, json_schema_extra=extra)


def secret_text(description: str) -> Any:
    """Declare a `SecretStr`, which may also be read from the file that `<variable>_FILE` names."""
    extra: dict[str, Any] = {"secret": True}
    return Field(default=None, description=description, repr=False, json_schema_extra=extra)


def _zone(value: str) -> str:
    try:
        return ZoneInfo(value).key
    except (KeyError, ValueError, OSError) as error:
        raise PydanticCustomError(
            "time_zone",
            "is not a time zone",
            {"remedy": "Set it to an IANA name, such as UTC or Asia/Tashkent."},
        ) from error


def _encoding(value: str) -> str:
    try:
        is_fit = 'a,;"\n'.encode(value) == b'a,;"\n'
        ODD_LINE.decode(value).encode()
    except (LookupError, TypeError, ValueError):
        is_fit = False
    if not is_fit:
        remedy = "Set it to utf-8, cp1252, latin-1 or the like."
        raise PydanticCustomError(
            "encoding", "is not an encoding that extends ASCII", {"remedy": remedy}
        )
    return value


#: The name of an existing time zone.
TimeZoneName = Annotated[str, AfterValidator(_zone)]
#: An encoding in which line breaks and commas are the same bytes as in ASCII.
TextEncoding = Annotated[str, AfterValidator(_encoding)]


class SourceSettings(BaseModel):
    """The variables of a source, named by the class's `env_prefix` and its field names.

    An empty variable counts as unset. An unset URL points to the sandbox. With real sources it
    is None, which turns the source off.
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
        return f"{cls._prefix}{field}".upper()

    @classmethod
    def variables(cls) -> dict[str, str]:
        """Return the environment variable of each field."""
        return {field: cls.variable(field) for field in cls.model_fields}

    @classmethod
    def about(cls, field: str) -> Mapping[str, Any]:
        """Return the properties of a field declared with `url`, `folder` or `secret_text`."""
        extra = cls.model_fields[field].json_schema_extra
        return extra if isinstance(extra, dict) else {}

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
        try:
            return cls(**given)
        except ValidationError as error:
            failure = cls._misconfigured(error, given)
        raise failure  # without the error as its cause, for that may contain values

    @classmethod
    def is_set_up(cls, platform: Settings) -> bool:
        """Return whether the source is on, by which variables are set; does not validate them."""
        switches = cls.switches()
        return (
            platform.sources != "live"
            or not switches
            or any(platform.environment.get(cls.variable(field), "").strip() for field in switches)
        )

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
        """Return the value of a field: its variable, else the URL or the inbox of the sandbox."""
        name, extra = cls.variable(field), cls.about(field)
        if extra.get("secret"):
            return utf_8(name, secret(platform.environment, name)) or None
        value = platform.environment.get(name, "").strip()
        if "folder" in extra:
            return expand_path(name, value) if value else platform.inbox(source)
        if value:
            return utf_8(name, value)
        return platform.sandbox_address(extra["url"]) if "url" in extra else None

    @classmethod
    def may_be_shown(cls, field: str) -> bool:
        """Return whether messages may contain the value of a field.

        It must be declared, of a plain type, and neither a secret nor called like one.
        """
        info = cls.model_fields.get(field)
        return (
            info is not None
            and not cls.about(field).get("secret")
            and not is_secret_name(cls.variable(field))
            and _is_plain(info.annotation)
        )

    @classmethod
    def _misconfigured(
        cls, error: ValidationError, given: Mapping[str, object]
    ) -> PermanentFailure:
        problem = error.errors(include_url=False)[0]
        field = str(problem["loc"][0]) if problem["loc"] else ""
        info: FieldInfo | None = cls.model_fields.get(field)
        about = (info.description if info else None) or "See .env.example."
        remedy = problem.get("ctx", {}).get("remedy")
        name, words = cls.variable(field), problem["msg"]
        if problem["type"] == "missing":
            text = f"{name} is not set"
        elif len(problem["loc"]) == 1 and cls.may_be_shown(field):
            text = f"{name} is {problem['input']!r}{', which ' if remedy else ': '}{words}"
        elif field:
            of_author = problem["type"] in ("value_error", "assertion_error")
            text = f"{name} is invalid: its source rejects it" if of_author else f"{name}: {words}"
        else:
            text = words
        hidden = [str(one) for key, one in given.items() if not cls.may_be_shown(key)]
        if not field and any(len(one) < MIN_CHARACTERS for one in hidden):
            text = "the settings are invalid: their source rejects them"  # too short to be masked
        hidden = [one for one in hidden if len(one) >= MIN_CHARACTERS]
        return misconfigured(
            redact(text, hidden), str(remedy or f"Correct or unset it. Its meaning: {about}")
        )


def _is_plain(annotation: object) -> bool:
    """Return whether a type has single values that are no containers and hide nothing."""
    arguments = get_args(annotation)
    origin = get_origin(annotation)
    if origin is Annotated:
        return _is_plain(arguments[0])
    if origin in (Union, UnionType):
        return all(map(_is_plain, arguments))
    return origin is Literal or annotation in (str, int, float, bool, Path, type(None))


#: The type of a field declared with `folder`.
Folder = Path | None
