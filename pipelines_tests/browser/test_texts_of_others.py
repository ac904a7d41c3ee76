"""Markup in foreign texts: the pages escape it, run none of it and load nothing for it."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from pipelines_tests.browser.watched import Watched
from pipelines_tests.command import isobar
from pipelines_tests.served_ui import Ui
from pipelines_tests.sources.shipments.made_up import line, text_of

pytestmark = pytest.mark.timeout(1500)  # the first one makes the UI
IMAGE = '<img src=x onerror="window.pwned=1">'
MARKUP = [
    IMAGE,
    "<script>window.pwned=1</script> onerror",
    "<svg/onload=window.pwned=1> onerror",
    "[here](javascript:window.pwned=1) onerror",
    "![seen](http://127.0.0.1:9/seen.png) onerror",
    "<a href=javascript:window.pwned=1>there</a> onerror",
    "</td></table><iframe src=//127.0.0.1:9></iframe> onerror",
]
ALIVE = """() => window.pwned !== undefined || document.querySelector(
    'img[src="x"], img[src*="seen"], iframe[src*=":9"], a[href^="javascript:"], svg[onload]')"""
SHOWING = [
    "/assets/shipments/shipments?view=checks&checkDetail=known_statuses",
    "/assets/shipments/addresses?view=checks&checkDetail=readable_addresses",
    "/assets/shipments/shipments?view=checks&checkDetail=no_rejects",
]


def test_no_text_of_others_is_markup_on_any_page(watched: Watched, ui: Ui, tmp_path: Path) -> None:
    """After runs that rejected a file with a hostile name and loaded one of hostile texts."""
    added = isobar(ui.state, "plants", "add", IMAGE)
    assert added.returncode == 0, added.stderr
    columns = ("article_name", "sku", "status", "receiver_address", "sender_address")
    lines = [line(n, **dict.fromkeys(columns, text)) for n, text in enumerate(MARKUP)]
    lines += [line(99, article_quantity=text) for text in MARKUP[:3]]
    content = text_of([one | {IMAGE: IMAGE} for one in lines])
    (tmp_path / "hostile.csv").write_text(content)
    (tmp_path / f"{IMAGE}.csv").write_text(f"{IMAGE},{IMAGE}\n")
    for name in (f"{IMAGE}.csv", "hostile.csv"):
        isobar(ui.state, "import", "shipments", str(tmp_path / name))
    for path in SHOWING:
        watched.open(path)
        expect(watched.page.get_by_text("onerror").first).to_be_visible()
        watched.page.wait_for_load_state("networkidle")
        assert not watched.page.evaluate(ALIVE), path
        assert watched.faults() == [], path
