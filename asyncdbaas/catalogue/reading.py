"""Read catalogues: all problems are reported at once, each with its line."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Final

import attrs

from asyncdbaas._checks import check_file, check_instance
from asyncdbaas.catalogue.documents import read_document
from asyncdbaas.catalogue.files import SUFFIXES, FileError, expand, read_text
from asyncdbaas.catalogue.merging import find_conflicts, merge_catalogues
from asyncdbaas.catalogue.model import NO_METADATA, Catalogue, CatalogueError, Metadata, Problem
from asyncdbaas.catalogue.names import KAFKA_ONLY, explain_unknown, field_name, is_extension, right_key
from asyncdbaas.catalogue.nodes import Items, Node, Pairs, RawNode, Text
from asyncdbaas.catalogue.schema_entries import SchemaEntries
from asyncdbaas.catalogue.source import METADATA_KEYS, Fields, Source, shown, value_of
from asyncdbaas.catalogue.tables import LABEL_COLUMN
from asyncdbaas.catalogue.topic_entries import ROW_KEYS, TopicEntries, Values
from asyncdbaas.catalogue.user_entries import UserEntries
from asyncdbaas.catalogue.variables import check_variables

__all__ = [
    "CatalogueReader",
    "Section",
    "catalogue_schema",
    "parse_catalogue",
    "read_catalogue",
]

_LIST_KEYS: Final = ("topics", "users", "schemas")
_CONTENT_KEYS: Final = frozenset({*_LIST_KEYS, "schema_registry"})
_SECTION_KEYS: Final = _CONTENT_KEYS | {"cluster", "defaults"}
_ROOT_KEYS: Final = _SECTION_KEYS | METADATA_KEYS | {"clusters", "$schema"}
# No service has more; what a file with lists of clusters expands to must not exhaust the memory.
_MAX_ENTRIES: Final = 1_000_000
_NOTHING: Final = "holds no topics, users or schemas"


def read_catalogue(
    *paths: str | os.PathLike[str], variables: Mapping[str, str] | None = None, input_format: str = "yaml"
) -> Catalogue:
    """Read catalogues from files and return them as one. The suffix sets the format: .yaml, .yml, .json or .csv.

    CatalogueError lists all problems of all files, each with file, line and key. YAML and JSON need PyYAML (extra
    `cli`). Only regular files of at most 64 MiB are read.

    Args:
        paths: Files, folders (all files below with such a suffix, except schemas of the catalogues), patterns such as
            `teams/**/*.yaml`, or `-` for standard input.
        variables: Values of `${NAME}` in the files. Without it, none is defined; see `catalogue_variables`.
        input_format: Format of standard input: yaml, json or csv.
    """
    found: list[Catalogue] = []
    problems: list[Problem] = []
    try:
        names = list(expand(check_file(path, "a path of a catalogue") for path in paths))
    except FileError as error:
        raise CatalogueError([Problem(file="", message=str(error))]) from None
    schema_files: set[str] = set()
    for name in names:
        try:
            with _paused_collector():  # until the tree is gone again
                file, text = read_text(name)
                suffix = f".{input_format}" if name == "-" else None
                found.append(
                    CatalogueReader(
                        text, file=file, variables=variables, suffix=suffix, schema_files=schema_files
                    ).catalogue()
                )
        except CatalogueError as error:
            problems += error.problems
    # A folder of catalogues may hold their schemas, too.
    problems = [problem for problem in problems if os.path.realpath(problem.file) not in schema_files]
    if len(found) > 1:
        problems += find_conflicts(found)
    if problems:
        raise CatalogueError(problems)
    return found[0] if len(found) == 1 else merge_catalogues(found)


def parse_catalogue(
    text: str, *, file: str, variables: Mapping[str, str] | None = None, suffix: str | None = None
) -> Catalogue:
    """Read a catalogue from a text.

    Args:
        text: The whole text.
        file: Name of the file, for messages; files of schemas are found relative to it.
        variables: Values of `${NAME}` in the text.
        suffix: Format of the text, such as `.yaml`; default: the suffix of `file`.

    """
    return CatalogueReader(text, file=file, variables=variables, suffix=suffix).catalogue()


def catalogue_schema() -> str:
    """Return the JSON Schema of catalogues in YAML and JSON, for editors."""
    return files("asyncdbaas.catalogue").joinpath("schema.json").read_text(encoding="utf-8")


@attrs.frozen(kw_only=True, eq=False)
class Section:
    """A part of a catalogue: a document, or an item of its `clusters`."""

    node: Pairs
    clusters: tuple[str | None, ...]
    defaults: Values
    values: Mapping[str, Node]
    """The values of its keys."""

    def items(self, field: str) -> Items | None:
        """Return the list of its topics, users or schemas, if it has one."""
        node = self.values.get(field)
        return node if isinstance(node, Items) else None


class CatalogueReader:
    """Read one text, and keep its tree for those who edit the text.

    Raise CatalogueError if the text has problems. `schema_files` collects the files that it names as schemas.
    """

    def __init__(
        self,
        text: str,
        *,
        file: str,
        variables: Mapping[str, str] | None = None,
        suffix: str | None = None,
        schema_files: set[str] | None = None,
    ) -> None:
        check_instance(text, str, "text", 'Path(file).read_text(encoding="utf-8")')
        file = check_file(file, "file")
        suffix = Path(file).suffix.lower() if suffix is None else suffix
        if suffix not in SUFFIXES:
            raise CatalogueError([Problem(file=file, message=f"the suffix must be one of {', '.join(SUFFIXES)}")])
        with _paused_collector():
            self._document = read_document(text, file=file, suffix=suffix)
            self.sections: list[Section] = []
            """The parts of the text, in the order of the entries."""
            self._source = Source(file, self._document, check_variables(variables))
            self._topics = TopicEntries(self._source)
            self._users = UserEntries(self._source)
            self._schemas = SchemaEntries(self._source, set() if schema_files is None else schema_files)
            self._metadata: list[Metadata] = []
            self._entries = 0
            self._cluster_lines: dict[tuple[str, str], int] = {}
            self._read()

    def catalogue(self) -> Catalogue:
        """Return what the text declares."""
        return Catalogue(
            topics=tuple(self._topics.topics),
            users=tuple(self._users.users),
            schemas=tuple(self._schemas.schemas),
            registries=tuple(self._schemas.registries),
            metadata=self._metadata[0] if len(self._metadata) == 1 else NO_METADATA,
            cluster_lines=self._cluster_lines,
        )

    def _read(self) -> None:
        for root in self._document.roots:
            if self._document.is_table:
                self._table(root)
            else:
                self._root(root)
        lists = self._topics.topics, self._users.users, self._schemas.schemas, self._schemas.registries
        if not any(lists) and not self._source.problem_count:
            self._source.problem(None, _NOTHING)
        if self._source.problem_count:
            raise CatalogueError(self._source.problems)

    def _root(self, root: Node) -> None:
        """Read a document. No message quotes a text that is not a catalogue: it may hold secrets."""
        if not isinstance(root, Pairs):
            kind = "text" if isinstance(root, Text) else shown(root)
            self._source.problem(root, f"must be a mapping, not {kind}")
        elif not any(_is_known(key) for key, _ in root.pairs):
            self._source.problem(root, "is not a catalogue: it has none of the keys topics, users, schemas, clusters")
        else:
            fields = self._source.fields(root, _ROOT_KEYS, extensible=True)
            self._metadata.append(self._source.metadata(fields))
            self._section(root, fields, {}, (None,))

    def _section(self, node: Node, fields: Fields, defaults: Values, clusters: tuple[str | None, ...]) -> None:
        clusters = self._clusters(fields) or clusters
        if own := value_of(fields, "defaults"):
            defaults = defaults | self._topics.defaults(own)
        if isinstance(node, Pairs):
            values = {key: value for key, (_, value) in fields.items()}
            self.sections.append(Section(node=node, clusters=clusters, defaults=defaults, values=values))
        self._topics.read(self._items(fields, "topics", clusters), defaults, clusters)
        for item, place in self._items(fields, "users", clusters):
            self._users.read(item, place, clusters)
        for item, place in self._items(fields, "schemas", clusters):
            self._schemas.read(item, place, clusters)
        if registry := value_of(fields, "schema_registry"):
            self._schemas.read_registry(registry, clusters)
        for item in self._source.items(fields, "clusters"):
            self._section(item, self._source.fields(item, _SECTION_KEYS), defaults, clusters)

    def _items(self, fields: Fields, field: str, clusters: tuple[str | None, ...]) -> Iterable[tuple[Node, RawNode]]:
        """Return the items of a list, each with the place that declares it: of an alias, not its anchor."""
        items = self._source.items(fields, field)
        self._entries += len(items) * len(clusters)
        is_full = self._entries > _MAX_ENTRIES
        if is_full:
            self._source.problem(None, f"expands to more than {_MAX_ENTRIES} entries; split the file")
        if is_full or not items:
            return []
        key, node = fields[field]
        if isinstance(node, Items) and node.start >= key.start:
            return zip(items, node.raw, strict=True)
        return [(item, key) for item in items]  # the whole list is an alias

    def _clusters(self, fields: Fields) -> tuple[str, ...]:
        """Return the clusters that a section names: one, or a list of them."""
        if "cluster" not in fields:
            return ()
        key, node = fields["cluster"]
        names: dict[str, None] = {}
        for item in node.items if isinstance(node, Items) else [node]:
            name = self._source.word({"cluster": (key, item)}, "cluster")
            if name in names:
                self._source.problem(item, f"the cluster {name} is listed twice", key=key.value)
            if name:
                names[name] = None
                self._cluster_lines.setdefault((self._source.file, name), self._source.line(item))
        if isinstance(node, Items) and not names:
            self._source.problem(node, "the list names no cluster", key=key.value)
        return tuple(names)

    def _table(self, root: Node) -> None:
        """Read a CSV; a wrong header is reported once, and its rows are not read."""
        self._check_header()
        if not self._source.problem_count and isinstance(root, Pairs):
            self._topics.read_rows(self._items(self._source.fields(root, _ROOT_KEYS), "topics", (None,)))

    def _check_header(self) -> None:
        header = self._document.header
        if not any(_is_column(key.value) for key in header):
            # The file may be something else, and hold secrets: only what is nearly a column is quoted.
            header = [key for key in header if right_key(key.value) in ROW_KEYS]
            if not header:
                message = "the header names no column of a catalogue, such as name"
                self._source.problem(self._document.header[0], message)
        seen: set[str] = set()
        for key in header:
            name = field_name(key.value)
            if name in seen:
                self._source.problem(key, "is in the header twice", key=key.value)
            elif key.value and not _is_column(key.value) and name not in KAFKA_ONLY:
                self._source.problem(key, explain_unknown(key.value, ROW_KEYS), key=key.value)
            seen.add(name)


def _is_known(key: Node) -> bool:
    return isinstance(key, Text) and field_name(key.value) in _ROOT_KEYS


def _is_column(spelled: str) -> bool:
    return field_name(spelled) in ROW_KEYS or is_extension(spelled) or spelled.startswith(LABEL_COLUMN)


@contextmanager
def _paused_collector() -> Generator[None]:
    """Pause the garbage collector of the process, while a block makes many objects that all stay.

    The collector would visit them again and again: without the pause, reading a large catalogue takes twice the time.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
