"""The pages of two checkouts in turns: first paint, heading and chart of a new visitor, and a change of language.

    git worktree add /somewhere/else COMMIT
    python -m benchmarks.versions /somewhere/else [--rounds 10]

Both are served by the packages of this installation, to one browser. Times are by the browser's clock, medians in
milliseconds; a change of language ends with the last change of the page.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections import defaultdict
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.app import ARGUMENTS
from benchmarks.pages import DONE
from benchmarks.server import ROOT, App

PAGES = {"home": True, "train": True, "compare": True, "runs": False}
"""The pages, and whether each has a chart when it opens."""
SWITCHED = ("train", "runs")
"""The pages on which the language is changed."""
CHART = """[...document.querySelectorAll('[data-testid=stMain] svg.marks, [data-testid=stMain] canvas')]
    .some(element => element.getBoundingClientRect().height > 50)"""
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"
# the names of the languages were longer once
SWITCH = f"""async lang => {{
    const names = lang === "zh" ? ["中文"] : ["EN", "English"];
    const all = [...document.querySelectorAll("[role=radio], button")];
    const choice = all.find(element => names.includes(element.textContent.trim()));
    const begun = performance.now();
    let last = begun;
    const watch = new MutationObserver(() => {{ last = performance.now() }});
    watch.observe(document.body, {{childList: true, subtree: true, characterData: true}});
    choice.click();
    const chinese = () => /[\\u4e00-\\u9fff]/.test(document.querySelector("[data-testid=stMain] h1").textContent);
    await new Promise(resolve => {{
        const look = () => chinese() === (lang === "zh") && {DONE} && performance.now() - last > 300
            ? resolve() : setTimeout(look, 4);
        look();
    }});
    watch.disconnect();
    return last - begun;
}}"""


def opened(browser: Browser, url: str, chart: bool) -> dict[str, float]:
    """Return the milliseconds until each part of a page is there, for a new visitor with an empty cache."""
    context = browser.new_context(viewport={"width": 1280, "height": 720}, locale="en-US")
    page = context.new_page()
    page.goto(url, wait_until="commit")
    page.wait_for_selector("h1", state="attached")
    times = {"heading": float(page.evaluate("performance.now()"))}
    if chart:
        page.wait_for_function(CHART, polling=20)
        times["chart"] = float(page.evaluate("performance.now()"))
    page.wait_for_function(DONE)
    times["first paint"] = float(page.evaluate(PAINT))
    context.close()
    return times


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path, help="another checkout")
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    found: defaultdict[tuple[str, str], defaultdict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        roots = {"now": ROOT, "before": options.other.resolve()}
        apps = {name: App(Path(folder) / name, root) for name, root in roots.items()}
        try:
            tabs: dict[tuple[str, str], Page] = {}
            for name, app in apps.items():
                for at in SWITCHED:
                    tab = tabs[name, at] = browser.new_page(viewport={"width": 1280, "height": 720})
                    tab.goto(f"{app.url}/{at}?lang=en")
                    tab.wait_for_function(DONE)
            for number in range(2 * options.rounds + 2):
                for at in SWITCHED:
                    for name in sorted(apps, reverse=number // 2 % 2 == 0):
                        tab = tabs[name, at]
                        tab.bring_to_front()  # a tab behind others is drawn once a second
                        tab.wait_for_timeout(400)
                        taken = tab.evaluate(SWITCH, "en" if number % 2 else "zh")
                        if number > 1:  # the first change loads what the others have
                            found[at, "language"][name].append(taken)
            for tab in tabs.values():
                tab.close()
            for number in range(options.rounds + 1):
                for at, chart in PAGES.items():
                    for name in sorted(apps, reverse=number % 2 == 0):
                        address = f"{apps[name].url}/{'' if at == 'home' else at}?lang=en"
                        for part, taken in opened(browser, address, chart).items():
                            if number:
                                found[at, part][name].append(taken)
        finally:
            browser.close()
            for app in apps.values():
                app.stop()
    print(f"{'page':10} {'part':12} {'before':>7} {'now':>7}   now / before")
    for (at, part), times in sorted(found.items()):
        before, now = (statistics.median(times[name]) for name in ("before", "now"))
        print(f"{at:10} {part:12} {before:7.0f} {now:7.0f}   {now / before:.2f}")


if __name__ == "__main__":
    main()
