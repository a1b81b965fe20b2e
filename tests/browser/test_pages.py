"""Rules that hold on every page: axe, one heading, targets, Quick exit in reach, nothing wider than the screen."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import make_pair

pytestmark = [pytest.mark.browser]
OUTSIDE = ("/", "/sign-up/", "/sign-in/", "/recover/", "/care/", "/host-can-see/", "/nothing-here/", "/style/")
BANNED = re.compile(
    r"\b(streak|missed|failed|you haven't|overdue|reminder|unread|score|compatible|end-to-end|zero-knowledge)\b",
    re.IGNORECASE,
)


def paths(base: str) -> list[str]:
    inside = ["", "prompt/", "prompts/", "depth/", "thread/", "us/", "invite/"]
    yours = ["/you/", "/you/passphrase/", "/you/words/", "/bonds/new/", "/coach/"]
    yours += ["/reflect/", "/reflect/write/", "/rehearse/", "/library/", "/evidence/"]
    return [*OUTSIDE, *(base + one for one in inside), *yours]


def check(page, where: str) -> list[str]:
    wrong = []
    violations = Axe().run(page).response["violations"]
    for one in violations:
        targets = [node["target"] for node in one["nodes"][:3]]
        wrong.append(f"{where}: axe {one['id']} {targets}")
    if page.locator("h1").count() != 1:
        wrong.append(f"{where}: {page.locator('h1').count()} h1")
    if where != "/style/" and page.locator("main .button-primary:visible").count() > 1:
        wrong.append(f"{where}: more than one primary button")
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        wrong.append(f"{where}: wider than the screen")
    small = page.evaluate(
        """() => [...document.querySelectorAll('main button, main summary, .tabs a, .top a, #exit, .button-quiet')]
        .filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 43.5)
        .map(e => e.innerText.slice(0, 30))"""
    )
    if small:
        wrong.append(f"{where}: small targets {small}")
    box = page.locator("#exit").bounding_box()
    view = page.viewport_size
    if not box or box["x"] < 0 or box["x"] + box["width"] > view["width"] or box["y"] + box["height"] > view["height"]:
        wrong.append(f"{where}: Quick exit out of reach")
    else:
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        if page.evaluate(f"document.elementFromPoint({x}, {y})?.closest('#exit') === null"):
            wrong.append(f"{where}: Quick exit covered")
    banned = BANNED.search(page.inner_text("body")) if where != "/style/" else None
    if banned:
        wrong.append(f"{where}: says “{banned.group(0)}”")
    return wrong


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_page_keeps_the_rules(visit, dark):
    ana, jonas = make_pair(visit, dark=dark)
    base = re.search(r"/b/[^/]+/", ana.page.url).group(0)
    wrong = []
    outsider = visit(dark=dark)
    for path in OUTSIDE:
        outsider.page.goto(outsider.url + path)
        wrong += check(outsider.page, path)
    for path in paths(base)[len(OUTSIDE) :]:
        ana.page.goto(ana.url + path)
        wrong += check(ana.page, path)
    ana.page.goto(ana.url + base)
    ana.page.fill("textarea[name=text]", "One answer.")
    ana.page.click("main button.button-primary")
    ana.page.wait_for_selector("text=Your words are waiting")
    wrong += check(ana.page, "waiting")
    jonas.page.fill("textarea[name=text]", "Another.")
    jonas.page.click("main button.button-primary")
    jonas.page.wait_for_selector("text=One answer.")
    wrong += check(jonas.page, "revealed")
    ana.page.goto(ana.url + base + "thread/")
    wrong += check(ana.page, "thread with something in it")
    assert not wrong, "\n".join(wrong)


def test_nothing_is_wider_than_320(visit):
    one = visit(width=320, height=568)
    wrong = []
    for path in OUTSIDE:
        one.page.goto(one.url + path)
        if one.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wrong.append(path)
    assert not wrong, "\n".join(wrong)


def exit_out_of_reach(page, where: str) -> list[str]:
    """What keeps a thumb from Quick exit: out of the screen, covered, or too small."""
    box, view = page.locator("#exit").bounding_box(), page.viewport_size
    if not box or box["x"] < 0 or box["y"] < 0:
        return [f"{where}: no Quick exit on the screen"]
    if box["x"] + box["width"] > view["width"] or box["y"] + box["height"] > view["height"]:
        return [f"{where}: Quick exit sticks out of {view}: {box}"]
    points = [(box["x"] + box["width"] * part, box["y"] + box["height"] / 2) for part in (0.1, 0.5, 0.9)]
    covered = [
        point
        for point in points
        if page.evaluate("([x, y]) => document.elementFromPoint(x, y)?.closest('#exit') === null", list(point))
    ]
    return [f"{where}: Quick exit is covered at {covered}"] if covered else []


def test_quick_exit_is_in_reach_at_twice_the_size_and_above_a_keyboard(visit):
    """A phone of 360 px at 200 % has 180 CSS px; a keyboard takes about half of the height. On every page, scrolled too."""
    ana, _jonas = make_pair(visit)
    outsider, wrong = visit(), []
    base = re.search(r"/b/[^/]+/", ana.page.url).group(0)
    for size, view in {"zoomed": (180, 370), "keyboard": (360, 340), "zoomed, keyboard": (180, 190)}.items():
        for visitor, every in ((outsider, OUTSIDE), (ana, paths(base)[len(OUTSIDE) :])):
            page = visitor.page
            page.set_viewport_size({"width": view[0], "height": view[1]})
            for path in every:
                page.goto(visitor.url + path)
                wrong += exit_out_of_reach(page, f"{path}, {size}")
                field = page.locator("main input:visible, main textarea:visible, main select:visible").last
                if field.count():
                    field.focus()
                page.evaluate("scrollTo(0, document.body.scrollHeight)")
                wrong += exit_out_of_reach(page, f"{path}, {size}, scrolled")
    assert not wrong, "\n".join(wrong)


#: From the third key's own time to after the frame in which the cover is there, on the page's clock.
MEASURE = """() => {
  const pressed = [];
  addEventListener("keydown", event => { if (event.key === "Shift") pressed.push(event.timeStamp) }, true);
  new MutationObserver((_list, watch) => {
    const cover = document.querySelector(".overlay");
    if (!cover) return;
    watch.disconnect();
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => measured({
        ms: performance.now() - pressed[2],
        presses: pressed.length,
        title: document.title,
        covers: [[2, 2], [innerWidth / 2, innerHeight / 2], [innerWidth - 3, innerHeight - 3]]
          .every(([x, y]) => document.elementFromPoint(x, y) === cover),
        hidden: getComputedStyle(document.querySelector("main")).visibility,
      });
      channel.port2.postMessage(0);
    });
  }).observe(document.body, { childList: true });
}"""


def test_the_overlay_is_there_within_a_tenth_of_a_second(visit):
    """Measured by the page itself, however slow the server is: it never answers here. The best of five, since the machine
    that runs the tests may be busy; what the page has to do is the same each time."""
    best: list[dict] = []
    for number in range(5):
        one, held = visit(), []
        one.page.expose_function("measured", lambda found: best.append(found))
        one.page.goto(one.url + "/care/")
        one.page.route("**/leave/", lambda route: held.append(route))  # noqa: B023
        one.page.evaluate(MEASURE)
        for _press in range(3):
            one.page.keyboard.press("Shift")
        for _wait in range(100):
            if len(best) > number and held:
                break
            one.page.wait_for_timeout(50)
        held[0].abort()
    assert len(best) == 5
    for found in best:
        assert found["presses"] == 3 and found["covers"] and found["title"] == "Notes" and found["hidden"] == "hidden"
    assert min(found["ms"] for found in best) < 100, best


def test_shift_pressed_slowly_or_between_other_keys_is_no_exit(visit):
    one = visit()
    one.page.goto(one.url + "/care/")
    for key in ("Shift", "Shift", "a", "Shift", "Shift"):
        one.page.keyboard.press(key)
    one.page.wait_for_timeout(300)
    assert one.page.url.endswith("/care/") and one.page.locator(".overlay").count() == 0


def test_quick_exit_ends_the_session_and_clears_what_the_browser_keeps(visit):
    ana, _jonas = make_pair(visit)
    here = ana.page.url
    before = {cookie["name"] for cookie in ana.page.context.cookies()}
    with ana.page.expect_response(lambda answer: answer.url.endswith("/leave/")) as left:
        ana.page.click("#exit")
    ana.page.wait_for_url("**/notes/")
    assert left.value.all_headers()["clear-site-data"] == '"storage", "cache"'
    after = {cookie["name"] for cookie in ana.page.context.cookies()}
    assert {"ck-session", "ck-key", "ck-device"} <= before and not {"ck-session", "ck-key", "ck-device"} & after
    answer = ana.page.request.get(here)
    assert "/sign-in/" in answer.url


def test_headers_in_a_real_browser(visit, server):
    one = visit()
    answer = one.page.goto(one.url + "/care/")
    headers = answer.headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "nonce-" in policy
    assert "frame-ancestors 'none'" in policy and headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store" and headers["referrer-policy"] == "same-origin"
    assert headers["permissions-policy"] and headers["x-content-type-options"] == "nosniff"
    static = one.page.request.get(one.url + one.page.get_attribute("link[rel=stylesheet]", "href"))
    assert "max-age=31536000" in static.headers["cache-control"]
