"""The effect of a viewer on the speed of a run: the same run with and without a viewer, in turns.

    python -m benchmarks.watched [--turns 12] [--seconds 10] [--recipe A2] [--elsewhere]

Each turn starts with a loaded page, or with an empty browser tab. With ``--elsewhere``, the browser is on another
machine: the events of the run are sent to a reader that draws nothing. Within a minute, the speed of a shared machine
changes by more than the cost of a viewer; neighbouring turns share that change. (`benchmarks.app` compares whole runs,
including the loading of the page, with whole runs on the command line.) Also printed: the processor time of the
browser, the web process and the training.

Needs chromium and playwright.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
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
"""Seconds from the first chart of a page to the start of its turn."""
NAMES = {"chromium": "browser", "streamlit": "web process", "zygote": "training", "supervisor": "supervisor"}
TICKS = os.sysconf("SC_CLK_TCK")


def processors() -> Counter[str]:
    """Return the CPU seconds used so far by the processes of each kind."""
    used: Counter[str] = Counter()
    for folder in Path("/proc").iterdir():
        try:
            command = (folder / "cmdline").read_text() if folder.name.isdigit() else ""
            kind = next((name for part, name in NAMES.items() if part in command), None)
            if kind is not None:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                used[kind] += (int(fields[11]) + int(fields[12])) / TICKS
        except OSError:
            continue  # the process has just ended
    return used


def at_an_epoch(store: Store, run_id: str) -> tuple[int, float]:
    """Wait for the end of an epoch; return its number and the time."""
    last = store.run(run_id).epoch
    while (epoch := store.run(run_id).epoch) == last:
        time.sleep(0.002)
    return epoch, time.perf_counter()


def turn(
    page: Page, store: Store, run_id: str, url: str, seconds: float, events: str = ""
) -> tuple[float, Counter[str]]:
    """Show `url` for a while; return the epochs per second, and the processor share of each kind of process.

    Args:
        page: a tab of the browser.
        store: the store with the run.
        run_id: the run.
        url: what the tab shows.
        seconds: for how long.
        events: address of events that are read meanwhile, but not drawn; "" for none.
    """
    page.goto(url)
    if url != "about:blank":
        page.locator(f"{CURVE} svg").first.wait_for()
    reader = subprocess.Popen(["curl", "--silent", "--no-buffer", "--output", os.devnull, events]) if events else None
    try:
        time.sleep(SETTLED)
        before, (first, started) = processors(), at_an_epoch(store, run_id)
        time.sleep(seconds)
        (last, ended), after = at_an_epoch(store, run_id), processors()
        assert reader is None or reader.poll() is None, "the events have ended"
    finally:
        if reader is not None:
            reader.kill()
            reader.wait()
    used = Counter({kind: (after[kind] - before[kind]) / (ended - started) for kind in after})
    return (last - first) / (ended - started), used


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=12, help="number of turns with a viewer, and of turns without")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of a turn")
    parser.add_argument("--recipe", default="A2")
    parser.add_argument("--elsewhere", action="store_true", help="the browser is on another machine")
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
            events = ""
            if options.elsewhere:
                with page.expect_request("**/lab/live/**") as request:
                    page.reload()
                events = request.value.url
            speeds: dict[bool, list[float]] = {True: [], False: []}
            used: dict[bool, list[Counter[str]]] = {True: [], False: []}
            for number in range(options.turns):
                for seen in (True, False) if number % 2 else (False, True):
                    shown = url if seen and not options.elsewhere else "about:blank"
                    read = events if seen else ""
                    speed, shares = turn(page, store, run_id, shown, options.seconds, read)
                    speeds[seen].append(speed)
                    used[seen].append(shares)
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
        medians = [statistics.median(shares[kind] for shares in used[seen]) for seen in (True, False)]
        print(f"{kind:22}{medians[0]:10.1%}{medians[1]:12.1%}")
    ratios = [seen / unseen for seen, unseen in zip(speeds[True], speeds[False], strict=True)]
    print(f"\nwatched / unwatched    {statistics.median(ratios):.1%}   {[f'{ratio:.0%}' for ratio in ratios]}")


if __name__ == "__main__":
    main()
