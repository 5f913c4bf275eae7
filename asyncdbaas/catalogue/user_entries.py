"""Read the users of a catalogue and their rights."""

from __future__ import annotations

from functools import partial
from typing import Final

from asyncdbaas.catalogue.model import CatalogueUser
from asyncdbaas.catalogue.nodes import Items, Node, RawNode
from asyncdbaas.catalogue.source import METADATA_KEYS, Fields, ResultCache, Source, UniqueNames, value_of
from asyncdbaas.users import KafkaACL, KafkaPermission

__all__ = ["UserEntries", "is_user_name"]

_USER_KEYS: Final = METADATA_KEYS | {"name", "acl"}
_ACL_KEYS: Final = frozenset({"topic", "permission"})
# What Kafka and other tools call the service's permissions.
_OTHER_WORDS: Final = {
    "all": KafkaPermission.ADMIN,
    "read": KafkaPermission.CONSUME,
    "readwrite": KafkaPermission.PRODUCECONSUME,
    "write": KafkaPermission.PRODUCE,
}
_MAX_NAME: Final = 256


class UserEntries:
    """Collect the users of a file, and check them against each other."""

    def __init__(self, source: Source) -> None:
        self.users: list[CatalogueUser] = []
        self._source = source
        self._rights = ResultCache[tuple[str, KafkaPermission] | None](source)
        self._names = UniqueNames(source, "user", "name")

    def read(self, node: Node, place: RawNode, clusters: tuple[str | None, ...]) -> None:
        """Read one user, for each of the clusters; `place` is where an alias stands, for one."""
        source = self._source
        before = source.problem_count
        fields = source.fields(node, _USER_KEYS, extensible=True)
        name = source.required_word(node, fields, "name")
        if name is None:
            return
        metadata = source.metadata(fields, name)
        acl = self._acl(fields, name)
        if not is_user_name(name):
            source.problem(fields["name"][1], "is not the name of a user", key="name")
        self._names.check(name, clusters, place)
        if source.problem_count == before:
            line = source.line(node)
            self.users += [
                CatalogueUser(name=name, acl=acl, cluster=cluster, metadata=metadata, file=source.file, line=line)
                for cluster in clusters
            ]

    def _acl(self, fields: Fields, name: str) -> tuple[KafkaACL, ...] | None:
        items = self._source.items(fields, "acl", name)
        if not isinstance(value_of(fields, "acl"), Items):
            return None
        rights: dict[tuple[str, KafkaPermission], None] = {}
        for item in items:
            right = self._rights.read(item, partial(self._right, item, name))
            if right in rights:
                self._source.problem(item, "the same right is listed above", key="acl", name=name)
            if right is not None:
                rights[right] = None
        return tuple(KafkaACL(topic=topic, permission=permission) for topic, permission in rights)

    def _right(self, node: Node, name: str) -> tuple[str, KafkaPermission] | None:
        source = self._source
        fields = source.fields(node, _ACL_KEYS, name)
        for key in sorted(_ACL_KEYS - fields.keys()):
            source.problem(node, "is missing", key=f"acl: {key}", name=name)
        topic = source.word(fields, "topic", name)
        permission = source.member(fields, "permission", lambda word: KafkaPermission(word.lower()), name, _OTHER_WORDS)
        return None if topic is None or permission is None else (topic, permission)


def is_user_name(name: str) -> bool:
    """Return whether a catalogue takes a user's name."""
    return bool(name) and name.isprintable() and name == name.strip() and len(name) <= _MAX_NAME
