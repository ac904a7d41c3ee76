"""`make screenshots`: take the pictures of the pages, of a real `isobar run` and its `isobar ui`.

Look at each before you commit it: no test knows whether it shows what it should.
"""

import html
import io
import sys
import tempfile
import time
from pathlib import Path

import psycopg
from PIL import Image
from playwright.sync_api import Page, expect

from pipelines.postgres.roles import ANALYST, WAREHOUSE
from pipelines.postgres.server import EmbeddedPostgres
from pipelines_tests.browser import chromium
from pipelines_tests.browser.dashboards import IS_IDLE, served
from pipelines_tests.command import isobar
from pipelines_tests.served_ui import Ui, start

PICTURES = Path(__file__).parent / "pictures"
#: Pages of the dashboards, each with the name of its picture.
DASHBOARDS = {
    "Overview": "dashboard-overview",
    "Flights": "dashboard-flights",
    "Hotel bookings": "dashboard-bookings",
    "Solar plants": "dashboard-solar",
}
COLOURS = 256
MAX_BYTES = 250_000
MOVING_WIDTH = 1000
#: The parcel that arrives while we look, and its file.
PARCEL = "SNOW1"
HEADER = (
    "tracking_number,carrier,sender_address,receiver_address,article_name,article_quantity,"
    "article_price,sku,status"
)
LINE = (
    f'{PARCEL},DHL,"Street 5, 111 51 Stockholm, Sweden","Street 15, 75001 Paris, France",'
    "Skis,1,420,SK1,in-transit"
)
COMMAND = "cp parcel.csv .isobar/inbox/shipments/"
HAS_ARRIVED = f"""
    SELECT weather_risk IS NOT NULL FROM enriched.shipments WHERE tracking_number = '{PARCEL}'
"""
MAX_SECONDS = 180.0
STRIP = """\
<body style="margin: 0"><div id="terminal" style="padding: 14px 24px; height: 66px; color: #d7e3ea;
width: 1232px; background: #10181f; font: 17px/1.6 monospace; white-space: pre">{lines}</div>
"""


def main() -> None:
    """Make all pictures anew."""
    path = chromium.installed()
    if path is None:
        sys.exit(chromium.MISSING)
    expect.set_options(timeout=chromium.PATIENCE_SECONDS * 1000)
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="isobar-pictures-") as folder:
        state = Path(folder)
        state.chmod(0o755)  # as root, the database server is another user
        try:
            done = isobar(state, "run")
            if done.returncode:
                sys.exit(done.stderr)
            ui = start(state)
            try:
                wait_until_idle(ui)
                with (
                    chromium.started(path) as browser,
                    chromium.visitor(browser, 1280, 800, pixels=1.5) as context,
                    served(state) as url,
                ):
                    pictures_of_dashboards(context.new_page(), url)
                    with chromium.visitor(browser, 1280, 800, 1.5, "dark") as dark:
                        page = dark.new_page()
                        page.goto(url)
                        wait_for_health(page)
                        wait_until_drawn(page)
                        keep(page.screenshot(), "dashboard-overview-dark")
                    picture_of_arrival(context.new_page(), url, state)
            finally:
                ui.stop()
        finally:
            EmbeddedPostgres(state).stop()


def pictures_of_dashboards(page: Page, url: str) -> None:
    """Take the first view of each page."""
    page.goto(url)
    wait_for_health(page)
    for title, name in DASHBOARDS.items():
        page.get_by_role("link", name=title, exact=True).first.click()
        expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()
        wait_until_drawn(page)
        keep(page.screenshot(), name)


def wait_for_health(page: Page) -> None:
    """Wait until somebody has looked for problems."""
    expect(page.get_by_text("As of").first).to_be_visible()


def wait_until_drawn(page: Page) -> None:
    """Wait until a page of the dashboards is there, and nothing in it moves."""
    page.wait_for_function(IS_IDLE)
    page.wait_for_timeout(1500)


