"""`isobar ui`: web server, daemon and code server on loopback, until told to stop."""

import json
import signal
import socket
import sys
import threading
from contextlib import suppress

import psutil
import requests

from pipelines.bring_up import Tell, wait_until
from pipelines.core.failures import Failure, PermanentFailure
from pipelines.core.ports import free_port
from pipelines.processes import Child, kill_session, stop_all
from pipelines.resources import Settings

FIRST_PORT = 3000
MOST_RESTARTS = 5
WORKSPACE = """\
load_from:
  - grpc_server: {{host: 127.0.0.1, port: {port}, location_name: pipelines}}
"""


class WebUi:
    """The three processes of Dagster, watched: one that dies is started again."""

    def __init__(self, settings: Settings, environment: dict[str, str], tell: Tell) -> None:
        self.settings = settings
        self.environment = environment
        self.tell = tell
        self.record = settings.state / "ui.json"
        self.stopped = threading.Event()

    def serve(self, port: int | None) -> None:
        """Run until SIGINT, SIGTERM or SIGHUP. Raises `Failure` when it cannot start or stay up."""
        self._refuse_second()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self.stopped.set())
        if port is None:
            port = free_port(preferred=FIRST_PORT)
        code_port = free_port()
        children = self._children(port, code_port)
        try:
            for child in children:
                child.start()
                self._write_record(port, children)
                if child.name == "code server":
                    wait_until(lambda: self.stopped.is_set() or _listens(code_port), child, 120)
            web = children[1]
            wait_until(lambda: self.stopped.is_set() or _serves(port), web, 120)
            if not self.stopped.is_set():
                self.tell(f"The Dagster UI is at http://127.0.0.1:{port} — Ctrl-C stops it.")
            self._watch(children)
        finally:
            self.tell("Stopping; a run in flight is given half a minute …")
            stop_all(children)
            self.record.unlink(missing_ok=True)

    def _children(self, port: int, code_port: int) -> list[Child]:
        workspace = self.settings.state / "workspace.yaml"
        workspace.write_text(WORKSPACE.format(port=code_port))
        loopback = ["-h", "127.0.0.1"]
        module = ["--module-name", "pipelines.definitions", "--location-name", "pipelines"]
        commands = {
            "code server": ["dagster", "api", "grpc", "-p", str(code_port), *loopback, *module],
            "web server": ["dagster_webserver", "-p", str(port), *loopback, "-w", str(workspace)],
            "daemon": ["dagster._daemon", "run", "-w", str(workspace)],
        }
        return [
            Child(
                name,
                [sys.executable, "-m", *command],
                environment=self.environment,
                log=self.settings.state / f"{name.replace(' ', '_')}.log",
            )
            for name, command in commands.items()
        ]

    def _watch(self, children: list[Child]) -> None:
        restarts = 0
        while not self.stopped.wait(1.0):
            if self.settings.has_builtin_server:
                with suppress(Failure):  # tried again a second later
                    self.settings.builtin_server(self.tell).start()
            for child in children:
                if child.is_alive():
                    continue
                restarts += 1
                if restarts > MOST_RESTARTS:
                    raise PermanentFailure(
                        "ui",
                        f"the {child.name} ended again and again: {child.last_words()}",
                        place=str(child.log),
                        remedy="Read the log; when it is mended, start isobar ui again.",
                    )
                self.tell(f"The {child.name} ended; starting it again.")
                child.start()

    def _write_record(self, port: int, children: list[Child]) -> None:
        record = {
            "url": f"http://127.0.0.1:{port}",
            "supervisor": _identity(psutil.Process()),
            "children": [
                _identity(psutil.Process(child.pid)) for child in children if child.is_alive()
            ],
        }
        self.record.write_text(json.dumps(record))

    def _refuse_second(self) -> None:
        """One UI a clone. What a killed one left behind is ended first."""
        try:
            record = json.loads(self.record.read_text())
        except (FileNotFoundError, ValueError):
            return
        if _find(record["supervisor"]):
            raise PermanentFailure(
                "ui",
                "it is running already",
                place=record["url"],
                remedy="Open that address, or stop the other one first.",
            )
        for left in filter(None, map(_find, record["children"])):
            kill_session(left.pid)


def _identity(process: psutil.Process) -> list[float]:
    return [process.pid, process.create_time()]


def _find(identity: list[float]) -> psutil.Process | None:
    """The process of that number, when it is still the same one."""
    try:
        process = psutil.Process(int(identity[0]))
        same = process.create_time() == identity[1]
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _serves(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/server_info", timeout=2).ok
    except requests.RequestException:
        return False
