"""A browser that tests drive, without a window, and what it says of a page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.helpers.machine import BROWSER, DRIVER

ARGUMENTS = (
    "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking",
    "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--no-first-run",
    "--window-size=1280,900",
)  # fmt: skip
OWN = ("data:", "blob:", "about:", "chrome:", "chrome-extension:")
"""What a browser asks of itself."""

WIDTHS = {"desk": (1280, 900), "phone": (390, 844)}
"""Width and height of the screens that pages are looked at on."""


@contextmanager
def browser(profile: Path, downloads: Path) -> Iterator[Any]:
    """Start a browser with a profile of its own; what is downloaded goes to its ``downloads``."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER or ""
    for argument in (*ARGUMENTS, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER or ""))
    driver.downloads = downloads
    try:
        yield driver
    finally:
        driver.quit()


def show_on(driver: Any, screen: str, scheme: str = "light") -> None:
    """Make the window a screen, in light or dark."""
    width, height = WIDTHS[screen]
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 2, "mobile": screen == "phone"},
    )
    driver.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"features": [{"name": "prefers-color-scheme", "value": scheme}]},
    )


def show_as_it_was(driver: Any) -> None:
    """Undo `show_on`."""
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def forget(driver: Any) -> None:
    """Drop what was logged so far: it is of an earlier page."""
    driver.get("about:blank")
    for log in ("performance", "browser"):
        driver.get_log(log)


def asked_for(driver: Any) -> list[str]:
    """Return the addresses that the page asked for, but for what a browser asks of itself."""
    messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    asked = [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]
    return [address for address in asked if not address.startswith(OWN)]
