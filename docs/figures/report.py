"""A picture of report.html, as docs show it.

python docs/figures/report.py outputs/report.html docs/figures/report.png [--dark] [--width 1400]

It needs a Chromium on the path (Debian: apt-get install chromium) and playwright.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def main(words: list[str]) -> None:
    """Draw the first table, its figures and its first example."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--width", type=int, default=1400)
    given = parser.parse_args(words)
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        sys.exit("no Chromium on the path")
    if not given.page.is_file():
        sys.exit(f"{given.page}: there is no such page; make it with recipes.compare --report")
    draw(given.page, given.picture, found, given.width, "dark" if given.dark else "light")


def draw(page: Path, picture: Path, chromium: str, width: int, colors: str) -> None:
    """Write the top of `page`, down to the end of its first test example, to `picture`."""
    flags = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=flags)
        window = browser.new_page(
            viewport={"width": width, "height": 1000}, color_scheme=colors, device_scale_factor=1.5
        )
        window.goto(page.resolve().as_uri())
        last = window.locator("article").first.bounding_box()
        height = last["y"] + last["height"] + 12 if last else 1000
        whole = {"x": 0, "y": 0, "width": width, "height": height}
        window.screenshot(path=picture, clip=whole, full_page=True)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
