"""Second ways to sign in: the page after the passphrase, passkeys, and a member's own list of them."""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass
from typing import Any

import segno
from allauth.account.internal.flows.login import perform_login
from allauth.account.models import Login
from allauth.mfa.adapter import get_adapter
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from closeknit import vault
from closeknit.web import clock

from . import factors, forms_factors, passkeys, record, services
from .keys import PENDING, keys_of
from .models import Factor, Member, OwnSession
from .pages import locked_page
from .stepup import stepped_up

PENDING_SECONDS = 900
APP = "app"
CODES = "codes"


# -- between the passphrase and the second way ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pending:
    """Somebody whose passphrase was right. Nobody is signed in yet: this opens the next page and nothing else."""

    member: Member
    keyring: vault.Keyring
    remember: bool
    to: str


def pending_begin(request: HttpRequest, member: Member, keyring: vault.Keyring, *, remember: bool, to: str) -> None:
    """Keep the opened secret, sealed under a new key in the visitor's cookie, until the second way has answered."""
    keys = keys_of(request)
    carried = keys.carry()
    request.session.cycle_key()
    keys.renew_cookie()
    for name, value in carried.items():
        keys.keep(name, value)
    secret = base64.b64encode(keyring.secret.raw).decode("ascii")
    value = {
        "member": str(member.pk),
        "secret": secret,
        # A passphrase that was changed meanwhile ends this, as it ends sessions.
        "hash": member.get_session_auth_hash(),
        "at": int(clock.now().timestamp()),
        "remember": remember,
        "to": to,
    }
    keys.keep(PENDING, value)


def pending_of(request: HttpRequest) -> Pending | None:
    """Who is between the two, for a quarter of an hour at most."""
    keys = keys_of(request)
    kept = keys.kept(PENDING)
    if kept is None:
        return None
    member = Member.objects.filter(pk=kept["member"], is_active=True).first()
    in_time = 0 <= clock.now().timestamp() - kept["at"] < PENDING_SECONDS
    if (
        member is None
        or not in_time
        or not constant_time_compare(kept["hash"], member.get_session_auth_hash())
        or not factors.are_asked(member)
    ):
        keys.forget(PENDING)
        return None
    keyring = vault.Keyring(vault.Key(base64.b64decode(kept["secret"])))
    return Pending(member, keyring, bool(kept["remember"]), str(kept["to"]))


def finish(
    request: HttpRequest, member: Member, keyring: vault.Keyring | None, *, remember: bool, to: str
) -> HttpResponse:
    """Both have answered: the session begins; locked, if nothing opened the keyring."""
    from .views import remember_device, start_session

    keys = keys_of(request)
    carried = keys.carry()
    perform_login(request, Login(user=member, redirect_url=to))
    request.session.set_expiry(settings.SESSION_COOKIE_AGE if remember else 0)
    response: HttpResponse = redirect(to)
    if keyring is not None:
        start_session(request, member, keyring, carried, remember=remember)
    else:
        request.user = member
        keys.start_locked(remember=remember)
        for name, value in carried.items():
            keys.keep(name, value)
        services.session_note(request, member)
        response = redirect(reverse("unlock", query={"next": to}))
    remember_device(request, response, member)
    return response


@ensure_csrf_cookie
@never_cache
@require_http_methods(["GET", "POST"])
def second_factor(request: HttpRequest) -> HttpResponse:
    """After the passphrase: a code, a recovery code or a passkey. Only then is anybody signed in."""
    if request.user.is_authenticated:
        return redirect("home")
    pending = pending_of(request)
    if pending is None:
        return redirect(reverse("sign-in", query={"late": ""}) if request.method == "POST" else "sign-in")
    form = forms_factors.CodeForm(
        request.POST if request.method == "POST" and "credential" not in request.POST else None,
        request=request,
        member=pending.member,
        keyring=pending.keyring,
    )
    refused = ""
    if "credential" in request.POST:
        try:
            passkeys.take(request, "second", request.POST["credential"], pending.member)
            return finish(request, pending.member, pending.keyring, remember=pending.remember, to=pending.to)
        except passkeys.Refused:
            refused = _("That passkey did not answer for this account. Try again, or type a code.")
    elif form.is_valid():
        return finish(request, pending.member, pending.keyring, remember=pending.remember, to=pending.to)
    kinds = set(factors.of(pending.member).values_list("kind", flat=True))
    context = {
        "form": form,
        "refused": refused,
        "has_app": Factor.Kind.APP in kinds,
        "has_passkey": Factor.Kind.PASSKEY in kinds,
        "passkeys_work": bool(passkeys.relying_party(request)),
        "elsewhere": passkeys.elsewhere(request),
    }
    return render(request, "members/second_factor.html", context, status=422 if form.errors or refused else 200)


