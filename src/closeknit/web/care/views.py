"""Care and Quick exit. Neither writes anything: a visit leaves no row, no activity, no line in a log."""

from __future__ import annotations

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from closeknit.web import clock
from closeknit.web.content import content_root
from closeknit.web.members.keys import keys_of
from closeknit.web.members.views import end_session

from .lines import load_lines


@require_safe
def care(request: HttpRequest) -> HttpResponse:
    """What to do now, and people who answer; open to everyone, locked or not."""
    paths = [settings.CONFIG.data / "help-lines.yaml", content_root() / "en" / "help" / "lines.yaml"]
    return render(request, "care/care.html", {"countries": load_lines(paths, clock.now().date())})


@require_http_methods(["GET", "POST"])
def leave(request: HttpRequest) -> HttpResponse:
    """Quick exit: a plain link, so that it works without script. All it can do is sign out, so it needs no token."""
    response = redirect("leave-left")
    try:
        end_session(request)
    except (DatabaseError, InterfaceError):
        # Leaving works on the worst day too: without its cookies the session opens to nobody.
        keys_of(request).sign_out()
        request.without_database = True  # type: ignore[attr-defined]
        response.delete_cookie(settings.SESSION_COOKIE_NAME, samesite="Lax")
    response["Clear-Site-Data"] = '"storage", "cache"'
    response.delete_cookie(settings.CSRF_COOKIE_NAME, samesite="Lax")
    response.delete_cookie("ck-device", samesite="Lax")
    return response


@require_safe
def left(request: HttpRequest) -> HttpResponse:
    """The unremarkable page that Quick exit ends on."""
    return render(request, "care/left.html")
