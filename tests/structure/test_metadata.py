"""The package's metadata, as PyPI shows it."""

from __future__ import annotations

import re
from importlib.metadata import metadata
from typing import Final
from urllib.parse import urlsplit

import readme_renderer.markdown

META: Final = metadata("asyncdbaas")


def test_pypi_can_render_the_description_and_all_its_links_are_absolute() -> None:
    rendered = readme_renderer.markdown.render(str(META.json["description"]))
    assert rendered is not None
    links: list[str] = re.findall(r'(?:href|src)="([^"]*)"', rendered)
    assert links
    assert [link for link in links if not (urlsplit(link).scheme == "https" or link.startswith("#"))] == []


def test_the_metadata_says_who_it_is_for_and_where_it_is() -> None:
    assert META["Author"] or META["Author-email"]
    assert {url.partition(",")[0] for url in META.get_all("Project-URL") or []} >= {"Source", "Issues", "Changelog"}
    assert "Framework :: AsyncIO" in (META.get_all("Classifier") or [])
