"""A browser without a browser: cookies, forms and their tokens, over HTTP."""

from __future__ import annotations

import http.client
import re
from contextlib import closing
from urllib.parse import urlencode

from tests.services import Server

PASSPHRASE = "a quiet kitchen on a sunday"


class Browser:
    """A small HTTP client with cookies, over one address."""

    def __init__(self, server: Server, cookies: dict[str, str] | None = None) -> None:
        self.server, self.cookies = server, cookies if cookies is not None else {}

    def ask(self, method: str, path: str, body: str = "", **headers: str) -> tuple[int, dict[str, str], str]:
        sent = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items()), **headers}
        if body:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        with closing(http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=20)) as connection:
            connection.request(method, path, body=body or None, headers=sent)
            with connection.getresponse() as answer:
                page = answer.read().decode()
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.split(";")[0]
        return answer.status, dict(answer.getheaders()), page

    def form(self, path: str, page_path: str, **fields: str) -> tuple[int, str]:
        _status, _headers, page = self.ask("GET", page_path)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page).group(1)
        status, headers, page = self.ask("POST", path, urlencode({"csrfmiddlewaretoken": token, **fields}))
        return status, headers.get("location", headers.get("Location", "")) or page

    def sign_up(self, name: str) -> None:
        status, where = self.form("/sign-up/", "/sign-up/", username=name, password1=PASSPHRASE, under_18="no")
        assert status == 302 and where == "/kit/", where
        _status, _headers, page = self.ask("GET", "/kit/")
        groups = re.findall(r"</small> (\S{5})</span>", page)
        number = int(re.search(r"group (\d)", page).group(1))
        status, _where = self.form("/kit/", "/kit/", group=groups[number - 1])
        assert status == 302
