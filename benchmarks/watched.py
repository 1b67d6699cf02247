"""What it costs a run to be watched: one and the same run, with a viewer and without, in turns.

    python -m benchmarks.watched [--turns 12] [--seconds 10] [--recipe A2]

Each turn begins with a page that has settled, or with a browser that shows nothing. The speed of a shared machine
drifts by more within a minute than the viewer costs; neighbouring turns share that drift. (`benchmarks.app` compares
whole runs, with the loading of the page, against whole runs of the shell.) Printed beside it: what the browser, the web
process and the training take of the processors.

Needs chromium and playwright.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.app import ARGUMENTS, CURVE, click_to_point, open_page
from benchmarks.server import App
from rnnlab.runs.schema import DATABASE
from rnnlab.runs.store import Store

SETTLED = 3.0
"""Seconds from a page's first chart to its turn."""
NAMES = {"chromium": "browser", "streamlit": "web process", "zygote": "training", "supervisor": "supervisor"}
TICKS = os.sysconf("SC_CLK_TCK")


def processors() -> Counter[str]:
    """Return the seconds of processor time that the processes of each kind have used."""
    used: Counter[str] = Counter()
    for folder in Path("/proc").iterdir():
        try:
            command = (folder / "cmdline").read_text() if folder.name.isdigit() else ""
            kind = next((name for part, name in NAMES.items() if part in command), None)
            if kind is not None:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                used[kind] += (int(fields[11]) + int(fields[12])) / TICKS
        except OSError:
            continue  # it has just ended
    return used


def at_an_epoch(store: Store, run_id: str) -> tuple[int, float]:
    """Wait for the end of an epoch; return its number, and the time by the clock."""
    last = store.run(run_id).epoch
    while (epoch := store.run(run_id).epoch) == last:
        time.sleep(0.002)
    return epoch, time.perf_counter()


def turn(page: Page, store: Store, run_id: str, url: str, seconds: float) -> tuple[float, Counter[str]]:
    """Show `url` for a while; return the run's epochs per second, and the share of a processor that each kind took."""
    page.goto(url)
    if url != "about:blank":
        page.locator(f"{CURVE} svg").first.wait_for()
    time.sleep(SETTLED)
    before, (first, began) = processors(), at_an_epoch(store, run_id)
    time.sleep(seconds)
    (last, ended), after = at_an_epoch(store, run_id), processors()
    used = Counter({kind: (after[kind] - before[kind]) / (ended - began) for kind in after})
    return (last - first) / (ended - began), used


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=12, help="with a viewer, and as many without")
    parser.add_argument("--seconds", type=float, default=10.0, help="of one turn")
    parser.add_argument("--recipe", default="A2")
    options = parser.parse_args()
    chromium = shutil.which("chromium") or sys.exit("needs chromium")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        app = App(Path(folder) / "home")
        store = Store(app.home / DATABASE)
        try:
            page = open_page(browser, f"{app.url}/train?recipe={options.recipe}&num_epochs=10000&random_seed=1")
            click_to_point(page)
            url, run_id = page.url, page.url.split("run=")[1].split("&")[0]
            speeds: dict[bool, list[float]] = {True: [], False: []}
            used: dict[bool, list[Counter[str]]] = {True: [], False: []}
            for number in range(options.turns):
                for seen in (True, False) if number % 2 else (False, True):
                    speed, took = turn(page, store, run_id, url if seen else "about:blank", options.seconds)
                    speeds[seen].append(speed)
                    used[seen].append(took)
                print(f"epochs/s watched {speeds[True][-1]:.2f}, unwatched {speeds[False][-1]:.2f}", flush=True)
            page.goto(url)
            page.get_by_role("button", name="Stop").click()
            page.get_by_role("button", name="Run again (same seed)").wait_for()
        finally:
            store.close()
            app.stop()
            browser.close()
    print(f"\n{'share of a processor':22}{'watched':>10}{'unwatched':>12}")
    for kind in NAMES.values():
        shares = [statistics.median(one[kind] for one in used[seen]) for seen in (True, False)]
        print(f"{kind:22}{shares[0]:10.1%}{shares[1]:12.1%}")
    ratios = [seen / unseen for seen, unseen in zip(speeds[True], speeds[False], strict=True)]
    print(f"\nwatched / unwatched    {statistics.median(ratios):.1%}   {[f'{ratio:.0%}' for ratio in ratios]}")


if __name__ == "__main__":
    main()
