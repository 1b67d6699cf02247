"""Waiting times on every page of a running server: the first paint, and the response of a control.

    python -m benchmarks.pages [--rounds 3]

- first paint: from the request of a page by a new visitor to its heading (goal: < 2 s) and to the complete page, by the
  browser's clock;
- first visit on a phone: the same page over slower networks (imitated by the browser), with the time of the first chart
  and the bytes that were loaded by then;
- response: from a change of a control to the frame in which the page shows it (goal: < 300 ms), measured in the
browser;
- gallery: the processes and the CPU time that a recorded run adds to the server, while it plays and while it is paused.

The server has been visited once before, and nothing trains. Needs chromium and playwright.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, sync_playwright

from benchmarks.app import ARGUMENTS
from benchmarks.server import App

PAGES = {
    "home": "?lang=en",
    "train": "train?lang=en",
    "compare": "compare?lang=en",
    "diagnose": "diagnose?lang=en",
    "inspect": "inspect?lang=en",
    "lessons": "lessons?lang=en",
    "runs": "runs?lang=en",
}
NETWORKS = {"this machine": None, "9 Mbit/s, 170 ms": (9e6, 170), "1.6 Mbit/s, 300 ms": (1.6e6, 300)}
"""Bits per second and the latency in milliseconds of the networks of a first visit; None: as it is."""
DONE = "document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'"
# by the browser's clock, from the request of the page: the times of its heading and of the end of its script
PAINTS = f"""(() => {{
    window.painted = {{}};
    const note = name => {{ if (!(name in window.painted)) window.painted[name] = performance.now() / 1000 }};
    const watch = new MutationObserver(() => {{
        if (document.querySelector("h1")) note("heading");
        if ("heading" in window.painted && {DONE}) note("whole");
        if (document.querySelector(".lab-plot[data-drawn]")) note("chart");
    }});
    watch.observe(document, {{childList: true, subtree: true, attributes: true}});
}})()"""
# the time from the pointer or key event to the frame after the first change that is waited for
WATCH = """([wanted]) => { window.answered = new Promise(resolve => {
    let begun = null;
    const start = event => { if (begun === null) begun = event.timeStamp };
    for (const kind of ['pointerdown', 'keydown']) document.addEventListener(kind, start, {capture: true, once: true});
    const look = () => (begun !== null && (new Function('return ' + wanted))())
        ? requestAnimationFrame(() => resolve(performance.now() - begun)) : requestAnimationFrame(look);
    look();
}) }"""


def visit(browser: Browser, url: str) -> Page:
    """Open an address as a new visitor with an empty cache."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US").new_page()
    page.set_default_timeout(120_000)
    page.add_init_script(PAINTS)
    page.goto(url, wait_until="commit")
    return page


def paint(browser: Browser, url: str) -> tuple[float, float]:
    """Return the seconds to the heading and to the complete page."""
    page = visit(browser, url)
    page.wait_for_function("window.painted && window.painted.whole")
    painted = page.evaluate("window.painted")
    page.context.close()
    return painted["heading"], painted["whole"]


