"""Bring the users of a YAML catalogue up to date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from asyncdbaas.catalogue.editing import TextEditor
from asyncdbaas.catalogue.list_editing import add_items, remove_items
from asyncdbaas.catalogue.model import CatalogueUser, UneditableError
from asyncdbaas.catalogue.nodes import Alias, Items, Node, Pairs
from asyncdbaas.catalogue.reading import Section
from asyncdbaas.catalogue.topic_entries import Values
from asyncdbaas.catalogue.updatable import Updatable, own_pair, replace_value
from asyncdbaas.catalogue.writing import right_values, user_values

__all__ = ["USERS"]


class _Users(Updatable[CatalogueUser]):
    field = "users"

    def values(self, entry: CatalogueUser) -> Values:
        return {} if entry.acl is None else {"acl": entry.acl}

    def is_same(self, key: str, one: Any, other: Any) -> bool:
        del key
        return set(one) == set(other)

    def new(self, entries: Sequence[CatalogueUser], section: Section) -> list[tuple[Values, Mapping[str, Any]]]:
        del section
        return [(self.values(entry), user_values(entry)) for entry in entries]

    def change(self, editor: TextEditor, node: Pairs, declared: CatalogueUser, changed: Values) -> None:
        """Make the rights of a user those of the live one: the lines of rights that stay are kept."""
        key, value = own_pair(node, declared.name, "acl")
        if not isinstance(value, Items) or any(isinstance(item, Alias) for item in value.raw):
            raise UneditableError(f"{declared.name} takes rights from an anchor")
        rights, live = declared.acl or (), changed["acl"]
        new = [right for right in live if right not in rights]
        gone: list[Node] = []
        for item, right in zip(value.items, rights, strict=True):
            if right in live:
                continue
            other = next((each for each in new if each.topic == right.topic), None)
            if other is None or not isinstance(item, Pairs):
                gone.append(item)
            else:
                new.remove(other)
                replace_value(editor, item, declared.name, "permission", str(other.permission))
        if gone and not new and len(gone) == len(value.items):
            editor.replace(key.end, editor.end_of(value), ": []")
            return
        remove_items(editor, value, gone)
        if new:
            add_items(editor, value, map(right_values, new), is_empty=len(gone) == len(value.items))


USERS: Final = _Users()
