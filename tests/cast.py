"""The people of the tests, and what each may do."""

from __future__ import annotations

from django.test import Client

from closeknit.web.bonds import access
from closeknit.web.bonds import services as bonds
from closeknit.web.bonds.opened import OpenBond
from closeknit.web.members import services as members
from closeknit.web.members.models import Member
from closeknit.web.moments import queries
from closeknit.web.moments import services as moments
from tests.http import PASSPHRASE


class Person:
    """A member with keys at hand and a signed-in browser."""

    def __init__(self, name: str, *, under_18: bool = False) -> None:
        made = members.member_create(
            username=name.lower(),
            passphrase=PASSPHRASE,
            profile={"name": name, "zone": "Europe/Berlin"},
            under_18=under_18,
        )
        self.name, self.member, self.keyring, self.kit = name, made.member, made.keyring, made.kit
        self._client: Client | None = None

    @property
    def client(self) -> Client:
        """A browser that is signed in and unlocked; made when first needed."""
        if self._client is None:
            self._client = Client()
            answer = self._client.post("/sign-in/", {"login": self.member.username, "password": PASSPHRASE})
            assert answer.status_code == 302, answer.content.decode()
        return self._client

    def bond(self, bond_id: object = None) -> OpenBond:
        """A bond as this person holds it now, after everything their coming by makes possible."""
        for _round in range(2):
            found = access.bonds_load(self.member.pk, self.keyring)
            chosen = next((one for one in found if bond_id is None or one.id == bond_id), None)
            assert chosen is not None, "not in this bond"
            if not bonds.settle(chosen):
                return chosen
        return next(one for one in access.bonds_load(self.member.pk, self.keyring) if bond_id is None or one.id == bond_id)

    @property
    def id(self) -> str:
        return str(self.member.pk)


class Cast:
    """Ana and Jonas are partners; with Cleo they are a circle; Eve has a bond of her own and none with them."""

    def __init__(self) -> None:
        self.ana, self.jonas, self.cleo, self.eve = (Person(name) for name in ("Ana", "Jonas", "Cleo", "Eve"))
        self.pair = bonds.bond_create(
            self.ana.member,
            self.ana.keyring,
            kind="partners",
            leave_rule="leave",
            name="Ana & Jonas",
            own_name="Ana",
            thread="madder",
        ).id
        self.join(self.ana, self.jonas, self.pair)
        self.elsewhere = bonds.bond_create(
            self.eve.member,
            self.eve.keyring,
            kind="friends",
            leave_rule="stay",
            name="Eve's",
            own_name="Eve",
            thread="moss",
        ).id

    def join(self, inviter: Person, newcomer: Person, bond_id: object) -> None:
        """An invitation, accepted."""
        opened = inviter.bond(bond_id)
        bonds.refresh_if_stale(opened)
        invitation, secret = bonds.invitation_create(opened)
        bonds.invitation_accept(
            newcomer.member, newcomer.keyring, invitation.id, secret, name=newcomer.name, thread="woad"
        )

    def circle(self) -> object:
        """A circle of Ana, Jonas and Cleo."""
        opened = bonds.bond_create(
            self.ana.member,
            self.ana.keyring,
            kind="circle",
            leave_rule="stay",
            name="Sunday table",
            own_name="Ana",
            thread="madder",
        )
        self.join(self.ana, self.jonas, opened.id)
        self.join(self.ana, self.cleo, opened.id)
        return opened.id

    def first_moment(self, person: Person, bond_id: object = None) -> queries.Glance:
        """The bond's newest moment, as this person sees it."""
        opened = person.bond(bond_id or self.pair)
        return queries.glances(opened, list(queries.moments_of(opened)[:1]))[0]

    def both_answer(self, moment_id: object, ana: str = "Ana's answer", jonas: str = "Jonas's answer") -> None:
        """Open a moment."""
        moments.answer_share(self.ana.bond(self.pair), moment_id, ana)
        moments.answer_share(self.jonas.bond(self.pair), moment_id, jonas)


__all__ = ["PASSPHRASE", "Cast", "Member", "Person"]
