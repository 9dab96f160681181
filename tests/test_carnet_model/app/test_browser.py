"""The page in a real browser, as wide as a desk and as a phone: every control, errors, guests."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from carnet_model.app.server import Address, create_app
from natural_tensors import limits
from natural_tensors.elasticity.units import PRESSURES
from natural_tensors.examples import load
from tests.helpers import browsers
from tests.helpers.paths import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.slow]

QUARTZ = ROOT / "docs" / "structures" / "quartz.cif"
NAMED = "a, button, input, select, textarea, [role=img], [role=region], [role=tabpanel], article"
"""What a reader of the screen must have a name for."""

PATIENCE = 300
"""Seconds: the machine may have other work."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The address of the app, with two workers."""
    address = Address("127.0.0.1", 0)
    with limits.changed(answer=PATIENCE), address.listen() as listening:
        config = uvicorn.Config(create_app("elastic", address, 2), log_level="error")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(params=["desk", "phone"])
def page(request: pytest.FixtureRequest, browser: Any, site: str) -> Iterator[Any]:
    """The page, on a screen; afterwards nothing was complained of, and nothing came from afar."""
    browsers.forget(browser)
    browsers.show_on(browser, request.param)
    open_page(browser, site)
    yield browser
    asked = browsers.asked_for(browser)
    complaints = [entry for entry in browser.get_log("browser") if not expected(entry)]
    browsers.show_as_it_was(browser)
    assert all(address.startswith(site) for address in asked)
    assert complaints == []


def expected(entry: dict[str, str]) -> bool:
    """Say whether a browser says no more than that the app refused a request."""
    return "status of 4" in entry["message"] and "/api/" in entry["message"]


def open_page(driver: Any, site: str) -> None:
    driver.get(site)
    until(driver, lambda: len(all_of(driver, "[name=shipped] option")) > 10)


def until(driver: Any, holds: Callable[[], Any]) -> Any:
    # what is asked about may be drawn anew between finding and reading it: it is asked again
    waiting = WebDriverWait(driver, PATIENCE, ignored_exceptions=[StaleElementReferenceException])
    return waiting.until(lambda _: holds())


def all_of(driver: Any, selector: str) -> list[Any]:
    found: list[Any] = driver.find_elements("css selector", selector)
    return found


def one_of(driver: Any, selector: str) -> Any:
    return driver.find_element("css selector", selector)


def click(driver: Any, selector: str) -> None:
    place = one_of(driver, selector)
    driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", place)
    place.click()


def choose(driver: Any, selector: str, value: str) -> None:
    Select(one_of(driver, selector)).select_by_value(value)


def finished(driver: Any, slot: int = 0) -> Any:
    """Wait until the work of a slot is done, and return the slot."""
    place = all_of(driver, ".slot")[slot]
    until(
        driver,
        lambda: (
            place.get_attribute("aria-busy") == "false"
            and (all_of(place, ".shown:not([hidden])") or all_of(place, ".alarm:not([hidden])"))
        ),
    )
    return place


def glance(place: Any) -> dict[str, str]:
    """Return what stands at a glance: by symbol the number, with its unit."""
    rows = [
        (one_of(row, "dt").text.split()[0], one_of(row, "dd").text.split("\n")[0])
        for row in all_of(place, ".glance > div")
    ]
    return dict(rows)


def test_a_file_becomes_structure_tensor_surfaces_and_form(page: Any) -> None:
    one_of(page, "[name=file]").send_keys(str(QUARTZ))
    place = finished(page)
    assert one_of(place, "h2").text == "SiO2"
    facts = glance(place)
    assert facts["K"].endswith(" GPa")
    assert "(68 %)" in one_of(place, ".glance .apart").text
    assert "point group 32" in one_of(place, ".names").text
    assert len(all_of(place, ".matrix td")) >= 36
    assert all_of(place, ".formula .katex")
    until(page, lambda: page.execute_script(
        "return document.querySelector('.surface').surfaces.picture().length > 5000"
    ))  # fmt: skip
    drawn = page.execute_script(
        "const c = document.querySelector('.structure canvas');"
        "return new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size"
    )
    assert drawn > 50


