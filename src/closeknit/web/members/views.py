"""Signing up and in, the kit, locking and unlocking, and a member's own settings."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import asdict
from typing import Any

import segno
from allauth.account.internal.flows import signup as signup_flow
from django.conf import settings
from django.contrib.auth import logout, update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.generic import FormView

from closeknit import vault
from closeknit.web import live

from . import factors, forms, limits, passkeys, queries, record, services, strength
from .keys import keys_of
from .middleware import typed_fields
from .models import Member, OwnSession
from .pages import locked_page
from .stepup import stepped_up
from .views_factors import pending_begin

KIT = "kit"
INVITED = "invited"
PLAIN_COOKIE = "ck-plain"
SIGN_UPS_AN_ADDRESS = 20


def next_path(request: HttpRequest, default: str = "/") -> str:
    """Where to go afterwards: a path of this site, given by the form or the address."""
    path = request.POST.get("next") or request.GET.get("next") or ""
    return path if url_has_allowed_host_and_scheme(path, allowed_hosts=None) and path.startswith("/") else default


def may_sign_up(request: HttpRequest) -> bool:
    """On loopback anyone at the machine; elsewhere it takes an invitation or the host's one-time link."""
    if settings.CK_OPEN_SIGN_UP:
        return True
    return keys_of(request).kept(INVITED) is not None or host_link_ok(request)


def host_link_ok(request: HttpRequest) -> bool:
    """Whether the visitor came by the host's one-time link (`closeknit invite`)."""
    kept = keys_of(request).kept("host-link")
    return kept is not None and not limits_used(kept.get("token", ""))


def limits_used(token: str) -> bool:
    """Whether a one-time link was used up or never made."""
    from .models import Limit

    try:
        code = signing.loads(token, salt="closeknit.host-link", max_age=7 * 86400)
    except signing.BadSignature:
        return True
    return Limit.objects.filter(pk=f"host-link:{code}").exists()