# -- passkeys: signing in and unlocking -------------------------------------------------------------------------------------


@require_POST
def passkey_options(request: HttpRequest) -> HttpResponse:
    """What the page's script hands to the browser. Any passkey at sign-in; the member's own after that."""
    purpose = request.POST.get("for", "")
    try:
        if purpose == "sign-in" and not request.user.is_authenticated:
            return JsonResponse(passkeys.ask(request, purpose))
        if purpose == "unlock" and request.user.is_authenticated:
            return JsonResponse(passkeys.ask(request, purpose, passkeys.of(request.user, opening=True)))
        pending = pending_of(request) if purpose == "second" else None
        if pending is not None:
            return JsonResponse(passkeys.ask(request, purpose, passkeys.of(pending.member)))
    except passkeys.Refused:
        pass
    return JsonResponse({"say": _("Passkeys do not work at this address.")}, status=409)


@never_cache
@require_POST
def passkey_sign_in(request: HttpRequest) -> HttpResponse:
    """A passkey alone: it stands for both, since its device asked who is there. It opens words where it may."""
    from .views import sign_in_page, where_to

    if request.user.is_authenticated:
        return redirect("home")
    try:
        factor = passkeys.take(request, "sign-in", request.POST.get("credential", ""))
    except passkeys.Refused:
        return sign_in_page(request, refused=True)
    keyring = passkeys.wrap_open(factor, passkeys.prf_of(request.POST.get("prf", "")))
    remember = request.POST.get("remember") == "on"
    return finish(request, factor.member, keyring, remember=remember, to=where_to(request))


@login_required
@require_POST
def passkey_unlock(request: HttpRequest) -> HttpResponse:
    """A passkey that opens words, in place of the passphrase, on the locked page."""
    from .views import next_path, unlocked

    back = next_path(request)
    try:
        factor = passkeys.take(request, "unlock", request.POST.get("credential", ""), request.user)
    except passkeys.Refused:
        return locked_page(request, back=back, refused=True, status=422)
    keyring = passkeys.wrap_open(factor, passkeys.prf_of(request.POST.get("prf", "")))
    if keyring is None:
        return locked_page(request, back=back, refused=True, status=422)
    return unlocked(request, keyring, back)


# -- one's own list -----------------------------------------------------------------------------------------------------


@login_required
@require_GET
def second_ways(request: HttpRequest) -> HttpResponse:
    """What a member signs in with beside the passphrase."""
    found = factors.ways(request.user, keys_of(request).need)
    context = {
        "app": next((one for one in found if one.kind == Factor.Kind.APP), None),
        "codes": next((one for one in found if one.kind == Factor.Kind.CODES), None),
        "passkeys": [one for one in found if one.kind == Factor.Kind.PASSKEY],
        "any": any(one.kind in factors.SECOND for one in found),
        "passkeys_work": bool(passkeys.relying_party(request)),
        "elsewhere": passkeys.elsewhere(request),
    }
    return render(request, "members/second_ways.html", context)


def _note(request: HttpRequest, what: record.What) -> None:
    device = services.device_kind(request.META.get("HTTP_USER_AGENT", ""))
    record.note(request.user, keys_of(request).need, what, device=device)


def _added(request: HttpRequest) -> HttpResponse:
    """Write it down; with the first second way come recovery codes, shown next."""
    _note(request, record.What.FACTOR_ADDED)
    if factors.have_codes(request.user):
        return redirect("second-ways")
    keys = keys_of(request)
    keys.keep(CODES, {"codes": factors.codes_make(request.user, keys.need)})
    return redirect("recovery-codes")


