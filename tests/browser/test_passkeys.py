"""Passkeys in a real Chromium, with its virtual authenticator; and codes as a phone's app would show them."""

from __future__ import annotations

import re
import time

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value

from tests.browser.conftest import press
from tests.browser.test_pages import check
from tests.cast import PASSPHRASE

pytestmark = [pytest.mark.browser]

PRIMARY = "main button.button-primary"


class Device:
    """A phone with a screen lock, for one page."""

    def __init__(self, page, *, prf: bool) -> None:
        self.line = page.context.new_cdp_session(page)
        self.line.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "ctap2Version": "ctap2_1",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
            "hasPrf": prf,
        }
        self.id = self.line.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]

    @property
    def passkeys(self) -> list[dict]:
        return self.line.send("WebAuthn.getCredentials", {"authenticatorId": self.id})["credentials"]

    def refuse(self) -> None:
        """Nobody's finger fits from now on."""
        self.line.send("WebAuthn.setUserVerified", {"authenticatorId": self.id, "isUserVerified": False})


def newcomer(visit, *, prf: bool, **options):
    """(page, address, sign-in name, device) of somebody who has just made an account, at localhost."""
    one = visit(**options)
    page, home, name = one.page, one.url.replace("127.0.0.1", "localhost"), f"pia{str(time.monotonic_ns())[-9:]}"
    device = Device(page, prf=prf)
    page.goto(home + "/sign-up/")
    one.sign_up(name)
    page.wait_for_url("**/bonds/new/")
    return page, home, name, device


def confirm(page) -> None:
    if "/confirm/" in page.url:
        page.fill("#id_passphrase", PASSPHRASE)
        press(page, PRIMARY)


def add(page, home: str, *, opens: bool) -> list[str]:
    """A passkey through the page; on to the list. What is wrong with the pages on the way."""
    page.goto(home + "/you/second/passkey/")
    confirm(page)
    wrong = check(page, "passkey-add")
    page.fill("#id_name", "The phone in my bag")
    if opens:
        page.check("#id_opens")
    press(page, PRIMARY)
    page.wait_for_selector("text=Your recovery codes")
    wrong += check(page, "recovery-codes")
    press(page, PRIMARY)
    page.wait_for_selector("text=The phone in my bag")
    return wrong + check(page, "second-ways")


def sign_out(page, home: str) -> None:
    page.goto(home + "/you/")
    press(page, "text=Sign out")
    page.goto(home + "/sign-in/")


def test_a_passkey_with_prf_opens_words_and_no_passphrase_is_typed(visit):
    page, home, _name, device = newcomer(visit, prf=True)
    wrong = add(page, home, opens=True)
    assert len(device.passkeys) == 1 and device.passkeys[0]["isResidentCredential"]
    assert "signs in and opens your words" in page.inner_text("main")
    sign_out(page, home)
    wrong += check(page, "sign-in with passkeys")
    page.click("text=Sign in with a passkey")
    page.wait_for_url("**/bonds/new/")
    page.goto(home + "/you/")
    assert page.input_value("#id_name").startswith("pia"), "a sealed name is read"
    press(page, "main >> text=Lock now")
    wrong += check(page, "locked with passkeys")
    page.click("text=Open with a passkey")
    page.wait_for_url("**/bonds/new/")
    page.goto(home + "/you/record/")
    assert page.locator("td", has_text="Signed in").count() == 2, "making the account, and the passkey"
    assert not wrong, "\n".join(wrong)


def test_a_passkey_that_was_not_allowed_to_signs_in_and_the_passphrase_opens(visit):
    page, home, _name, device = newcomer(visit, prf=True)
    assert add(page, home, opens=False) == [] and "signs in; your passphrase opens" in page.inner_text("main")
    leads_to_the_locked_page(page, home, device)


def test_without_prf_a_passkey_signs_in_and_the_passphrase_opens(visit):
    page, home, _name, device = newcomer(visit, prf=False, width=1280, height=800, dark=True)
    wrong = add(page, home, opens=True)
    assert "signs in; your passphrase opens" in page.inner_text("main")
    leads_to_the_locked_page(page, home, device)
    assert not wrong, "\n".join(wrong)


