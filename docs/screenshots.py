"""`make screenshots`: take the pictures of the pages, of a real `isobar run` and its `isobar ui`.

Look at each before you commit it: no test knows whether it shows what it should.
"""

import io
import os
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from PIL import Image
from playwright.sync_api import Error, Page, expect
from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME
from rich.text import Text

from pipelines.postgres.server import EmbeddedPostgres
from pipelines_tests.browser import chromium
from pipelines_tests.browser.dashboards import served
from pipelines_tests.browser.watched import Watched
from pipelines_tests.command import isobar
from pipelines_tests.served_ui import Ui, start

PICTURES = Path(__file__).parent / "pictures"
#: Each page of the dashboards in the order of the moving picture, and the name of its own picture.
DASHBOARDS = {
    "Overview": None,
    "Flights": "dashboard-flights",
    "Shipments": "dashboard-shipments",
    "Hotel bookings": "dashboard-bookings",
    "Solar plants": "dashboard-solar",
}
COLOURS = 256
MAX_BYTES = 200_000
TOUR_WIDTH = 1000
TOUR_MILLISECONDS = 1500  # for each page
MAX_TOUR_BYTES = 1_500_000
NARROW_NAVIGATION = "localStorage.setItem('dagster-nav-collapsed', 'true')"
QUIET = "() => !document.querySelector('[class*=pinner], [class*=himmer]')"
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
        drawn = page.get_by_test_id("stVegaLiteChart").or_(page.get_by_test_id("stMetric"))
        expect(drawn.first).to_be_visible()
        page.wait_for_timeout(2000)  # until charts are drawn and nothing moves
        frames.append(page.screenshot())
        if name is not None:
            keep(frames[-1], name)
    keep_tour(frames)


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

    ui.open("/asset-groups")
    page.locator("foreignObject.group").first.wait_for()
    page.locator("button:has([aria-label=panel_show_right])").first.click()
    page.mouse.dblclick(100, 770)  # on nothing: all of the graph is brought into view
    page.wait_for_timeout(3000)
    expect(page.get_by_text("fetching statuses")).to_have_count(0)
    keep(still(ui), "graph")


def still(ui: Watched) -> bytes:
    """The page, when all of it is there; something may be running for longer than we wait."""
    with suppress(Error):
        ui.page.wait_for_function(QUIET, timeout=20_000)
    ui.page.wait_for_timeout(1000)
    if faults := ui.faults():
        sys.exit("\n".join(faults))
    return ui.page.screenshot(animations="disabled")


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


def keep_tour(screenshots: list[bytes]) -> None:
    """Write the moving picture at the top of the README."""
    file = PICTURES / "dashboards.webp"
    frames = []
    for screenshot in screenshots:
        with Image.open(io.BytesIO(screenshot)) as image:
            height = image.height * TOUR_WIDTH // image.width
            frames.append(image.convert("RGB").resize((TOUR_WIDTH, height)))
    frames[0].save(
        file,
        save_all=True,
        append_images=frames[1:],
        duration=TOUR_MILLISECONDS,
        loop=0,
        quality=85,
        method=6,
    )
    if file.stat().st_size > MAX_TOUR_BYTES:
        sys.exit(f"{file} has {file.stat().st_size:,} bytes: show fewer pages.")
    print(f"wrote {file.name}: {file.stat().st_size:,} bytes")  # noqa: T201 - it is the answer


if __name__ == "__main__":
    main()
