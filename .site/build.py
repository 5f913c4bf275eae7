"""Build the documentation site into `.site/build/site`: `python .site/build.py`.

The pages are the README, the guides, the examples, and a reference page for each public module, made from its
docstrings. The build fails on a warning of the generator, a broken link, something loaded from another address, a guide
that the navigation does not list, and a public name, field, method or parameter that no page has.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
import shutil
import subprocess
import sys
import tomllib
import zlib
from collections.abc import Iterator
from contextlib import suppress
from enum import Enum
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Final
from urllib.parse import unquote, urlsplit

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parent
GUIDES: Final = ROOT / "asyncdbaas" / "guides"
EXAMPLES: Final = ROOT / "tests" / "examples"
BUILD: Final = HERE / "build"
DOCS: Final = BUILD / "docs"
SITE: Final = BUILD / "site"
# Public modules that are not offered by the package itself.
_MORE_MODULES: Final = ("errors", "retry", "session", "types", "ratelimit", "emulator", "otel", "pytest_plugin")
_NAVIGATION: Final = HERE / "navigation.toml"
_WIDE: Final = "---\nhide: [toc]\n---\n"  # lines of up to 120 characters need the space of the table of contents
_LOADING_TAGS: Final = ("script", "link", "img", "iframe")
_FOREIGN_SCRIPT: Final = "https://unpkg.com/iframe-worker/shim"


def main() -> int:
    """Write the pages, build them, check the result, and return the number of problems."""
    shutil.rmtree(BUILD, ignore_errors=True)
    DOCS.mkdir(parents=True)
    _write_pages()
    _write_settings()
    subprocess.run([Path(sys.executable).parent / "zensical", "build", "--strict"], cwd=BUILD, check=True)
    _finish_pages()
    problems = [*_unlisted_guides(), *_broken_links(), *_undocumented_names()]
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{len(list(SITE.rglob('*.html')))} pages in {SITE.relative_to(ROOT)}, {len(problems)} problems")
    return len(problems)


def _write_pages() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    DOCS.joinpath("index.md").write_text(_rebased(readme), encoding="utf-8")
    for guide in GUIDES.iterdir():
        if guide.suffix == ".md":
            text = guide.read_text(encoding="utf-8").replace("../../benchmarks/plots/", "plots/")
            text = re.sub(r"\]\(\.\./(\w+)(?:/__init__)?\.py\)", r"](reference/\1.md)", text)
            text = re.sub(r"\]\(\.\./(\w+)(?:/__init__)?\.py#(\w+)\)", r"](reference/\1.md#asyncdbaas.\1.\2)", text)
            text = re.sub(r"\]\(\.\./\.\./tests/examples/(\w+)\.\w+\)", r"](examples/\1.md)", text)
            DOCS.joinpath(guide.name).write_text(_with_repository_links(text, "../../"), encoding="utf-8")
        elif guide.suffix == ".png":
            shutil.copy(guide, DOCS)
    shutil.copytree(ROOT / "benchmarks" / "plots", DOCS / "plots", ignore=shutil.ignore_patterns("*.py"))
    shutil.copy(HERE / "site.css", DOCS)
    DOCS.joinpath("examples").mkdir()
    for example in _examples():
        text = _notebook(example) if example.suffix == ".ipynb" else f"```python\n{example.read_text('utf-8')}```\n"
        DOCS.joinpath("examples", f"{example.stem}.md").write_text(
            f"{_WIDE}# {example.name}\n\n{text}", encoding="utf-8"
        )
    DOCS.joinpath("reference").mkdir()
    for name in _modules():
        options = f"    options:\n      inherited_members: {json.dumps(sorted(_members_of_private_bases(name)))}\n"
        DOCS.joinpath("reference", f"{name}.md").write_text(f"::: asyncdbaas.{name}\n{options}", encoding="utf-8")


def _examples() -> list[Path]:
    """Return the examples that guides link to."""
    linked = {
        name
        for guide in GUIDES.glob("*.md")
        for name in re.findall(r"/tests/examples/([\w.]+)\)", guide.read_text(encoding="utf-8"))
    }
    return [EXAMPLES / name for name in sorted(linked)]


def _notebook(path: Path) -> str:
    """Return a notebook with its outputs as Markdown; headings are one level below that of the page."""
    parts: list[str] = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        parts.append(f"```python\n{source}\n```" if cell["cell_type"] == "code" else re.sub("^#", "##", source))
        for output in cell.get("outputs", ()):
            shown = output.get("data", {"text/plain": output.get("text")})
            text = "".join(shown.get("text/html") or shown["text/plain"])
            parts.append(text if "text/html" in shown else f"```text\n{text.rstrip()}\n```")
    return "\n\n".join(parts) + "\n"


def _rebased(readme: str) -> str:
    """Turn the README's links into links from the site's first page."""
    text = readme.replace("asyncdbaas/guides/", "").replace("benchmarks/plots/", "plots/")
    return _with_repository_links(text, "")


def _with_repository_links(text: str, up: str) -> str:
    """Point links to other files of the repository at the repository."""
    base = _urls()["Source"]
    return re.sub(
        rf"\]\({re.escape(up)}((?:tests|benchmarks|asyncdbaas|\.github|[A-Z]+\b)[^)]*)\)",
        rf"]({base}/blob/main/\1)",
        text,
    )


def _urls() -> dict[str, str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    urls: dict[str, str] = project["urls"]
    return urls


def _write_settings() -> None:
    settings = (HERE / "zensical.toml").read_text(encoding="utf-8")
    navigation: dict[str, object] = {"Home": "index.md"}
    navigation |= {title: [f"{page}.md" for page in pages] for title, pages in _sections().items()}
    navigation["Examples"] = [f"examples/{example.stem}.md" for example in _examples()]
    navigation["Reference"] = [f"reference/{name}.md" for name in _modules()]
    written = ", ".join(f"{{{json.dumps(title)} = {json.dumps(pages)}}}" for title, pages in navigation.items())
    BUILD.joinpath("zensical.toml").write_text(settings.replace("nav = []", f"nav = [{written}]"), encoding="utf-8")


def _finish_pages() -> None:
    """Replace the script that the generator takes from another address, and leave out private base classes."""
    shutil.copy(HERE / "search_worker.js", SITE)
    for page in SITE.rglob("*.html"):
        up = "../" * (len(page.relative_to(SITE).parts) - 1)
        text = page.read_text(encoding="utf-8").replace(_FOREIGN_SCRIPT, f"{up}search_worker.js")
        text = re.sub(r'<code><span title="asyncdbaas[.\w]*\._[^<]*</span></code>(?:, )?', "", text)
        text = re.sub(r'<p class="doc doc-class-bases">\s*Bases: </p>', "", text)
        page.write_text(text, encoding="utf-8")


def _sections() -> dict[str, list[str]]:
    sections: dict[str, list[str]] = tomllib.loads(_NAVIGATION.read_text(encoding="utf-8"))
    return sections


def _modules() -> list[str]:
    package = importlib.import_module("asyncdbaas")
    offered = [name for name in package.__all__ if isinstance(getattr(package, name), ModuleType)]
    return sorted({*offered, *_MORE_MODULES})


def _unlisted_guides() -> Iterator[str]:
    listed = {page for pages in _sections().values() for page in pages}
    yield from (f"{guide.name} is not in navigation.toml" for guide in GUIDES.glob("*.md") if guide.stem not in listed)


class _Links(HTMLParser):
    """Collects what a page links to and loads, and the anchors that it has."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value for name, value in attrs if value}
        self.anchors |= {found[name] for name in ("id", "name") if name in found}
        self.links += [found[name] for name in ("href", "src") if name in found and tag != "link"]
        self.loaded += [found[name] for name in ("href", "src") if name in found and tag in _LOADING_TAGS]