def picture_of_arrival(page: Page, url: str, state: Path) -> None:
    """Drop a file into the inbox, and look at its parcel until it is on the map with its weather.

    The seconds that the picture shows are those that passed.
    """
    page.goto(f"{url}/shipments")
    expect(page.get_by_test_id("stVegaLiteChart").first).to_be_visible()
    wait_until_drawn(page)
    before = page.screenshot()
    strip = page.context.new_page()
    row = f"$ cat parcel.csv\n{LINE}\n"
    frames = [(joined(strip, row, before), 2500)]
    half = COMMAND[: len(COMMAND) // 2]
    frames += [(joined(strip, f"{row}$ {typed}", before), 500) for typed in (half, COMMAND)]
    dropped = state / "inbox" / "shipments" / "parcel.csv"
    dropped.write_text(f"{HEADER}\n{LINE}\n")
    began = time.monotonic()
    server = EmbeddedPostgres(state).start()
    with psycopg.connect(server.url(ANALYST, WAREHOUSE), autocommit=True) as analyst:
        while analyst.execute(HAS_ARRIVED.encode()).fetchone() != (True,):
            if time.monotonic() - began > MAX_SECONDS:
                sys.exit(f"The parcel and its weather did not arrive in {MAX_SECONDS:.0f} s.")
            time.sleep(0.2)
    passed = f"{row}$ {COMMAND}    # {time.monotonic() - began:.0f} s ago"
    page.goto(f"{url}/shipments?parcel={PARCEL}&place=Stockholm")
    expect(page.get_by_role("heading", name=PARCEL)).to_be_visible()
    wait_until_drawn(page)
    frames.append((joined(strip, passed, page.screenshot()), 3500))
    shown = page.get_by_role("heading", name="Where they come from")
    shown.evaluate("one => one.scrollIntoView()")
    page.wait_for_timeout(1500)
    frames.append((joined(strip, passed, page.screenshot()), 4000))
    keep_moving("arrival", frames)


def joined(strip: Page, lines: str, below: bytes) -> bytes:
    """Return lines of a terminal with a screenshot below them."""
    strip.set_content(STRIP.format(lines=html.escape(lines)))
    above = strip.locator("#terminal").screenshot()
    with Image.open(io.BytesIO(above)) as top, Image.open(io.BytesIO(below)) as bottom:
        both = Image.new("RGB", (bottom.width, top.height + bottom.height))
        both.paste(top, (0, 0))
        both.paste(bottom, (0, top.height))
        written = io.BytesIO()
        both.save(written, "PNG")
    return written.getvalue()


def wait_until_idle(ui: Ui) -> None:
    """Let the daemon look at all once, and end what it starts at once."""
    at_work = """{ runsOrError(filter: {statuses: [QUEUED, STARTING, STARTED]}) {
        ... on Runs { results { id } } } }"""
    quiet = 0
    while quiet < 5:
        time.sleep(3)
        quiet = 0 if ui.query(at_work)["runsOrError"]["results"] else quiet + 1


def keep(picture: bytes, name: str) -> None:
    """Write a picture with few colours, so that it is small."""
    file = PICTURES / f"{name}.png"
    with Image.open(io.BytesIO(picture)) as image:
        few = image.convert("RGB").quantize(
            COLOURS, method=Image.Quantize.MAXCOVERAGE, kmeans=3, dither=Image.Dither.NONE
        )
        few.save(file, optimize=True)
    if file.stat().st_size > MAX_BYTES:
        sys.exit(f"{file} has {file.stat().st_size:,} bytes: show less of the page.")
    print(f"wrote {file.name}: {file.stat().st_size:,} bytes")  # noqa: T201 - it is the answer


def keep_moving(name: str, screenshots: list[tuple[bytes, int]]) -> None:
    """Write a moving picture of screenshots, each with its milliseconds."""
    file = PICTURES / f"{name}.webp"
    frames = []
    for screenshot, _ in screenshots:
        with Image.open(io.BytesIO(screenshot)) as image:
            height = image.height * MOVING_WIDTH // image.width
            frames.append(image.convert("RGB").resize((MOVING_WIDTH, height)))
    frames[0].save(
        file,
        save_all=True,
        append_images=frames[1:],
        duration=[milliseconds for _, milliseconds in screenshots],
        loop=0,
        quality=85,
        method=6,
    )


if __name__ == "__main__":
    main()
