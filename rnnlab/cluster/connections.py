"""What all processes of a cluster share: the settings of Dask, and its security (Dask)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from pathlib import Path

import dask
from distributed.http.routing import RoutingApplication
from distributed.security import Security
from tornado.httpserver import HTTPServer

from rnnlab.cluster.certificates import AUTHORITY, ROLES, Role, certificate_file, check, key_file


class WithoutWebServer:
    """A node of Dask that listens for its cluster only: Dask's web server shows its state to everybody."""

    def start_http_server(self, *_: object, **__: object) -> None:
        """Make a web server that listens nowhere; Dask stops it at the end."""
        self.http_application = RoutingApplication([])  # type: ignore[no-untyped-call]
        self.http_server = HTTPServer(self.http_application)


NEWS = "rnnlab_news"
"""The operation of an agent that waits for news."""
TELL = "rnnlab_tell"
"""The operation of an agent that takes a message."""
_PROBE_SECONDS = 0.5
"""For finding out whether certificates are the reason why the scheduler does not answer."""
EXECUTING = [
    "run",
    "run_coroutine",
    "run_function",
    "feed",
    "plugin-add",
    "plugin-remove",
    "upload_file",
    "actor_execute",
    "actor_attribute",
    "update_data",
    "gather",
]
"""The operations by which Dask executes or unpickles what it is sent; agents and scheduler refuse them."""


async def mistrusted(address: str, secure: Security) -> bool:
    """Return whether something listens at an address with which no encrypted connection of the cluster is possible.

    Dask tries until its time is over, and then only says that nothing has answered.
    """
    host, _, port = address.rpartition("://")[2].rpartition(":")
    context = secure.get_connection_args("client")["ssl_context"]  # type: ignore[no-untyped-call]
    try:
        async with asyncio.timeout(_PROBE_SECONDS):
            reader, writer = await asyncio.open_connection(host.strip("[]"), int(port), ssl=context)
            with contextlib.closing(writer):
                await reader.read(1)  # with TLS 1.3 the other end refuses our certificate only now
    except ssl.SSLError:
        return True
    except (OSError, TimeoutError):
        return False
    return False


def configure() -> None:
    """Set the options of Dask; nothing of Dask computes here, it only connects, and says so by its own messages."""
    for name in ("distributed", "asyncio"):  # a broadcast of Dask leaves its error to asyncio
        logging.getLogger(name).setLevel(logging.CRITICAL)
    dask.config.set(
        {
            "distributed.scheduler.allowed-failures": 0,
            "distributed.scheduler.work-stealing": False,
            "distributed.scheduler.worker-ttl": "15s",
            "distributed.scheduler.reuse-broadcast-comm": True,
            "distributed.scheduler.active-memory-manager.start": False,
            "distributed.worker.profile.enabled": False,
            "distributed.comm.timeouts.connect": "3s",
            "distributed.comm.timeouts.tcp": "30s",
            "distributed.admin.system-monitor.gil.enabled": False,
        }
    )


def security(folder: Path, role: Role) -> Security:
    """Return the security of a process: both ends of every connection show a certificate of the authority.

    Raises:
        RunError: ``certificates_missing`` or ``certificates_open``.
    """
    check(folder, role)
    own, own_key = str(certificate_file(folder, role)), str(key_file(folder, role))
    # Dask distinguishes scheduler, worker and client; a process has the certificate of its role for each
    names = {"scheduler": "scheduler", "agent": "worker", "app": "client"}
    fields = {f"tls_{names[other]}_{part}": path for other in ROLES for part, path in (("cert", own), ("key", own_key))}
    secure: Security = Security(  # type: ignore[no-untyped-call]
        tls_ca_file=str(certificate_file(folder, AUTHORITY)), require_encryption=True, **fields
    )
    return secure