def test_axes_and_units_change_what_is_shown(page: Any) -> None:
    choose(page, "[name=shipped]", "silicon-measured")
    place = finished(page)
    silicon = load("silicon").values
    bulk = (silicon[0, 0] + 2 * silicon[0, 1]) / 3
    assert glance(place)["K"] == f"{bulk:.2f} GPa"
    for unit in PRESSURES:
        choose(page, "#unit", unit)
        value, shown = glance(place)["K"].rsplit(" ", 1)
        assert shown == unit
        number = value.replace(" × 10", "e").translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-"))
        assert float(number) == pytest.approx(bulk / PRESSURES[unit], rel=2e-4)
        surface = one_of(place, ".surface + .ways option").text
        assert unit in surface
    choose(page, "#unit", "GPa")
    choose(page, "[name=shipped]", "quartz")
    until(page, lambda: "canonical axes" in finished(page).text)
    choose(page, "#frame", "structure")
    until(page, lambda: "in the axes of the file" in finished(page).text)


def test_structure_and_surfaces_turn_by_keys_and_surfaces_are_chosen(page: Any) -> None:
    choose(page, "[name=shipped]", "quartz")
    place = finished(page)
    for name, member in (("structure", "drawn"), ("surface", "surfaces")):
        look = f"return document.querySelector('.{name}').{member}.view()"
        before = np.array(page.execute_script(look))
        one_of(place, f".{name}").send_keys(Keys.ARROW_LEFT, Keys.ARROW_UP)
        after = np.array(page.execute_script(look))
        assert np.abs(after - before).max() > 0.05
        np.testing.assert_allclose(after @ after.T, np.eye(3), atol=1e-9)
    pictures = set()
    options = [each.get_attribute("value") for each in all_of(place, ".surface + .ways option")]
    assert len(options) == 9
    for value in options:
        choose(place, ".surface + .ways select", value)
        pictures.add(page.execute_script(
            "return document.querySelector('.surface').surfaces.picture()"
        ))  # fmt: skip
    assert len(pictures) == len(options)


def test_two_are_compared(page: Any) -> None:
    choose(page, "[name=shipped]", "silicon")
    finished(page)
    click(page, "#compare")
    assert one_of(page, "#compare").get_attribute("aria-pressed") == "true"
    choose(all_of(page, ".slot")[1], "[name=shipped]", "silicon-measured")
    second = finished(page, 1)
    table = one_of(page, "#comparison")
    until(page, table.is_displayed)
    rows = [row.text for row in all_of(table, "tbody tr")]
    assert [row.split()[0] for row in rows] == ["K", "G", "E", "ν", "A", "tensor"]
    assert glance(second)["K"].split()[0] in rows[0]
    assert "%" in rows[0]
    click(page, "#compare")
    assert len(all_of(page, ".slot")) == 1
    assert not table.is_displayed()


def test_all_can_be_taken_away(page: Any) -> None:
    one_of(page, "[name=file]").send_keys(str(QUARTZ))
    place = finished(page)
    page.execute_cdp_cmd(
        "Page.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(page.downloads)}
    )
    names = {"JSON": "quartz.json", "CSV": "quartz.csv", "HTML report": "quartz.html",
             "BibTeX": "natural-tensors.bib"}  # fmt: skip
    buttons = {each.text: each for each in all_of(place, ".buttons button")}
    assert buttons.keys() == names.keys()
    for label, name in names.items():
        target = Path(page.downloads) / name
        target.unlink(missing_ok=True)
        page.execute_script("arguments[0].scrollIntoView({block: 'center'})", buttons[label])
        buttons[label].click()
        until(page, target.exists)
        text = target.read_text(encoding="utf-8")
        if label == "JSON":
            assert json.loads(text)["predictions"][0]["name"] == "quartz.cif"
        else:
            start = {"CSV": "name,", "HTML report": "<!DOCTYPE", "BibTeX": "@software"}[label]
            assert text.startswith(start)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("notes.cif", "nothing of a crystal", "notes.cif"),
        ("t.csv", "1,2\n3,4", "does not say what tensor it is"),
        ("<b>x</b>.cif", "data_x", "<b>x</b>.cif"),
    ],
)
def test_errors_say_what_is_wrong_and_what_helps(
    page: Any, tmp_path: Path, name: str, content: str, message: str
) -> None:
    (tmp_path / name.replace("/", "")).write_text(content)
    one_of(page, "[name=file]").send_keys(str(tmp_path / name.replace("/", "")))
    place = finished(page)
    said = one_of(place, ".alarm").text
    assert message.replace("/", "") in said
    assert "\n" in said  # the remedy
    assert "Traceback" not in said
    # and the next file is shown all the same
    choose(page, "[name=shipped]", "silicon-measured")
    until(page, lambda: all_of(finished(page), ".shown:not([hidden])"))
    assert not one_of(place, ".alarm").is_displayed()


