"""Docstrings, comments, messages, identifiers and guides use the usual terms, not words that need a legend."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pages import PAGES
from source_tree import PACKAGE, TESTS

# What not to write, and what to write instead.
INSTEAD: Final = {
    r"strangers?": "other clients of the token",
    r"lanes?": "priority",
    r"farewell": "final report",
    r"agenda": "schedule",
    r"(?:bury|buries|buried|dig_out)": "expire, revive",
    r"take[sn]? leave": "deregister",
    r"take[sn]? note of": "handle",
    r"bears?": "tolerates",
    r"shall": "should, must",
    r"unasked": "without being asked",
    r"what there is": "the live state",
    r"the time is up": "times out",
    r"tally": "progress",
    r"strikes?|struck": "inject, fail",
    r"spoils?|spoil(?:ed|t)": "corrupt",
    r"look before you repeat": "check before sending it again",
    r"so many (?!that)": "the number, or its parameter",
    r"carr(?:y|ied|ying) out": "apply",
    r"becomes? of|became of": "the outcome of",
    r"haunts?": "is logged",
    r"attested": "reported, confirmed",
    r"steer(?:s|ed|ing)?": "control",
    r"give --[a-z]+": "pass",
}
FILES: Final = sorted(
    path
    for folder in (PACKAGE, PACKAGE.parent / "benchmarks", TESTS)
    for path in folder.rglob("*.py")
    if path != Path(__file__)
)
_WORDS: Final = re.compile("|".join(rf"(?P<w{index}>\b(?:{word})\b)" for index, word in enumerate(INSTEAD)))
# One search of a whole file takes a tenth of the time of many, and finds nothing as a rule.
_ANY_WORD: Final = re.compile(rf"\b(?:{'|'.join(INSTEAD)})\b")


def _suspects(file: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines of a file that has any of the words, in small letters."""
    text = file.read_text(encoding="utf-8").replace("_", " ").lower()
    if _ANY_WORD.search(text):
        yield from enumerate(text.splitlines(), start=1)


def test_the_text_has_no_private_vocabulary() -> None:
    found = {
        f"{file}:{line}: {match[0]!r}; write: {list(INSTEAD.values())[int((match.lastgroup or 'w0')[1:])]}"
        for file in (*FILES, *PAGES)
        for line, text in _suspects(file)
        for match in _WORDS.finditer(text)
    }
    assert found == set()
