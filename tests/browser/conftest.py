"""The system's Chromium against a real server. Any request to a foreign address fails the test."""

from __future__ import annotations

import os
import re
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

from tests import boot
from tests.browser.house import House
from tests.cast import PASSPHRASE
from tests.services import Server, program

ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
]


@pytest.fixture(scope="module")  # a server takes twenty sign-ups from one address, and the modules have more together
def server(tmp_path_factory, chromium) -> Iterator[Server]:
    """A server whose first account, the host's, is somebody else: a bond with its host in it starts with strict reveal."""
    environment = {"debug": "true"}
    if boot.POSTGRES is not None:
        environment["database_url"] = boot.POSTGRES.create(f"browser_{uuid.uuid4().hex}")
    one = start(tmp_path_factory.mktemp("browser") / "data", chromium, **environment)
    yield one
    one.stop()


def start(data: Path, chromium, **environment: str) -> Server:
    """A server with its host's account."""
    one = Server.start(data, **environment)
    page = chromium.new_page()
    page.goto(one.url + "/sign-up/")
    Visitor(page, one.url).sign_up("host")
    page.context.close()
    return one


@pytest.fixture(scope="session")
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program("chromium"), headless=True, args=ARGS)
        yield browser
        browser.close()


class Visitor:
    """One browser with its own cookies."""

    def __init__(self, page, url: str) -> None:
        self.page, self.url = page, url

    def sign_up(self, name: str) -> None:
        page = self.page
        page.fill("#id_username", name)
        page.fill("#id_password1", PASSPHRASE)
        page.check("text=18 or older")
        page.click("main button.button-primary")
        page.wait_for_selector("text=Your recovery kit")
        number = int(re.search(r"group (\d)", page.inner_text("label[for=id_group]")).group(1))
        group = page.locator(".kit-group").nth(number - 1).inner_text().split()[-1]
        page.fill("#id_group", group)
        page.click("main button.button-primary")


class Watch:
    """Makes browsers, and notes what no page may do: ask another address, break the policy, stumble in its script."""

    def __init__(self, chromium, url: str) -> None:
        self.chromium, self.url = chromium, url
        self.contexts, self.foreign, self.errors = [], [], []

    def page(self, *, script: bool = True, dark: bool = False, width: int = 360, height: int = 740, cookies=None):
        context = self.chromium.new_context(
            viewport={"width": width, "height": height},
            java_script_enabled=script,
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
        )
        context.set_default_timeout(10_000)
        context.on("request", self._asked)
        context.on("page", self._opened)
        if cookies:
            context.add_cookies(cookies)
        self.contexts.append(context)
        return context.new_page()

    def _asked(self, request) -> None:
        if not request.url.startswith((self.url, self.url.replace("127.0.0.1", "localhost"), "data:", "blob:")):
            self.foreign.append(request.url)

    def _opened(self, page) -> None:
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._said)

    def _said(self, message) -> None:
        if "Content Security Policy" in message.text:
            self.errors.append(message.text)

    def close(self) -> None:
        for context in self.contexts:
            context.close()
        assert self.foreign == [] and self.errors == []


@pytest.fixture
def visit(chromium, server) -> Iterator[Callable[..., Visitor]]:
    watch = Watch(chromium, server.url)
    yield lambda **options: Visitor(watch.page(**options), server.url)
    watch.close()


@pytest.fixture(scope="session")
def house(tmp_path_factory, chromium) -> Iterator[House]:
    """One server for all who talk."""
    one = House(tmp_path_factory.mktemp("house"))
    yield one
    one.server.stop()


@pytest.fixture
def enter(chromium, house) -> Iterator[Callable[..., object]]:
    """A page in a browser of its own, of somebody of the house."""
    watch = Watch(chromium, house.url)
    yield lambda name, **options: watch.page(cookies=house.cookies(name), **options)
    watch.close()


@pytest.fixture
def pair(visit) -> tuple[Visitor, Visitor]:
    """Ana and Jonas, in a bond, each in their own browser, on Today."""
    return make_pair(visit)


def press(page, selector: str) -> None:
    """Click what leads to another page, and be there: a click alone does not wait for the answer."""
    with page.expect_navigation():
        page.click(selector)


def make_pair(visit, **options) -> tuple[Visitor, Visitor]:
    tag = str(time.monotonic_ns())[-9:]
    ana, jonas = visit(**options), visit(**options)
    ana.page.goto(ana.url + "/sign-up/")
    ana.sign_up(f"ana{tag}")
    ana.page.wait_for_url("**/bonds/new/")
    ana.page.check("text=Partners")
    ana.page.fill("#id_name", "Ana & Jonas")
    ana.page.fill("#id_own_name", "Ana")
    ana.page.click("text=Start it")
    ana.page.wait_for_url("**/invite/")
    link = ana.page.input_value("input[data-copy-source]")
    words = ana.page.inner_text(".words")
    ana.page.click("text=Answer the first prompt meanwhile")
    jonas.page.goto(link)
    if options.get("script") is False:
        jonas.page.fill("#id_secret", words)
        jonas.page.click("main button.button-primary")
    jonas.page.wait_for_selector("text=invites you to")
    jonas.page.fill("#id_own_name", "Jonas")
    jonas.page.click("main button.button-primary")
    jonas.sign_up(f"jonas{tag}")
    jonas.page.wait_for_url(re.compile(r"/b/[^/]+/$"))
    ana.page.reload()
    return ana, jonas