@stepped_up
@require_http_methods(["GET", "POST"])
def app_add(request: HttpRequest) -> HttpResponse:
    """Codes from an app: its secret, and one code back. The secret waits sealed until then."""
    keys = keys_of(request)
    if factors.of(request.user).filter(kind=Factor.Kind.APP).exists():
        return redirect("second-ways")
    kept = keys.kept(APP)
    if kept is None:
        kept = {"secret": factors.app_secret()}
        keys.keep(APP, kept)
    secret = kept["secret"]
    form = forms_factors.AppForm(request.POST if request.method == "POST" else None, secret=secret)
    if request.method == "POST" and form.is_valid():
        try:
            factors.app_add(request.user, keys.need, secret, form.step)
        except factors.Already:
            return redirect("second-ways")
        keys.forget(APP)
        return _added(request)
    url = get_adapter().build_totp_url(request.user, secret)
    context = {
        "form": form,
        "groups": [secret[start : start + 4] for start in range(0, len(secret), 4)],
        "url": url,
        "qr": segno.make(url, error="m").svg_data_uri(border=2, scale=4),
    }
    return render(request, "members/app_add.html", context, status=422 if form.errors else 200)


@stepped_up
@require_http_methods(["GET", "POST"])
def passkey_add(request: HttpRequest) -> HttpResponse:
    """A new passkey on this device; if its owner says so and the browser can, it opens words, too."""
    form = forms_factors.PasskeyForm(request.POST if request.method == "POST" else None)
    refused = False
    if request.method == "POST" and form.is_valid():
        keyring = keys_of(request).need
        name = form.cleaned_data["name"] or _device(request)
        try:
            factor = passkeys.take_new(request, request.user, keyring, request.POST.get("credential", ""), name)
        except passkeys.Refused:
            refused = True
        else:
            prf = passkeys.prf_of(request.POST.get("prf", ""))
            if form.cleaned_data["opens"] and prf is not None:
                passkeys.wrap_add(request.user, keyring, factor, prf)
            return _added(request)
    context = {
        "form": form,
        "refused": refused,
        "passkeys_work": bool(passkeys.relying_party(request)),
        "elsewhere": passkeys.elsewhere(request),
    }
    return render(request, "members/passkey_add.html", context, status=422 if refused or form.errors else 200)


def _device(request: HttpRequest) -> str:
    return str(OwnSession.Device(services.device_kind(request.META.get("HTTP_USER_AGENT", ""))).label)


@stepped_up
@require_POST
def passkey_add_options(request: HttpRequest) -> HttpResponse:
    """What the browser is asked to make."""
    try:
        return JsonResponse(passkeys.ask_new(request, request.user))
    except passkeys.Refused:
        return JsonResponse({"say": _("Passkeys do not work at this address.")}, status=409)


@stepped_up
@require_http_methods(["GET", "POST"])
def factor_remove(request: HttpRequest, factor_id: uuid.UUID) -> HttpResponse:
    """Remove one of the member's own."""
    found = factors.ways(request.user, keys_of(request).need)
    way = next((one for one in found if one.id == factor_id), None)
    if way is None:
        raise Http404
    rest = [one for one in found if one.kind in factors.SECOND and one.id != factor_id]
    if request.method == "GET":
        return render(request, "members/factor_remove.html", {"way": way, "last": not rest})
    factors.remove(request.user, factor_id)
    _note(request, record.What.FACTOR_REMOVED)
    return redirect("second-ways")


@stepped_up
@require_http_methods(["GET", "POST"])
def recovery_codes_new(request: HttpRequest) -> HttpResponse:
    """New recovery codes; the older ones are void."""
    if not factors.are_asked(request.user):
        return redirect("second-ways")
    if request.method == "GET":
        return render(request, "members/recovery_codes_new.html")
    keys = keys_of(request)
    keys.keep(CODES, {"codes": factors.codes_make(request.user, keys.need)})
    _note(request, record.What.FACTOR_CODES)
    return redirect("recovery-codes")


@login_required
@require_http_methods(["GET", "POST"])
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """Recovery codes, shown until their owner says that they have them; never again after that."""
    keys = keys_of(request)
    keys.need  # noqa: B018  (a locked session sees none)
    kept: dict[str, Any] | None = keys.kept(CODES)
    if kept is None:
        return redirect("second-ways")
    if request.method == "POST":
        keys.forget(CODES)
        return redirect("second-ways")
    codes = [f"{code[:5]} {code[5:]}" for code in kept["codes"]]
    return render(request, "members/recovery_codes.html", {"codes": codes})

