"""Error pages: what happened, what is safe, what to do; with what was typed, so that nothing is lost."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

FRAGMENTS = {
    400: "That could not be read. Nothing was stored.",
    403: "This does not open that way.",
    404: "Nothing here any more.",
    500: "Something broke on this machine. What you shared before is safe.",
}
_NEVER = ("passphrase", "password", "csrfmiddlewaretoken", "secret", "kit")


def typed(request: HttpRequest) -> dict[str, str]:
    """Texts of the form that was sent, to be offered back inside the page; nothing secret."""
    try:
        return {
            name: value
            for name, value in request.POST.items()
            if isinstance(value, str) and len(value) > 20 and not any(word in name.lower() for word in _NEVER)
        }
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


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, 400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, 403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Stands alone: no query, no session, no exception's text."""
    return answer(request, 500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that was out of date; its words are in the page."""
    return answer(request, 403, "errors/csrf.html")
