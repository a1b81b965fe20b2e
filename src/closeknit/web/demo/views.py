"""The demo's first page, and the links that sign a sample member in."""

from __future__ import annotations

import importlib.resources
from dataclasses import dataclass

from allauth.account.internal.flows.login import perform_login
from allauth.account.models import Login
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from closeknit import vault
from closeknit.web.bonds.access import bonds_of
from closeknit.web.bonds.opened import OpenBond
from closeknit.web.members import services
from closeknit.web.members.keys import keys_of
from closeknit.web.members.models import Member
from closeknit.web.members.views import end_session, start_session
from closeknit.web.moments import queries

from .build import slug_id
from .hosts import FRONT, host_name
from .life import the_life

#: What both phones show when the demo's page is opened: Jonas has answered, Ana has not.
FIRST = "nowords"
#: Sample moments worth a look, by slug, with what is to be seen there.
SIGHTS = (
    ("shown", _("Nobody has answered yet.")),
    ("ownrule", _("Ana is in the middle of a sentence. Her phone keeps it; Jonas's knows nothing of it.")),
    ("again", _("Ana has answered and chose not to let Jonas know.")),
    ("gettingready", _("Jonas let this one pass. To Ana it looks like any silence.")),
    ("aloneinroom", _("Jonas was silent, so Ana let him read hers anyway.")),
    ("monday", _("Opened a few hours ago. Ana has not responded yet.")),
    ("body", _("Advice, where it was welcome.")),
    ("holding", _("From a bad fortnight: Ana took her words back.")),
    ("door", _("A first answer, and what has changed since.")),
    ("nextwinter", _("In a circle of three: some have answered, Cleo is thinking. Nobody is told who.")),
)


@dataclass(frozen=True, slots=True)
class Phone:
    """A sample member and the address of their own browser, so to speak."""

    username: str
    name: str
    thread: str
    passphrase: str
    origin: str

    @property
    def enter(self) -> str:
        return self.origin + reverse("demo-enter", args=[self.username])

    @property
    def first(self) -> str:
        return f"{self.enter}?to={FIRST}"


def phones(request: HttpRequest) -> list[Phone]:
    """Everyone in the sample life, Ana and Jonas first."""
    host = request.get_host()
    host = host[host.index(FRONT) :]
    return [
        Phone(username, sample.name, sample.thread, sample.passphrase, f"{request.scheme}://{username}.{host}")
        for username, sample in the_life().members.items()
    ]


@require_safe
def front(request: HttpRequest) -> HttpResponse:
    """Both phones, what to try, and how to sign in."""
    ana, jonas, cleo = phones(request)
    context = {"ana": ana, "jonas": jonas, "cleo": cleo, "pair": [ana, jonas], "all": [ana, jonas, cleo]}
    return render(request, "demo/front.html", {**context, "sights": SIGHTS})


@require_safe
def style(request: HttpRequest) -> HttpResponse:
    """What the demo's page needs beyond the product's style sheet."""
    text = importlib.resources.files(__package__).joinpath("demo.css").read_text("utf-8")
    return HttpResponse(text, content_type="text/css; charset=utf-8")


@require_safe
def enter(request: HttpRequest, username: str) -> HttpResponse:
    """Sign the sample member of this host in, if they are not, and go where `to` says."""
    sample = the_life().members.get(username)
    if not settings.CK_DEMO or sample is None or host_name(request) != f"{username}.{FRONT}":
        raise Http404
    keys = keys_of(request)
    if request.user.is_authenticated and request.user.get_username() != username:
        # Somebody else signed in on this phone: their cookie goes now, the sample's comes with the next request.
        end_session(request)
        return redirect(request.get_full_path())
    if not keys.is_open:
        member = get_object_or_404(Member, username=username)
        try:
            keyring = services.secret_open_with_passphrase(member, sample.passphrase)
        except vault.VaultError:
            # Whoever tried out a new passphrase signs in with it like anyone else.
            return redirect("sign-in")
        if request.user.is_authenticated:
            keys.unlock(keyring)
        else:
            perform_login(request, Login(user=member))
            start_session(request, member, keyring, {}, remember=False)
    return redirect(_address(request, request.GET.get("to", "")))


def _address(request: HttpRequest, to: str) -> str:
    """A path in this phone: a sample moment by its slug, a bond's thread or, for anything else, Today."""
    bonds = bonds_of(request)
    if not bonds:
        return reverse("home")
    named = {bond.name: bond for bond in bonds}
    wanted = next((moment.bond for moment in the_life().moments if moment.slug == to), "us")
    bond = named.get(the_life().bonds[wanted].name, bonds[-1])
    if to == "thread":
        return reverse("thread", args=[bond.id])
    found = _moment(bond, to)
    return reverse("moment", args=[bond.id, found.id]) if found is not None else reverse("today", args=[bond.id])


def _moment(bond: OpenBond, slug: str) -> queries.Glance | None:
    if not bond.is_in or not slug:
        return None
    glances = queries.glances(bond, list(queries.moments_of(bond)))
    return next((glance for glance in glances if glance.prompt.id == slug_id(slug)), None)
