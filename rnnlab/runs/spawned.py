"""A worker in a separate process: ``python -m rnnlab.runs.spawned PORT``, started by `SpawningExecutor`.

Its standard input is a pipe; however the supervisor ends, the system closes the other end, and the worker ends too. It
watches the pipe before it loads torch, so that it can end while loading.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
from typing import NoReturn

from rnnlab.runs.process import leave_endings_to_the_supervisor, lower_priority
from rnnlab.runs.protocol import WorkerHello, encode


def main(port: int) -> NoReturn:
    """Load torch, connect to the executor at `port` of this machine, and carry out its order."""
    leave_endings_to_the_supervisor()
    threading.Thread(target=_end_with_supervisor, daemon=True).start()
    lower_priority()  # loading torch must not slow the first page down
    from rnnlab.runs import warm, worker

    warm.first_steps()
    facts = warm.measure_speed()
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    token = os.environ.pop("RNNLAB_WORKER_TOKEN", "")
    connection.sendall(encode(WorkerHello(token=token, pid=os.getpid(), facts=facts)))
    worker.serve(connection)
    sys.stderr.flush()
    os._exit(0)


def _end_with_supervisor() -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    os._exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]))
