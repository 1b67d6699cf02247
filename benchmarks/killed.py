"""Seconds until a visitor sees that the process of a run was killed.

`benchmarks.kills` measures the seconds until the store has it.

    python -m benchmarks.killed [--kills 8]

Needs chromium and playwright.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from benchmarks.app import ARGUMENTS, click_to_point, open_page
from benchmarks.server import App

# wall-clock time, because the process is killed from outside the browser
SEEN = """() => {
    window.seen = null;
    new MutationObserver(() => {
        const progress = document.querySelector(".lab-figures");
        if (window.seen === null && progress && progress.innerText.includes("failed")) window.seen = Date.now() / 1000;
    }).observe(document.body, {childList: true, subtree: true, characterData: true});
}"""


def training() -> int:
    """Return the training process: the running one among the zygote and its children."""
    while True:
        for folder in Path("/proc").iterdir():
            try:
                is_ours = folder.name.isdigit() and "zygote" in (folder / "cmdline").read_text()
                if is_ours and (folder / "stat").read_text().rpartition(")")[2].split()[0] == "R":
                    return int(folder.name)
            except OSError:
                continue  # the process has just ended


def main() -> None:
    """Print the seconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=8)
    options = parser.parse_args()
    chromium = shutil.which("chromium") or sys.exit("needs chromium")
    waits: list[float] = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        app = App(Path(folder) / "home")
        try:
            page = open_page(browser, "about:blank")
            for number in range(options.kills):
                page.goto(f"{app.url}/train?recipe=A2&random_seed=1&lang=en")
                click_to_point(page)
                page.wait_for_timeout(1500 + 137 * number)  # each time at a different moment between two refreshes
                page.evaluate(SEEN)
                killed = time.time()
                os.kill(training(), signal.SIGKILL)
                page.wait_for_function("window.seen")
                waits.append(page.evaluate("window.seen") - killed)
        finally:
            app.stop()
            browser.close()
    print(f"killed to seen: median {statistics.median(waits):.2f} s, {[round(wait, 2) for wait in waits]}")


if __name__ == "__main__":
    main()
