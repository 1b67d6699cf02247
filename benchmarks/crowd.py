"""A crowd that presses everything: how soon the page answers, and what it leaves behind in the web process.

    python -m benchmarks.crowd [--visitors 30] [--minutes 10] [--pause 4] [--seed 0]

Each visitor opens a page and then, after a pause of `pause` seconds on average, uses a widget at random (buttons that
start, stop and delete runs as well) or opens another page. They are visitors without a browser, on a server with the
limits of a class. Goals: no traceback, 95 % of the answers within 0.5 s, and after the first minutes neither memory nor
threads nor open files grow.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from streamlit.proto.WidgetStates_pb2 import WidgetState

from benchmarks.viewers import cpu_seconds, memory_mb, threads
from rnnlab.environment import Environment
from rnnlab.view.page.visitor import Keys
from tests.browser.server import Server
from tests.open_files import descriptors
from tests.server.visitor import Visitor

PAGES = (
    "home?", "home?recording=A6", "train?", "train?recipe=A9", "compare?", "compare?view=race", "compare?view=seeds",
    "compare?view=ladder", "diagnose?", "diagnose?topic=layers", "diagnose?topic=overfitting", "inspect?",
    "inspect?view=states", "runs?", "room?", "lessons?", "lessons?lesson=lstm", "lessons?lesson=X1",
)  # fmt: skip
CONNECTION = 0.08
"""Probability that a visitor opens another page in place of using a widget."""
PRINTED = 60.0
"""Seconds between two lines of the table."""


def press(chance: random.Random, widget: Any) -> WidgetState | None:
    """Return a random value that a browser could send for a widget; None if the widget cannot be used."""
    if getattr(widget, "disabled", False):
        return None
    act = _ACTIONS.get(type(widget).__name__)
    state = WidgetState(id=widget.id)
    if act is None or not act(chance, widget, state):
        return None
    return state


def _click(_: random.Random, __: Any, state: WidgetState) -> bool:
    state.trigger_value = True
    return True


def _switch(chance: random.Random, _: Any, state: WidgetState) -> bool:
    state.bool_value = chance.random() < 0.5
    return True


def _choose(chance: random.Random, widget: Any, state: WidgetState) -> bool:
    if widget.options:
        state.string_value = chance.choice(widget.options)
    return bool(widget.options)


def _choose_button(chance: random.Random, widget: Any, state: WidgetState) -> bool:
    state.string_array_value.data.append(chance.choice(widget.options).content)
    return True


def _choose_several(chance: random.Random, widget: Any, state: WidgetState) -> bool:
    chosen = chance.sample(list(widget.options), min(len(widget.options), chance.randint(0, 3)))
    state.string_array_value.SetInParent()
    state.string_array_value.data.extend(chosen)
    return True


def _slide(chance: random.Random, widget: Any, state: WidgetState) -> bool:
    if widget.options:
        state.string_array_value.data.append(chance.choice(widget.options))
    else:
        steps = int((widget.max - widget.min) / (widget.step or 1))
        state.double_array_value.data.append(widget.min + chance.randint(0, steps) * widget.step)
    return True


def _count(chance: random.Random, widget: Any, state: WidgetState) -> bool:
    state.double_value = widget.default + chance.choice((-1, 1)) * widget.step
    return True


def _write(chance: random.Random, _: Any, state: WidgetState) -> bool:
    state.string_value = chance.choice(("分开", "the kettle sings", "A class of thirty", "")) * chance.randint(1, 3)
    return True


_ACTIONS: dict[str, Callable[[random.Random, Any, WidgetState], bool]] = {
    "Button": _click, "Checkbox": _switch, "Expandable": _switch, "Popover": _switch, "Selectbox": _choose,
    "Radio": _choose, "ButtonGroup": _choose_button, "MultiSelect": _choose_several, "Slider": _slide,
    "NumberInput": _count, "TextInput": _write, "TextArea": _write,
}  # fmt: skip


class Crowd:
    """Visitors that use a server at random, each in a thread of its own.

    Attributes:
        answers: seconds from each use of a widget to the complete page.
        pages: seconds for opening each page.
        uses: how often each kind of widget was used.
        exceptions: exceptions that pages showed.
        failures: errors of the visitors' connections.
    """

    def __init__(self, server: Server, visitors: int, pause: float, seed: int) -> None:
        self.answers: list[float] = []
        self.pages: list[float] = []
        self.uses: Counter[str] = Counter()
        self.exceptions: list[str] = []
        self.failures: list[str] = []
        self._server, self._pause, self._end = server, pause, threading.Event()
        keys = Keys(Environment(server.home))
        self._threads = [
            threading.Thread(target=self._visit, args=(keys.issue(), random.Random(f"{seed} {number}")), daemon=True)
            for number in range(visitors)
        ]

    def start(self) -> None:
        """Let all visitors come."""
        for thread in self._threads:
            thread.start()

    def leave(self) -> None:
        """Let all visitors leave, and wait until they have."""
        self._end.set()
        for thread in self._threads:
            thread.join()

    def _visit(self, cookie: str, chance: random.Random) -> None:
        while not self._end.is_set():
            try:
                with Visitor(self._server.port, cookie) as visitor:
                    self._look_around(visitor, chance)
                    self.exceptions += visitor.exceptions
            except Exception as error:  # a visitor who is thrown out is a finding, and comes back
                self.failures.append(f"{type(error).__name__}: {error}"[:200])

    def _look_around(self, visitor: Visitor, chance: random.Random) -> None:
        page, _, query = chance.choice(PAGES).partition("?")
        begun = time.monotonic()
        visitor.open(page, f"lang={chance.choice(('zh', 'en'))}&{query}")
        self.pages.append(time.monotonic() - begun)
        while not self._end.wait(chance.uniform(0.5, 2 * self._pause - 0.5)) and chance.random() >= CONNECTION:
            able = [state for widget in visitor.widgets.values() if (state := press(chance, widget)) is not None]
            if not able:
                return
            state = chance.choice(able)
            self.uses[type(visitor.widgets[state.id]).__name__] += 1
            begun = time.monotonic()
            visitor.set(state, fragment=visitor.fragments[state.id])
            self.answers.append(time.monotonic() - begun)
            visitor.received.clear()


def tracebacks(server: Server) -> int:
    """Return the number of tracebacks in the log of a server."""
    return server.log.read_text(errors="replace").count("Traceback")


def percentile(values: list[float], share: float) -> float:
    """Return the value, in milliseconds, that a share (0 to 1) of the values in seconds does not exceed."""
    return 1000 * sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else float("nan")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visitors", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--pause", type=float, default=4.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rnnlab-crowd-", ignore_cleanup_errors=True) as folder:
        server = Server(Path(folder) / "home", profile="class")
        try:
            crowd = Crowd(server, options.visitors, options.pause, options.seed)
            crowd.start()
            begun, seen = time.monotonic(), 0
            print("minutes   uses  median ms  95 % ms   CPU s   MB RSS  threads  files  tracebacks", flush=True)
            while time.monotonic() < begun + 60 * options.minutes:
                time.sleep(min(PRINTED, begun + 60 * options.minutes - time.monotonic()))
                latest, seen = crowd.answers[seen:], len(crowd.answers)
                pid = server.process.pid
                print(
                    f"{(time.monotonic() - begun) / 60:7.1f} {seen:6d} {1000 * statistics.median(latest):10.0f}"
                    f" {percentile(latest, 0.95):8.0f} {cpu_seconds(pid):7.0f} {memory_mb(pid):8.0f} {threads(pid):8d}"
                    f" {len(descriptors(pid)):6d} {tracebacks(server):11d}",
                    flush=True,
                )
            crowd.leave()
            print(f"uses: {', '.join(f'{kind} {count}' for kind, count in crowd.uses.most_common())}")
            for name, seconds in (("uses", crowd.answers), ("pages", crowd.pages)):
                shares = (f"{100 * share:g} %: {percentile(seconds, share):.0f} ms" for share in (0.5, 0.95, 0.99))
                print(f"{len(seconds)} {name}; {', '.join(shares)}")
            for name, found in (("exception", crowd.exceptions), ("failure", crowd.failures)):
                for text, count in Counter(found).most_common(10):
                    print(f"{name}: {count} x {text}")
        finally:
            server.stop()
            if tracebacks(server):
                print(server.log.read_text(errors="replace")[-4000:])


if __name__ == "__main__":
    main()
