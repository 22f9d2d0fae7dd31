"""The console in a real Chromium: a case decided by keys alone, pictures in step, and accessibility (axe)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from matcher.review.app import Console
from matcher.review.ledger import Choice

PASSWORD = "correct horse battery"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
"""Tags of axe-core's rules: WCAG 2.2, levels A and AA."""


@pytest.fixture
def page(address: str) -> Iterator[Any]:
    """A page of a headless Chromium; CI must have one."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        assert os.environ.get("CI") != "true", "CI installs chromium"
        pytest.skip("no chromium: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = browser.new_page(base_url=address)
        tab.set_default_timeout(60_000)
        failed: list[str] = []
        tab.on("pageerror", lambda error: failed.append(str(error)))
        tab.on("console", lambda told: failed.append(told.text) if is_defect(told) else None)
        yield tab
        browser.close()
        assert not failed


def is_defect(told: Any) -> bool:
    """Tell whether a line of the browser's console is a defect; that a page is not there is none."""
    return told.type == "error" and "status of 4" not in told.text


def sign_in(page: Any, name: str) -> None:
    """Sign in by keys."""
    page.goto("/login")
    page.focus("#name")
    page.keyboard.type(name)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/")


def test_a_case_is_decided_by_keys_alone(page: Any, console: Console) -> None:
    """Open the next case, look at another view, zoom and move both pictures, decide, go on."""
    sign_in(page, "ann")
    page.keyboard.press("n")
    page.wait_for_url("**/case/*")
    first = int(page.url.rpartition("/")[2])
    assert first == console.cases[0].number
    images = page.locator("details.part[open] img")
    assert images.count() == 2
    # Not `wait_for_function`: the page's policy lets nobody evaluate text later on.
    assert all(images.nth(i).evaluate("i => i.decode().then(() => i.naturalWidth)") > 0 for i in range(2))
    page.keyboard.press("v")
    assert all(images.nth(i).get_attribute("src").endswith("/marks.png") for i in range(2))
    page.keyboard.press("+")
    page.keyboard.press("ArrowRight")
    moved = {images.nth(i).evaluate("i => i.style.transform") for i in range(2)}
    assert moved == {"translate(-60px, 0px) scale(1.4)"}
    page.keyboard.press("0")
    assert images.nth(0).evaluate("i => i.style.transform") == "translate(0px, 0px) scale(1)"
    page.keyboard.press("1")
    page.keyboard.press("Tab")
    page.keyboard.type("a note with 2 and n")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: not url.endswith(f"/case/{first}"))
    (made,) = console.ledger.of(first)
    assert (made.user, made.choice, made.note) == ("ann", Choice.DUPLICATE, "a note with 2 and n")


def test_every_page_is_accessible(page: Any, console: Console) -> None:
    """axe-core finds no violation of WCAG 2.2 AA on any kind of page, narrow or wide."""
    from axe_playwright_python.sync_playwright import Axe

    axe = Axe()
    page.goto("/login")
    found = {"/login": axe.run(page, options={"runOnly": RULES})}
    sign_in(page, "sue")
    for path in ("/", f"/case/{console.cases[0].number}", "/advice", "/case/999"):
        for width in (1280, 380):
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(path)
            found[f"{path} {width}"] = axe.run(page, options={"runOnly": RULES})
    for path, result in found.items():
        names = [one["id"] for one in result.response["violations"]]
        assert not names, f"{path}: {result.generate_report()}"
        assert result.response["passes"], path