def _broken_links() -> Iterator[str]:
    pages = {page.resolve(): _Links(page) for page in SITE.rglob("*.html") if page.name != "404.html"}
    for page, found in pages.items():
        yield from (f"{page.name} loads {address}" for address in found.loaded if urlsplit(address).netloc)
        for link in found.links:
            parts = urlsplit(link)
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            if parts.scheme or parts.netloc:
                continue
            if not target.exists():
                yield f"{page.relative_to(SITE.resolve())}: no such page: {link}"
            elif (
                parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors | {"__skip"}
            ):
                yield f"{page.relative_to(SITE.resolve())}: no such place: {link}"


def _undocumented_names() -> Iterator[str]:
    inventory = zlib.decompress(SITE.joinpath("objects.inv").read_bytes().split(b"\n", 4)[4]).decode()
    documented = {line.split(" ", 1)[0] for line in inventory.splitlines()}
    for name in _modules():
        module = importlib.import_module(f"asyncdbaas.{name}")
        page = re.sub(r"<[^>]+>", "", SITE.joinpath("reference", f"{name}.html").read_text(encoding="utf-8"))
        words = set(re.findall(r"\w+", page))
        for public in getattr(module, "__all__", ()):
            value, path = getattr(module, public), f"asyncdbaas.{name}.{public}"
            if _is_ours(value):
                missing = {path, *(f"{path}.{member}" for member in _members(value))} - documented
                yield from (f"{each} is not documented" for each in sorted(missing))
                yield from (f"{path}: the page lacks {each}" for each in sorted(_parameters(value) - words))


def _members_of_private_bases(name: str) -> set[str]:
    """Return what the public classes of a module have from private bases, which no page shows."""
    module = importlib.import_module(f"asyncdbaas.{name}")
    classes = [getattr(module, public) for public in getattr(module, "__all__", ())]
    return {member for value in classes for base in _private_bases(value) for member in _own_members(base)}


def _members(value: object) -> Iterator[str]:
    """Yield the public fields, methods and properties that a class defines, and those of its private bases."""
    if isinstance(value, type):
        for base in (value, *_private_bases(value)):
            yield from _own_members(base)


def _private_bases(value: object) -> Iterator[type]:
    bases = inspect.getmro(value) if isinstance(value, type) else ()
    yield from (base for base in bases if base is not value and base.__name__.startswith("_") and _is_ours(base))


def _own_members(base: type) -> Iterator[str]:
    names = {**vars(base), **vars(base).get("__annotations__", {})}
    yield from (name for name in names if not name.startswith("_"))


def _parameters(value: object) -> set[str]:
    """Return the names of the parameters of a function or class, and of the public methods that a class defines."""
    if isinstance(value, type) and issubclass(value, Enum):
        return set()
    methods = vars(value).items() if isinstance(value, type) else ()
    functions = [value, *(each for name, each in methods if not name.startswith("_") and inspect.isfunction(each))]
    found: set[str] = set()
    for function in functions:
        if inspect.isfunction(function) or isinstance(function, type):
            with suppress(ValueError):  # made in C
                found |= inspect.signature(function).parameters.keys()
    return {name for name in found if not name.startswith("_")} - {"self", "cls"}


def _is_ours(value: object) -> bool:
    """Tell whether a value was made here, and not by another package, which documents it."""
    return getattr(value, "__module__", "asyncdbaas").startswith("asyncdbaas")


if __name__ == "__main__":
    sys.exit(main() > 0)
