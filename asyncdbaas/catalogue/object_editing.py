"""Edit the entries of users and schemas in the text of a YAML catalogue."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from asyncdbaas.catalogue.editing import TextEditor
from asyncdbaas.catalogue.list_editing import ListEditor
from asyncdbaas.catalogue.model import CatalogueSchema, CatalogueUser, UneditableError
from asyncdbaas.catalogue.names import field_name
from asyncdbaas.catalogue.nodes import Alias, Items, Node, Pairs, RawNode, Text
from asyncdbaas.catalogue.writing import right_values, schema_values
from asyncdbaas.catalogue.yaml_writing import flow_item, yaml_mapping
from asyncdbaas.users import KafkaACL

__all__ = ["ObjectEditor"]

_LITERAL: Final = ("|", ">")


class ObjectEditor:
    """Change single values of entries, and the rights of users."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._editor = TextEditor(text)
        self.lists = ListEditor(self._editor)

    def text(self) -> str:
        """Return the text with all changes."""
        return self._editor.text()

    def change_user(self, entry: Pairs, declared: CatalogueUser, live: CatalogueUser) -> None:
        """Make the rights of a user those of the live one: the lines of rights that stay are kept."""
        key, value = _own(entry, declared.name, "acl")
        if not isinstance(value, Items) or any(isinstance(item, Alias) for item in value.raw):
            raise UneditableError(f"{declared.name} takes rights from an anchor")
        new = [right for right in live.acl or () if right not in (declared.acl or ())]
        gone: list[Node] = []
        for item, right in zip(value.items, declared.acl or (), strict=True):
            if right in (live.acl or ()):
                continue
            other = next((each for each in new if each.topic == right.topic), None)
            if other is None or not isinstance(item, Pairs):
                gone.append(item)
            else:
                new.remove(other)
                self.set(item, declared.name, "permission", str(other.permission))
        if gone and not new and len(gone) == len(value.items):
            self._editor.replace(key.end, self._editor.end_of(value), ": []")
        else:
            self._replace_rights(value, gone, new)

    def change_schema(self, entry: Pairs, declared: CatalogueSchema, live: CatalogueSchema) -> None:
        """Set type, text and level of a subject, as far as they are declared."""
        there, wanted = schema_values(live), schema_values(declared)
        for key in ("type", "schema", "compatibility"):
            if key in wanted and wanted[key] != there.get(key):
                self.set(entry, declared.subject, key, there.get(key))

    def set(self, entry: Pairs, name: str, key: str, value: Any) -> None:
        """Replace a value of an entry."""
        place, node = _own(entry, name, key)
        if not isinstance(node, Text):
            raise UneditableError(f"{name} takes {key} from an anchor")
        if "${" in node.value:
            raise UneditableError(f"{name} takes {key} from a variable")
        if key == "compatibility" and node.value.islower():
            value = value.lower()
        text = flow_item(value)
        if self._text[node.start : node.start + 1] in _LITERAL:
            indent = " " * self._editor.column(place.start)
            lines = yaml_mapping({place.value: value}, indent)
            text = self._editor.newline.join(lines).partition(":")[2].lstrip()
        self._editor.replace(node.start, self._editor.end_of(node), text)

    def _replace_rights(self, rights: Items, gone: list[Node], new: Iterable[KafkaACL]) -> None:
        self.lists.remove(rights, gone)
        added = [right_values(right) for right in new]
        if added:
            self.lists.add(rights, added, is_empty=len(gone) == len(rights.items))


def _own(entry: Pairs, name: str, key: str) -> tuple[Text, RawNode]:
    """Return the key and the value that an entry has itself."""
    for place, value in entry.raw:
        if isinstance(place, Text) and field_name(place.value) == key:
            return place, value
    source = "a file" if key in ("schema", "type") else "a merge"
    raise UneditableError(f"{name} takes its {key} from {source}")
