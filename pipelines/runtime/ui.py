"""`isobar ui`: run web server, daemon and code server on loopback until interrupted."""

import json
import signal
import socket
import tempfile
import threading
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.config import Settings, alert_urls, allowed_hosts, ui_url
from pipelines.failures import Failure, PermanentFailure
from pipelines.orchestration.operations.notifiers import check_urls
from pipelines.orchestration.patience import polling_file
from pipelines.postgres.log_files import rotate
from pipelines.postgres.ports import free_port
from pipelines.postgres.process_identity import find, identity, read_noted_ui
from pipelines.runtime.bootstrap import Report, wait_until
from pipelines.runtime.dagster_processes import (
    POLL_SECONDS,
    code_server,
    daemon,
    web_server,
    write_workspace,
)
from pipelines.runtime.processes import Child, daemon_lock, kill_session, stop_all

LOOPBACK, FIRST_PORT = "127.0.0.1", 3000
MAX_RESTARTS, WITHIN_SECONDS = 5, 600.0
DATABASE_SECONDS, LEFTOVER_SECONDS = 5.0, 10.0


@dataclass
class WebUi:
    """Starts Dagster's three processes, restarts those that end, and its own sandbox, if any."""

    settings: Settings
    environment: dict[str, str]
    report: Report
    sandbox: Child | None = None
    stopped: threading.Event = field(default_factory=threading.Event, init=False)

    @property
    def record(self) -> Path:
        """The file that `read_noted_ui` reads."""
        return self.settings.state / "ui.json"

    def serve(self, requested_port: int | None) -> None:
        """Run until SIGINT, SIGTERM or SIGHUP. Raises `Failure` if it cannot start or stay up."""
        check_urls(alert_urls(self.environment))
        allowed_hosts(self.environment)  # rejects an invalid one before anything starts
        with (
            daemon_lock(self.settings.state, "ui"),
            # For the code server's socket, a folder that only this user may enter. The path of the
            # state folder may be too long for one, and its file system without sockets.
            tempfile.TemporaryDirectory(prefix="isobar-", ignore_cleanup_errors=True) as folder,
        ):
            self._end_leftovers()
            port = free_port(requested_port or FIRST_PORT)
            if requested_port not in (None, port):
                raise PermanentFailure(
                    "ui",
                    f"port {requested_port} is taken",
                    place=f"127.0.0.1:{requested_port}",
                    remedy="Choose another --port, or omit it to use a free one.",
                )
            self._serve(port, Path(folder) / "code")

    def _serve(self, port: int, code_socket: Path) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self.stopped.set())
        if ui_url(self.environment) is None:
            self.environment["ISOBAR_UI_URL"] = f"http://127.0.0.1:{port}"
        children = self._children(port, code_socket)
        code_child, web_child, _ = children
        polling = polling_file(self.settings.dagster_home)
        polling.write_text(str(POLL_SECONDS))
        self.report("Starting the web server, the daemon and the code server …")
        try:
            for child in children:
                child.start()
                self._write_record(port, children)
                if child is code_child:  # the others load the definitions from it
                    wait_until(lambda: self.stopped.is_set() or code_socket.exists(), child, 120)
            wait_until(lambda: self.stopped.is_set() or web_child.listens_on(port), web_child, 120)
            if not self.stopped.is_set():
                self.report(f"The Dagster UI is at http://127.0.0.1:{port} — Ctrl-C stops it.")
            self._watch(port, children)
        finally:
            with suppress(BrokenPipeError):  # the reader is gone, as with a killed script
                self.report("Stopping; a run in flight is given half a minute …")
            polling.unlink(missing_ok=True)  # which ends running ticks; the daemon waits for them
            stop_all(children)
            self.record.unlink(missing_ok=True)
            with suppress(BrokenPipeError):
                self.report("Stopped. PostgreSQL keeps running; isobar database stop stops it.")

    def _children(self, port: int, code_socket: Path) -> list[Child]:
        """Return code server, which whoever connects to it can shut down, web server and daemon."""
        address = {"socket": str(code_socket)}
        workspace = write_workspace(self.settings.state / "workspace.yaml", address)
        commands = {
            "code server": code_server(address),
            "web server": web_server(LOOPBACK, port, workspace),
            "daemon": daemon(workspace),
        }
        logs = {name: self.settings.state / f"{name.replace(' ', '_')}.log" for name in commands}
        return [Child(name, commands[name], self.environment, log) for name, log in logs.items()]

    def _watch(self, port: int, children: list[Child]) -> None:
        """Restart children that end; give up on one that keeps ending."""
        deaths: dict[str, list[float]] = defaultdict(list)
        next_probe = time.monotonic() + DATABASE_SECONDS
        while not self.stopped.wait(1.0):
            now = time.monotonic()
            if self.settings.has_builtin_server and now >= next_probe:
                self._keep_database_up()
                next_probe = time.monotonic() + DATABASE_SECONDS
            for child in [*children, *([self.sandbox] if self.sandbox else [])]:
                child.keep_log_short()
                if child.is_alive():
                    continue
                deaths[child.name] = [at for at in deaths[child.name] if now - at < WITHIN_SECONDS]
                deaths[child.name].append(now)
                if len(deaths[child.name]) > MAX_RESTARTS:
                    raise PermanentFailure(
                        "ui",
                        f"the {child.name} keeps exiting: {child.log_tail()}",
                        place=str(child.log),
                        remedy="Read the log, fix the cause, then start isobar ui again.",
                    )
                self.report(f"The {child.name} ended; starting it again.")
                child.stop()  # and what it started
                child.start()
                self._write_record(port, children)

    def _keep_database_up(self) -> None:
        """Restart the built-in server if it was killed or stopped, and rotate its log."""
        server = self.settings.builtin_server(self.report)
        rotate(server.log)
        try:
            if server.connections() is not None:
                return
            self.report("The database is down; starting it again. To stop it, stop the UI first.")
            server.start()
        except (Failure, OSError) as failure:
            self.report(f"{failure}\n  trying again in {DATABASE_SECONDS:.0f} s")

    def _write_record(self, port: int, children: list[Child]) -> None:
        noted = {child.name: identity(child.pid) for child in children if child.is_alive()}
        record = {
            "url": f"http://127.0.0.1:{port}",
            "host": socket.gethostname(),
            "processes": {"isobar ui": identity(), **noted},
        }
        fresh = self.record.with_name(f"{self.record.name}.new")
        fresh.write_text(json.dumps(record))
        fresh.replace(self.record)  # atomic: isobar status may read it at any time

    def _end_leftovers(self) -> None:
        """Kill what a killed `isobar ui` left behind, and wait until its port is free."""
        url, noted = read_noted_ui(self.settings.state)
        left = [process for process in map(find, noted.values()) if process]
        for process in left:
            kill_session(process.pid)
        port = int((url or ":0").rpartition(":")[2])
        deadline = time.monotonic() + LEFTOVER_SECONDS
        while left and free_port(port) != port and time.monotonic() < deadline:
            time.sleep(0.05)
