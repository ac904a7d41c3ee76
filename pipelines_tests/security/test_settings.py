"""No message has the value of a secret, or of a setting that is called like one.

A plug-in with an invalid setting printed `HOSTILE_TOKEN is {… sk-very-secret}`.
"""

import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from pydantic import ValidationError

from pipelines.config import Settings
from pipelines.failures import PermanentFailure, redact
from pipelines.isolation import broken_sources
from pipelines.source import sources
from pipelines_tests.plugins import installed, write

MARKED = "sk-very-secret"
DECLARATION = """
import pydantic
from pipelines.source import SecretStr, Source, SourceSettings, secret_text


class Settings(SourceSettings, env_prefix="HOSTILE_"):
    {fields}


source = Source(name="{name}", package=__name__, about="A.", settings=Settings, job="J.")
"""
FIELDS = {
    "a secret of another type": "token: int = secret_text('A token.')",
    "a password in a container": "token: dict[str, str] | None = None",
    "another one is not set": """token: str = ''
    pin: SecretStr | None = secret_text('A.')
    needed: str""",
    "its validator repeats it": """pin: SecretStr | None = secret_text('A pin.')

    @pydantic.field_validator("pin")
    @classmethod
    def check(cls, value: SecretStr) -> SecretStr:
        raise ValueError(f"{value.get_secret_value()[:12]} is bad")""",
    "the validator of all repeats it": """pin: SecretStr | None = secret_text('A pin.')

    @pydantic.model_validator(mode="after")
    def check(self) -> "Settings":
        raise ValueError(f"{self.pin.get_secret_value()} is bad")""",
}
SET = {f"HOSTILE_{name}": MARKED for name in ("TOKEN", "PIN")}


@pytest.fixture
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    declared = DECLARATION.replace("{fields}", FIELDS[request.param])
    write(tmp_path, "hostile", {"__init__.py": declared})
    with installed(tmp_path):
        yield tmp_path


def platform(variables: Mapping[str, str]) -> Settings:
    return Settings.from_environment({"ISOBAR_SOURCES": "live", **variables})


@pytest.mark.parametrize("folder", FIELDS, indirect=True)
def test_an_invalid_secret_or_unknown_setting_is_named_and_not_shown(folder: Path) -> None:
    with pytest.raises(PermanentFailure) as caught:
        sources()["hostile"].load_settings(platform(SET))
    text = "".join(traceback.format_exception(caught.value))
    assert MARKED[:12] not in text
    assert "HOSTILE_" in text or "***" in text
    assert "what to do" in text


@pytest.mark.parametrize("folder", ["the validator of all repeats it"], indirect=True)
def test_settings_hide_their_values_from_logs(folder: Path) -> None:
    """A plug-in may construct or print them itself."""
    kind = sources()["hostile"].settings
    with pytest.raises(ValidationError) as caught:
        kind.model_validate({"pin": [MARKED]})
    assert MARKED not in str(caught.value)
    assert MARKED not in repr(kind.model_construct(pin=MARKED))
    url = f"postgresql://u:{MARKED}@h/d"
    assert MARKED not in repr(platform({"DATABASE_URL": url, "DAGSTER_POSTGRES_URL": url}))


OWN = f"""
from pydantic import BaseModel


class Own(BaseModel):
    token: int = 1
    more: dict[str, str] = {{}}


Own(token="{MARKED}")
"""


def test_the_error_of_a_plug_in_is_noted_without_what_it_read(tmp_path: Path) -> None:
    write(tmp_path, "hostile", {"__init__.py": OWN})
    with installed(tmp_path):
        assert "hostile" not in sources()
        (found,) = [one for one in broken_sources() if one.name == "hostile"]
        assert "validation error" in found.problem
        assert MARKED not in found.problem


def test_the_input_of_a_validation_error_is_masked() -> None:
    line = f"  bad [type=int_parsing, input_value='a, input_type=b]{MARKED}', input_type=str]\n  x"
    assert redact(line) == "  bad [type=int_parsing]\n  x"
