"""Time until a page is complete when many visitors open it at the same time, on a fresh server and on a warm one.

    python -m benchmarks.first_pages [--visitors 30] [--rounds 3]

Each round starts a server with a temporary home. The visitors open the Train page, which plays a recording to its end,
by raw web sockets, first on the fresh server, then once more when its caches are filled.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.asyncio.client import connect

from benchmarks.server import App
from benchmarks.viewers import cpu_seconds, until_finished

PAGE, QUERY = "train", "lang=zh&recipe=A2&epoch=250"


async def visit(port: int) -> float:
    """Open the page; return the seconds until it is complete."""
    started = time.monotonic()
    url = f"ws://127.0.0.1:{port}/_stcore/stream"
    async with connect(url, max_size=None, subprotocols=["streamlit"]) as ws:  # type: ignore[list-item]
        first = BackMsg()
        first.rerun_script.query_string = QUERY
        first.rerun_script.page_name = PAGE
        await ws.send(first.SerializeToString())
        await until_finished(ws)
    return time.monotonic() - started


async def visits(port: int, visitors: int) -> list[float]:
    """Let visitors open the page at the same time; return the seconds of each."""
    return list(await asyncio.gather(*(visit(port) for _ in range(visitors))))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visitors", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(f"{options.visitors} visitors at the same time; seconds\nserver   median  longest  CPU time")
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory(prefix="rnnlab-first-pages-") as folder:
            app = App(Path(folder))
            try:
                for state in ("fresh", "warm"):
                    before = cpu_seconds(app.process.pid)
                    seconds = asyncio.run(visits(app.port, options.visitors))
                    used = cpu_seconds(app.process.pid) - before
                    print(f"{state:6} {statistics.median(seconds):8.2f} {max(seconds):8.2f} {used:9.2f}", flush=True)
            finally:
                app.stop()


if __name__ == "__main__":
    main()
