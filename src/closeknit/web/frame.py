"""What every page's frame shows: who is signed in, which bond, which rooms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from closeknit.web.bonds.access import bonds_of
from closeknit.web.bonds.opened import OpenBond
from closeknit.web.members import services as members
from closeknit.web.members.queries import profile_of
from closeknit.web.members.views import PLAIN_COOKIE


@dataclass(frozen=True, slots=True)
class BondLink:
    """A bond in the header's switch."""

    id: Any
    name: str
    kind: str
    url: str
    threads: tuple[str, ...]
    me: tuple[str, str]
    others: tuple[tuple[str, str], ...]
    current: bool


@dataclass(frozen=True, slots=True)
class Tab:
    label: str
    url: str
    icon: str
    current: bool


YOURS = frozenset(
    {"settings", "passphrase", "record", "blocked", "account-delete", "new-keys", "kit-new", "of-age"}
    | {"export", "import"}
    | {"coach", "coach-off"}
    | {"second-ways", "app-add", "passkey-add", "recovery-codes", "recovery-codes-new", "factor-remove"}
)


REFLECT = frozenset(
    {"reflect", "journal", "write", "rewrite", "take", "library", "lesson", "rehearsals", "rehearse", "words"}
    | {"evidence", "pictures"}
    | {"ladders", "ladder", "rung", "worries", "worry", "kindness", "ask", "rethink", "me", "around", "good"}
)
TALK = frozenset({"talk", "talk-history", "talk-check", "talk-start", "dialogue"})
US = frozenset({"us", "invite", "pause", "go", "together", "compare"})


class Frame:
    """Reads only what a template asks for; an error page asks for nothing."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @property
    def _user(self) -> Any:
        return getattr(self._request, "user", None)

    @cached_property
    def signed_in(self) -> bool:
        return bool(self._user is not None and self._user.is_authenticated)

    @cached_property
    def locked(self) -> bool:
        keys = getattr(self._request, "keys", None)
        return self.signed_in and (keys is None or not keys.is_open)

    @property
    def _open(self) -> bool:
        return self.signed_in and not self.locked

    @cached_property
    def discreet(self) -> bool:
        """Whether the tab has a plain name and icon: by this member's choice, or left by them in this browser."""
        return bool(self._user.discreet) if self.signed_in else PLAIN_COOKIE in self._request.COOKIES

    @cached_property
    def erase_on(self) -> date | None:
        """The day on which this account is deleted, by its owner's calendar, if they asked for that."""
        if not self._open or self._user.erase_at is None:
            return None
        zone = profile_of(self._request.keys, self._user).tzinfo  # type: ignore[attr-defined]
        return self._user.erase_at.astimezone(zone).date()  # type: ignore[no-any-return]

    @cached_property
    def theme(self) -> str:
        return str(self._user.theme) if self.signed_in else "auto"

    @cached_property
    def can_lock(self) -> bool:
        return self._open

    @cached_property
    def lock_minutes(self) -> int:
        return int(self._user.lock_minutes) if self._open else 0

    @cached_property
    def _bond_id(self) -> Any:
        match = getattr(self._request, "resolver_match", None)
        return match.kwargs.get("bond_id") if match is not None else None

    @cached_property
    def bonds(self) -> list[BondLink]:
        return [self._link(opened) for opened in bonds_of(self._request)] if self._open else []

    @cached_property
    def bond(self) -> BondLink | None:
        return next((bond for bond in self.bonds if bond.current), None)

    def _link(self, opened: OpenBond) -> BondLink:
        return BondLink(
            id=opened.id,
            name=opened.name or _("A new bond"),
            kind=str(opened.bond.get_kind_display()),
            url=reverse("today", args=[opened.id]),
            threads=tuple(person.thread for person in opened.people),
            me=(opened.me.name, opened.me.thread),
            others=tuple((person.name, person.thread) for person in opened.others),
            current=opened.id == self._bond_id,
        )

    @cached_property
    def kept(self) -> list[str]:
        """Texts that were being typed when the session locked, for pages that do not put them back themselves."""
        if not self._open or not self._request.session.get(members.DROPPED_FLAG):
            return []
        texts = members.dropped_read(self._user.pk, self._request.keys.need)
        return [text for one in texts for text in one.fields.values()]

    @cached_property
    def tabs(self) -> list[Tab]:
        """Only rooms that work."""
        if not self._open:
            return []
        match = getattr(self._request, "resolver_match", None)
        name = match.url_name if match is not None else ""
        alone = Tab(_("Reflect"), reverse("reflect"), "book-open", name in REFLECT)
        you = Tab(_("You"), reverse("settings"), "user-round", name in YOURS)
        bond = self.bond or (self.bonds[-1] if self.bonds else None)
        if bond is None:
            # Who is in no bond, or in none any longer, still has words, settings and an account.
            begin = Tab(_("Begin"), reverse("bond-new"), "plus", name == "bond-new")
            return [begin, alone, you] if name in {*YOURS, *REFLECT, "went", "bond-new", "care", "care-two-weeks"} else []
        return [
            Tab(_("Today"), bond.url, "sun-medium", name in {"today", "moment", "prompt", "depth", "prompts"}),
            Tab(_("Talk"), reverse("talk", args=[bond.id]), "messages-square", name in TALK),
            alone,
            Tab(_("Thread"), reverse("thread", args=[bond.id]), "spline", name in {"thread", "search"}),
            Tab(_("Us"), reverse("us", args=[bond.id]), "users-round", name in US),
            you,
        ]


def frame(request: HttpRequest) -> dict[str, Frame]:
    return {"frame": Frame(request)}
