"""Every page of the demo at 360 and 1280 px, light and dark, into screenshots/.

With names of scripts (`scripts/screenshots.py understood good-news`): every step of these talks instead, for both sides.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
OUT = ROOT / "screenshots"
OUTSIDE = {"home": "/", "sign-up": "/sign-up/", "sign-in": "/sign-in/", "recover": "/recover/", "care": "/care/"}
OUTSIDE |= {"host-can-see": "/host-can-see/", "not-found": "/nothing/", "left": "/notes/"}
INSIDE = {"today": "", "thread": "thread/", "prompt": "prompt/", "prompts": "prompts/", "depth": "depth/", "us": "us/"}
SLUGS = ("monday", "again", "aloneinroom", "body", "door", "nextwinter", "ownrule")
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]


def main() -> None:
    from playwright.sync_api import sync_playwright

    from tests.services import free_port, program

    OUT.mkdir(exist_ok=True)
    port = free_port()
    command = [sys.executable, "-m", "closeknit.cli", "demo", "--port", str(port)]
    demo = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT / "src")}, stdout=subprocess.DEVNULL)
    try:
        for _try in range(200):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/care/", timeout=1)
                break
            except OSError:
                time.sleep(0.2)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program("chromium"), headless=True, args=CHROMIUM)
            for width, height in ((360, 740), (1280, 800)):
                for scheme in ("light", "dark"):
                    context = browser.new_context(
                        viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce"
                    )
                    take(context.new_page(), port, f"{width}-{scheme}")
                    context.close()
            browser.close()
    finally:
        demo.send_signal(signal.SIGTERM)
        demo.wait(15)


def take_talks(scripts: list[str]) -> None:
    """Each step of these talks as either side sees it: one on a phone, the other on a desk; then the other way round."""
    from playwright.sync_api import sync_playwright

    sys.path.insert(0, str(ROOT / "src"))
    from tests.browser import talk
    from tests.browser.house import House
    from tests.services import program

    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        house = House(Path(folder))
        browser = playwright.chromium.launch(executable_path=program("chromium"), headless=True, args=CHROMIUM)
        sizes = ({"width": 360, "height": 740}, "light"), ({"width": 1280, "height": 800}, "dark")
        try:
            for turned in (False, True):
                pages, shown = [], {}
                for name, (size, scheme) in zip(("Ana", "Jonas"), reversed(sizes) if turned else sizes, strict=True):
                    look = {"viewport": size, "color_scheme": scheme, "reduced_motion": "reduce"}
                    context = browser.new_context(**look)  # type: ignore[arg-type]
                    context.add_cookies(house.cookies(name))
                    pages.append(context.new_page())
                    shown[pages[-1]] = f"{name.lower()}-{size['width']}-{scheme}"
                for script in scripts:
                    kind = "family" if script == "parent-and-teen" else "partners"
                    _take_talk(talk, house.bond("Ana", "Jonas", kind=kind), script, pages, shown)
                for page in pages:
                    page.context.close()
        finally:
            browser.close()
            house.server.stop()


def _take_talk(talk, base: str, script: str, pages, shown) -> None:  # type: ignore[no-untyped-def]
    ana, jonas = pages
    seen: set[tuple[object, str]] = set()
    number = 0

    def shot(page) -> None:  # type: ignore[no-untyped-def]
        nonlocal number
        heading = page.inner_text("main h1")
        if (page, heading) in seen:
            return
        seen.add((page, heading))
        number += 1
        page.screenshot(path=OUT / f"talk-{script}-{number:02d}-{shown[page]}.png", full_page=True)

    talk.choose(ana, base, script)
    shot(ana)
    if "Two calm conversations come first." in ana.inner_text("main"):
        for _time in range(2):
            talk.play(talk.begin(pages, base, "good-news"))
        talk.choose(ana, base, script)
        shot(ana)
    address = talk.ask(ana, base, script)
    shot(ana)
    talk.go(jonas, address)
    shot(jonas)
    talk.accept(jonas, address)
    talk.here([jonas, ana], address)

    def both(pages, _number: int = 0) -> None:  # type: ignore[no-untyped-def]
        for page in pages:
            shot(page)

    talk.play(pages, before=both)
    both(pages)
    print(f"{script}: {number}", flush=True)


def take(page, port: int, suffix: str) -> None:  # type: ignore[no-untyped-def]
    ana = f"http://ana.demo.localhost:{port}"

    def shot(name: str, address: str) -> None:
        page.goto(address)
        page.wait_for_timeout(150)
        page.screenshot(path=OUT / f"{name}-{suffix}.png")
        print(f"{name}-{suffix}", flush=True)

    for name, path in OUTSIDE.items():
        shot(name, f"http://127.0.0.1:{port}{path}")
    shot("demo", f"http://demo.localhost:{port}/")
    page.goto(f"{ana}/demo/enter/ana/")
    base = ana + re.search(r"/b/[^/]+/", page.url + "/").group(0)
    for name, path in INSIDE.items():
        shot(name, base + path)
    for slug in SLUGS:
        shot(f"moment-{slug}", f"{ana}/demo/enter/ana/?to={slug}")
    yours = {"you": "/you/", "second-ways": "/you/second/", "passphrase": "/you/passphrase/", "bond-new": "/bonds/new/"}
    for name, path in yours.items():
        shot(name, ana + path)
    shot("invite", base + "invite/")


if __name__ == "__main__":
    take_talks(sys.argv[1:]) if sys.argv[1:] else main()
