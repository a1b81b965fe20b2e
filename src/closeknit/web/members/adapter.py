"""What allauth may do here: sign in by name and passphrase. Everything that goes by e-mail is closed."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
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
