"""Waiting times of a visitor with a real server and a real browser, and the cost of watching a run.

    python -m benchmarks.app [--rounds 3] [--pairs 6] [--recipe A2] [--epochs 60]

- first paint: the first visitor of a fresh server, from the request of the page to its heading and its first chart;
- first point: from the click on Start to the first point of the curve: cold (as soon as the page of a fresh server is
  there), and with a waiting worker, for a returning visitor, for a new visitor who clicks when the page is drawn, and
  for a new visitor who clicks before its chart is drawn;
- watched: epochs per second of a run in the app with one viewer, compared with the same run on the command line, in
  alternation.

Needs chromium and playwright.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.server import App

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
CURVE = ".lab-canvas"
POINT = f"{CURVE} path[aria-label*='Perplexity:']"
# by the browser's clock, from the request of the page: the times of its heading and its first chart
PAINTS = """(() => {
    window.painted = {};
    const watch = new MutationObserver(() => {
        for (const [name, selector] of [["heading", "h1"], ["chart", ".lab-canvas svg"]])
            if (!(name in window.painted) && document.querySelector(selector))
                window.painted[name] = performance.now() / 1000;
    });
    watch.observe(document, {childList: true, subtree: true});
})()"""
# by the same clock: from the press of the button to the change of the page with the first point
STOPWATCH = """(point) => {
    window.waited = null;
    addEventListener("pointerdown", (press) => {
        const watch = new MutationObserver(() => {
            if (window.waited === null && location.href.includes("run=") && document.querySelector(point)) {
                window.waited = (performance.now() - press.timeStamp) / 1000;
                watch.disconnect();
            }
        });
        watch.observe(document, {childList: true, subtree: true, attributes: true});
    }, {capture: true, once: true});
}"""


def open_page(browser: Browser, url: str, script: str = "") -> Page:
    """Open an address as a new visitor, with a script that runs before the page."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US").new_page()
    page.set_default_timeout(300_000)
    if script:
        page.add_init_script(script)
    page.goto(url, wait_until="commit")
    return page


def first_paint(browser: Browser) -> tuple[float, float]:
    """Return the seconds to the heading and to the first chart."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        app = App(Path(folder) / "home")
        try:
            page = open_page(browser, f"{app.url}/train?recipe=A2", PAINTS)
            page.wait_for_function("window.painted && window.painted.chart")
            painted = page.evaluate("window.painted")
            page.context.close()
        finally:
            app.stop()
    return painted["heading"], painted["chart"]


def cold_start(browser: Browser) -> float:
    """Return the seconds from the click on Start to the first point, with a click as early as possible."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        app = App(Path(folder) / "home")
        try:
            page = open_page(
                browser, f"{app.url}/train?recipe=A2&random_seed=1"
            )  # a changed setup, so that no recording plays
            return click_to_point(page)
        finally:
            app.stop()


def click_to_point(page: Page) -> float:
    """Click Start and return the seconds until the first point of the run is drawn."""
    page.get_by_role("button", name="Start").wait_for()
    page.wait_for_function("document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'")
    page.evaluate(STOPWATCH, POINT)
    page.get_by_role("button", name="Start").click()
    page.wait_for_function("window.waited !== null")
    return float(page.evaluate("window.waited"))


def first_visit(browser: Browser, app: App, recipe: str, drawn: bool) -> float:
    """Return the seconds from the click to the first point, for a new visitor of a running server.

    Args:
        browser: the browser; each visitor has a separate cache.
        app: the server, with a waiting worker.
        recipe: the recipe to train for a few epochs.
        drawn: whether the visitor clicks when the page is drawn, or before its chart is drawn.
    """
    page = open_page(browser, f"{app.url}/train?recipe={recipe}&num_epochs=20&random_seed=1")
    if drawn:
        page.locator(f"{CURVE} svg").first.wait_for()
    waited = click_to_point(page)
    page.locator(".lab-figures").get_by_text("finished").wait_for()
    page.context.close()
    return waited


