"""Find out which tool a file is from, and read it."""

from __future__ import annotations

import os
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path
from types import ModuleType
from typing import Final

import attrs

from asyncdbaas.catalogue.documents import Document, read_document
from asyncdbaas.catalogue.files import FileError, expand, read_text
from asyncdbaas.catalogue.importing import describe, julie, kafka_gitops, strimzi, terraform, topicctl
from asyncdbaas.catalogue.importing.collecting import Collector
from asyncdbaas.catalogue.merging import find_conflicts, merge_catalogues
from asyncdbaas.catalogue.model import Catalogue, CatalogueError, Problem
from asyncdbaas.catalogue.nodes import Node

__all__ = ["Imported", "import_catalogue"]

# The first that matches a document reads it.
_FORMATS: Final[tuple[ModuleType, ...]] = (strimzi, terraform, julie, topicctl, kafka_gitops)
# Modules of Terraform nest.
_MAX_DEPTH: Final = 60
_UNKNOWN: Final = (
    "is none of the files that can be imported: Strimzi's resources, a state of kafka-gitops, a topology of JulieOps, "
    "topicctl's files, `terraform show -json`, `kafka-topics --describe`"
)


@attrs.frozen(kw_only=True)
class Imported:
    """Entries found in the files of other tools, and notes."""

    catalogue: Catalogue
    notes: tuple[Problem, ...] = ()
    """What has no place in a catalogue, or had to be changed."""


def import_catalogue(*paths: str | os.PathLike[str]) -> Imported:
    """Read files of other tools; the format is detected from the content.

    Strimzi's KafkaTopic and KafkaUser, state files of kafka-gitops, topologies of JulieOps, files of topicctl, and what
    `terraform show -json` and `kafka-topics --describe` print. Raise CatalogueError if a file cannot be read.
    """
    collectors: list[Collector] = []
    problems: list[Problem] = []
    try:
        for name in expand(os.fspath(path) for path in paths):
            try:
                collectors.append(_read(name))
            except CatalogueError as error:
                problems += error.problems
    except FileError as error:
        problems.append(Problem(file="", message=str(error)))
    if problems:
        raise CatalogueError(problems)
    catalogues = [collector.catalogue() for collector in collectors]
    conflicts = list(find_conflicts(catalogues))
    if conflicts:
        raise CatalogueError(conflicts)
    notes = [note for collector in collectors for note in sorted(collector.notes, key=attrgetter("line"))]
    return Imported(catalogue=merge_catalogues(catalogues), notes=tuple(notes))


def _read(path: str) -> Collector:
    file, text = read_text(path)
    if describe.matches(text):
        collector = Collector(file, Document(text, []))
        describe.read(text, collector)
        return collector
    suffix = ".json" if Path(path).suffix.lower() == ".json" or text.lstrip()[:1] == "{" else ".yaml"
    document = read_document(text, file=file, suffix=suffix, max_depth=_MAX_DEPTH)
    if not document.roots:  # as when the program before it in a pipe has failed
        raise CatalogueError([Problem(file=file, message=_UNKNOWN)])
    collector = Collector(file, document)
    for root in document.roots:
        _reader(root, file)(root, collector)
    return collector


def _reader(root: Node, file: str) -> Callable[[Node, Collector], None]:
    for module in _FORMATS:
        if module.matches(root):
            reader: Callable[[Node, Collector], None] = module.read
            return reader
    raise CatalogueError([Problem(file=file, message=_UNKNOWN)])
