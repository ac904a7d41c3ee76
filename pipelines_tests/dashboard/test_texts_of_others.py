"""Markdown in texts of files and of the address: shown as text, so that no picture is fetched."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pipelines.postgres.roles import ANALYST
from pipelines.postgres.server import Connections
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.dashboard.test_pages import reading, show
from pipelines_tests.sources.shipments.made_up import deliver, line

PICTURE = "![seen](http://127.0.0.1:9/seen.png)"


def texts(page: AppTest) -> list[str]:
    """Return all texts in which Streamlit understands Markdown."""
    kinds = (page.markdown, page.subheader, page.caption, page.warning, page.info, page.error)
    return [str(one.value) for kind in kinds for one in kind]


@pytest.mark.parametrize("number", ["TN00000001", PICTURE])
def test_no_text_of_a_parcel_or_of_the_address_is_a_picture(
    server: Connections, database: str, warehouse: Warehouse, tmp_path: Path, number: str
) -> None:
    sent = line(1, carrier=PICTURE, receiver_address=f"Street 1, 10115 {PICTURE}, Germany")
    deliver(warehouse, tmp_path, [sent])
    with reading(server.url(ANALYST, database)):
        page = AppTest.from_function(
            show, args=("pipelines.sources.shipments.dashboard",), default_timeout=60
        )
        page.query_params["parcel"] = number
        page.run()
        assert not page.exception
        assert any("seen" in one for one in texts(page))
        assert [one for one in texts(page) if PICTURE in one] == []
