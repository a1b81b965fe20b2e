"""Pairs of members for a measurement, made through the real services in this process; without the seconds that deriving
keys from passphrases takes, since nobody of them ever signs in with one."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from closeknit import vault
    from closeknit.web.bonds.opened import OpenBond
    from closeknit.web.members.models import Member

AGENT = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"


def set_up(data: Path, url: str = "") -> None:
    """Django on this data folder and store, with its tables. Once a process, before anything else here."""
    data.mkdir(parents=True, exist_ok=True)
    os.environ.update(CLOSEKNIT_DATA=str(data), DJANGO_SETTINGS_MODULE="closeknit.web.settings")
    if url:
        os.environ["CLOSEKNIT_DATABASE_URL"] = url
    import django

    django.setup()
    from django.core.management import call_command

    from closeknit import vault
    from closeknit.web.members import services

    call_command("migrate", verbosity=0, interactive=False)
    services.passphrase_key = lambda *_: vault.Key.new()
    services.make_password = lambda _: "!"


@dataclass
class One:
    """A member with keys at hand."""

    member: Member
    keyring: vault.Keyring

    def bond(self) -> OpenBond:
        """Their one bond, loaded anew as each request does."""
        from closeknit.web.bonds import access

        return access.bonds_load(self.member.pk, self.keyring)[0]

    def cookies(self) -> dict[str, str]:
        """A signed-in, unlocked session of the real kind, as signing in leaves it."""
        from django.conf import settings
        from django.contrib.auth import login
        from django.http import HttpRequest, HttpResponse

        from closeknit.web.members import services
        from closeknit.web.members.keys import RequestKeys
        from closeknit.web.sessions import SessionStore

        request, answer = HttpRequest(), HttpResponse()
        request.META["HTTP_USER_AGENT"] = AGENT
        request.session, request.user = SessionStore(), self.member
        login(request, self.member, backend=settings.AUTHENTICATION_BACKENDS[0])
        keys: Any = RequestKeys(request)
        keys.unlock(self.keyring)
        keys.apply(answer)
        request.session.save()
        services.session_note(request, self.member)
        found = {name: morsel.value for name, morsel in answer.cookies.items()}
        # Signing in leaves the forms' cookie, too: two first pages at once would otherwise each bring one of their own.
        found[settings.CSRF_COOKIE_NAME] = request.META["CSRF_COOKIE"]
        return found | {settings.SESSION_COOKIE_NAME: request.session.session_key}


def make_pair(first: str, second: str, username: str = "") -> tuple[One, One]:
    """Two partners, the second by the first's invitation. username: what their names to sign in with begin with."""
    from closeknit.web.bonds import services as bonds
    from closeknit.web.members import services as members

    pair = []
    for name in (first, second):
        about = {"name": name, "zone": "Europe/Berlin"}
        made = members.member_create(username=f"{username}{name}", passphrase="-", profile=about)
        members.kit_confirm(made.member)
        pair.append(One(made.member, made.keyring))
    one, two = pair
    opened = bonds.bond_create(
        *(one.member, one.keyring),
        **{"kind": "partners", "leave_rule": "leave", "name": "Us", "own_name": first, "thread": "madder"},
    )
    invitation, secret = bonds.invitation_create(opened)
    bonds.invitation_accept(two.member, two.keyring, invitation.id, secret, name=second, thread="woad")
    for person in (one, two, one):
        bonds.settle(person.bond())
    return one, two
