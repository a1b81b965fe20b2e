"""A copy in a real browser: opened from the disk without a network, and brought into another account."""

from __future__ import annotations

import zipfile

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import make_pair
from tests.browser.test_pages import check
from tests.cast import PASSPHRASE

pytestmark = [pytest.mark.browser]


def confirm(page) -> None:
    if "/confirm/" in page.url:
        page.fill("#id_passphrase", PASSPHRASE)
        page.click("main button.button-primary")
        page.wait_for_url(lambda url: "/confirm/" not in url)


def answered(ana, jonas) -> None:
    for person, text in ((ana, "A heron on the roof.\n\nIt stayed."), (jonas, "The sound of the lift.")):
        person.page.fill("textarea[name=text]", text)
        person.page.click("form#write button.button-primary")
        person.page.wait_for_selector("text=" + text.split("\n")[0])


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_copy_is_read_without_a_network(visit, chromium, tmp_path, dark):
    ana, jonas = make_pair(visit, dark=dark)
    answered(ana, jonas)
    page = ana.page
    page.goto(ana.url + "/you/export/")
    confirm(page)
    wrong = check(page, "/you/export/")
    with page.expect_download() as waiting:
        page.click("text=Download it now")
    waiting.value.save_as(tmp_path / "copy.zip")
    with zipfile.ZipFile(tmp_path / "copy.zip") as archive:
        archive.extractall(tmp_path / "copy")
    context = chromium.new_context(
        offline=True, viewport={"width": 360, "height": 740}, color_scheme="dark" if dark else "light"
    )
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    paper = context.new_page()
    paper.goto((tmp_path / "copy" / "index.html").as_uri())
    wrong += [one["id"] for one in Axe().run(paper).response["violations"]]
    paper.click("article li a")
    paper.wait_for_selector("text=A heron on the roof.")
    assert "The sound of the lift." in paper.inner_text("main")
    wrong += [one["id"] for one in Axe().run(paper).response["violations"]]
    assert not paper.evaluate("document.documentElement.scrollWidth > innerWidth")
    dim = paper.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (dim == "rgb(23, 23, 28)") is dark
    paper.screenshot(path=tmp_path / "paper.png", full_page=True)
    paper.click("text=To the beginning")
    context.close()
    assert asked and all(url.startswith("file:") for url in asked)

    jonas.page.goto(jonas.url + "/you/import/")
    confirm(jonas.page)
    wrong += check(jonas.page, "/you/import/")
    jonas.page.set_input_files("#id_file", tmp_path / "copy.zip")
    jonas.page.click("text=Look what is in it")
    jonas.page.wait_for_selector("text=Bring 1 text")
    wrong += check(jonas.page, "/you/import/ with a file")
    jonas.page.click("text=Bring 1 text")
    jonas.page.wait_for_selector("text=It is here")
    wrong += check(jonas.page, "/you/import/ after a yes")
    jonas.page.click("main >> text=My own words")
    jonas.page.wait_for_url("**/you/words/")
    assert "A heron on the roof." in jonas.page.inner_text("main")
    wrong += check(jonas.page, "/you/words/")
    assert wrong == []


def test_bringing_works_without_script(visit, tmp_path):
    ana, jonas = make_pair(visit, script=False)
    page = ana.page
    page.goto(ana.url + "/you/import/")
    confirm(page)
    (tmp_path / "other.zip").write_bytes(b"no zip")
    page.set_input_files("#id_file", tmp_path / "other.zip")
    page.click("text=Look what is in it")
    page.wait_for_selector("text=This is not a ZIP file")
    assert page.title().startswith("Error:")
    jonas.page.goto(jonas.url + "/you/words/")
    assert "Nothing is here yet." in jonas.page.inner_text("main")
