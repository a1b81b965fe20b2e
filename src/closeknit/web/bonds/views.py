"""Founding, inviting, joining, and the page about a bond."""

from __future__ import annotations

import base64
import uuid
from typing import Any

import segno
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from closeknit.web import clock
from closeknit.web.members import limits, queries
from closeknit.web.members.keys import keys_of
from closeknit.web.members.models import Member
from closeknit.web.members.views import INVITED

from . import forms, services
from .access import bond_let_in, bonds_of, forget_bonds
from .models import Bond, Invitation, Membership
from .opened import OpenBond


@login_required
@require_http_methods(["GET", "POST"])
def bond_new(request: HttpRequest) -> HttpResponse:
    """A new bond; then its first prompt."""
    keys = keys_of(request)
    keyring = keys.need
    profile = queries.profile_of(keys, request.user)
    form = forms.BondForm(
        request.POST if request.method == "POST" else None,
        initial={"own_name": profile.name, "thread": "madder", "strict": request.user.is_host},
        under_18=request.user.under_18,
    )
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        opened = services.bond_create(
            request.user,
            keyring,
            kind=data["kind"],
            leave_rule=data["leave_rule"],
            name=data["name"],
            own_name=data["own_name"],
            thread=data["thread"],
            strict=data["strict"],
        )
        services.invitation_create(opened)
        return redirect("invite", opened.id)
    first = not bonds_of(request)
    return render(request, "bonds/new.html", {"form": form, "first": first}, status=422 if form.errors else 200)


# -- inviting -------------------------------------------------------------------------------------------------------


def _invitation_shown(request: HttpRequest, opened: OpenBond, invitation: Invitation) -> dict[str, Any]:
    """One of my invitations as the page shows it. Who opened or declined it is nobody's business."""
    over = invitation.expires_at <= clock.now()
    shown = invitation.state if invitation.state != Invitation.State.DECLINED else Invitation.State.OPEN
    secret = services.invitation_secret(opened, invitation) if shown == Invitation.State.OPEN and not over else None
    link = ""
    if secret is not None:
        path = reverse("join", args=[invitation.id])
        link = request.build_absolute_uri(path) + "#" + services.secret_fragment(secret)
    return {
        "id": invitation.id,
        "state": "ended" if shown == Invitation.State.OPEN and over else shown,
        "expires_at": invitation.expires_at,
        "link": link,
        "words": services.invitation_words(secret) if secret is not None else "",
        "address": request.build_absolute_uri(reverse("join", args=[invitation.id])) if secret else "",
        "qr": segno.make(link, error="m", micro=False).svg_data_uri(border=2, scale=4) if link else "",
    }


@login_required
@require_http_methods(["GET", "POST"])
def invite(request: HttpRequest, bond_id: uuid.UUID) -> HttpResponse:
    """Make an invitation, and show those that are open: words first, then the link and the code."""
    opened = bond_let_in(request, bond_id)
    full = False
    if request.method == "POST":
        try:
            services.invitation_create(opened)
            return redirect("invite", opened.id)
        except services.BondFull:
            full = True
    rows = Invitation.objects.filter(bond_id=opened.id, inviter_id=opened.me.id).order_by("-created_at")[:12]
    invitations = [_invitation_shown(request, opened, row) for row in rows]
    context = {
        "bond": opened,
        "open": [one for one in invitations if one["state"] == "open"],
        "past": [one for one in invitations if one["state"] != "open"],
        "room": services.places_left(opened),
        "full": full,
        "alone": not opened.others,
    }
    return render(request, "bonds/invite.html", context, status=422 if full else 200)


@login_required
@require_POST
def invite_recall(request: HttpRequest, bond_id: uuid.UUID, invitation_id: uuid.UUID) -> HttpResponse:
    """Take an invitation back."""
    opened = bond_let_in(request, bond_id)
    try:
        services.invitation_recall(opened, invitation_id)
    except services.InvitationOver:
        pass
    return redirect("invite", opened.id)


# -- joining --------------------------------------------------------------------------------------------------------


def _kept(request: HttpRequest, invitation_id: uuid.UUID) -> dict[str, Any] | None:
    kept = keys_of(request).kept(INVITED)
    return kept if kept is not None and kept.get("id") == str(invitation_id) else None


def _secret_of(kept: dict[str, Any]) -> bytes:
    return base64.b64decode(kept["secret"])


@ensure_csrf_cookie
@require_http_methods(["GET", "POST"])
def join(request: HttpRequest, invitation_id: uuid.UUID) -> HttpResponse:
    """An invitation, explained before anything happens. Without its secret the page asks for the words."""
    kept = _kept(request, invitation_id)
    if request.method == "POST" or kept is None:
        return _join_secret(request, invitation_id)
    try:
        invitation, card = services.invitation_open(invitation_id, _secret_of(kept))
        member = request.user if request.user.is_authenticated else None
        if member is not None and services.refused(member, invitation.inviter_id):
            raise services.InvitationOver
    except services.InvitationOver:
        keys_of(request).forget(INVITED)
        return _over(request)
    if request.user.is_authenticated and _is_in(request.user, invitation.bond_id):
        return redirect("today", invitation.bond_id)
    if member is not None and services.for_adults(invitation.bond.kind, member):
        return _for_adults(request, invitation_id)
    return _join_page(request, invitation, card, forms.JoinForm(taken=card.get("threads", [])))


