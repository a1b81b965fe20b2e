"""Every address of Closeknit. tests/web/urls.toml says who may reach which; one without a row fails."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import include, path
from django.views.decorators.http import require_safe

from closeknit.web.bonds.access import bonds_of
from closeknit.web.members.keys import keys_of


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The front page for visitors; for members, their newest bond, what they began alone, or a first step."""
    if not request.user.is_authenticated:
        return render(request, "about/home.html")
    keys = keys_of(request)
    if not keys.is_open:
        return redirect("unlock")
    if keys.kept("kit") is not None:
        return redirect("kit")
    bonds = bonds_of(request)
    if bonds:
        return redirect("today", bonds[-1].id)
    # Who practises alone comes back to that, and not to a form for two.
    alone = request.user.items.exists() or request.user.sheets.exists()
    return redirect("reflect" if alone else "bond-new")


urlpatterns = [
    path("", home, name="home"),
    path("", include("closeknit.web.members.urls")),
    path("", include("closeknit.web.bonds.urls")),
    path("", include("closeknit.web.coach.urls")),
    path("", include("closeknit.web.moments.urls")),
    path("", include("closeknit.web.dialogues.urls")),
    path("", include("closeknit.web.reflect.urls")),
    path("", include("closeknit.web.care.urls")),
    path("", include("closeknit.web.taking.urls")),
    path("", include("closeknit.web.look.urls")),
]

handler400 = "closeknit.web.errors.bad_request"
handler403 = "closeknit.web.errors.permission_denied"
handler404 = "closeknit.web.errors.not_found"
handler500 = "closeknit.web.errors.server_error"
