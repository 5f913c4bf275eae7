"""Docstrings, comments, messages, identifiers and guides use the usual terms, not words that need a legend."""

from __future__ import annotations

import ast
import io
import re
import tokenize
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
}
FILES: Final = sorted(
    path
    for folder in (PACKAGE, PACKAGE.parent / "benchmarks", TESTS)
    for path in folder.rglob("*.py")
    if path != Path(__file__)
)
_WORDS: Final = re.compile(
    "|".join(rf"(?P<w{index}>\b(?:{word})\b)" for index, word in enumerate(INSTEAD)), re.IGNORECASE
)


def _prose(path: Path) -> Iterator[tuple[int, str]]:
    """Yield comments, docstrings and identifiers, each with its line."""
    source = path.read_text(encoding="utf-8")
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
        elif token.type == tokenize.NAME:
            yield token.start[0], token.string.replace("_", " ")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.lineno, node.value


def _lines(page: Path) -> Iterator[tuple[int, str]]:
    yield from enumerate(page.read_text(encoding="utf-8").splitlines(), start=1)


def test_the_text_has_no_private_vocabulary() -> None:
    texts = [(path, _prose(path)) for path in FILES] + [(page, _lines(page)) for page in PAGES]
    found = {
        f"{path}:{line}: {match[0]!r}; write: {list(INSTEAD.values())[int((match.lastgroup or 'w0')[1:])]}"
        for path, prose in texts
        for line, text in prose
        for match in _WORDS.finditer(text)
    }
    assert found == set()