def leads_to_the_locked_page(page, home: str, device: Device) -> None:
    sign_out(page, home)
    page.click("text=Sign in with a passkey")
    page.wait_for_selector("text=You are signed in. Your passphrase opens your words.")
    assert page.locator("text=Open with a passkey").count() == 0
    page.goto(home + "/you/")
    assert page.locator("h1").inner_text() == "Locked"
    page.fill("#id_passphrase", PASSPHRASE)
    press(page, PRIMARY)
    page.wait_for_selector("text=Others see nothing of this page.")


def test_after_the_passphrase_a_passkey_or_a_recovery_code(visit):
    page, home, name, device = newcomer(visit, prf=True)
    add(page, home, opens=False)
    sign_out(page, home)

    def passphrase() -> None:
        page.goto(home + "/sign-in/")
        page.fill("#id_login", name)
        page.fill("#id_password", PASSPHRASE)
        press(page, PRIMARY)
        page.wait_for_selector("h1:text('One more thing')")

    passphrase()
    wrong = check(page, "second-factor")
    page.goto(home + "/you/")
    assert page.url.startswith(home + "/sign-in/"), "nobody is signed in yet"
    passphrase()
    page.click("text=Use a passkey")
    page.wait_for_url("**/bonds/new/")
    sign_out(page, home)
    passphrase()
    device.refuse()
    page.click("text=Use a passkey")
    page.wait_for_selector("text=No answer came from your device")
    page.fill("#id_code", "12345 67890")
    press(page, PRIMARY)
    wrong += check(page, "second-factor with an error")
    assert page.title().startswith("Error:") and not wrong, "\n".join(wrong)


def test_a_removed_passkey_does_not_sign_in(visit):
    page, home, _name, device = newcomer(visit, prf=True)
    add(page, home, opens=True)
    page.click("main >> text=Remove")
    page.wait_for_selector("text=It is the last one")
    wrong = check(page, "factor-remove")
    press(page, PRIMARY)
    page.wait_for_selector("text=Add a passkey")
    sign_out(page, home)
    assert len(device.passkeys) == 1, "the device still has it"
    page.click("text=Sign in with a passkey")
    page.wait_for_selector("text=That passkey opens nothing here")
    page.goto(home + "/you/")
    assert page.url.startswith(home + "/sign-in/") and not wrong, "\n".join(wrong)


def test_without_script_codes_work_and_nothing_is_lost(visit):
    one = visit(script=False)
    page, home, name = one.page, one.url, f"pia{str(time.monotonic_ns())[-9:]}"
    page.goto(home + "/sign-up/")
    one.sign_up(name)
    page.goto(home + "/you/second/app/")
    confirm(page)
    secret = "".join(re.findall(r"[A-Z2-7]{4}", page.inner_text(".kit")))
    page.fill("#id_code", format_hotp_value(hotp_value(secret, int(time.time()) // 30)))
    press(page, PRIMARY)
    codes = re.findall(r"\d{5} \d{5}", page.inner_text(".kit"))
    press(page, PRIMARY)
    assert "10 are left" in page.inner_text("main")
    sign_out(page, home)
    assert page.locator("text=Sign in with a passkey").count() == 0
    page.fill("#id_login", name)
    page.fill("#id_password", PASSPHRASE)
    press(page, PRIMARY)
    page.fill("#id_code", codes[3])
    press(page, PRIMARY)
    page.wait_for_url("**/bonds/new/")
    page.goto(home.replace("127.0.0.1", "localhost") + "/sign-in/")
    assert page.locator("text=Sign in with a passkey").is_hidden()


def test_the_rules_hold_where_codes_are_set_up(visit):
    page, home, _name, _device = newcomer(visit, prf=True, dark=True)
    page.goto(home + "/you/second/")
    wrong = check(page, "second-ways, empty")
    page.goto(home + "/you/second/app/")
    confirm(page)
    wrong += check(page, "app-add")
    page.fill("#id_code", "000000")
    press(page, PRIMARY)
    wrong += check(page, "app-add with an error")
    add(page, home, opens=False)
    page.goto(home + "/you/second/codes/new/")
    wrong += check(page, "recovery-codes-new")
    page.set_viewport_size({"width": 320, "height": 568})
    press(page, PRIMARY)
    assert page.locator(".kit-group").count() == 10
    for path in ("codes/", "", "passkey/", "app/"):
        page.goto(f"{home}/you/second/{path}")
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wrong.append(f"{path}: wider than 320")
    bare = home.replace("localhost", "127.0.0.1")
    page.goto(bare + "/sign-in/")
    assert page.locator("text=Sign in with a passkey").count() == 0
    assert not wrong, "\n".join(wrong)
