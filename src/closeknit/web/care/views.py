"""Care and Quick exit. Neither writes anything: a visit leaves no row, no activity, no line in a log."""

from __future__ import annotations

from urllib.parse import urlencode

from django.conf import settings
from django.core import signing
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from closeknit import vault
from closeknit.web import clock
from closeknit.web.content import content_root
from closeknit.web.members.keys import RequestKeys, keys_of
from closeknit.web.members.models import MemberRow
from closeknit.web.members.queries import profile_of
from closeknit.web.members.views import end_session
from closeknit.web.sealed.models import Tampered

from .lines import load_lines

GOAL_SALT = "closeknit.exit"

#: The PHQ-4 (Kroenke, Spitzer, Williams and Löwe 2009, doi 10.1176/appi.psy.50.6.613), which may be shown without asking: two
#: questions on worry, then two on mood, each answered from 0 to 3. A pair of 3 or more is worth a talk with somebody.
ASKED = (
    ("worry", "a", gettext_lazy("Feeling nervous, anxious or on edge")),
    ("worry", "b", gettext_lazy("Not being able to stop or control worrying")),
    ("mood", "a", gettext_lazy("Little interest or pleasure in doing things")),
    ("mood", "b", gettext_lazy("Feeling down, depressed, or hopeless")),
)
ANSWERS = (
    gettext_lazy("Not at all"),
    gettext_lazy("Several days"),
    gettext_lazy("More than half the days"),
    gettext_lazy("Nearly every day"),
)


@require_safe
def care(request: HttpRequest) -> HttpResponse:
    """What to do now, and people who answer; open to everyone, locked or not."""
    paths = [settings.CONFIG.data / "help-lines.yaml", content_root() / "en" / "help" / "lines.yaml"]
    return render(request, "care/care.html", {"countries": load_lines(paths, clock.now().date())})


@require_safe
def two_weeks(request: HttpRequest) -> HttpResponse:
    """Four questions about mood and worry. The answers stay on the page: there is no form, and no script reads them."""
    return render(request, "care/two_weeks.html", {"asked": ASKED, "answers": ANSWERS})


def _goal(request: HttpRequest, keys: RequestKeys) -> str:
    """Where this member's Quick exit leads; nothing, rather than an error, if that cannot be opened."""
    if not request.user.is_authenticated or not keys.is_open:
        return ""
    try:
        return profile_of(keys, request.user).exit
    except (vault.VaultError, Tampered, MemberRow.DoesNotExist):
        return ""


@require_http_methods(["GET", "POST"])
def leave(request: HttpRequest) -> HttpResponse:
    """Quick exit: a plain link, so that it works without script. All it can do is sign out, so it needs no token."""
    goal, keys = "", keys_of(request)
    try:
        goal = _goal(request, keys)
        end_session(request)
    except (DatabaseError, InterfaceError):
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