def watched(page: Page, app: App, query: str) -> tuple[float, float]:
    """Train once with a viewer; return (seconds from click to first point, epochs per second of the run)."""
    page.goto(f"{app.url}/train?{query}", wait_until="commit")
    waited = click_to_point(page)
    run_id = page.url.split("run=")[1].split("&")[0]
    page.locator(".lab-figures").get_by_text("finished").wait_for()
    page.goto("about:blank")  # no viewer during the run on the command line
    return waited, epochs_per_second(app.home, run_id)


def epochs_per_second(home: Path, run_id: str) -> float:
    """Return the speed of a finished run according to its record."""
    from rnnlab.runs.schema import DATABASE
    from rnnlab.runs.store import Store

    with Store(home / DATABASE) as store:
        record = store.run(run_id)
    assert record.started_at is not None
    assert record.finished_at is not None
    return record.epoch / (record.finished_at - record.started_at)


def in_shell(home: Path, recipe: str, epochs: int) -> float:
    """Train once on the command line, without a viewer; return the epochs per second of the run."""
    command = [sys.executable, "-m", "rnnlab", "train", recipe, "--epochs", str(epochs), "--seed", "1", "--json"]
    environment = {**os.environ, "RNNLAB_HOME": str(home)}
    subprocess.run(command, env=environment, check=True, capture_output=True)
    listed = subprocess.run(
        [sys.executable, "-m", "rnnlab", "list", "--limit", "1", "--json"],
        env=environment,
        check=True,
        capture_output=True,
    )
    return epochs_per_second(home, json.loads(listed.stdout)[0]["id"])


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pairs", type=int, default=6, help="pairs of a watched run and a run on the command line")
    parser.add_argument("--recipe", default="A2")
    parser.add_argument("--epochs", type=int, default=60)
    options = parser.parse_args()
    chromium = shutil.which("chromium") or sys.exit("needs chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        paints = [(*first_paint(browser), cold_start(browser)) for _ in range(options.rounds)] or [(math.nan,) * 3]
        for name, values in zip(
            ("heading", "first chart", "first point, cold"), zip(*paints, strict=True), strict=True
        ):
            print(f"{name:28}{statistics.median(values):8.2f} s   {[round(value, 2) for value in values]}", flush=True)
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            app = App(Path(folder) / "home")
            try:
                query = f"recipe={options.recipe}&num_epochs={options.epochs}&random_seed=1"
                page = open_page(browser, "about:blank")
                watched(page, app, query)  # fills the browser cache; afterwards a worker waits
                kinds = ("coming back", "first visit, drawn", "first visit, at once")
                waits: dict[str, list[float]] = {kind: [] for kind in kinds}
                for _ in range(options.rounds):
                    for name, drawn in (("first visit, drawn", True), ("first visit, at once", False)):
                        waits[name].append(first_visit(browser, app, options.recipe, drawn))
                ratios: list[float] = []
                for number in range(options.pairs):  # the order alternates
                    unseen = in_shell(app.home, options.recipe, options.epochs) if number % 2 else 0.0
                    waited, seen = watched(page, app, query)
                    unseen = unseen or in_shell(app.home, options.recipe, options.epochs)
                    waits["coming back"].append(waited)
                    ratios.append(seen / unseen)
                    print(
                        f"epochs/s watched {seen:.2f}, in the shell {unseen:.2f}, ratio {seen / unseen:.1%}", flush=True
                    )
                for kind, values in waits.items():
                    if values:
                        label, rounded = f"first point, {kind}", [round(value, 2) for value in values]
                        print(f"{label:34}{statistics.median(values):6.2f} s   {rounded}")
                if ratios:
                    print(f"{'watched / shell':34}{statistics.median(ratios):6.1%}")
            finally:
                app.stop()
        browser.close()


if __name__ == "__main__":
    main()
