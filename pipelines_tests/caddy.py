"""The Caddy that is installed, with our Caddyfile. None is downloaded."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from pipelines.postgres.ports import free_port
from pipelines.runtime.bootstrap import wait_until
from pipelines.runtime.processes import Child
from pipelines_tests.command import PROJECT

CADDYFILE = PROJECT / "deploy" / "access" / "Caddyfile"
MISSING = "there is no Caddy on the PATH; on Debian: apt install caddy"


def path_of_caddy() -> str:
    """Return the path of Caddy; without one the test is skipped, but fails in CI."""
    path = shutil.which("caddy")
    if path is None and os.environ.get("CI") == "true":
        pytest.fail(MISSING)
    if path is None:
        pytest.skip(MISSING)
    return path


def hashed(password: str) -> str:
    words = [path_of_caddy(), "hash-password", "--plaintext", password]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def variables(folder: Path, **given: str) -> dict[str, str]:
    """Caddy's environment: its own files go into `folder`, and none of ours is passed on."""
    folders = dict.fromkeys(("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"), str(folder))
    return {"PATH": os.defpath, **folders, **given}


def command(verb: str) -> list[str]:
    return [path_of_caddy(), verb, "--adapter", "caddyfile", "--config", str(CADDYFILE)]


@dataclass(frozen=True)
class Proxy:
    process: Child
    viewers: str
    operators: str
    authority: Path


def start(folder: Path, **given: str) -> Proxy:
    """Start Caddy on ports of its own and wait until both of its sites answer."""
    viewers, operators = (f"https://localhost:{free_port()}" for _ in range(2))
    environment = variables(folder, VIEWERS_SITE=viewers, OPERATORS_SITE=operators, **given)
    process = Child("caddy", command("run"), environment=environment, log=folder / "caddy.log")
    authority = folder / "caddy" / "pki" / "authorities" / "local" / "root.crt"

    def answers() -> bool:
        try:
            for site in (viewers, operators):
                requests.get(site, verify=str(authority), timeout=10)
        except (requests.RequestException, OSError):
            return False
        return True

    process.start()
    try:
        wait_until(answers, process, seconds=300)
    except BaseException:
        process.stop()
        raise
    return Proxy(process, viewers, operators, authority)