def test_a_file_that_is_too_large_is_refused(page: Any, tmp_path: Path) -> None:
    path = tmp_path / "large.cif"
    path.write_text("x" * 5_000)
    with limits.changed(upload=2_000, answer=PATIENCE):
        one_of(page, "[name=file]").send_keys(str(path))
        said = one_of(finished(page), ".alarm").text
    assert "more than the limit upload of 2,000 bytes" in said


def test_a_structure_of_several_is_chosen(page: Any, tmp_path: Path) -> None:
    frame = '1\nLattice="{0} 0 0 0 {0} 0 0 0 {0}" Properties=species:S:1:pos:R:3\nCu 0 0 0\n'
    path = tmp_path / "two.extxyz"
    path.write_text(frame.format(2.4) + frame.format(2.6))
    one_of(page, "[name=file]").send_keys(str(path))
    place = finished(page)
    first = glance(place)["K"]
    Select(one_of(place, ".shown > .ways select")).select_by_index(1)
    until(page, lambda: "two.extxyz#2" in one_of(finished(page), ".names").text)
    assert glance(place)["K"] != first


def test_a_matrix_is_taken_apart_with_its_formulas(page: Any) -> None:
    click(page, "#tab-decompose")
    assert not one_of(page, "#predict").is_displayed()
    one_of(page, "#matrix").send_keys("1 2 0\n2 3 0\n0 0 a")
    one_of(page, "#decompose [name=kind]").send_keys("ij=ji")
    click(page, "#decompose [type=submit]")
    shown = one_of(page, "#decompose .shown")
    until(page, shown.is_displayed)
    assert one_of(shown, "h2").text == "ij=ji: 1x0e+1x2e"
    assert len(all_of(shown, ".katex")) >= 3
    choose(page, "#sample", "copper, measured")
    until(page, lambda: one_of(shown, "h2").text.startswith("elastic"))
    assert "share" in shown.text
    one_of(page, "#matrix").clear()
    one_of(page, "#matrix").send_keys("1 2\n3 4")
    click(page, "#decompose [type=submit]")
    alarm = one_of(page, "#decompose .alarm")
    until(page, alarm.is_displayed)
    assert "2x2" in alarm.text.replace("×", "x").replace(" ", "")


def test_every_control_has_a_name_and_no_width_is_exceeded(page: Any) -> None:
    choose(page, "[name=shipped]", "quartz")
    finished(page)
    click(page, "#compare")
    choose(all_of(page, ".slot")[1], "[name=shipped]", "rutile-measured")
    finished(page, 1)
    for tab in ("predict", "decompose"):
        click(page, f"#tab-{tab}")
        page.execute_script("document.querySelectorAll('details').forEach(d => { d.open = true })")
        controls = [each for each in all_of(page, NAMED) if each.is_displayed()]
        assert len(controls) > 5
        for each in controls:
            assert each.accessible_name.strip(), each.get_attribute("outerHTML")[:200]
        width, window = page.execute_script(
            "return [document.documentElement.scrollWidth, innerWidth]"
        )
        assert width <= window


def test_two_users_at_once_each_get_their_own(browser: Any, site: str) -> None:
    windows = []
    for name in ("silicon-measured", "copper-measured"):
        browser.switch_to.new_window("tab")
        windows.append(browser.current_window_handle)
        open_page(browser, site)
        choose(browser, "[name=shipped]", name)  # and on to the next, without waiting
    for window, name in zip(windows, ("silicon", "copper"), strict=True):
        browser.switch_to.window(window)
        values = load(name).values
        expected = (values[0, 0] + 2 * values[0, 1]) / 3
        assert float(glance(finished(browser))["K"].split()[0]) == pytest.approx(expected, rel=1e-3)
    for window in windows:
        browser.switch_to.window(window)
        browser.close()
    browser.switch_to.window(browser.window_handles[0])


def test_the_description_of_the_api_is_readable(page: Any, site: str) -> None:
    page.get(f"{site}api")
    assert "POST /api/predict" in one_of(page, "main").text
    width, window = page.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
    assert width <= window
    page.execute_script("window.scrollTo(0, 0)")
    click(page, ".brand")
    until(page, lambda: len(all_of(page, "[name=shipped] option")) > 10)
