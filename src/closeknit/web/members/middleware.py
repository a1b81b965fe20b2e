"""Puts the request's keys in place, locks what has been quiet too long, and stands between a locked session and the rest."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect

from closeknit import vault
from closeknit.web import clock, live, trouble
from closeknit.web.sealed.models import Tampered

from . import services
from .hashers import TooBusy
from .keys import Locked, RequestKeys
from .limits import TooManyTries
from .models import LOCK_MINUTES, OwnSession
from .pages import locked_page, tampered_page, too_many_page, wants_json

#: What a locked session, or a visitor with an expired one, may still reach; by the url name of the view.
OPEN_WHEN_LOCKED = frozenset(
    {"home", "sign-in", "sign-up", "sign-out", "unlock", "lock", "recover", "keep", "live", "about-host", "style"}
    | {"second-factor", "passkey-sign-in", "passkey-unlock", "passkey-options"}
)
OPEN_PREFIXES = ("care", "leave")
#: Where someone may still go who is to choose new credentials first; beside what is open to a locked session.
RENEWING = frozenset({"passphrase", "kit"})
#: What tells the server nothing about whether someone is there.
QUIET_NAMES = frozenset({"live", "keep", "lock", "talk-check"})
NEVER_KEPT = ("passphrase", "password", "csrfmiddlewaretoken", "secret", "kit", "code", "credential", "prf")


def is_open_name(name: str | None) -> bool:
    """Whether the view of this url name is open to a locked session."""
    return name is not None and (name in OPEN_WHEN_LOCKED or name.startswith(OPEN_PREFIXES))


def typed_fields(request: HttpRequest) -> dict[str, str]:
    """What a person typed into a form, without anything secret."""
    return {
        name: value
        for name, value in request.POST.items()
        if isinstance(value, str) and value.strip() and not any(word in name.lower() for word in NEVER_KEPT)
    }


class KeyringMiddleware:
    """request.keys for every request; idle and absolute locks; the locked page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        keys = RequestKeys(request)
        request.keys = keys  # type: ignore[attr-defined]
        try:
            signed_in = request.user.is_authenticated
        except (OperationalError, InterfaceError):
            if not request.path.startswith(trouble.ALWAYS):
                raise
            request.user, signed_in = AnonymousUser(), False
            request.without_database = True  # type: ignore[attr-defined]
        if signed_in and keys.holds_secret:
            self._lock_if_quiet(request, keys)
        response = self.get_response(request)
        if isinstance(response, HttpResponse) or hasattr(response, "set_cookie"):
            keys.apply(response)  # type: ignore[arg-type]
        if hasattr(response, "_resource_closers"):
            response._resource_closers.append(keys.close)
        return response

    def _lock_if_quiet(self, request: HttpRequest, keys: RequestKeys) -> None:
        absolute = settings.CK_REMEMBER_SECONDS if keys.remembered else settings.CK_ABSOLUTE_SECONDS
        idle, age = keys.idle_seconds(), keys.age_seconds()
        longest = min(request.user.lock_minutes, LOCK_MINUTES[-1]) * 60
        if (idle > longest and not keys.is_held) or age > absolute or clock.went_back(min(idle, age)):
            keys.lock()
            live.close_streams(request.session.session_key or "")

    def process_view(self, request: HttpRequest, view: object, args: object, kwargs: object) -> HttpResponseBase | None:
        match = request.resolver_match
        name = match.url_name if match is not None else None
        keys: RequestKeys = request.keys  # type: ignore[attr-defined]
        if not request.user.is_authenticated:
            return None
        if keys.holds_secret and keys.is_open:
            if not (name in QUIET_NAMES or is_care(name) or request.headers.get("X-Poke")):
                self._note(request, keys)
            if request.user.must_renew and not (name in RENEWING or is_open_name(name)):
                return self._renew_first(request, keys)
            return None
        if is_open_name(name):
            return None
        saved = request.method == "POST" and services.dropped_save(request, keys, request.path, typed_fields(request))
        return locked_page(request, kept=saved)

    def _renew_first(self, request: HttpRequest, keys: RequestKeys) -> HttpResponseBase:
        """A restore brought back a passphrase that somebody may have had reason to change: a new one, then the rest."""
        if request.method == "POST":
            services.dropped_save(request, keys, request.path, typed_fields(request))
        if wants_json(request):
            return JsonResponse({"renew": True}, status=403)
        return redirect("passphrase")

    def _note(self, request: HttpRequest, keys: RequestKeys) -> None:
        if keys.idle_seconds() < 60:
            return
        keys.note_activity()
        today = clock.now().date()
        OwnSession.objects.filter(session_key=request.session.session_key, last_day__lt=today).update(last_day=today)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        if isinstance(exception, Locked):
            return locked_page(request)
        if isinstance(exception, (Tampered, vault.VaultError)):
            return tampered_page(request)
        if isinstance(exception, TooManyTries):
            return too_many_page(request, exception.seconds)
        if isinstance(exception, TooBusy):
            return too_many_page(request, 3)
        return None


def is_care(name: str | None) -> bool:
    """Care and everything near it leaves no trace of a visit."""
    return name is not None and name.startswith(OPEN_PREFIXES)
