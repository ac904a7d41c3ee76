"""The built-in PostgreSQL: a regular server on loopback that outlives the process that started it.

Everything goes through `pg_ctl`; `migrate` manages what is in the databases.
"""

import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock
import psutil
import psycopg
from psycopg import sql

from pipelines.failures import NotReady, TransientFailure
from pipelines.postgres import software, state_folder
from pipelines.postgres.log_files import rotate, shortened
from pipelines.postgres.ports import free_port
from pipelines.postgres.process_identity import is_alive
from pipelines.postgres.roles import DAGSTER, ROLES, SUPERUSER, WAREHOUSE

#: What PostgreSQL says of a login that waiting does not help.
WRONG_PASSWORD = "password authentication failed"  # noqa: S105 - no password
#: A locale that sorts the same on every system.
BUILTIN_LOCALE = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
FOLDER_FOR_ROOT = Path("/var/lib/isobar")
#: Settings, to which those are added that follow from the memory.
CONF = Path(__file__).with_name("isobar.conf")
MIB, GIB = 2**20, 2**30
#: The limit of a container, in bytes, or `max`.
LIMIT = Path("/sys/fs/cgroup/memory.max")


@dataclass(frozen=True)
class Connections:
    """Port of a running server, and the passwords of its roles."""

    port: int
    passwords: dict[str, str]

    def url(self, role: str, database: str) -> str:
        """Return a libpq URL over loopback TCP, without a driver suffix."""
        return f"postgresql://{role}:{self.passwords[role]}@127.0.0.1:{self.port}/{database}"