def first_visit(browser: Browser, url: str, network: tuple[float, int] | None) -> tuple[float, float, float]:
    """Return the seconds to the heading and to the first chart, and the megabytes that a phone has loaded by then."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="en-US")
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.add_init_script(PAINTS)
    protocol = context.new_cdp_session(page)
    protocol.send("Network.enable")
    sizes: list[float] = []
    protocol.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    if network is not None:
        rate, latency = network
        speeds = {"downloadThroughput": rate / 8, "uploadThroughput": rate / 8}
        protocol.send("Network.emulateNetworkConditions", {"offline": False, "latency": latency, **speeds})
    page.goto(url, wait_until="commit")
    page.wait_for_function("window.painted && window.painted.chart")
    painted = page.evaluate("window.painted")
    context.close()
    return painted["heading"], painted["chart"], sum(sizes) / 1e6


def answer(page: Page, act: Callable[[], None], wanted: str) -> float:
    """Return the milliseconds from the event in `act` to the frame in which `wanted` (JavaScript) holds."""
    page.wait_for_function(DONE)
    page.evaluate(WATCH, [wanted])
    act()
    milliseconds: float = page.evaluate("window.answered")
    return milliseconds


def shows(text: str) -> str:
    """Return the condition that the page shows `text`; not with `innerText`, which waits for the layout."""
    return f"document.querySelector('[data-testid=stMain]').textContent.includes({text!r})"


def choice(page: Page, name: str) -> Locator:
    """Return a button of a segmented control."""
    return page.get_by_test_id("stMain").get_by_role("radio", name=name, exact=True).first


def answers(browser: Browser, url: str) -> dict[str, float]:
    """Return the response times of some typical controls in milliseconds."""
    times = {}
    page = visit(browser, f"{url}/train?lang=en&recipe=A6&epoch=160")
    choice(page, "GRU").wait_for()
    times["train: cell"] = answer(page, choice(page, "GRU").click, shows("based on A6"))
    times["train: language"] = answer(page, choice(page, "中文").click, shows("训练"))
    page.context.close()
    page = visit(browser, f"{url}/?lang=en&recording=A6&epoch=160")
    page.get_by_role("slider").first.wait_for()
    page.get_by_role("slider").first.focus()
    times["home: epoch of a recorded run"] = answer(
        page, lambda: page.keyboard.press("ArrowLeft"), shows("epoch 159/160")
    )
    times["home: the next epoch"] = answer(page, lambda: page.keyboard.press("ArrowLeft"), shows("epoch 158/160"))
    play = page.get_by_role("button", name="Play")
    times["home: play"] = answer(page, play.click, shows("Pause"))
    page.context.close()
    page = visit(browser, f"{url}/runs?lang=en")
    choice(page, "中文").wait_for()
    times["runs: language"] = answer(page, choice(page, "中文").click, shows("记录"))
    page.context.close()
    return times


def family(root: int) -> dict[int, tuple[str, float]]:
    """Return the command line and the CPU seconds of the process `root` and all its descendants."""
    parents, processes = {}, {}
    ticks = os.sysconf("SC_CLK_TCK")
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
        except OSError:
            continue
        parents[int(entry.name)] = int(fields[1])
        processes[int(entry.name)] = (command, (int(fields[11]) + int(fields[12])) / ticks)
    descendants = {root}
    while more := {pid for pid, parent in parents.items() if parent in descendants} - descendants:
        descendants |= more
    return {pid: processes[pid] for pid in descendants if pid in processes}


def gallery(browser: Browser, app: App, seconds: float) -> None:
    """Print the cost of a recorded run for the server, while it plays and while it is paused."""
    page = visit(browser, f"{app.url}/?lang=en&recording=A9&epoch=160")
    page.get_by_role("button", name="Play").wait_for()
    page.wait_for_function(DONE)

    def spent(since: dict[int, tuple[str, float]]) -> float:
        return sum(cpu - since.get(pid, ("", 0.0))[1] for pid, (_, cpu) in family(app.process.pid).items())

    for _ in range(15):  # wait until the background work of the first page is done
        idle = family(app.process.pid)
        time.sleep(2)
        if spent(idle) < 0.04:
            break
    before = idle = family(app.process.pid)
    time.sleep(seconds)
    print(f"{'paused':32}{spent(idle) / seconds:8.1%} of a core")
    page.get_by_role("button", name="Play").click()
    page.get_by_role("button", name="Pause").wait_for()
    playing = family(app.process.pid)
    time.sleep(seconds)
    print(f"{'playing':32}{spent(playing) / seconds:8.1%} of a core")
    added = [command for pid, (command, _) in family(app.process.pid).items() if pid not in before]
    print(f"{'processes added':32}{len(added):8}   {added or ''}")
    page.context.close()


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    chromium = shutil.which("chromium") or sys.exit("needs chromium")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        app = App(Path(folder) / "home")
        try:
            for path in PAGES.values():
                paint(browser, f"{app.url}/{path}")
            for name, path in PAGES.items():
                times = [paint(browser, f"{app.url}/{path}") for _ in range(options.rounds)]
                heading, whole = (statistics.median(values) for values in zip(*times, strict=True))
                print(f"{name:32}{heading:8.2f} s to the heading {whole:8.2f} s to the complete page", flush=True)
            for name, network in NETWORKS.items():
                visits = [first_visit(browser, f"{app.url}/train?lang=en", network) for _ in range(options.rounds)]
                heading, chart, size = (statistics.median(values) for values in zip(*visits, strict=True))
                print(
                    f"{name:32}{heading:8.2f} s to the heading {chart:8.2f} s to the first chart {size:8.2f} MB",
                    flush=True,
                )
            rounds = [answers(browser, app.url) for _ in range(options.rounds)]
            for name in rounds[0]:
                values = [times[name] for times in rounds]
                rounded = [round(value) for value in values]
                print(f"{name:32}{statistics.median(values):8.0f} ms   {rounded}", flush=True)
            gallery(browser, app, 8.0)
        finally:
            app.stop()
        browser.close()


if __name__ == "__main__":
    main()
