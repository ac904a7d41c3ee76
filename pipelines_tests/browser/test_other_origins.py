"""Pages of other origins in a real browser: they read nothing and start nothing.

2.0 opened its WebSockets for them, started runs for an image of theirs, and shut down the code
location for a form.
"""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from pipelines_tests.browser import chromium
from pipelines_tests.served_ui import Ui
from pipelines_tests.test_proxy import LAUNCH, RUNS, SUBSCRIBE

pytestmark = pytest.mark.timeout(1500)  # the first one makes the UI
FETCH = """async ([url, mode]) => {
    try { return (await (await fetch(url, {mode})).text()) || "opaque" } catch { return "blocked" }
}"""
IMAGE = """url => new Promise(done => {
    const image = new Image(); image.onload = image.onerror = done; image.src = url })"""
FORM = """url => new Promise(done => {
    const frame = document.createElement("iframe");
    frame.name = "hidden";
    document.body.append(frame);
    const form = document.createElement("form");
    Object.assign(form, {method: "POST", action: url, target: "hidden"});
    document.body.append(form);
    frame.onload = () => setTimeout(done, 500);
    form.submit() })"""
#: What a WebSocket receives, or that it was not opened.
LISTEN = """([url, protocol, words]) => new Promise(done => {
    const socket = new WebSocket(url, [protocol]);
    socket.onopen = () => words.length ? words.forEach(one => socket.send(one)) : done("opened");
    socket.onmessage = message => done(message.data);
    socket.onerror = () => done("rejected") })"""


class Elsewhere(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<title>elsewhere</title>")

    def log_message(self, *words: object) -> None:
        """Print nothing."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        yield site.server_port
        site.shutdown()


@pytest.fixture(params=[chromium.ELSEWHERE, "localhost", "127.0.0.1"])
def page(request: pytest.FixtureRequest, browser: Browser, port: int) -> Iterator[Page]:
    """A page elsewhere: of another name, or of another port of this machine."""
    with chromium.visitor(browser) as context:
        page = context.new_page()
        page.goto(f"http://{request.param}:{port}/")
        expect(page).to_have_title("elsewhere")
        yield page


def test_a_page_elsewhere_starts_and_reads_nothing(page: Page, ui: Ui) -> None:
    """Neither by an image, a link, a script, a form nor a WebSocket."""
    before, address = ui.query(RUNS), f"{ui.url}/graphql?query={quote(LAUNCH)}"
    page.evaluate(IMAGE, address)
    for mode in ("no-cors", "cors"):
        page.evaluate(FETCH, [address, mode])
    page.evaluate(FORM, address)
    assert ui.query(RUNS) == before
    for path in ("/graphql?query={version}", "/server_info", "/"):
        assert page.evaluate(FETCH, [f"{ui.url}{path}", "cors"]) == "blocked"
    begin = {"type": "start", "id": "1", "payload": {"query": SUBSCRIBE}}
    words = [json.dumps(one) for one in ({"type": "connection_init"}, begin)]
    url = f"{ui.url.replace('http', 'ws')}/graphql"
    assert page.evaluate(LISTEN, [url, "graphql-ws", words]) == "rejected"


def test_a_page_elsewhere_opens_no_websocket_of_the_dashboards(page: Page, dashboards: str) -> None:
    """Streamlit accepts any port of localhost."""
    stream = f"{dashboards.replace('http', 'ws')}/_stcore/stream"
    assert page.evaluate(LISTEN, [stream, "streamlit", []]) == "rejected"
    assert page.evaluate(FETCH, [f"{dashboards}/_stcore/host-config", "cors"]) == "blocked"
    page.goto(dashboards)
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
