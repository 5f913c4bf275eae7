"""Look at every page of the built site in a browser: `python .site/browse.py`. It needs Chromium and its driver.

Each page is opened from the folder, without a server or a network, as on a phone and as on a desktop. These are
problems: an error in a page, something wider than the window, a table or code that a desktop cuts off, a search that
finds nothing.
`--pictures FOLDER` saves a picture of each page, light and dark.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from browser import Browser, browsing  # noqa: E402 - it is found by the line above

SITE: Final = ROOT / ".site" / "build" / "site"
WIDTHS: Final = {"phone": 400, "desktop": 1280}
# Whatever stands out of the window, unless something around it scrolls.
WIDER: Final = """
const wide = (element) => element.getBoundingClientRect().right > document.documentElement.clientWidth + 1;
const hides = (element) => getComputedStyle(element).overflowX !== "visible";
const scrolls = (element) => element && (hides(element) || scrolls(element.parentElement));
return [...document.querySelectorAll(".md-content *")]
  .filter((element) => wide(element) && !scrolls(element.parentElement))
  .map((element) => element.textContent.slice(0, 60));
"""
# Tables and code that have to be scrolled sideways.
CUT_OFF: Final = """
return [...document.querySelectorAll(".md-typeset__scrollwrap, :not(.doc-signature) > pre > code")]
  .filter((element) => element.scrollWidth > element.clientWidth + 1)
  .map((element) => element.textContent.trim().slice(0, 60));
"""
STILL: Final = "* { transition: none !important; }"  # else colours are still changing in the picture
# The search is a component with a tree of its own.
FOUND: Final = """
[...document.body.children].some((element) => element.shadowRoot?.textContent.includes("One token in many processes"))
"""


def main() -> int:
    """Look at each page, and return the number of problems."""
    parser = ArgumentParser()
    parser.add_argument("--pictures", type=Path)
    pictures = parser.parse_args().pictures
    with browsing() as browser:
        problems = [*_problems(browser, pictures), *_search_problems(browser)]
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{len(problems)} problems in the browser")
    return len(problems)


def _problems(browser: Browser, pictures: Path | None) -> Iterator[str]:
    for device, width in WIDTHS.items():
        phone = device == "phone"
        browser.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=1100, deviceScaleFactor=1, mobile=phone
        )
        for page in sorted(page for page in SITE.rglob("*.html") if page.name != "404.html"):
            name = page.relative_to(SITE).with_suffix("").as_posix()
            browser.open(page.as_uri())
            yield from (f"{name}, {device}: {error}" for error in browser.errors())
            yield from (f"{name}, {device}: wider than the window: {text!r}" for text in browser.run(WIDER))
            if not phone:
                yield from (f"{name}: cut off: {text!r}" for text in browser.run(CUT_OFF))
            if pictures:
                _photograph(browser, pictures / f"{name.replace('/', '-')}-{device}")


def _photograph(browser: Browser, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    browser.run(
        "document.head.append(Object.assign(document.createElement('style'), {textContent: arguments[0]}))", STILL
    )
    for name, scheme in {"light": "default", "dark": "slate"}.items():
        browser.run("document.body.dataset.mdColorScheme = arguments[0]", scheme)
        browser.screenshot(target.with_name(f"{target.name}-{name}.png"))


def _search_problems(browser: Browser) -> Iterator[str]:
    browser.open(SITE.joinpath("index.html").as_uri())
    browser.run("document.querySelector('.md-search__button, [for=__search]').click()")
    browser.press(*"one token in many")
    try:
        browser.wait(FOUND)
    except AssertionError:
        yield "the search finds no guide"


if __name__ == "__main__":
    sys.exit(main() > 0)
