"""The interface of a kind of entry that can be brought up to date in the text of a catalogue."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Generic, TypeAlias, TypeVar

from asyncdbaas.catalogue.editing import TextEditor
from asyncdbaas.catalogue.model import Catalogue, Entry, UneditableError
from asyncdbaas.catalogue.names import field_name
from asyncdbaas.catalogue.nodes import Pairs, RawNode, Text
from asyncdbaas.catalogue.reading import Section
from asyncdbaas.catalogue.topic_entries import Values
from asyncdbaas.catalogue.yaml_writing import flow_item, yaml_mapping

__all__ = ["Key", "Updatable", "check_literal", "own_pair", "replace_value"]

E = TypeVar("E", bound=Entry)
Key: TypeAlias = tuple[str | None, str]
"""Cluster and name of an object."""
_BLOCK: Final = ("|", ">")


class Updatable(ABC, Generic[E]):
    """A kind of entry: how it is compared with the live object, and changed."""

    field: ClassVar[str]
    """Key of its list in a catalogue, and field of `Catalogue`."""
    is_optional: ClassVar[bool] = True
    """Whether a cluster that has no such entries gets some, and the last one may be removed."""

    def entries(self, catalogue: Catalogue) -> tuple[E, ...]:
        """Return the entries of a catalogue."""
        found: tuple[E, ...] = getattr(catalogue, self.field)
        return found

    def live(self, catalogue: Catalogue) -> Mapping[Key, E]:
        """Return the live objects to compare with."""
        return {(entry.cluster, entry.name): entry for entry in self.entries(catalogue)}

    @abstractmethod
    def values(self, entry: E) -> Values:
        """Return what an entry declares."""

    @abstractmethod
    def is_same(self, key: str, one: Any, other: Any) -> bool:
        """Return whether two values of a key mean the same."""

    def unknown(self, declared: Values, live: Values) -> Sequence[str]:
        """Return the declared keys that the live object lacks."""
        return [key for key in declared if key not in live]

    @abstractmethod
    def new(self, entries: Sequence[E], section: Section) -> list[tuple[Values, Mapping[str, Any]]]:
        """Return what new entries declare, each with its plain data."""

    @abstractmethod
    def change(self, editor: TextEditor, node: Pairs, declared: E, changed: Values) -> None:
        """Set values of an entry."""


def own_pair(entry: Pairs, name: str, key: str) -> tuple[Text, RawNode]:
    """Return the key and the value that an entry has itself."""
    for place, value in entry.raw:
        if isinstance(place, Text) and field_name(place.value) == key:
            return place, value
    source = "a file" if key in ("schema", "type") else "a merge"
    raise UneditableError(f"{name} takes its {key} from {source}")


def replace_value(editor: TextEditor, entry: Pairs, name: str, key: str, value: str) -> None:
    """Replace a text that an entry has itself."""
    place, node = own_pair(entry, name, key)
    if not isinstance(node, Text):
        raise UneditableError(f"{name} takes {key} from an anchor")
    check_literal(node, name, key)
    if key == "compatibility" and node.value.islower():
        value = value.lower()
    text = flow_item(value)
    if editor.source[node.start : node.start + 1] in _BLOCK:
        indent = " " * editor.column(place.start)
        text = editor.newline.join(yaml_mapping({place.value: value}, indent)).partition(":")[2].lstrip()
    editor.replace_value(node, text)


def check_literal(node: RawNode, name: str, key: str) -> None:
    """Raise UneditableError if a value comes from a variable."""
    if isinstance(node, Text) and "${" in node.value:
        raise UneditableError(f"{name} takes {key} from a variable")