def _is_in(member: Member, bond_id: uuid.UUID) -> bool:
    return Membership.objects.filter(bond_id=bond_id, member=member, ended_at__isnull=True).exists()


def _join_secret(request: HttpRequest, invitation_id: uuid.UUID) -> HttpResponse:
    form = forms.SecretForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        limits.ensure_allowed("join", str(invitation_id), request)
        secret: bytes = form.cleaned_data["secret"]
        try:
            services.invitation_open(invitation_id, secret)
        except services.InvitationOver:
            limits.note_failure("join", str(invitation_id), request)
            return _over(request)
        keys_of(request).keep(
            INVITED, {"id": str(invitation_id), "secret": base64.b64encode(secret).decode("ascii"), "yes": False}
        )
        return redirect("join", invitation_id)
    return render(
        request,
        "bonds/join_secret.html",
        {"form": form, "invitation_id": invitation_id},
        status=422 if form.errors else 200,
    )


def _join_page(
    request: HttpRequest, invitation: Invitation, card: dict[str, Any], form: forms.JoinForm
) -> HttpResponse:
    inviter = Member.objects.only("is_host").get(pk=invitation.inviter_id)
    context = {
        "form": form,
        "card": card,
        "invitation": invitation,
        "bond": invitation.bond,
        "circle": invitation.bond.kind == Bond.Kind.CIRCLE,
        "partners": invitation.bond.kind == Bond.Kind.PARTNERS,
        "inviter_is_host": inviter.is_host,
        "immediately": invitation.bond_key is not None,
    }
    return render(request, "bonds/join.html", context, status=422 if form.errors else 200)


def _for_adults(request: HttpRequest, invitation_id: uuid.UUID, status: int = 200) -> HttpResponse:
    return render(request, "bonds/join_adults.html", {"invitation_id": invitation_id}, status=status)


def _over(request: HttpRequest) -> HttpResponse:
    return render(request, "bonds/join_over.html", status=410)


@require_POST
def join_accept(request: HttpRequest, invitation_id: uuid.UUID) -> HttpResponse:
    """Yes. With an account one is in; without one, signing up comes first and joining follows by itself."""
    kept = _kept(request, invitation_id)
    if kept is None:
        return redirect("join", invitation_id)
    try:
        invitation, card = services.invitation_open(invitation_id, _secret_of(kept))
    except services.InvitationOver:
        keys_of(request).forget(INVITED)
        return _over(request)
    form = forms.JoinForm(request.POST, taken=card.get("threads", []))
    if not form.is_valid():
        return _join_page(request, invitation, card, form)
    answer = {"yes": True, "name": form.cleaned_data["own_name"], "thread": form.cleaned_data["thread"]}
    keys_of(request).keep(INVITED, {**kept, **answer})
    if request.user.is_authenticated:
        return redirect("join-finish", invitation_id)
    return redirect("sign-in" if "sign-in" in request.POST else "sign-up")


@login_required
@require_GET
def join_finish(request: HttpRequest, invitation_id: uuid.UUID) -> HttpResponse:
    """What the yes led to, now that there is an account. Needs the yes, which only the form before can have kept."""
    keys = keys_of(request)
    keyring = keys.need
    kept = _kept(request, invitation_id)
    if kept is None or not kept.get("yes"):
        return redirect("join", invitation_id)
    keys.forget(INVITED)
    try:
        bond = services.invitation_accept(
            request.user, keyring, invitation_id, _secret_of(kept), name=kept["name"], thread=kept["thread"]
        )
    except (services.InvitationOver, services.BondFull):
        return _over(request)
    except services.ForAdults:
        keys.keep(INVITED, {**kept, "yes": False})  # so that they can still say no to whoever sent it
        return _for_adults(request, invitation_id, status=403)
    forget_bonds(request)
    return redirect("today", bond.id)


@require_POST
def join_decline(request: HttpRequest, invitation_id: uuid.UUID) -> HttpResponse:
    """Not now. Whoever invited is told nothing: it looks like no answer."""
    keys = keys_of(request)
    kept = _kept(request, invitation_id)
    rests = blocked = False
    if kept is not None:
        member = request.user if request.user.is_authenticated else None
        try:
            services.invitation_decline(
                invitation_id, _secret_of(kept), member, keys.keyring, block="block" in request.POST
            )
            rests = member is not None and keys.keyring is not None
            blocked = rests and "block" in request.POST
        except services.InvitationOver:
            pass
        keys.forget(INVITED)
    return render(request, "bonds/join_declined.html", {"rests": rests, "blocked": blocked})


# -- the bond ---------------------------------------------------------------------------------------------------------


@login_required
@require_http_methods(["GET", "POST"])
def us(request: HttpRequest, bond_id: uuid.UUID) -> HttpResponse:
    """Who is in it, what was agreed, how I appear in it."""
    opened = bond_let_in(request, bond_id)
    initial = {"own_name": opened.me.name, "thread": opened.me.thread}
    form = forms.AppearForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        services.membership_change(opened, name=form.cleaned_data["own_name"], thread=form.cleaned_data["thread"])
        forget_bonds(request)
        return redirect("us", bond_id)
    context = {
        "bond": opened,
        "form": form,
        "room": services.places_left(opened),
        "host_is_here": [person for person in opened.people if person.is_host],
        "rests": [person for person in opened.people if opened.rests_openly(person)],
        "changes": services.changes(opened),
        "decidable": len(opened.people) > 2 or opened.strict,
    }
    return render(request, "bonds/us.html", context, status=422 if form.errors else 200)
