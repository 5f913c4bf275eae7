"""The README and the guides as blocks of code, for the tests that run them and check their types."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs

ROOT: Final = Path(__file__).parents[2]
GUIDES: Final = ROOT / "asyncdbaas" / "guides"
EXAMPLES: Final = ROOT / "tests" / "examples"
PAGES: Final = [ROOT / "README.md", *sorted(GUIDES.glob("*.md"))]
_BLOCK: Final = re.compile(
    r"^(?:<!-- (?P<note>(?:run|not run)[^\n]*?) -->\n)?```(?P<language>\w+)\n(?P<code>.*?)^```",
    re.DOTALL | re.MULTILINE,
)


def with_part(text: str, name: str, part: str) -> str:
    """Return a page's text with a generated part between its markers, `<!-- name -->` and `<!-- /name -->`."""
    pattern = re.compile(rf"(?<=<!-- {name} -->\n).*?(?=<!-- /{name} -->)", re.DOTALL)
    return pattern.sub(lambda _: part, text)


@attrs.frozen(kw_only=True)
class Block:
    """One fenced block.

    A comment right above the fence may hold a note for the tests: `not run: REASON` for Python that cannot run here,
    `run` or `run: exit N` for a console block whose commands are to be run.
    """

    language: str
    code: str
    note: str
    line: int

    @property
    def is_script(self) -> bool:
        """Tell whether the block is a program or a test file of its own, not a part of its page's code."""
        return self.language == "python" and ("asyncio.run(" in self.code or "def test_" in self.code)

    @property
    def is_snippet(self) -> bool:
        """Tell whether the block is a part of its page's code, which runs from top to bottom."""
        return self.language == "python" and not self.is_script

    @property
    def is_run(self) -> bool:
        """Tell whether the block can run here."""
        return self.note.startswith("run") if self.language == "console" else not self.note.startswith("not run")

    @property
    def file(self) -> str:
        """The name of the file that a block shows, from a comment in its first line; empty if it shows none."""
        match = re.match(r"# ([\w./-]+\.(?:yaml|yml|json|csv|toml))\n", self.code)
        return match[1] if match else ""


def blocks(page: Path) -> Iterator[Block]:
    """Yield the blocks of a page, from top to bottom."""
    text = page.read_text(encoding="utf-8")
    for match in _BLOCK.finditer(text):
        yield Block(
            language=match["language"],
            code=match["code"],
            note=match["note"] or "",
            line=text.count("\n", 0, match.start("code")) + 1,
        )