def remember_device(request: HttpRequest, response: HttpResponse, member: Member) -> None:
    """Let this browser sign in to this account without delays later on."""
    try:
        seen = signing.loads(request.COOKIES.get("ck-device", ""), salt=forms.DEVICE_COOKIE_SALT, max_age=400 * 86400)
    except signing.BadSignature:
        seen = []
    members = [*[item for item in seen if item != str(member.pk)], str(member.pk)][-5:]
    response.set_cookie(
        "ck-device",
        signing.dumps(members, salt=forms.DEVICE_COOKIE_SALT),
        max_age=400 * 86400,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    remember_plain(response, member)


def remember_plain(response: HttpResponse, member: Member) -> None:
    """In discreet mode this browser shows the plain title and icon before signing in, too. It says nothing else."""
    if member.discreet:
        response.set_cookie(
            PLAIN_COOKIE,
            "1",
            max_age=400 * 86400,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
    else:
        response.delete_cookie(PLAIN_COOKIE, samesite="Lax")


def start_session(
    request: HttpRequest,
    member: Member,
    keyring: vault.Keyring,
    carried: dict[str, dict[str, Any]],
    *,
    remember: bool,
    what: record.What = record.What.SIGNED_IN,
) -> None:
    """After signing in: a new cookie key, the sealed secret, and whatever was kept before."""
    keys = keys_of(request)
    request.user = member
    away = record.days_away(member, keyring)
    keys.unlock(keyring, remember=remember)
    for name, value in carried.items():
        keys.keep(name, value)
    services.back_note(keys, away)
    services.session_note(request, member)
    services.dropped_flag(request, member)
    device = services.device_kind(request.META.get("HTTP_USER_AGENT", ""))
    record.note(member, keyring, what, device=device)


class SignUp(FormView):
    """A name and a passphrase; then the kit. allauth's form and flow; its own view would want its mail paths too."""

    template_name = "members/sign_up.html"
    form_class = forms.SignUpForm

    @method_decorator(ensure_csrf_cookie)
    @method_decorator(never_cache)
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.is_authenticated:
            return redirect("home")
        if not may_sign_up(request):
            return render(request, "members/sign_up_closed.html", status=403)
        if request.method == "POST":
            limits.ensure_allowed("sign-up", "", request)
        return super().dispatch(request, *args, **kwargs)  # type: ignore[return-value]

    def form_valid(self, form: forms.SignUpForm) -> HttpResponse:
        keys = keys_of(self.request)
        carried = keys.carry()
        data = form.cleaned_data
        try:
            made = services.member_create(
                username=data["username"],
                passphrase=data["password1"],
                profile={"name": data["username"], "zone": data["zone"]},
                under_18=data["under_18"],
            )
        except services.NameTaken:
            form.add_error("username", _("Someone already signs in with that name. Choose another."))
            return self.form_invalid(form)
        limits.note_failure("sign-up", "", self.request, free=SIGN_UPS_AN_ADDRESS)
        spend_host_link(carried.pop("host-link", None))
        signup_flow.complete_signup(self.request, user=made.member, redirect_url=reverse("kit"))
        start_session(self.request, made.member, made.keyring, carried, remember=False)
        keys.keep(KIT, {"kit": vault.kit_text(made.kit), "index": secrets.randbelow(vault.kit_group_count())})
        response = HttpResponseRedirect(reverse("kit"))
        remember_device(self.request, response, made.member)
        return response

    def form_invalid(self, form: forms.SignUpForm) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        context["suggestion"] = strength.suggest(self.request.POST.get("suggestion", ""))
        return {**context, "invited": keys_of(self.request).kept(INVITED)}


def spend_host_link(kept: dict[str, Any] | None) -> None:
    """A one-time link works once."""
    from .models import Limit

    if kept is None:
        return
    code = signing.loads(kept["token"], salt="closeknit.host-link", max_age=7 * 86400)
    Limit.objects.get_or_create(pk=f"host-link:{code}")


@require_GET
def host_link(request: HttpRequest, token: str) -> HttpResponse:
    """The host's one-time link: keeps the permission and goes on to signing up."""
    if limits_used(token):
        return render(request, "errors/410.html", status=410)
    keys_of(request).keep("host-link", {"token": token})
    return redirect("sign-up")


class SignIn(FormView):
    """Name and passphrase."""

    template_name = "members/sign_in.html"
    form_class = forms.SignInForm

    @method_decorator(ensure_csrf_cookie)
    @method_decorator(never_cache)
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.is_authenticated:
            return redirect("home")
        return super().dispatch(request, *args, **kwargs)  # type: ignore[return-value]

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "request": self.request}

    def form_valid(self, form: forms.SignInForm) -> HttpResponse:
        if form.user is not None and form.keyring is not None and factors.are_asked(form.user):
            remember = form.cleaned_data.get("remember", False)
            pending_begin(self.request, form.user, form.keyring, remember=remember, to=self.get_success_url())
            return redirect("second-factor")
        carried = keys_of(self.request).carry()
        response: HttpResponse = form.login(self.request, redirect_url=self.get_success_url())
        if form.keyring is not None and form.user is not None:
            start_session(
                self.request, form.user, form.keyring, carried, remember=form.cleaned_data.get("remember", False)
            )
            remember_device(self.request, response, form.user)
        return response

    def get_success_url(self) -> str:
        return where_to(self.request)

    def form_invalid(self, form: forms.SignInForm) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return {**context, **sign_in_context(self.request), "late": "late" in self.request.GET}


def where_to(request: HttpRequest) -> str:
    """Where signing in leads: to the invitation one came with, or back to the page one wanted."""
    invited = keys_of(request).kept(INVITED)
    return reverse("join", args=[invited["id"]]) if invited else next_path(request)


def sign_in_context(request: HttpRequest) -> dict[str, Any]:
    return {
        "next": next_path(request, ""),
        "may_sign_up": may_sign_up(request),
        "passkeys_work": bool(passkeys.relying_party(request)),
    }


def sign_in_page(request: HttpRequest, *, refused: bool = False) -> HttpResponse:
    """The sign-in page again, after a passkey that opens nothing here."""
    context = {"form": forms.SignInForm(request=request), "refused": refused, **sign_in_context(request)}
    return render(request, "members/sign_in.html", context, status=422)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End this session and clear what the browser keeps for us."""
    end_session(request)
    response = redirect("home")
    response["Clear-Site-Data"] = '"storage"'
    return response


def end_session(request: HttpRequest) -> None:
    """Sign out and forget the session, its streams and its cookie key. Also used by Quick exit."""
    key = request.session.session_key
    keys = keys_of(request)
    if key:
        live.close_streams(key)
        OwnSession.objects.filter(session_key=key).delete()
    logout(request)
    keys.sign_out()


# -- the kit --------------------------------------------------------------------------------------------------------


@login_required
@require_http_methods(["GET", "POST"])
def kit(request: HttpRequest) -> HttpResponse:
    """The recovery kit, shown once, until one group of it was typed back."""
    keys = keys_of(request)
    keys.need  # noqa: B018  (a locked session sees no kit)
    kept = keys.kept(KIT)
    if kept is None:
        return redirect("settings")
    form = forms.KitConfirmForm(
        request.POST if request.method == "POST" else None, kit=kept["kit"], index=kept["index"]
    )
    if request.method == "POST" and form.is_valid():
        services.kit_confirm(request.user)
        keys.forget(KIT)
        invited = keys.kept(INVITED)
        if invited is not None:
            return redirect("join-finish", invited["id"])
        return redirect("home")
    context = {
        "form": form,
        "kit": kept["kit"],
        "groups": kept["kit"].split("-"),
        "qr": segno.make(kept["kit"], error="m").svg_data_uri(border=2, scale=4),
    }
    return render(request, "members/kit.html", context, status=422 if form.errors else 200)


@stepped_up
@require_http_methods(["GET", "POST"])
def kit_new(request: HttpRequest) -> HttpResponse:
    """A new kit after the passphrase was typed again; the old one is void."""
    if request.method == "GET":
        return render(request, "members/kit_new.html")
    keep_kit(request, services.kit_renew(request.user, keys_of(request).need))
    record.note(request.user, keys_of(request).need, record.What.KIT)
    return redirect("kit")


def keep_kit(request: HttpRequest, new: bytes) -> None:
    """Have the kit's page show a new kit, until one group of it was typed back."""
    keys_of(request).keep(KIT, {"kit": vault.kit_text(new), "index": secrets.randbelow(vault.kit_group_count())})


@require_http_methods(["GET", "POST"])
def recover(request: HttpRequest) -> HttpResponse:
    """The kit and a new passphrase: the only way back without the old one."""
    form = forms.RecoverForm(request.POST if request.method == "POST" else None, request=request)
    if request.method == "POST" and form.is_valid() and form.member is not None and form.keyring is not None:
        member, keyring = form.member, form.keyring
        services.passphrase_set(member, keyring, form.cleaned_data["new_passphrase"])
        for ended in services.sessions_end(member):
            live.close_streams(ended)
        new = services.kit_renew(member, keyring)
        turned_off = factors.remove_all(member)
        carried = keys_of(request).carry()
        from allauth.account.internal.flows.login import perform_login
        from allauth.account.models import Login

        perform_login(request, Login(user=member))
        start_session(request, member, keyring, carried, remember=False, what=record.What.RECOVERED)
        if turned_off:
            record.note(member, keyring, record.What.FACTOR_REMOVED)
        keep_kit(request, new)
        response = redirect("kit")
        remember_device(request, response, member)
        return response
    return render(request, "members/recover.html", {"form": form}, status=422 if form.errors else 200)


# -- locking --------------------------------------------------------------------------------------------------------


@login_required
@require_POST
def lock(request: HttpRequest) -> HttpResponse:
    """Lock now. What was being typed comes along, if the page sent it, and is saved."""
    keys = keys_of(request)
    back = next_path(request)
    services.dropped_save(request, keys, back, {k: v for k, v in typed_fields(request).items() if k != "next"})
    keys.lock()
    live.close_streams(request.session.session_key or "")
    return redirect(f"{reverse('unlock')}?next={back}")


@login_required
@require_POST
def keep(request: HttpRequest) -> HttpResponse:
    """Save what is being typed under the drop key: works locked and unlocked, reads nothing."""
    fields = {k: v for k, v in typed_fields(request).items() if k != "next"}
    saved = services.dropped_save(request, keys_of(request), next_path(request), fields)
    return JsonResponse({"saved": saved}, status=200 if saved else 409)


@login_required
@require_http_methods(["GET", "POST"])
def unlock(request: HttpRequest) -> HttpResponse:
    """The passphrase again; then back to the page, with what was typed."""
    back = next_path(request)
    if keys_of(request).is_open and request.method == "GET":
        return redirect(back)
    form = forms.UnlockForm(request.POST if request.method == "POST" else None, request=request)
    if request.method == "POST" and form.is_valid() and form.keyring is not None:
        return unlocked(request, form.keyring, back)
    return locked_page(request, form=form, back=back, status=422 if form.errors else 200)


def unlocked(request: HttpRequest, keyring: vault.Keyring, back: str) -> HttpResponse:
    """Something opened the keyring: back to the page. The first time in a session, signing in is complete."""
    keys = keys_of(request)
    first, carried = not keys.was_open, keys.carry()
    keys.unlock(keyring)
    for name, value in carried.items():
        keys.keep(name, value)
    services.back_note(keys, record.days_away(request.user, keyring))
    services.dropped_flag(request, request.user)
    if first:
        device = services.device_kind(request.META.get("HTTP_USER_AGENT", ""))
        record.note(request.user, keyring, record.What.SIGNED_IN, device=device)
    return redirect(back)


@login_required
@require_http_methods(["GET", "POST"])
def confirm(request: HttpRequest) -> HttpResponse:
    """The passphrase again, before something that cannot be undone."""
    keys = keys_of(request)
    keys.need  # noqa: B018
    form = forms.UnlockForm(request.POST if request.method == "POST" else None, request=request)
    if request.method == "POST" and form.is_valid():
        keys.confirm()
        return redirect(next_path(request, reverse("settings")))
    context = {"form": form, "next": next_path(request, reverse("settings"))}
    return render(request, "members/confirm.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def kept_clear(request: HttpRequest) -> HttpResponse:
    """The member has what they typed back; forget our copy."""
    keys_of(request).need  # noqa: B018
    services.dropped_clear(request.user.pk)
    request.session.pop(services.DROPPED_FLAG, None)
    return redirect(next_path(request))


# -- settings -------------------------------------------------------------------------------------------------------


def settings_page(
    request: HttpRequest,
    *,
    form: forms.SettingsForm | None = None,
    status: int = 200,
) -> HttpResponse:
    keys = keys_of(request)
    profile = queries.profile_of(keys, request.user)
    sessions = [
        {"row": row, "here": row.session_key == request.session.session_key}
        for row in OwnSession.objects.filter(member=request.user).order_by("-last_day", "id")[:50]
    ]
    context = {
        "form": form or forms.SettingsForm(instance=request.user, initial=asdict(profile)),
        "sessions": sessions,
        "kit_confirmed": request.user.wraps.filter(opener="kit", confirmed_at__isnull=False).exists(),
        "saved": "saved" in request.GET,
    }
    return render(request, "members/settings.html", context, status=status)


@login_required
@require_http_methods(["GET", "POST"])
def settings_view(request: HttpRequest) -> HttpResponse:
    """A member's own settings; others see nothing of them."""
    keys = keys_of(request)
    if request.method != "POST":
        return settings_page(request)
    form = forms.SettingsForm(request.POST, instance=request.user)
    if not form.is_valid():
        request.user.refresh_from_db()
        return settings_page(request, form=form, status=422)
    form.save()
    payload = {name: form.cleaned_data[name] for name in ("name", "zone", "exit")}
    services.member_row_write(keys.need, request.user, vault.Place.PROFILE, payload)
    response = redirect(f"{reverse('settings')}?saved")
    remember_plain(response, request.user)
    return response


@login_required
@require_http_methods(["GET", "POST"])
def passphrase(request: HttpRequest) -> HttpResponse:
    """Change the passphrase: the key is wrapped anew, content stays as it is, other sessions end.

    After a restore that brought old credentials back, the kit is made anew with it.
    """
    keys = keys_of(request)
    keyring = keys.need
    form = forms.NewPassphraseForm(request.POST if request.method == "POST" else None, request=request)
    if request.method == "POST" and form.is_valid():
        renewing = request.user.must_renew
        services.passphrase_set(request.user, keyring, form.cleaned_data["new_passphrase"])
        update_session_auth_hash(request, request.user)
        record.note(request.user, keyring, record.What.PASSPHRASE)
        services.session_note(request, request.user)
        for ended in services.sessions_end(request.user, keep=request.session.session_key):
            live.close_streams(ended)
        if renewing:
            keep_kit(request, services.kit_renew(request.user, keyring))
            record.note(request.user, keyring, record.What.KIT)
            return redirect("kit")
        return redirect(f"{reverse('settings')}?saved")
    context = {"form": form, "suggestion": strength.suggest(request.POST.get("suggestion", ""))}
    return render(request, "members/passphrase.html", context, status=422 if form.errors else 200)


@stepped_up
@require_http_methods(["GET", "POST"])
def of_age(request: HttpRequest) -> HttpResponse:
    """I am 18 now. Asked for the passphrase, since nobody else may say it; there is no way back."""
    if not request.user.under_18:
        return redirect("settings")
    if request.method == "GET":
        return render(request, "members/of_age.html")
    if services.of_age_note(request.user):
        record.note(request.user, keys_of(request).need, record.What.OF_AGE)
    return redirect(f"{reverse('settings')}?saved")


@login_required
@require_POST
def session_end(request: HttpRequest, session_id: uuid.UUID) -> HttpResponse:
    """End one of the member's own sessions."""
    ended = services.sessions_end(request.user, only=session_id)
    if not ended:
        raise Http404
    for key in ended:
        live.close_streams(key)
    if keys_of(request).is_open:
        record.note(request.user, keys_of(request).need, record.What.SESSION_ENDED)
    if request.session.session_key in ended:
        end_session(request)
        return redirect("home")
    return redirect("settings")


@login_required
@require_GET
def own_record(request: HttpRequest) -> HttpResponse:
    """What happened to this account, for its owner alone."""
    keys = keys_of(request)
    context = {
        "lines": record.read(request.user, keys.need),
        "zone": queries.profile_of(keys, request.user).tzinfo,
        "devices": dict(OwnSession.Device.choices),
    }
    return render(request, "members/record.html", context)
