"""Resting, going, deciding together, comparing words, and what ends an account."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from closeknit import vault
from closeknit.web.members import record, strength
from closeknit.web.members.keys import keys_of
from closeknit.web.members.models import Member
from closeknit.web.members.services import session_note
from closeknit.web.members.stepup import stepped_up
from closeknit.web.members.views import end_session, keep_kit

from . import decisions, erasing, forms, leaving, renewing, services
from .access import bond_let_in, bond_open, bonds_of, forget_bonds
from .models import Item
from .store import Stale

View = Callable[..., HttpResponse]


def _retry(view: View) -> View:
    """A key that changed meanwhile means: look again, nothing was written."""

    @wraps(view)
    def inner(request: HttpRequest, bond_id: uuid.UUID, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, bond_id, **kwargs)
        except Stale:
            forget_bonds(request)
            return redirect(request.path)

    return inner


# -- resting ----------------------------------------------------------------------------------------------------------


@login_required
@_retry
@require_http_methods(["GET", "POST"])
def pause(request: HttpRequest, bond_id: uuid.UUID) -> HttpResponse:
    """Rest here for as long as one likes, and come back."""
    opened = bond_let_in(request, bond_id)
    if request.method == "POST":
        paused = request.POST.get("do") == "rest"
        services.pause_write(opened, paused=paused, openly="openly" in request.POST)
        return redirect("us" if paused else "today", bond_id)
    return render(request, "bonds/pause.html", {"bond": opened})


@login_required
@require_POST
def pause_all(request: HttpRequest) -> HttpResponse:
    """Rest everywhere at once, or come back everywhere. Nobody sees it."""
    paused = request.POST.get("do") == "rest"
    for bond_id in [opened.id for opened in bonds_of(request)]:
        for last in (False, False, True):
            try:
                opened = bond_open(request, bond_id)
                settled = bond_let_in(request, bond_id) if opened.is_in else opened
                services.pause_write(settled, paused=paused, openly=False)
                break
            except Stale:
                # Somebody made a new key meanwhile. Everywhere means everywhere: once more.
                forget_bonds(request)
                if last:
                    raise
    return redirect("settings")


# -- going ------------------------------------------------------------------------------------------------------------


@stepped_up
@require_http_methods(["GET", "POST"])
def go(request: HttpRequest, bond_id: uuid.UUID) -> HttpResponse:
    """Leave. Shows what becomes of the words, then does it at once; nobody is asked and nobody hears of it before."""
    opened = bond_open(request, bond_id)
    if request.method == "POST":
        leaving.bond_leave(opened)
        record.note(request.user, keys_of(request).need, record.What.LEFT)
        forget_bonds(request)
        return redirect("went")
    words = Item.objects.filter(author_id=opened.me.id, bond_id=opened.id).count()
    return render(request, "bonds/go.html", {"bond": opened, "words": words})


@login_required
@require_GET
def went(request: HttpRequest) -> HttpResponse:
    """After leaving."""
    bonds_of(request)
    return render(request, "bonds/went.html")


@stepped_up
@_retry
@require_http_methods(["GET", "POST"])
def together(request: HttpRequest, bond_id: uuid.UUID) -> HttpResponse:
    """What only all can decide. Each says so alone; nobody sees who has."""
    opened = bond_let_in(request, bond_id)
    if request.method == "POST":
        go = frozenset(one.membership for one in opened.others if str(one.id) in request.POST.getlist("go"))
        votes = decisions.Votes("end" in request.POST, "loosen" in request.POST, go)
        done = decisions.votes_write(opened, votes)
        forget_bonds(request)
        return redirect("went") if done == "ended" else redirect("us", bond_id)
    context = {"bond": opened, "votes": decisions.my_votes(opened), "may_remove": decisions.may_remove(opened)}
    return render(request, "bonds/together.html", context)


@login_required
@_retry
@require_POST
def strict(request: HttpRequest, bond_id: uuid.UUID) -> HttpResponse:
    """Turn strict reveal on: any one may."""
    decisions.strict_on(bond_let_in(request, bond_id))
    return redirect("us", bond_id)


# -- words to compare ---------------------------------------------------------------------------------------------------


@stepped_up
@require_http_methods(["GET", "POST"])
def compare(request: HttpRequest, bond_id: uuid.UUID, member_id: uuid.UUID) -> HttpResponse:
    """Six words that two people see alike if, and only if, each holds the other's true key."""
    opened = bond_let_in(request, bond_id)
    person = next((one for one in opened.others if one.id == member_id), None)
    if person is None:
        raise Http404
    public = bytes(Member.objects.get(pk=member_id).public_key)
    words = vault.compare_words(opened.keyring.box.public, public, strength.word_list())
    if request.method == "POST" and request.POST.get("words") == "-".join(words):
        services.pin_again(opened, member_id, public)
        record.note(request.user, keys_of(request).need, record.What.COMPARED)
        forget_bonds(request)
        services.mates_catch_up(bond_let_in(request, bond_id))
        return redirect("us", bond_id)
    return render(request, "bonds/compare.html", {"bond": opened, "person": person, "words": words})