class EmbeddedPostgres:
    """The server of the state folder `state`; `report` receives progress messages."""

    def __init__(self, state: Path, report: Callable[[str], None] = lambda _: None) -> None:
        #: Without links and `..`: one folder has one server, however its path is spelled.
        self.state = state.resolve()
        self.report = report

    @property
    def home(self) -> Path:
        """The folder with data, log and passwords."""
        moved = self.state / "postgres.moved"
        text = moved.read_text().strip() if moved.exists() else ""
        return Path(text) if text else self.state / "postgres"

    @property
    def data(self) -> Path:
        """PostgreSQL's own data folder."""
        return self.home / "data"

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.home / "server.log"

    def start(self) -> Connections:
        """Start the server, creating it if it does not exist. Safe to call at any time.

        Raises `TransientFailure` if it does not start; the message says where to look.
        """
        state_folder.create(self.state)
        with self._alone():
            if running := self.connections():
                return running
            self._choose_home()
            binaries = self._binaries()
            self._initialise(binaries)
            running = self._start(binaries)
            _make_databases(running)
            return running

    def stop(self) -> bool:
        """Stop the server of this state folder. Returns False if it was not running."""
        if not self.state.exists():
            return False
        with self._alone():
            if self._postmaster() is None:
                return False
            self._pg_ctl(self._binaries(), "stop", "-m", "fast", "-w", "-t", "60")
            return True

    def connections(self) -> Connections | None:
        """Return how to connect, or None if the server does not run.

        Raises `TransientFailure` if it runs but accepts no connections.
        """
        error = ""
        deadline = time.monotonic() + 60
        while self._postmaster() and time.monotonic() < deadline:
            lines = self._pid_file_lines()
            if len(lines) == 8 and lines[7].strip() == "ready":
                server = Connections(int(lines[3]), self._passwords())
                try:  # while it recovers from a crash, it says that it is ready, too
                    _connect(server, connect_timeout=5).close()
                except psycopg.OperationalError as caught:
                    error = str(caught).strip()
                else:
                    return server
                if WRONG_PASSWORD in error:
                    break
            time.sleep(0.05)  # it is starting, recovering or exiting
        if error and self._postmaster():
            raise TransientFailure(
                "database",
                f"the built-in PostgreSQL runs but accepts no connection: {error}",
                place=str(self.log),
                remedy="Mend what it says, see the log, then run the same command again.",
            )
        return None

    def recorded(self) -> Connections:
        """Return how to connect to a server that was started earlier; does not check that it runs.

        Raises `NotReady` if it was never started.
        """
        port = self._recorded_port()
        if port is None or not (self.home / "passwords.json").exists():
            raise NotReady(
                "database",
                "the built-in PostgreSQL was never started here",
                place=str(self.state),
                remedy="Start it: isobar database start, or isobar run.",
            )
        return Connections(port, self._passwords())

    def _passwords(self) -> dict[str, str]:
        passwords: dict[str, str] = json.loads((self.home / "passwords.json").read_text())
        return passwords

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Allow only one command at a time to work on the server of this folder."""
        try:
            with filelock.FileLock(self.state / "postgres.lock", timeout=120):
                yield
        except filelock.Timeout as error:
            raise TransientFailure(
                "database",
                "another command has been using the built-in server for two minutes",
                place=str(self.state / "postgres.lock"),
                remedy="Wait for it to end, or end it, and run again.",
            ) from error

    def _choose_home(self) -> None:
        """As root, move the server's files to a folder that its system user can reach."""
        user = software.system_user()
        if user is not None and not self.home.exists():
            if not software.may_execute(self.state, user):
                home = FOLDER_FOR_ROOT / secrets.token_hex(6)
                state_folder.create(FOLDER_FOR_ROOT)
                (self.state / "postgres.moved").write_text(f"{home}\n")
                self.report(
                    f"The built-in PostgreSQL runs as the user {user.pw_name!r}, who cannot reach"
                    f" {self.state}: its data is in {home}."
                )
            self.home.mkdir(parents=True)
            software.give_to_system_user(self.home)
        self.home.mkdir(parents=True, exist_ok=True)

    def _binaries(self) -> Path:
        """Return the programs' folder, a copy if the server's user cannot execute the original."""
        binaries = software.find_binaries()
        user = software.system_user()
        if user is None or software.may_execute(binaries / "postgres", user):
            return binaries
        return software.copy_software(binaries, self.home)

    def _initialise(self, binaries: Path) -> None:
        """Create the data folder under a temporary name, so that a crash leaves no partial one."""
        if self.data.exists():
            return
        self.report("Making the built-in PostgreSQL …")
        passwords = {role: secrets.token_urlsafe(18) for role in ROLES}
        _write_private(self.home / "passwords.json", json.dumps(passwords))
        password_file = self.home / "owner.password"
        _write_private(password_file, passwords[SUPERUSER])
        software.give_to_system_user(password_file)
        unfinished = self.home / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        major = software.major_version(binaries / "initdb")
        software.run_as_system_user(
            binaries / "initdb",
            f"--pgdata={unfinished}",
            f"--username={SUPERUSER}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            *(BUILTIN_LOCALE if major >= 17 else ["--locale=C.UTF-8"]),
            "--data-checksums",
            log=self.home,
        )
        password_file.unlink()
        with (unfinished / "postgresql.conf").open("a") as conf:
            conf.write("\ninclude 'isobar.conf'\n")
        unfinished.rename(self.data)

    def _start(self, binaries: Path) -> Connections:
        self._clear_stale_pid_file()
        rotate(self.log)
        sized = "".join(f"{name} = '{v}'\n" for name, v in settings_for(usable_memory()).items())
        settings = CONF.read_text() + sized
        deadline = time.monotonic() + 60
        while True:
            port = free_port(preferred=self._recorded_port())
            _write_private(self.data / "isobar.conf", settings.format(port=port))
            software.give_to_system_user(self.data / "isobar.conf")
            before = self.log.stat().st_size if self.log.exists() else 0
            try:
                self._pg_ctl(binaries, "start", "-w", "-t", "60", "-l", str(self.log))
            except TransientFailure as failure:
                problem = self._log_since(before) or failure.problem
            else:
                _write_private(self.home / "port", str(port))
                if running := self.connections():
                    return running
                problem = self._log_since(before)
            # A killed server's remains release what they use within a second or so.
            is_used = re.search("in use|lock file|could not bind|starting up", problem)
            if not is_used or time.monotonic() > deadline:
                raise TransientFailure(
                    "database",
                    "the built-in PostgreSQL did not start: "
                    f"{shortened(problem) or 'no reason given'}",
                    place=str(self.log),
                    remedy="Read the log, fix the cause (docs/database.md), then run it again.",
                )
            time.sleep(0.3)

    def _pg_ctl(self, binaries: Path, *words: str) -> None:
        software.run_as_system_user(binaries / "pg_ctl", "-D", str(self.data), *words, log=self.log)

    def _postmaster(self) -> psutil.Process | None:
        """Return the server's process if it runs, with this data folder in its command line."""
        with suppress(IndexError, ValueError, psutil.Error):
            process = psutil.Process(int(self._pid_file_lines()[0]))
            paths = {os.path.realpath(one) for one in process.cmdline() if one.startswith("/")}
            if is_alive(process) and os.path.realpath(self.data) in paths:
                return process
        return None

    def _pid_file_lines(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def _clear_stale_pid_file(self) -> None:
        """Delete a PID file that a reboot left behind and that prevents PostgreSQL from starting.

        The file is deleted only if the process is provably another program.
        """
        with suppress(IndexError, ValueError, psutil.Error):
            words = psutil.Process(int(self._pid_file_lines()[0])).cmdline()
            if words and Path(words[0]).name != "postgres":
                (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _recorded_port(self) -> int | None:
        try:
            return int((self.home / "port").read_text())
        except (FileNotFoundError, ValueError):
            return None

    def _log_since(self, offset: int) -> str:
        if not self.log.exists():
            return ""
        with self.log.open(errors="replace") as log:
            log.seek(offset)
            return log.read()


def usable_memory() -> int:
    """Return the bytes of memory that this process may use."""
    limit = LIMIT.read_text().strip() if LIMIT.is_file() else ""
    total: int = psutil.virtual_memory().total
    return min(total, int(limit)) if limit.isdigit() else total


def settings_for(memory: int) -> dict[str, str]:
    """Return the settings of a server that shares a memory in bytes with runs, by name."""
    sizes = {  # the least, a share of the memory, the most: what is between the others
        "shared_buffers": (128 * MIB, memory // 8, 8 * GIB),
        "effective_cache_size": (256 * MIB, memory // 2, 256 * GIB),
        "work_mem": (4 * MIB, memory // 384, 64 * MIB),
        "maintenance_work_mem": (64 * MIB, memory // 32, 1 * GIB),
        "max_wal_size": (1 * GIB, memory // 4, 4 * GIB),
    }
    return {name: f"{sorted(size)[1] // MIB}MB" for name, size in sizes.items()}


def _connect(server: Connections, **options: Any) -> psycopg.Connection:
    """Connect as the superuser, overriding PGSSLMODE: the server has no TLS and needs none."""
    return psycopg.connect(server.url(SUPERUSER, "postgres"), sslmode="disable", **options)


def _make_databases(server: Connections) -> None:
    """Create the two databases and the login roles if they are missing."""
    from pipelines.postgres.clients import create_database, revoke_public_connect

    with _connect(server, autocommit=True) as connection:
        roles = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
        for role in server.passwords.keys() - roles:
            names = sql.Identifier(role), sql.Literal(server.passwords[role])
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(*names))
        create_database(connection, WAREHOUSE, SUPERUSER)
        create_database(connection, DAGSTER, DAGSTER)
        for name in (DAGSTER, "postgres", "template1"):  # only their owner may connect
            revoke_public_connect(connection, name)


def _write_private(path: Path, text: str) -> None:
    """Write a file that only this user may read, atomically."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)
