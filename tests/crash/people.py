"""Members who write through real forms over HTTP, against a server that may vanish at any moment."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlencode

from tests.http import Browser
from tests.services import Server

_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
_MOMENT = re.compile(r"/b/[0-9a-f-]+/m/([0-9a-f-]+)/")


@dataclass
class Member:
    """Someone with a signed-in browser and a kit in the drawer."""

    name: str
    browser: Browser
    kit: str = ""
    id: str = ""
    bond: str = ""
    prompt: str = ""
    token: str = ""

    def page(self, path: str) -> tuple[int, str]:
        """GET, keeping the page's token for the next form."""
        status, _headers, page = self.browser.ask("GET", path)
        found = _TOKEN.search(page)
        self.token = found.group(1) if found else self.token
        return status, page

    def post(self, path: str, **fields: str) -> tuple[int, str, str]:
        """(status, where it sends us, page) of a form with the last page's token."""
        body = urlencode({"csrfmiddlewaretoken": self.token, **fields})
        status, headers, page = self.browser.ask("POST", path, body)
        return status, headers.get("location", headers.get("Location", "")), page

    def moment(self, moment: str, act: str = "") -> str:
        return f"{self.bond}m/{moment}/{act}"


class KitBrowser(Browser):
    """A browser that remembers the kit it was shown."""

    kit = ""

    def ask(self, method: str, path: str, body: str = "", **headers: str) -> tuple[int, dict[str, str], str]:
        answer = super().ask(method, path, body, **headers)
        if path == "/kit/" and method == "GET":
            self.kit = "-".join(re.findall(r"</small> (\S{5})</span>", answer[2])) or self.kit
        return answer


def pair(server: Server, first: str, second: str) -> tuple[Member, Member]:
    """Two members in a bond of their own, each with a prompt at hand that can be opened again and again."""
    one, two = KitBrowser(server), KitBrowser(server)
    one.sign_up(first)
    form = {"kind": "partners", "name": "Us", "own_name": first, "thread": "madder", "leave_rule": "leave"}
    _status, where = one.form("/bonds/new/", "/bonds/new/", **form)
    _status, _headers, page = one.ask("GET", where)
    words = re.search(r'class="words serif" translate="no">([^<]+)<', page).group(1)
    join = re.search(r"(/join/[0-9a-f-]+/)", page).group(1)
    two.form(join, join, secret=words)
    two.form(join + "accept/", join, own_name=second, thread="woad")
    two.sign_up(second)
    two.ask("GET", join + "finish/")
    made = [Member(first, one, one.kit), Member(second, two, two.kit)]
    for member in made:
        member.bond = where.replace("invite/", "")
        prompts = member.bond + "prompts/"
        member.page(prompts)
        assert member.post(prompts, text=f"What did {member.name} leave out today?")[0] == 302
        _status, page = member.page(prompts)
        at = page.index(f"What did {member.name} leave out today?")
        member.prompt = re.search(r'action="([^"]+/open/)"', page[at:]).group(1)
    return made[0], made[1]


def open_moment(member: Member) -> str | None:
    """Open the member's own prompt once more; the moment's id, or None if that was refused."""
    status, where, _page = member.post(member.prompt)
    found = _MOMENT.search(where)
    return found.group(1) if status == 302 and found else None
