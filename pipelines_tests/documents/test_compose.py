"""docker-compose.yml keeps its promises; that it works is shown by deploy/verify-compose.sh."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml  # type: ignore[import-untyped]

from pipelines.runtime.logins import OWNER_PASSWORD, PASSWORDS
from pipelines_tests.command import PROJECT, executed

COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OF_PEOPLE = {OWNER_PASSWORD, "ANALYST_PASSWORD", "OPERATOR_PASSWORD"}
#: The two services that exit before anything loads foreign data.
WITH_ALL = {"configuration", "migrate"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_no_more_rights_than_it_needs_and_ports_of_loopback(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    for port in service.get("ports", []):
        assert re.match(r"\$\{[A-Z]+_BIND:-127\.0\.0\.1\}:", port), port


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_loading_services_receive_no_passwords_of_human_roles(name: str) -> None:
    service = SERVICES[name]
    words = f"{service.get('environment')} {service.get('secrets')}"
    passed = {one for one in OF_PEOPLE if f"${{{one}:-}}" in words or one.lower() in words}
    owners = {OWNER_PASSWORD} if name in ("postgres", "tools") else set()
    owners = {"ANALYST_PASSWORD"} if name == "dashboard" else owners  # which loads nothing
    assert passed == (OF_PEOPLE if name in WITH_ALL else owners)


def test_no_password_has_a_default() -> None:
    text = (PROJECT / "docker-compose.yml").read_text()
    defaults = re.findall(r"(?<!\$)\$\{([A-Z_]*(?:PASSWORD|KEY|HASH)):-([^}]+)\}", text)
    assert defaults == []
    assert set(PASSWORDS.values()) | {OWNER_PASSWORD} <= set(re.findall(r"\$\{([A-Z_]+):-\}", text))


def test_passwords_are_generated_once_where_only_the_owner_reads(tmp_path: Path) -> None:
    env = tmp_path / ".env"
    env.write_text("LOADER_PASSWORD=mine\nANALYST_PASSWORD_FILE=/run/analyst\nDAGSTER_PASSWORD=")
    command = [PROJECT / "deploy/passwords.sh", env]
    for _ in range(2):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        text = env.read_text()
    assert env.stat().st_mode & 0o777 == 0o600
    assert "LOADER_PASSWORD=mine\n" in text
    generated = re.findall(r"^([A-Z_]+)_PASSWORD=[0-9a-f]{48}$", text, re.MULTILINE)
    assert generated == ["POSTGRES", "OPERATOR", "DAGSTER", "CELERY_BROKER"]


@pytest.mark.parametrize("comes_up", [True, False])
def test_a_version_that_does_not_come_up_leaves_clone_and_env_on_the_old_one(
    tmp_path: Path, *, comes_up: bool
) -> None:
    """The next `docker compose up`, such as after a restart, would have started it again."""
    clone, programs, called = tmp_path / "isobar", tmp_path / "programs", tmp_path / "called"
    programs.mkdir()
    docker = programs / "docker"
    docker.write_text(
        f'#!/bin/sh\necho "$ISOBAR_IMAGE $*" >> {called}\n'
        f'case "$*" in "compose up"*) exit {int(not comes_up)};; esac\n'
    )
    docker.chmod(0o755)
    git = ["git", "-C", str(clone), "-c", "user.name=a", "-c", "user.email=a@example.org"]

    def run(*command: str | Path) -> str:
        environment = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}"}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
        return f"{done.returncode} {done.stdout.strip()}"

    run("git", "init", "--quiet", clone)
    (clone / "deploy").mkdir()
    shutil.copy(PROJECT / "deploy/deploy.sh", clone / "deploy")
    for tag in ("v1.0.0", "v2.0.0"):
        (clone / "version").write_text(tag)
        run(*git, "add", "version", "deploy")
        run(*git, "commit", "--quiet", "--message", tag)
        run(*git, "tag", tag)
    run(*git, "remote", "add", "origin", str(clone))
    run(*git, "checkout", "--quiet", "v1.0.0")
    (clone / ".env").write_text("ISOBAR_IMAGE=isobar:1\n")
    exit_code, *_ = run(clone / "deploy/deploy.sh", "v2.0.0", "isobar:2").split()
    assert "isobar:2 compose up" in called.read_text()
    number = 2 if comes_up else 1
    assert exit_code == ("0" if comes_up else "1")
    assert (clone / ".env").read_text() == f"ISOBAR_IMAGE=isobar:{number}\n"
    assert (clone / "version").read_text() == f"v{number}.0.0"


def test_the_database_sizes_itself_by_its_machine(tmp_path: Path) -> None:
    started = tmp_path / "docker-entrypoint.sh"
    started.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    started.chmod(0o755)
    sized = PROJECT / "deploy" / "postgres-sized.sh"
    done = executed(sized, "-cjit=off", env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=True)
    program, *flags = done.stdout.split()
    settings = dict(flag.removeprefix("-c").split("=") for flag in flags)
    assert program == "postgres"
    assert settings["jit"] == "off"
    memory = psutil.virtual_memory().total // 2**20
    assert 128 <= int(settings["shared_buffers"].removesuffix("MB")) <= memory // 4
    assert int(settings["effective_cache_size"].removesuffix("MB")) < memory
