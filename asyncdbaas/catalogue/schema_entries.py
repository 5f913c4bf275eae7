"""Read the schemas of a catalogue, from files or from the catalogue itself."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

from asyncdbaas.catalogue.files import FileError, read_file
from asyncdbaas.catalogue.model import CatalogueRegistry, CatalogueSchema
from asyncdbaas.catalogue.nodes import Node, RawNode
from asyncdbaas.catalogue.source import METADATA_KEYS, Fields, Source, UniqueNames, shown, value_of
from asyncdbaas.schemas import CompatibilityLevel, SchemaCreate, SchemaType

__all__ = ["SCHEMA_TYPES", "SchemaEntries", "is_declarable", "read_schema", "same_schema", "schema_path"]

_SCHEMA_KEYS: Final = METADATA_KEYS | {"subject", "type", "file", "schema", "compatibility"}
_REGISTRY_KEYS: Final = frozenset({"compatibility"})
SCHEMA_TYPES: Final = {".avsc": SchemaType.AVRO, ".json": SchemaType.JSON, ".proto": SchemaType.PROTOBUF}
_JSON_TYPES: Final = (SchemaType.AVRO, SchemaType.JSON)
_MAX_SIZE: Final = 2**20
# Beyond it, a float stands for several whole numbers.
_EXACT: Final = 2**53


class SchemaEntries:
    """Collect the schemas and registries of a file, and check them against each other."""

    def __init__(self, source: Source, files: set[str]) -> None:
        self.schemas: list[CatalogueSchema] = []
        self.registries: list[CatalogueRegistry] = []
        self._source = source
        self._files = files
        self._subjects = UniqueNames(source, "subject", "subject")

    def read(self, node: Node, place: RawNode, clusters: tuple[str | None, ...]) -> None:
        """Read one subject, for each of the clusters; `place` is where an alias stands, for one."""
        source = self._source
        before = source.problem_count
        fields = source.fields(node, _SCHEMA_KEYS, extensible=True)
        subject = source.required_word(node, fields, "subject")
        if subject is None:
            return
        metadata = source.metadata(fields, subject)
        compatibility = self._compatibility(fields, subject)
        schema = self._schema(fields, node, subject)
        if schema is None and compatibility is None and source.problem_count == before:
            source.problem(node, "needs file, schema or compatibility", name=subject)
        self._subjects.check(subject, clusters, place)
        if source.problem_count == before:
            self.schemas += [
                CatalogueSchema(
                    subject=subject,
                    schema=schema,
                    compatibility=compatibility,
                    cluster=cluster,
                    metadata=metadata,
                    file=source.file,
                    line=source.line(node),
                )
                for cluster in clusters
            ]

    def read_registry(self, node: Node, clusters: tuple[str | None, ...]) -> None:
        """Read the settings of a registry, for each of the clusters."""
        level = self._compatibility(self._source.fields(node, _REGISTRY_KEYS, "schema_registry"), "schema_registry")
        if level is None:
            return
        line = self._source.line(node)
        self.registries += [
            CatalogueRegistry(compatibility=level, cluster=cluster, file=self._source.file, line=line)
            for cluster in clusters
        ]

    def _compatibility(self, fields: Fields, name: str) -> CompatibilityLevel | None:
        if value_of(fields, "compatibility") is None:
            return None
        return self._source.member(fields, "compatibility", lambda word: CompatibilityLevel(word.upper()), name)

    def _schema(self, fields: Fields, node: Node, subject: str) -> SchemaCreate | None:
        if "file" in fields and "schema" in fields:
            self._source.problem(node, "set either file or schema, not both", name=subject)
            return None
        if "file" not in fields and "schema" not in fields:
            return None
        file = self._source.word(fields, "file", subject)
        text = self._source.word(fields, "schema", subject) if file is None else self._read(file, fields, subject)
        kind = self._type(fields, node, file, subject)
        if text is None or kind is None:
            return None
        problem = _json_problem(text) if kind in _JSON_TYPES else ""
        if problem:
            key = "schema" if file is None else "file"
            self._source.problem(fields[key][1], f"is not valid JSON{problem}", key=key, name=subject)
            return None
        return SchemaCreate(subject_name=subject, schema_type=kind, schema=text)

    def _type(self, fields: Fields, node: Node, file: str | None, subject: str) -> SchemaType | None:
        if "type" not in fields:
            kind = SCHEMA_TYPES.get(Path(file or "").suffix.lower())
            if kind is None:
                self._source.problem(node, "is missing: avro, json or protobuf", key="type", name=subject)
            return kind
        return self._source.member(fields, "type", SchemaType, subject)

    def _read(self, file: str, fields: Fields, subject: str) -> str | None:
        """Read a schema's file. No message quotes it, because it may be no schema at all."""
        try:
            path = schema_path(self._source.file, file)
            self._files.add(str(path))
            return read_schema(path)
        except FileError as error:
            node = fields["file"][1]
            self._source.problem(node, f"{error}: {shown(node)}", key="file", name=subject)
            return None


def schema_path(catalogue: str, file: str) -> Path:
    """Return the path of a schema's file, relative to the catalogue.

    A catalogue may come from somebody who must not read everything here: the file has the suffix of a schema, links
    followed, is not hidden, and lies below the folder of the catalogue or the working directory.
    """
    folder = Path(catalogue).parent
    path = Path(os.path.realpath(folder / file))
    if path.suffix.lower() not in SCHEMA_TYPES:
        raise FileError(f"must be a file {', '.join(SCHEMA_TYPES)}")
    for root in (Path(os.path.realpath(folder)), Path.cwd()):
        if path.is_relative_to(root) and not any(part.startswith(".") for part in path.relative_to(root).parts):
            return path
    raise FileError("must lie below the folder of the catalogue, or below the working directory, and not be hidden")


def read_schema(path: Path) -> str:
    """Return the text of a schema's file. Raise FileError if it has none."""
    try:
        return read_file(str(path), limit=_MAX_SIZE).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileError("is not UTF-8 text") from None


def same_schema(one: str, other: str) -> bool:
    """Return whether two schemas of one type are the same but for white space."""
    return _meaning(one) == _meaning(other)


def _meaning(text: str) -> object:
    try:
        # As text: to Python, True is equal to 1, so that a default of true would be the same as one of 1.
        return json.dumps(json.loads(text, parse_float=_number), sort_keys=True)
    except (ValueError, RecursionError):
        return text.split()  # Protobuf, or the bare name of an Avro type


def _number(text: str) -> float:
    """Return 1.0 as 1, which is the same number in JSON."""
    number = float(text)
    return int(number) if number.is_integer() and abs(number) < _EXACT else number


def is_declarable(text: str, kind: SchemaType) -> bool:
    """Return whether a catalogue can hold a schema."""
    return kind.is_known and not (kind in _JSON_TYPES and _json_problem(text))


def _json_problem(text: str) -> str:
    """Return where a text stops being JSON; empty if it is."""
    try:
        json.loads(text, parse_int=str)
    except json.JSONDecodeError as error:
        return f" (its line {error.lineno}, column {error.colno})"
    except RecursionError:
        return ": nested too deeply"
    return ""