# -- blocked ------------------------------------------------------------------------------------------------------------


@login_required
@require_http_methods(["GET", "POST"])
def blocked(request: HttpRequest) -> HttpResponse:
    """Whose invitations do not open for me."""
    keyring = keys_of(request).need
    if request.method == "POST":
        try:
            services.unblock(request.user, uuid.UUID(request.POST.get("id", "")))
        except ValueError:
            raise Http404 from None
        return redirect("blocked")
    return render(request, "bonds/blocked.html", {"blocked": services.blocked(request.user, keyring)})


# -- the account --------------------------------------------------------------------------------------------------------


@stepped_up
@require_http_methods(["GET", "POST"])
def account_delete(request: HttpRequest) -> HttpResponse:
    """Delete my account: what goes is shown first; then in seven days, or now."""
    member, keyring = request.user, keys_of(request).need
    if request.method == "POST":
        if request.POST.get("do") == "now" and request.POST.get("sure") == "yes":
            erasing.erase_now(member)
            end_session(request)
            return render(request, "bonds/account_deleted.html")
        if request.POST.get("do") == "ask" and member.erase_at is None:
            erasing.erase_ask(member)
            record.note(member, keyring, record.What.DELETION_ASKED)
        return redirect("account-delete")
    context = {"bonds": bonds_of(request), "words": Item.objects.filter(author=member).count()}
    return render(request, "bonds/account_delete.html", context)


@login_required
@require_POST
def account_keep(request: HttpRequest) -> HttpResponse:
    """Keep it after all."""
    keyring = keys_of(request).need
    if request.user.erase_at is not None:
        erasing.erase_stop(request.user)
        record.note(request.user, keyring, record.What.DELETION_STOPPED)
    return redirect("settings")


@stepped_up
@require_http_methods(["GET", "POST"])
def new_keys(request: HttpRequest) -> HttpResponse:
    """Somebody may know my passphrase: a new one, a new kit, new keys, and every other session ends."""
    keys = keys_of(request)
    form = forms.NewKeysForm(request.POST if request.method == "POST" else None, username=request.user.username)
    if request.method == "POST" and form.is_valid():
        member = request.user
        keyring, kit = renewing.keys_renew(member, keys.need, form.cleaned_data["new_passphrase"])
        carried = keys.carry()
        request.session.cycle_key()
        update_session_auth_hash(request, member)
        keys.unlock(keyring)
        for name, value in carried.items():
            keys.keep(name, value)
        session_note(request, member)
        record.note(member, keyring, record.What.NEW_KEYS)
        keep_kit(request, kit)
        forget_bonds(request)
        return redirect("kit")
    context = {"form": form, "suggestion": strength.suggest()}
    return render(request, "bonds/new_keys.html", context, status=422 if form.errors else 200)
