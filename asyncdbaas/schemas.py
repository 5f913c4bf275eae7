"""The schema registry of a Kafka cluster."""

from __future__ import annotations

from typing import Self

import attrs

from asyncdbaas._checks import check_text
from asyncdbaas._core.model import Model
from asyncdbaas._endpoint import cluster_path, list_all, payload
from asyncdbaas._models import not_empty
from asyncdbaas.session import AsyncSession
from asyncdbaas.types import EnumOrStr, Id, OpenEnum, take_strings

__all__ = [
    "CompatibilityLevel",
    "Schema",
    "SchemaCreate",
    "SchemaType",
    "SubjectCompatibility",
    "create_schema",
    "delete_schema",
    "get_compatibility",
    "get_schema",
    "get_schema_version",
    "get_subject_compatibility",
    "list_schemas",
    "set_compatibility",
    "set_subject_compatibility",
]


class SchemaType(OpenEnum):
    """Language of a schema.

    It is sent in lower case: the vendor's description has capitals, but the service rejected them in a test of its
    Terraform provider, which sends lower case. Both spellings give the same member.
    """

    AVRO = "avro"
    JSON = "json"
    PROTOBUF = "protobuf"

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        lowered = value.lower() if isinstance(value, str) else value
        return next((member for member in cls if member == lowered), None) or super()._missing_(value)


class CompatibilityLevel(OpenEnum):
    """Requirement for a new version of a schema; `_TRANSITIVE` means for all earlier versions, not only the last."""

    NONE = "NONE"
    BACKWARD = "BACKWARD"
    """Read data written with the last version."""
    BACKWARD_TRANSITIVE = "BACKWARD_TRANSITIVE"
    FORWARD = "FORWARD"
    """Write data that the last version can read."""
    FORWARD_TRANSITIVE = "FORWARD_TRANSITIVE"
    FULL = "FULL"
    """Both."""
    FULL_TRANSITIVE = "FULL_TRANSITIVE"


@attrs.frozen(kw_only=True, slots=False, repr=False)
class Schema(Model):
    """One version of a subject's schema."""

    subject_name: str
    schema_id: int | None = None
    """Its number in the registry, the one that messages carry."""
    schema_type: SchemaType | None = None
    schema: str | None = None
    """The schema's text; for Avro and JSON a JSON document."""
    version: str | None = None
    """A number, as a string. Missing in lists and in the response to a create."""


@attrs.frozen(kw_only=True, slots=False, repr=False, field_transformer=take_strings)
class SchemaCreate(Model):
    """A schema to register."""

    subject_name: str = attrs.field(validator=not_empty)
    """Usually the topic's name followed by `-value` or `-key`."""
    schema_type: EnumOrStr[SchemaType]
    schema: str = attrs.field(validator=not_empty)
    """The schema's text; for Avro and JSON a JSON document as a string, not as a dict."""


@attrs.frozen(kw_only=True, slots=False, repr=False)
class SubjectCompatibility(Model):
    """The compatibility level of one subject."""

    subject_name: str
    compatibility_level: CompatibilityLevel | None = None


async def list_schemas(session: AsyncSession, cluster_id: Id) -> list[Schema]:
    """List the schemas of a Kafka cluster's registry, one for each subject.

    Scope `database:read`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_list_kafka_schemas
    """
    return await list_all(session, cluster_path(cluster_id, "schema-registry"), Schema, "subjects")


async def get_schema(session: AsyncSession, cluster_id: Id, subject: str) -> Schema:
    """Read the newest version of a subject's schema.

    Scope `database:read`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_get_kafka_schema
    """
    return await session.request("GET", cluster_path(cluster_id, "schema-registry", subject), Schema)


async def get_schema_version(session: AsyncSession, cluster_id: Id, subject: str, version: str) -> Schema:
    """Read one version, such as `"1"`, of a subject's schema.

    Scope `database:read`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_get_kafka_schema_version

    Args:
        session: An open session.
        cluster_id: Id of the cluster.
        subject: Name of the subject.
        version: Number of the version, as a string.
    """
    path = cluster_path(cluster_id, "schema-registry", subject, "versions", version)
    return await session.request("GET", path, Schema)


async def create_schema(session: AsyncSession, cluster_id: Id, schema: SchemaCreate) -> Schema:
    """Register a schema, as the first or the next version of its subject, and return it.

    Raise UnprocessableError if it is not a schema, or breaks the subject's compatibility level.
    Scope `database:create`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_create_kafka_schema
    """
    return await session.request(
        "POST", cluster_path(cluster_id, "schema-registry"), Schema, body=payload(schema, SchemaCreate, "schema")
    )


async def delete_schema(session: AsyncSession, cluster_id: Id, subject: str) -> None:
    """Delete a subject with all its versions.

    Raise NotFoundError if there is none. Scope `database:delete`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_delete_kafka_schema
    """
    await session.request("DELETE", cluster_path(cluster_id, "schema-registry", subject))


async def get_compatibility(session: AsyncSession, cluster_id: Id) -> CompatibilityLevel:
    """Read the compatibility level of a registry, for subjects that have none of their own.

    Scope `database:read`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_get_kafka_schema_config
    """
    return await session.request(
        "GET", cluster_path(cluster_id, "schema-registry", "config"), CompatibilityLevel, key="compatibility_level"
    )


async def set_compatibility(
    session: AsyncSession, cluster_id: Id, level: CompatibilityLevel | str
) -> CompatibilityLevel:
    """Set the compatibility level of a registry and return it.

    Scope `database:update`; the vendor's description says `database:write`, which its list of scopes does not have.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_update_kafka_schema_config
    """
    path = cluster_path(cluster_id, "schema-registry", "config")
    body = {"compatibility_level": check_text(level, "compatibility level")}
    return await session.request("PUT", path, CompatibilityLevel, key="compatibility_level", body=body)


async def get_subject_compatibility(session: AsyncSession, cluster_id: Id, subject: str) -> SubjectCompatibility:
    """Read the compatibility level of one subject.

    Scope `database:read`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_get_kafka_schema_subject_config
    """
    path = cluster_path(cluster_id, "schema-registry", "config", subject)
    return await session.request("GET", path, SubjectCompatibility)


async def set_subject_compatibility(
    session: AsyncSession, cluster_id: Id, subject: str, level: CompatibilityLevel | str
) -> SubjectCompatibility:
    """Set the compatibility level of one subject and return it.

    Scope `database:update`; the vendor's description says `database:write`, which its list of scopes does not have.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_update_kafka_schema_subject_config

    Args:
        session: An open session.
        cluster_id: Id of the cluster.
        subject: Name of the subject.
        level: The compatibility level, such as `BACKWARD`.
    """
    path = cluster_path(cluster_id, "schema-registry", "config", subject)
    body = {"compatibility_level": check_text(level, "compatibility level")}
    return await session.request("PUT", path, SubjectCompatibility, body=body)
