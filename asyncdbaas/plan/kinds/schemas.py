"""Subjects of a schema registry: their newest schema and their compatibility level."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import attrs

from asyncdbaas.catalogue import CatalogueSchema
from asyncdbaas.catalogue.schema_entries import is_declarable, same_schema
from asyncdbaas.errors import ConflictError, NotFoundError, RequestError, UnprocessableError
from asyncdbaas.plan.kinds.base import Assessment, Kind, Write
from asyncdbaas.plan.model import Action
from asyncdbaas.schemas import (
    CompatibilityLevel,
    Schema,
    SchemaCreate,
    create_schema,
    delete_schema,
    get_schema,
    get_schema_version,
    get_subject_compatibility,
    list_schemas,
    set_subject_compatibility,
)
from asyncdbaas.session import AsyncSession

__all__ = ["SCHEMAS", "LiveSchema", "is_incompatible"]


_TEXT: Final = {"type", "schema"}


@attrs.frozen(kw_only=True)
class LiveSchema:
    """A live subject."""

    schema: Schema
    level: CompatibilityLevel | None = None
    """None if it was not read."""


class _Schemas(Kind[CatalogueSchema, LiveSchema]):
    """Subjects of a schema registry."""

    name = "schema"
    field = "schemas"
    has_details = True

    def values(self, entry: CatalogueSchema) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if entry.schema is not None:
            found |= {"type": str(entry.schema.schema_type), "schema": entry.schema.schema}
        if entry.compatibility is not None:
            found["compatibility"] = str(entry.compatibility)
        return found

    async def fetch(self, session: AsyncSession, cluster_id: str) -> dict[str, LiveSchema]:
        found = await list_schemas(session, cluster_id)
        return {schema.subject_name: LiveSchema(schema=schema) for schema in found}

    def is_incomplete(self, entry: CatalogueSchema, live: LiveSchema) -> bool:
        """Return whether the list lacks the text, or the entry declares a level, which no list has."""
        lacks_text = entry.schema is not None and live.schema.schema is None
        return lacks_text or (entry.compatibility is not None and live.level is None)

    async def read(
        self, session: AsyncSession, cluster_id: str, live: LiveSchema, entry: CatalogueSchema | None
    ) -> LiveSchema | None:
        schema, level, subject = live.schema, live.level, live.schema.subject_name
        try:
            if schema.schema is None and (entry is None or entry.schema is not None):
                schema = await get_schema(session, cluster_id, subject)
            if entry is None or entry.compatibility is not None:
                level = (await get_subject_compatibility(session, cluster_id, subject)).compatibility_level
        except NotFoundError:
            return None
        return LiveSchema(schema=schema, level=level)

    def differences(self, entry: CatalogueSchema, live: LiveSchema) -> dict[str, tuple[Any, Any]]:
        """Return live and declared value of what differs; white space in a schema does not."""
        found = {} if entry.schema is None else _differing(entry.schema, live.schema)
        if entry.compatibility is not None and live.level is not entry.compatibility:
            found["compatibility"] = (None if live.level is None else str(live.level), str(entry.compatibility))
        return found

    def assess(self, changed: Mapping[str, tuple[Any, Any]]) -> Assessment:
        """Return whether only the level is missing, which is set after the schema is registered."""
        return Assessment(is_half_created=set(changed) == {"compatibility"})

    def entry_of(self, live: LiveSchema, cluster: str) -> CatalogueSchema:
        found, made = live.schema, None
        level = live.level if live.level is not None and live.level.is_known else None
        if found.schema and found.schema_type is not None and is_declarable(found.schema, found.schema_type):
            made = SchemaCreate(subject_name=found.subject_name, schema_type=found.schema_type, schema=found.schema)
        return CatalogueSchema(subject=found.subject_name, schema=made, compatibility=level, cluster=cluster)

    def requests(self, action: Action, changed: Mapping[str, tuple[Any, Any]], entry: CatalogueSchema | None) -> int:
        """Count the requests for schema and level, and the check after the update of a schema."""
        if action is Action.DELETE or entry is None:
            return 1
        if action is Action.CREATE:
            return (entry.schema is not None) + (entry.compatibility is not None)
        return ("compatibility" in changed) + 2 * bool(_TEXT & changed.keys())

    async def send(self, session: AsyncSession, cluster_id: str, write: Write) -> Schema | None:
        """Register a schema and set the level of its subject, or delete a subject with all its versions."""
        if write.action is Action.DELETE:
            await delete_schema(session, cluster_id, write.name)
            return None
        entry: CatalogueSchema = write.entry
        is_new = write.action is Action.CREATE
        level = entry.compatibility if is_new or "compatibility" in write.changed else None
        schema = entry.schema if is_new or _TEXT & write.changed.keys() else None
        # The level of a subject takes one that exists; a new version must fit the declared level.
        made = await create_schema(session, cluster_id, schema) if is_new and schema is not None else None
        if level is not None:
            await set_subject_compatibility(session, cluster_id, entry.subject, level)
        if not is_new and schema is not None:
            made = await create_schema(session, cluster_id, schema)
        return made

    async def check_effect(self, session: AsyncSession, cluster_id: str, write: Write) -> str:
        """Return why a registered schema is not the newest version.

        A registry that knows a schema as an earlier version accepts it, and leaves the newest version as it is.
        """
        if write.action is not Action.UPDATE or not _TEXT & write.changed.keys():
            return ""
        wanted: SchemaCreate = write.entry.schema
        newest = await get_schema(session, cluster_id, write.name)
        number = await _earlier_version(session, cluster_id, wanted, newest) if _differing(wanted, newest) else None
        if number is None:  # it is the newest, or what was read is older than the write
            return ""
        return (
            f"the registry has this schema as version {number}, and version {newest.version} stays the newest: "
            "change something in it, such as a doc field, or delete the subject first"
        )


SCHEMAS: Final = _Schemas()


def is_incompatible(error: RequestError) -> bool:
    """Return whether a registry rejected a schema because of its compatibility level, going by its message."""
    rejected = isinstance(error, (UnprocessableError, ConflictError))
    return rejected and "compatib" in error.message.lower()


def _differing(wanted: SchemaCreate, there: Schema) -> dict[str, tuple[Any, Any]]:
    found: dict[str, tuple[Any, Any]] = {}
    if there.schema_type is not None and there.schema_type is not wanted.schema_type:
        found["type"] = (str(there.schema_type), str(wanted.schema_type))
    if not same_schema(there.schema or "", wanted.schema):
        found["schema"] = (there.schema, wanted.schema)
    return found


async def _earlier_version(session: AsyncSession, cluster_id: str, wanted: SchemaCreate, newest: Schema) -> int | None:
    """Return the number of the version before the newest that is as declared; None if there is none."""
    number = int(newest.version) if newest.version and newest.version.isdecimal() else 0
    while (number := number - 1) > 0:
        with suppress(NotFoundError):  # versions can be deleted one by one
            version = await get_schema_version(session, cluster_id, wanted.subject_name, str(number))
            if not _differing(wanted, version):
                return number
    return None
