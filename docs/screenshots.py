"""`make screenshots`: take the pictures of the pages, of a real `isobar run` and its `isobar ui`.

Look at each before you commit it: no test knows whether it shows what it should.
"""

import html
import io
import os
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psycopg
from PIL import Image
from playwright.sync_api import Error, FloatRect, Page, ViewportSize, expect
from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME
from rich.text import Text

from pipelines.postgres.roles import ANALYST, WAREHOUSE
from pipelines.postgres.server import EmbeddedPostgres
from pipelines_tests.browser import chromium
from pipelines_tests.browser.dashboards import IS_IDLE, served
from pipelines_tests.browser.watched import Watched
from pipelines_tests.command import isobar
from pipelines_tests.served_ui import Ui, start

PICTURES = Path(__file__).parent / "pictures"
#: Each page of the dashboards in the order of the moving picture, and the name of its own picture.
DASHBOARDS = {
    "Overview": "dashboard-overview",
    "Flights": "dashboard-flights",
    "Shipments": "dashboard-shipments",
    "Hotel bookings": "dashboard-bookings",
    "Solar plants": "dashboard-solar",
    "Weather": "dashboard-weather",
    "Data quality": "dashboard-quality",
    "Ask": "dashboard-ask",
}
#: What *Ask* answers in its picture.
QUESTION = "ask?question=bookings.pace"
COLOURS = 256
MAX_BYTES = 250_000
MOVING_WIDTH = 1000
TOUR_MILLISECONDS = 1500  # for each page
MAX_MOVING_BYTES = 1_000_000
#: The part of the page of an asset that has its graph.
GRAPH = FloatRect(x=530, y=220, width=920, height=1060)
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
NARROW_NAVIGATION = "localStorage.setItem('dagster-nav-collapsed', 'true')"
QUIET = "() => !document.querySelector('[class*=pinner], [class*=himmer]')"
STRIP = """\
<body style="margin: 0"><div id="terminal" style="padding: 14px 24px; height: 66px; color: #d7e3ea;
width: 1232px; background: #10181f; font: 17px/1.6 monospace; white-space: pre">{lines}</div>
"""
TERMINAL = """\
<body style="margin: 0; color: {foreground}; background: {background}"><pre id="terminal"
style="margin: 0; padding: 20px 28px; width: max-content; font: 14px/1.35 monospace">{code}</pre>
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
            done = isobar(state, "run", FORCE_COLOR="1", TTY_INTERACTIVE="0")
            if done.returncode:
                sys.exit(done.stderr)
            ui = start(state)
            try:
                wait_until_idle(ui)
                with (
                    chromium.started(path) as browser,
                    chromium.visitor(browser, 1280, 800, pixels=1.5) as context,
                ):
                    context.add_init_script(NARROW_NAVIGATION)
                    picture_of_run(context.new_page(), done.stdout)
                    pictures_of_ui(Watched(context.new_page(), ui.url))
                    with served(state) as url:
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
    """Take the first view of each page, and make a moving picture of all of them."""
    page.goto(url)
    frames = []
    for title, name in DASHBOARDS.items():
        page.get_by_role("link", name=title, exact=True).first.click()
        expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()
        if title == "Ask":
            page.goto(f"{url}/{QUESTION}")
        if title == "Overview":
            wait_for_health(page)
        wait_until_drawn(page)
        frames.append(page.screenshot())
        keep(frames[-1], name)
    keep_moving("dashboards", [(one, TOUR_MILLISECONDS) for one in frames])


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


def picture_of_run(page: Page, told: str) -> None:
    """The closing table, with the colours of a terminal."""
    lines = Text.from_ansi(told).split("\n")
    first = next(number for number, line in enumerate(lines) if line.plain.startswith("asset "))
    with Path(os.devnull).open("w") as nowhere:
        console = Console(file=nowhere, record=True, width=110)
        console.print(Text("$ make run", style="bold"), Text("…", style="dim"), sep="\n")
        console.print(*lines[first:], sep="\n")
    page.set_content(
        console.export_html(theme=SVG_EXPORT_THEME, inline_styles=True, code_format=TERMINAL)
    )
    keep(page.locator("#terminal").screenshot(), "run")


def pictures_of_ui(ui: Watched) -> None:
    """What a person comes back for, and sees first."""
    page = ui.page
    ui.open("/automation")
    page.locator("[class*=formatSwitch]:has(input:checked)").nth(8).wait_for()
    keep(still(ui), "schedules")

    ui.open("/assets/flights/itineraries?view=checks&checkDetail=no_rejects")
    page.locator("table table tbody tr").first.wait_for()
    keep(still(ui), "check")

    ui.open("/assets/metrics/hotel_bookings_by_stay_night")
    page.get_by_role("button", name="Plots").wait_for()
    keep(still(ui), "asset")

    page.set_viewport_size(
        ViewportSize(width=1900, height=1330)
    )  # boxes say more if they are large
    ui.open("/assets/enriched/shipments?view=lineage&lineageScope=upstream&lineageDepth=1")
    page.get_by_text("Materialized").nth(6).wait_for()
    expect(page.get_by_text("Loading")).to_have_count(0)
    keep(still(ui, GRAPH), "graph")


def still(ui: Watched, clip: FloatRect | None = None) -> bytes:
    """The page, when all of it is there; something may be running for longer than we wait."""
    with suppress(Error):
        ui.page.wait_for_function(QUIET, timeout=20_000)
    ui.page.wait_for_timeout(1000)
    if faults := ui.faults():
        sys.exit("\n".join(faults))
    return ui.page.screenshot(animations="disabled", clip=clip)


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
    if file.stat().st_size > MAX_MOVING_BYTES:
        sys.exit(f"{file} has {file.stat().st_size:,} bytes: show less.")
    print(f"wrote {file.name}: {file.stat().st_size:,} bytes")  # noqa: T201 - it is the answer


if __name__ == "__main__":
    main()
