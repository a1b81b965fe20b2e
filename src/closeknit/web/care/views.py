"""Care and Quick exit. Neither writes anything: a visit leaves no row, no activity, no line in a log."""

from __future__ import annotations

from urllib.parse import urlencode

from django.conf import settings
from django.core import signing
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from closeknit.web import clock
from closeknit.web.content import content_root
from closeknit.web.members.keys import keys_of
from closeknit.web.members.queries import profile_of
from closeknit.web.members.views import end_session

from .lines import load_lines

GOAL_SALT = "closeknit.exit"


@require_safe
def care(request: HttpRequest) -> HttpResponse:
    """What to do now, and people who answer; open to everyone, locked or not."""
    paths = [settings.CONFIG.data / "help-lines.yaml", content_root() / "en" / "help" / "lines.yaml"]
    return render(request, "care/care.html", {"countries": load_lines(paths, clock.now().date())})


@require_http_methods(["GET", "POST"])
def leave(request: HttpRequest) -> HttpResponse:
    """Quick exit: a plain link, so that it works without script. All it can do is sign out, so it needs no token."""
    goal, keys = "", keys_of(request)
    try:
        if request.user.is_authenticated and keys.is_open:
            goal = profile_of(keys, request.user).exit
        end_session(request)
    except (OperationalError, InterfaceError):
        # Leaving works on the worst day too: without its cookies the session opens to nobody.
        keys.sign_out()
        request.without_database = True  # type: ignore[attr-defined]
    path = reverse("leave-left")
    response = redirect(f"{path}?{urlencode({'n': signing.dumps(goal, salt=GOAL_SALT)})}" if goal else path)
    response.delete_cookie(settings.SESSION_COOKIE_NAME, samesite="Lax")
    response["Clear-Site-Data"] = '"storage", "cache"'
    response.delete_cookie(settings.CSRF_COOKIE_NAME, samesite="Lax")
    response.delete_cookie("ck-device", samesite="Lax")
    return response


@require_safe
def left(request: HttpRequest) -> HttpResponse:
    """The unremarkable page that Quick exit ends on; a second later, the page that its owner chose."""
    try:
        goal = signing.loads(request.GET.get("n", ""), salt=GOAL_SALT, max_age=60)
    except signing.BadSignature:
        goal = ""
    return render(request, "care/left.html", {"goal": goal})
