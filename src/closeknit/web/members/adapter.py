"""What allauth may do here: sign in by name and passphrase. Everything that goes by e-mail is closed."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.http import HttpRequest

from . import strength


class AccountAdapter(DefaultAccountAdapter):
    """No mail, no messages, no reset; limits are counted in the database by `limits`, not in a process's cache."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        from .views import may_sign_up

        return may_sign_up(request)

    def clean_password(self, password: str, user: Any = None) -> str:
        strength.check(password, inputs=(user.username,) if user is not None else ())
        return password

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """Nothing is said through message storage: pages say what happened."""

    def send_mail(self, *args: Any, **kwargs: Any) -> None:
        """No path here writes mail."""

    def get_client_ip(self, request: HttpRequest) -> str:
        return str(request.META.get("REMOTE_ADDR", ""))

    def get_login_stages(self) -> list[str]:
        """None: a second way is asked for before anybody is signed in at all (views_factors)."""
        return []


class FactorAdapter(DefaultMFAAdapter):
    """How this place is called in an app or beside a passkey; and no way for a secret into allauth's tables."""

    def encrypt(self, text: str) -> str:
        raise NotImplementedError("secrets of second ways are sealed by members.factors")

    def get_public_key_credential_rp_entity(self, user: Any = None) -> dict[str, str]:
        from allauth.core import context

        from .passkeys import relying_party

        return {"id": relying_party(context.request), "name": place_name(user)}

    def get_public_key_credential_user_entity(self, user: Any) -> dict[str, Any]:
        return {"id": user.pk.bytes, "name": user.username, "display_name": user.username}

    def build_totp_url(self, user: Any, secret: str) -> str:
        query = urlencode({"secret": secret, "issuer": place_name(user)}, quote_via=quote)
        return f"otpauth://totp/{quote(place_name(user))}:{quote(user.username)}?{query}"


def place_name(user: Any) -> str:
    """What a device shows as this place's name; a discreet member's says nothing."""
    return "Notes" if user is not None and user.discreet else "Closeknit"
