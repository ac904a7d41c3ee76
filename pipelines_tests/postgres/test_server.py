"""The built-in server under what happens to servers on people's machines."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pipelines.failures import Failure
from pipelines.postgres import software
from pipelines.postgres.roles import SUPERUSER, WAREHOUSE
from pipelines.postgres.server import GIB, MIB, Connections, EmbeddedPostgres, settings_for

START = """
import sys
from pathlib import Path
from pipelines.postgres.server import EmbeddedPostgres
print(EmbeddedPostgres(Path(sys.argv[1])).start().port)
"""
AS_ROOT = os.geteuid() == 0


@pytest.fixture
def built_in(state_folder: Path) -> Iterator[EmbeddedPostgres]:
    folder = Path(tempfile.mkdtemp(dir=state_folder))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder / "state")
    yield server
    server.stop()


def answer(connections: Connections) -> object:
    with psycopg.connect(connections.url(SUPERUSER, WAREHOUSE)) as connection:
        return connection.execute("SELECT 1").fetchone()


def test_starts_at_once_end_in_one_server_that_outlives_them(built_in: EmbeddedPostgres) -> None:
    start = [sys.executable, "-c", START, str(built_in.state)]
    starters = [subprocess.Popen(start, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    # Each ends: the server keeps no pipe of its starter open.
    (port,) = {starter.communicate(timeout=300)[0] for starter in starters}
    assert [starter.returncode for starter in starters] == [0, 0, 0]
    running = built_in.connections()
    assert running is not None
    assert (running.port, answer(running)) == (int(port), (1,))


def test_a_server_of_others_is_not_touched(built_in: EmbeddedPostgres, server: Connections) -> None:
    """A process id that now belongs to another server, as after a reboot."""
    built_in.start()
    built_in.stop()
    assert built_in.stop() is False
    stranger = subprocess.Popen(["sleep", "60"])
    lines = f"{stranger.pid}\n{built_in.data}\n0\n{server.port}\n/tmp\n127.0.0.1\n1 1\nready\n"
    (built_in.data / "postmaster.pid").write_text(lines)
    assert built_in.connections() is None
    assert built_in.stop() is False
    assert answer(built_in.start()) == (1,)
    assert stranger.poll() is None
    assert answer(server) == (1,)
    stranger.kill()
    stranger.wait()


def test_the_port_stays_the_same_unless_it_is_in_use(built_in: EmbeddedPostgres) -> None:
    port = built_in.start().port
    built_in.stop()
    assert built_in.start().port == port
    built_in.stop()
    with socket.socket() as occupied:
        occupied.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        occupied.bind(("127.0.0.1", port))
        occupied.listen()
        other = built_in.start()
    assert other.port != port
    assert answer(other) == (1,)


def test_the_path_of_a_clone_may_be_anything(state_folder: Path) -> None:
    folder = state_folder / f"with a space, quote's and ünïcode{'x' * 120}"
    folder.mkdir(exist_ok=True)
    server = EmbeddedPostgres(folder / ".isobar")
    running = server.start()
    try:
        assert answer(running) == (1,)
    finally:
        server.stop()


def test_nobody_gets_in_without_the_password(server: Connections) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(
            host="127.0.0.1", port=server.port, user=SUPERUSER, dbname=WAREHOUSE, password=""
        )


def test_an_interrupted_first_start_is_begun_again(built_in: EmbeddedPostgres) -> None:
    (built_in.home / "data.unfinished" / "base").mkdir(parents=True)
    if AS_ROOT:
        software.give_to_system_user(built_in.home)
    assert answer(built_in.start()) == (1,)


def test_a_failed_server_start_reports_reason_and_log(built_in: EmbeddedPostgres) -> None:
    built_in.start()
    built_in.stop()
    with (built_in.data / "postgresql.conf").open("a") as conf:
        conf.write("\nshared_buffers = nonsense\n")
    began = time.monotonic()
    with pytest.raises(Failure, match="shared_buffers") as caught:
        built_in.start()
    assert str(built_in.log) in str(caught.value)
    assert time.monotonic() - began < 20


@pytest.mark.skipif(not AS_ROOT, reason="only root's folders are out of the server's reach")
def test_root_in_a_private_folder_gets_a_reachable_data_directory(tmp_path: Path) -> None:
    messages: list[str] = []
    tmp_path.chmod(0o700)
    server = EmbeddedPostgres(tmp_path / ".isobar", messages.append)
    try:
        assert answer(server.start()) == (1,)
        assert server.home.parent == Path("/var/lib/isobar")
        assert any(str(server.home) in line for line in messages)
        assert EmbeddedPostgres(tmp_path / ".isobar").home == server.home
    finally:
        server.stop()
        subprocess.run(["rm", "-rf", str(server.home)], check=True)


@pytest.mark.skipif(not AS_ROOT, reason="only root can give up the right to look into others")
def test_the_server_is_recognised_as_root_without_ptrace(built_in: EmbeddedPostgres) -> None:
    """As in a container with the usual rights: what other users' processes do cannot be seen."""
    command = [sys.executable, "-c", START, str(built_in.state)]
    without = ["setpriv", "--bounding-set", "-sys_ptrace", "--inh-caps", "-sys_ptrace", *command]
    ports = [subprocess.run(without, capture_output=True, text=True).stdout for _ in range(2)]
    assert ports[0]
    assert ports[0] == ports[1]
    assert answer(built_in.start()) == (1,)


def test_one_home_has_one_server_however_its_path_is_spelled(built_in: EmbeddedPostgres) -> None:
    """Incident: four spellings of one folder started four servers, each without the last's file."""
    home = built_in.state
    built_in.start()
    before = (built_in.data / "postmaster.pid").read_text().splitlines()[:4]
    (home.parent / "link").symlink_to(home)
    for spelled in (f"{home}/", f"{home.parent}/../{home.parent.name}/state", f"{home}/../link"):
        again = EmbeddedPostgres(Path(spelled))
        assert again.start() == built_in.connections()
    assert (built_in.data / "postmaster.pid").read_text().splitlines()[:4] == before


@pytest.mark.parametrize("memory", [1 * GIB, 16 * GIB, 512 * GIB])
def test_a_machine_has_room_for_more_than_the_server(memory: int) -> None:
    sized = {name: int(size.removesuffix("MB")) for name, size in settings_for(memory).items()}
    assert 128 <= sized["shared_buffers"] <= memory // MIB // 8
    # Six runs at once, each with a few sorts.
    assert sized["shared_buffers"] + 24 * sized["work_mem"] <= memory // MIB // 2
