"""Two HTML pages: signing in as a teacher, and continuing on another device.

They set cookies, which a page of Streamlit cannot.
"""

from __future__ import annotations

import hmac
import html

from limits import parse
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from rnnlab.runs.rates import Rates
from rnnlab.server import identity
from rnnlab.view.language.i18n import language_of, t
from rnnlab.view.page import visitor

TRIES = parse("6/minute")
"""Rate of sign-in attempts for a network address."""
_rates = Rates()

_PAGE = """<!doctype html>
<html lang="{lang}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><title>RNN Lab</title><style>
:root {{ color-scheme: light dark; font: 18px/1.5 system-ui, sans-serif; }}
main {{ max-width: 26rem; margin: 12vh auto; padding: 0 1rem; }}
input, button {{ font: inherit; padding: 0.5rem 0.75rem; width: 100%; box-sizing: border-box; margin-top: 0.75rem; }}
[role=alert] {{ color: light-dark(#B3372F, #E5817A); }}
</style></head><body><main><h1>{title}</h1><p>{lead}</p>{error}
<form method="post">{field}<button>{button}</button></form></main></body></html>"""


def _page(request: Request, name: str, field: str = "", error: str = "", status: int = 200) -> Response:
    lang = _language(request)
    told = f'<p role="alert">{html.escape(t(error, lang))}</p>' if error else ""
    texts = {part: html.escape(t(f"sign_in.{name}.{part}", lang)) for part in ("title", "lead", "button")}
    body = _PAGE.format(lang=lang, error=told, field=field, **texts)
    return HTMLResponse(body, status, headers={"cache-control": "no-store"})


def _language(request: Request) -> str:
    named = request.query_params.get("lang", "")
    return named if named in ("zh", "en") else language_of(request.headers.get("accept-language", ""))


def _from_here(request: Request) -> bool:
    """Return whether a form was submitted from a page of this server."""
    origin = request.headers.get("origin", "")
    return request.headers.get("sec-fetch-site", "same-origin") == "same-origin" and (
        not origin or origin.partition("://")[2] == request.headers.get("host", "")
    )


async def teacher(request: Request) -> Response:
    """Ask for the teacher's key, and appoint the visitor who enters it."""
    keys = visitor.keys()
    if keys is None:
        return Response("starting", 503)
    lang = _language(request)
    label = html.escape(t("sign_in.teacher.key", lang))
    field = f'<input name="key" type="password" aria-label="{label}" placeholder="{label}" autocomplete="off" required>'
    if request.method == "GET":
        return _page(request, "teacher", field)
    if not _from_here(request):
        return Response("forbidden", 403)
    if not _rates.hit(TRIES, "teacher", request.client.host if request.client else ""):
        return _page(request, "teacher", field, "sign_in.teacher.slow", 429)
    async with request.form(max_files=0, max_fields=4, max_part_size=4096) as form:
        entered = str(form.get("key", ""))
    # a comparison in constant time does not leak the key
    if not hmac.compare_digest(entered.strip().encode(), keys.teacher_key.encode()):
        return _page(request, "teacher", field, "sign_in.teacher.wrong", 403)
    found = keys.identity(request.cookies)
    secure = identity.is_secure(request.scope, request.headers)
    answer = RedirectResponse("../", 303)
    if not found:  # its browser has not opened a page yet
        token = keys.issue()
        found = keys.identity({visitor.COOKIE: token})
        answer.headers.append("set-cookie", identity.cookie_header(visitor.COOKIE, token, identity.DAYS, secure))
    cookie = identity.cookie_header(visitor.TEACHER_COOKIE, keys.appoint(found), visitor.TEACHER_DAYS, secure)
    answer.headers.append("set-cookie", cookie)
    return answer


async def device(request: Request) -> Response:
    """Give a device the offered identity after a click; opening the link alone changes nothing."""
    cookie = visitor.handover.cookie(request.path_params["code"])
    if cookie is None:
        return _page(request, "device", error="sign_in.device.old", status=404)
    if request.method == "GET":
        return _page(request, "device")
    if not _from_here(request):
        return Response("forbidden", 403)
    run = request.query_params.get("run", "")
    answer = RedirectResponse(f"../../train?run={run}" if run.isalnum() else "../../", 303)
    secure = identity.is_secure(request.scope, request.headers)
    answer.headers.append("set-cookie", identity.cookie_header(visitor.COOKIE, cookie, identity.DAYS, secure))
    return answer
