"""The system's Chromium against a real server. Any request to a foreign address fails the test."""

from __future__ import annotations

import os
import re
import time
import uuid
from collections.abc import Callable, Iterator

import pytest

os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

from tests import boot
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
    one = Server.start(tmp_path_factory.mktemp("browser") / "data", **environment)
    page = chromium.new_page()
    page.goto(one.url + "/sign-up/")
    Visitor(page, one.url).sign_up("host")
    page.context.close()
    yield one
    one.stop()


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


@pytest.fixture
def visit(chromium, server) -> Iterator[Callable[..., Visitor]]:
    contexts, foreign, errors = [], [], []
    ours = (server.url, server.url.replace("127.0.0.1", "localhost"), "data:", "blob:")

    def make(*, script: bool = True, dark: bool = False, width: int = 360, height: int = 740) -> Visitor:
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            java_script_enabled=script,
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
        )
        context.set_default_timeout(10_000)
        context.on(
            "request",
            lambda request: None if request.url.startswith(ours) else foreign.append(request.url),
        )
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if "Content Security Policy" in message.text else None)
        contexts.append(context)
        return Visitor(page, server.url)

    yield make
    for context in contexts:
        context.close()
    assert foreign == [] and errors == []


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
