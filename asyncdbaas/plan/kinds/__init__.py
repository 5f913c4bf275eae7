"""The kinds of objects that a plan manages, in the order in which they are applied."""

from collections.abc import Mapping
from typing import Any, Final

from asyncdbaas.plan.kinds.base import Kind, Write
from asyncdbaas.plan.kinds.registries import REGISTRIES
from asyncdbaas.plan.kinds.schemas import SCHEMAS
from asyncdbaas.plan.kinds.topics import TOPICS
from asyncdbaas.plan.kinds.users import USERS

__all__ = ["KINDS", "KIND_OF", "SCHEMAS", "TOPICS", "Kind", "Write"]

KINDS: Final[tuple[Kind[Any, Any], ...]] = (TOPICS, USERS, REGISTRIES, SCHEMAS)
KIND_OF: Final[Mapping[str, Kind[Any, Any]]] = {kind.name: kind for kind in KINDS}
