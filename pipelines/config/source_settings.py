"""Environment variables of sources: one class per source, one field per variable.

`.env.example` and the settings pages of the documentation are generated from these classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from pipelines.config.env_validation import AnyPath, Variables, invalid

if TYPE_CHECKING:
    from pipelines.config import Settings


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
    """The variables of a source.

    An unset URL points to the sandbox. With real sources it is None, which turns the source off.
    """

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
        switches = cls.switches()
        return (
            platform.sources != "live"
            or not switches
            or any(cls.text(platform.environment, field) for field in switches)
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
        extra = cls.about(field)
        if value := cls.text(platform.environment, field):
            return value
        if "folder" in extra:
            return platform.inbox(source)
        return platform.sandbox_address(extra["url"]) if "url" in extra else None
