"""Two servers that start at the same time are not promised the same port."""

import socket
from pathlib import Path

import pytest

from pipelines.postgres.ports import free_port, reserved_port


@pytest.fixture(autouse=True)
def locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def test_a_port_is_promised_once_though_nobody_listens_yet() -> None:
    wanted = free_port()
    with reserved_port(wanted) as first, reserved_port(wanted) as second:
        assert first == wanted
        assert second != wanted
    with reserved_port(wanted) as again:
        assert again == wanted


def test_a_port_on_which_somebody_listens_is_not_promised() -> None:
    with socket.create_server(("127.0.0.1", 0)) as occupied:
        wanted = occupied.getsockname()[1]
        with reserved_port(wanted) as port:
            assert port != wanted
