"""What every page costs a visitor of a server that is up: its first paint, and the answer of a control.

    python -m benchmarks.pages [--rounds 3]

- first paint: a new visitor asks for a page; until its heading stands, and until all of it does (goal: heading < 2 s),
  by the browser's own clock;
- answer: a control is switched; until the page shows it (goal < 300 ms), timed in the browser, from the event to the
  frame in which the page has changed;
- the gallery: a recorded run plays; how many processes and how much CPU time of the server that adds, while it plays
  and when it stands still.

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
DONE = "document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'"
# the browser's clock, from asking for the page: when its heading is there, and when the script behind it has finished
PAINTS = f"""(() => {{
    window.painted = {{}};
    const note = name => {{ if (!(name in window.painted)) window.painted[name] = performance.now() / 1000 }};
    const watch = new MutationObserver(() => {{
        if (document.querySelector("h1")) note("heading");
        if ("heading" in window.painted && {DONE}) {{ note("whole"); watch.disconnect() }}
    }});
    watch.observe(document, {{childList: true, subtree: true, attributes: true}});
}})()"""
# the moment of the last pointer or key event, and of the frame after the first change that the test waits for
WATCH = """([wanted]) => { window.answered = new Promise(resolve => {
    let begun = null;
    const start = event => { if (begun === null) begun = event.timeStamp };
    for (const kind of ['pointerdown', 'keydown']) document.addEventListener(kind, start, {capture: true, once: true});
    const look = () => (begun !== null && (new Function('return ' + wanted))())
        ? requestAnimationFrame(() => resolve(performance.now() - begun)) : requestAnimationFrame(look);
    look();
}) }"""


def visit(browser: Browser, url: str) -> Page:
    """Open an address as a new visitor, with the files of the front end fetched anew."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US").new_page()
    page.set_default_timeout(120_000)
    page.add_init_script(PAINTS)
    page.goto(url, wait_until="commit")
    return page


def paint(browser: Browser, url: str) -> tuple[float, float]:
    """Return the seconds until the heading stands, and until the page is whole."""
    page = visit(browser, url)
    page.wait_for_function("window.painted && window.painted.whole")
    painted = page.evaluate("window.painted")
    page.context.close()
    return painted["heading"], painted["whole"]


def answer(page: Page, act: Callable[[], None], wanted: str) -> float:
    """Return the milliseconds from what a visitor does to the frame in which `wanted` (JavaScript) holds."""
    page.wait_for_function(DONE)
    page.evaluate(WATCH, [wanted])
    act()
    milliseconds: float = page.evaluate("window.answered")
    return milliseconds


def says(text: str) -> str:
    """Return the condition that the page shows a text; not by `innerText`, which waits for the layout."""
    return f"document.querySelector('[data-testid=stMain]').textContent.includes({text!r})"


def choice(page: Page, name: str) -> Locator:
    """Return a button of a segmented control."""
    return page.get_by_role("radio", name=name, exact=True).first


def answers(browser: Browser, url: str) -> dict[str, float]:
    """Return the milliseconds of some typical controls."""
    found = {}
    page = visit(browser, f"{url}/train?lang=en&recipe=A6&epoch=160")
    choice(page, "GRU").wait_for()
    found["train: cell"] = answer(page, choice(page, "GRU").click, says("based on A6"))
    found["train: language"] = answer(page, choice(page, "中文").click, says("训练"))
    page.context.close()
    page = visit(browser, f"{url}/?lang=en&recording=A6&epoch=160")
    page.get_by_role("slider").first.wait_for()
    page.get_by_role("slider").first.focus()
    found["home: epoch of a recorded run"] = answer(
        page, lambda: page.keyboard.press("ArrowLeft"), says("epoch 159/160")
    )
    play = page.get_by_role("button", name="Play")
    found["home: play"] = answer(page, play.click, says("Pause"))
    page.context.close()
    page = visit(browser, f"{url}/runs?lang=en")
    choice(page, "中文").wait_for()
    found["runs: language"] = answer(page, choice(page, "中文").click, says("记录"))
    page.context.close()
    return found


def family(root: int) -> dict[int, tuple[str, float]]:
    """Return the process `root` and all below it: command line and seconds of CPU time."""
    parents, found = {}, {}
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
        found[int(entry.name)] = (command, (int(fields[11]) + int(fields[12])) / ticks)
    mine = {root}
    while more := {one for one, parent in parents.items() if parent in mine} - mine:
        mine |= more
    return {one: found[one] for one in mine if one in found}


def gallery(browser: Browser, app: App, seconds: float) -> None:
    """Print what a recorded run that plays, and one that stands still, cost the server."""
    page = visit(browser, f"{app.url}/?lang=en&recording=A9&epoch=160")
    page.get_by_role("button", name="Play").wait_for()
    page.wait_for_function(DONE)

    def spent(since: dict[int, tuple[str, float]]) -> float:
        return sum(cpu - since.get(one, ("", 0.0))[1] for one, (_, cpu) in family(app.process.pid).items())

    for _ in range(15):  # what the first page set going in the background is done
        still = family(app.process.pid)
        time.sleep(2)
        if spent(still) < 0.04:
            break
    before = still = family(app.process.pid)
    time.sleep(seconds)
    print(f"{'standing still':32}{spent(still) / seconds:8.1%} of a core")
    page.get_by_role("button", name="Play").click()
    page.get_by_role("button", name="Pause").wait_for()
    playing = family(app.process.pid)
    time.sleep(seconds)
    print(f"{'playing':32}{spent(playing) / seconds:8.1%} of a core")
    added = [command for one, (command, _) in family(app.process.pid).items() if one not in before]
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
                heading, whole = (statistics.median(one) for one in zip(*times, strict=True))
                print(f"{name:32}{heading:8.2f} s to the heading {whole:8.2f} s to the whole", flush=True)
            rounds = [answers(browser, app.url) for _ in range(options.rounds)]
            for name in rounds[0]:
                values = [one[name] for one in rounds]
                each = [round(value) for value in values]
                print(f"{name:32}{statistics.median(values):8.0f} ms   {each}", flush=True)
            gallery(browser, app, 8.0)
        finally:
            app.stop()
        browser.close()


if __name__ == "__main__":
    main()
