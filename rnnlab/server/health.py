"""Endpoints for monitoring: a health check, and metrics for Prometheus."""

from __future__ import annotations

import asyncio
import hmac
from typing import Any

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from rnnlab import __version__
from rnnlab.errors import RNNLabError
from rnnlab.runs.protocol import STATES
from rnnlab.server.live import hubs
from rnnlab.view.page import session, visitor


async def healthz(request: Request) -> Response:
    """Return the state of the server: 200 if runs can be started, otherwise 503 with the reason."""
    try:
        status = await asyncio.to_thread(_status)
    except RNNLabError as error:
        return JSONResponse({"status": "failing", "version": __version__, "error": error.code}, 503, _NOT_KEPT)
    return JSONResponse({"status": "ok", "version": __version__, **status}, headers=_NOT_KEPT)


_NOT_KEPT = {"cache-control": "no-store"}


def _status() -> dict[str, Any]:
    state, counts = session.connection().status(), session.store().counts()
    return {
        "slots": state["slots"],
        "running": counts["running"],
        "paused": counts["paused"],
        "queue": counts["queued"],
        "store": "ok",
    }


async def metrics(request: Request) -> Response:
    """Return the figures of the server in Prometheus' text format, for the teacher.

    A program gives the teacher's key as ``Authorization: Bearer <key>``.
    """
    keys = visitor.keys()
    bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
    if keys is None or not (
        hmac.compare_digest(bearer.encode(), keys.teacher_key.encode())
        or keys.is_teacher(keys.identity(request.cookies), request.cookies)
        or visitor.is_alone(session.connection().environment, request.headers)
    ):
        return PlainTextResponse("for the teacher", 401, {"www-authenticate": "Bearer"})
    try:
        text = await asyncio.to_thread(_metrics)
    except RNNLabError as error:
        return PlainTextResponse(error.code, 503)
    return Response(text, media_type=CONTENT_TYPE_LATEST, headers=_NOT_KEPT)


def _metrics() -> bytes:
    registry = CollectorRegistry()

    def gauge(name: str, text: str, value: float) -> None:
        Gauge(f"rnnlab_{name}", text, registry=registry).set(value)

    state, counts = session.connection().status(memory=True), session.store().counts()
    runs = Gauge("rnnlab_runs", "Number of runs by state.", ["state"], registry=registry)
    for name in STATES:
        runs.labels(name).set(counts[name])
    gauge("slots", "Number of runs that can train at the same time.", state["slots"])
    gauge("viewers", "Number of connections that follow live runs.", hubs[0].num_viewers if hubs else 0)
    gauge("memory_megabytes", "Memory of the supervisor and the runs.", state["memory_mb"])
    return generate_latest(registry)
