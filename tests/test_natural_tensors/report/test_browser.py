"""The page in a browser: it draws, turns, copies, prints, fits a phone, and asks no network."""

from __future__ import annotations

import base64
import json
import re
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from selenium.webdriver import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from natural_tensors.pictures.directional import TOWARDS, find, sphere, stiffness_of
from natural_tensors.report import report
from tests.helpers import browsers
from tests.helpers.example_crystals import quartz

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    return report(quartz()).write(tmp_path_factory.mktemp("page") / "quartz.html").as_uri()


@pytest.fixture(scope="module")
def opened(browser: Any, address: str) -> Any:
    """The page, drawn once for all tests that only look."""
    browser.get(address)
    drawn(browser)
    return browser


def drawn(browser: Any) -> None:
    """Wait until the surface is drawn."""
    WebDriverWait(browser, 30).until(
        lambda window: window.execute_script(
            "return Boolean(document.getElementById('turning').surfaces)"
        )
    )


def picture(browser: Any) -> bytes:
    """Return what is drawn, as PNG."""
    url: str = browser.execute_script(
        "return document.getElementById('turning').surfaces.picture()"
    )
    assert url.startswith("data:image/png;base64,")
    return base64.b64decode(url.partition(",")[2])


def view(browser: Any) -> list[list[float]]:
    """Return the view as it stands: rows to the right, up, and towards the eye."""
    rows: list[list[float]] = browser.execute_script(
        "return document.getElementById('turning').surfaces.view()"
    )
    return rows


