"""The variables of sources: one class for each source, one field for each variable.

`.env.example` and the pages about settings are made from these classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from pipelines.config.env_validation import expand_path, misconfigured, utf_8
from pipelines.config.secret_files import secret
from pipelines.failures import PermanentFailure

if TYPE_CHECKING:
    from pipelines.config import Settings

#: A line of which some encodings make halves of surrogate pairs, or an error of their own.
ODD_LINE = rb".xn--\ud800+2AA-"


def url(
    description: str,
    *,
    sandbox: str = "",
    live: str | None = None,
    example: str = "",
    is_optional: bool = False,
) -> Any:
    """A field with the address of a service.

    Unset, it is the path `sandbox` of the simulated sources, or `live` with real ones. With
    `is_optional` the source is on without it.
    """
    extra: dict[str, Any] = {"url": sandbox, "live": live, "is_optional": is_optional}
    extra["example"] = example
    return Field(default=None, description=description, json_schema_extra=extra)


def folder(description: str, *, example: str = "") -> Any:
    """A field with the inbox of a source; unset, `inbox/<source>` of ISOBAR_HOME in the sandbox."""
    extra: dict[str, Any] = {"folder": True, "example": example}
    return Field(default=None, description=description, json_schema_extra=extra)


def secret_text(description: str) -> Any:
    """A field with a secret, which a file may hold that `<variable>_FILE` names."""
    return Field(default=None, description=description, json_schema_extra={"secret": True})


def _zone(value: str) -> str:
    try:
        return ZoneInfo(value).key
    except (KeyError, ValueError, OSError) as error:
        raise PydanticCustomError(
            "time_zone", "is no time zone", {"remedy": "Set it to UTC, Asia/Tashkent or alike."}
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
            "encoding", "is no encoding that extends ASCII", {"remedy": remedy}
        )
    return value


#: The name of a time zone that there is.
TimeZoneName = Annotated[str, AfterValidator(_zone)]
#: An encoding in which lines and commas are the bytes that they are in ASCII.
TextEncoding = Annotated[str, AfterValidator(_encoding)]


class SourceSettings(BaseSettings):
    """The variables of a source, by the class's `env_prefix` and the names of its fields.

    A variable that is empty counts as unset. Addresses that are unset point at the sandbox, or with
    real sources at a public service, or are None: then the source is off.
    """

    model_config = SettingsConfigDict(extra="ignore", frozen=True, validate_default=False)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic-settings passes all of them
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what `load` found: it knows files of secrets, the sandbox and public services."""
        return (init_settings,)

    @classmethod
    def variable(cls, field: str) -> str:
        """The environment variable of a field."""
        return f"{cls.model_config.get('env_prefix', '')}{field}".upper()

    @classmethod
    def variables(cls) -> dict[str, str]:
        """The environment variable of each field."""
        return {field: cls.variable(field) for field in cls.model_fields}

    @classmethod
    def about(cls, field: str) -> Mapping[str, Any]:
        """What `url`, `folder` and `secret_text` say of a field."""
        extra = cls.model_fields[field].json_schema_extra
        return extra if isinstance(extra, dict) else {}

    @classmethod
    def switches(cls) -> list[str]:
        """The fields of which one has to be set with real sources, else the source is off."""
        return [
            field
            for field in cls.model_fields
            if ("url" in (extra := cls.about(field)) or "folder" in extra)
            and not extra.get("is_optional")
        ]

    @classmethod
    def load(cls, platform: Settings, source: str, **values: object) -> Self:
        """Read the variables; `values` win over them. Raises `PermanentFailure`."""
        given = {field: value for field, value in values.items() if value is not None}
        for field in cls.model_fields.keys() - given.keys():
            if (value := cls._value(platform, source, field)) is not None:
                given[field] = value
        try:
            return cls(**given)
        except ValidationError as error:
            raise cls._misconfigured(error) from error

    @classmethod
    def is_set_up(cls, platform: Settings) -> bool:
        """Whether the source is on, by its variables as they stand: none of them is checked."""
        switches = cls.switches()
        return (
            platform.sources != "live"
            or not switches
            or any(
                cls.about(field).get("live")
                or platform.environment.get(cls.variable(field), "").strip()
                for field in switches
            )
        )

    @property
    def is_off(self) -> bool:
        """Whether no variable sets where the source is."""
        switches = self.switches()
        return bool(switches) and all(getattr(self, field) is None for field in switches)

    def missing(self) -> str:
        """What to say of a source that is off."""
        names = [self.variable(field) for field in self.switches()]
        if len(names) == 1:
            return f"{names[0]} is not set"
        return f"neither {' nor '.join(names)} is set"

    @classmethod
    def _value(cls, platform: Settings, source: str, field: str) -> object:
        """The value of a field: of its variable, else where the sandbox or the service is."""
        name, extra = cls.variable(field), cls.about(field)
        if extra.get("secret"):
            return utf_8(name, secret(platform.environment, name)) or None
        value = platform.environment.get(name, "").strip()
        if "folder" in extra:
            return expand_path(name, value) if value else platform.inbox(source)
        if value:
            return utf_8(name, value)
        return platform.default_url(extra["url"], extra["live"]) if "url" in extra else None

    @classmethod
    def _misconfigured(cls, error: ValidationError) -> PermanentFailure:
        problem = error.errors()[0]
        field = str(problem["loc"][0]) if problem["loc"] else ""
        context = problem.get("ctx", {})
        info: FieldInfo | None = cls.model_fields.get(field)
        about = (info.description if info else None) or "See .env.example."
        if "remedy" in context:
            problem_text = f"{cls.variable(field)} is {problem['input']!r}, which {problem['msg']}"
            return misconfigured(problem_text, str(context["remedy"]))
        problem_text = f"{cls.variable(field)} is {problem['input']!r}: {problem['msg']}"
        return misconfigured(problem_text, f"What it is for: {about}")


#: What `folder` gives.
Folder = Path | None
