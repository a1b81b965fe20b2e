"""Error pages: what happened, what is safe, what to do; with what was typed, so that nothing is lost."""

from __future__ import annotations

import sys
import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from . import trouble

FRAGMENTS = {
    400: gettext_noop("That could not be read. Nothing was stored."),
    403: gettext_noop("This does not open that way."),
    404: gettext_noop("Nothing here any more."),
    500: gettext_noop("Something broke on this machine. What you shared before is safe."),
    503: gettext_noop("The database is not answering just now. What you shared before is safe."),
    507: gettext_noop("The disk of this machine is full. What you shared before is safe."),
}
_NEVER = ("passphrase", "password", "csrfmiddlewaretoken", "secret", "kit", "code", "credential", "prf")


def _is_words(name: str, value: str) -> bool:
    """Whether a field holds something that a person typed and would miss: no ids, no choices, nothing secret."""
    if any(word in name.lower() for word in _NEVER) or not value.strip():
        return False
    try:
        uuid.UUID(value)
    except ValueError:
        return name == "text" or len(value) > 20 or " " in value.strip()
    return False


def typed(request: HttpRequest) -> dict[str, str]:
    """Texts of the form that was sent, to be offered back inside the page; nothing secret."""
    try:
        return {name: value for name, value in request.POST.items() if _is_words(name, str(value))}
    except Exception:
        return {}


def answer(request: HttpRequest, status: int, template: str | None = None) -> HttpResponse:
    """The page of a status, or its fragment for the page's script."""
    if request.headers.get("X-Poke"):
        html = render_to_string("errors/_fragment.html", {"says": _(FRAGMENTS.get(status, FRAGMENTS[500]))})
    else:
        context: dict[str, Any] = {"typed": typed(request) if request.method == "POST" else {}}
        nonce = getattr(request, "csp_nonce", None)
        if nonce is not None:
            context["csp_nonce"] = str(nonce)
        html = render_to_string(template or f"errors/{status}.html", context)
    return HttpResponse(html, status=status)


def unavailable(request: HttpRequest, error: BaseException) -> HttpResponse:
    """The database is away (503) or the disk is full (507). Stands alone: it asks the database nothing."""
    status = 507 if trouble.is_full(error) else 503
    if request.headers.get("Accept", "").startswith("application/json"):
        response: HttpResponse = JsonResponse({"saved": False, "say": _(FRAGMENTS[status])}, status=status)
    else:
        response = answer(request, status)
    response["Retry-After"] = "10"
    response["Cache-Control"] = "no-store"
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Also what Django makes of a session that could not be stored."""
    error = trouble.database_error(exception)
    return unavailable(request, error) if error is not None else answer(request, 400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, 403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Stands alone: no query, no session, no exception's text. Django calls it while it handles the exception."""
    error = trouble.database_error(sys.exc_info()[1])
    return unavailable(request, error) if error is not None else answer(request, 500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that was out of date; its words are in the page."""
    return answer(request, 403, "errors/csrf.html")