def colours(browser: Any) -> int:
    """Count the colours in the middle of the canvas as it stands on the screen."""
    place = browser.find_element("id", "turning")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", place)
    shot = place.screenshot_as_png
    image = Image.open(BytesIO(shot)).convert("RGB")
    width, height = image.size
    middle = image.crop((2 * width // 5, 2 * height // 5, 3 * width // 5, 3 * height // 5))
    return len(middle.getcolors(maxcolors=width * height) or ())


def test_the_surface_is_drawn(opened: Any) -> None:
    assert opened.title.startswith("SiO2")
    WebDriverWait(opened, 10).until(lambda window: colours(window) > 100)


def test_every_button_shows_another_surface(opened: Any) -> None:
    buttons = opened.find_elements("css selector", "[data-property]")
    assert len(buttons) == 9
    pictures = set()
    for button in buttons:
        button.click()
        assert button.get_attribute("aria-pressed") == "true"
        pressed = opened.find_elements("css selector", "[aria-pressed='true']")
        assert [entry.get_attribute("data-property") for entry in pressed] == [
            button.get_attribute("data-property")
        ]
        pictures.add(picture(opened))
    assert len(pictures) == len(buttons)
    buttons[0].click()


def test_the_surface_turns_with_hand_and_keys_and_back(opened: Any) -> None:
    place = opened.find_element("id", "turning")
    opened.execute_script("arguments[0].scrollIntoView({block: 'center'})", place)
    first = np.array(view(opened))
    np.testing.assert_allclose(first[2], TOWARDS, atol=1e-12)
    ActionChains(opened).move_to_element(place).click_and_hold().move_by_offset(
        120, 30
    ).release().perform()
    dragged = np.array(view(opened))
    # what faced the eye follows the hand: to the right and down
    right, up, _ = dragged @ first[2]
    assert right > 0.3
    assert up < -0.05
    np.testing.assert_allclose(dragged @ dragged.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(dragged) > 0
    place.send_keys(Keys.ARROW_LEFT)
    assert np.abs(np.array(view(opened)) - dragged).max() > 0.05
    opened.find_element("css selector", "[data-view='reset']").click()
    np.testing.assert_allclose(view(opened), first)


@pytest.mark.parametrize("name", ["youngs", "poisson-min"])
def test_a_surface_says_its_value_and_direction(opened: Any, name: str) -> None:
    opened.find_element("css selector", f"[data-property='{name}']").click()
    place = opened.find_element("id", "turning")
    opened.execute_script("arguments[0].scrollIntoView({block: 'center'})", place)
    for x, y in ((-60, 10), (-90, 25), (-45, -40)):
        ActionChains(opened).move_to_element_with_offset(place, x, y).perform()
        tip = opened.find_element("css selector", "#turning .tip")
        assert tip.is_displayed()
        said = tip.text.replace("−", "-")
        number, along = re.fullmatch(r"(-?[\d.]+)(?: GPa)?\nalong (.*)", said).groups()  # type: ignore[union-attr]
        direction = np.array([float(part) for part in along.split(", ")])
        expected = find(quartz(), name).values(direction / np.linalg.norm(direction))
        # triangles of 3 degrees and two decimals of the direction stand between the two
        spread = float(np.ptp(find(quartz(), name).values(sphere().directions)))
        assert abs(float(number) - float(expected)) < 0.03 * spread
    ActionChains(opened).move_to_element_with_offset(place, 0, -240).perform()
    assert not tip.is_displayed()
    opened.find_element("css selector", "[data-property='youngs']").click()


def test_the_matrix_is_copied(opened: Any) -> None:
    opened.execute_cdp_cmd(
        "Browser.grantPermissions",
        {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]},
    )
    button = opened.find_element("css selector", "[data-copy='frame']")
    opened.execute_script("arguments[0].scrollIntoView({block: 'center'})", button)
    button.click()
    status = button.find_element("xpath", "../span[@role='status']")
    WebDriverWait(opened, 10).until(lambda window: status.text == "copied")
    copied = opened.execute_async_script(
        "const done = arguments[0]; navigator.clipboard.readText().then(done, () => done(null))"
    )
    rows = [[float(number) for number in line.split("\t")] for line in copied.splitlines()]
    assert rows == stiffness_of(quartz()).tolist()


def test_the_data_are_downloaded(opened: Any) -> None:
    opened.execute_cdp_cmd(
        "Page.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(opened.downloads)}
    )
    tensor, everything = opened.find_elements("css selector", "[data-download]")[:2]
    opened.execute_script("arguments[0].scrollIntoView({block: 'center'})", tensor)
    for button, name in ((tensor, "quartz.json"), (everything, "quartz.report.json")):
        button.click()
        target = Path(opened.downloads) / name
        WebDriverWait(opened, 10).until(lambda window, wanted=target: wanted.exists())
        document = json.loads(target.read_text())
        assert document["tensor"] == quartz().values.tolist()
        assert ("report" in document) == (button is everything)


def test_the_picture_is_saved(opened: Any) -> None:
    opened.execute_cdp_cmd(
        "Page.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(opened.downloads)}
    )
    opened.find_element("css selector", "[data-view='picture']").click()
    target = Path(opened.downloads) / "quartz-youngs.png"
    WebDriverWait(opened, 10).until(lambda window: target.exists())
    image = Image.open(target).convert("RGB")
    assert len(image.getcolors(maxcolors=image.width * image.height) or ()) > 500
    assert image.getpixel((0, 0)) == (255, 255, 255)


def test_the_page_prints(opened: Any) -> None:
    printed = opened.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    content = base64.b64decode(printed["data"])
    assert content.startswith(b"%PDF")
    assert 4 <= content.count(b"/Type /Page\n") <= 12
    # what print shows in the place of the surface that turns
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert opened.find_element("css selector", "figure.print-only").is_displayed()
    assert not opened.find_element("id", "turning").is_displayed()
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert opened.find_element("id", "turning").is_displayed()


def test_nothing_is_fetched_and_nothing_complained_of(browser: Any, address: str) -> None:
    browsers.forget(browser)
    browser.get(address)
    drawn(browser)
    assert browsers.asked_for(browser) == [address]
    assert browser.get_log("browser") == []  # neither errors nor warnings


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_needs_no_sideways_scroll(browser: Any, address: str, scheme: str) -> None:
    browsers.show_on(browser, "phone", scheme)
    try:
        browser.get(address)
        drawn(browser)
        widths = browser.execute_script(
            "return [document.documentElement.scrollWidth, innerWidth,"
            " getComputedStyle(document.body).backgroundColor,"
            " [...document.querySelectorAll('.scroll')].filter(box => !box.closest('.wide')"
            " && box.scrollWidth > box.clientWidth).map(box => box.textContent)]"
        )
        assert widths[:2] == [390, 390]
        assert widths[2] == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 23, 27)"}[scheme]
        assert widths[3] == []  # no table is cut
        # letters and axes have the ink of the scheme
        image = Image.open(BytesIO(picture(browser))).convert("RGB")
        colours = {colour for _, colour in image.getcolors(image.width * image.height) or ()}
        assert {"light": (31, 35, 40), "dark": (230, 233, 237)}[scheme] in colours
    finally:
        browsers.show_as_it_was(browser)


def test_no_table_is_cut_on_a_desk(opened: Any) -> None:
    cut = opened.execute_script(
        "return [...document.querySelectorAll('.scroll')]"
        ".filter(box => box.scrollWidth > box.clientWidth).map(box => box.textContent)"
    )
    assert cut == []


def test_without_webgl_the_page_shows_the_stills(browser: Any, address: str) -> None:
    hidden = browser.execute_cdp_cmd(
        "Page.addScriptToEvaluateOnNewDocument",
        {
            "source": "const get = HTMLCanvasElement.prototype.getContext;"
            "HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {"
            " return kind.startsWith('webgl') ? null : get.call(this, kind, ...rest); }"
        },
    )
    try:
        browser.get(address)
        assert browser.find_element("css selector", "figure.print-only").is_displayed()
        assert not browser.find_element("id", "turning").is_displayed()
    finally:
        browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", hidden)
