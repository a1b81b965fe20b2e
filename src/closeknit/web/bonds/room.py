"""What the rooms of a bond have in common: the door that every view stands behind, and texts that a lock saved."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from closeknit.web.members import queries as members
from closeknit.web.members import services as member_services
from closeknit.web.members.keys import keys_of

from .access import bond_settled
from .opened import OpenBond
from .store import NotThere, Stale

BondView = Callable[Concatenate[HttpRequest, OpenBond, ...], HttpResponse]


def in_bond(view: BondView) -> Callable[..., HttpResponse]:
    """Gives the view the bond of the path, opened and settled; 404 for anyone who does not hold its key."""

    @login_required
    @wraps(view)
    def inner(request: HttpRequest, bond_id: uuid.UUID, **kwargs: Any) -> HttpResponse:
        opened = bond_settled(request, bond_id)
        if not opened.is_in:
            return waiting_to_be_let_in(request, opened)
        try:
            return view(request, opened, **kwargs)
        except Stale:
            return changed_meanwhile(request, opened)
        except NotThere:
            raise Http404 from None

    return inner


def waiting_to_be_let_in(request: HttpRequest, opened: OpenBond) -> HttpResponse:
    """A newcomer whose inviter has not been here yet."""
    if request.method != "GET":
        raise Http404
    return render(request, "moments/not_yet_in.html", {"bond": opened})


def changed_meanwhile(request: HttpRequest, opened: OpenBond, status: int = 409) -> HttpResponse:
    """Something moved between reading and writing. What was typed is in the page."""
    context = {"bond": opened, "text": request.POST.get("text", ""), "back": reverse("today", args=[opened.id])}
    return render(request, "moments/changed_meanwhile.html", context, status=status)


def zone_of(request: HttpRequest) -> ZoneInfo:
    """The member's own time zone."""
    return members.profile_of(keys_of(request), request.user).tzinfo


def kept_text(request: HttpRequest, path: str, field: str = "text") -> str:
    """What was being typed on this page when it locked, if anything was."""
    if not request.session.get(member_services.DROPPED_FLAG):
        return ""
    kept = member_services.dropped_read(request.user.pk, keys_of(request).need)
    return next((one.fields.get(field, "") for one in reversed(kept) if one.path.startswith(path)), "")


def forget_kept(request: HttpRequest) -> None:
    """The member has their words back, or has sent them: forget what the lock saved."""
    if request.session.get(member_services.DROPPED_FLAG):
        member_services.dropped_clear(request.user.pk)
        del request.session[member_services.DROPPED_FLAG]
