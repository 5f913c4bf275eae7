"""The schema registry of a Kafka cluster."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from canned import Canned, Sent

from asyncdbaas import AsyncSession, InvalidInputError, NotFoundError, schemas
from asyncdbaas.emulator import Delays, Emulator, Quirks
from asyncdbaas.schemas import CompatibilityLevel, Schema, SchemaCreate, SchemaType, SubjectCompatibility

CLUSTER = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"
REGISTRY = f"/v2/databases/{CLUSTER}/schema-registry"
AVRO = '{"type": "record", "name": "Customer", "fields": [{"name": "id", "type": "int"}]}'
CUSTOMER = SchemaCreate(subject_name="customer", schema_type=SchemaType.AVRO, schema=AVRO)


async def test_a_registered_schema_can_be_read_listed_and_deleted(emulator: Emulator, session: AsyncSession) -> None:
    cluster_id = emulator.add_cluster(engine="kafka")["id"]
    created = await schemas.create_schema(session, cluster_id, CUSTOMER)
    assert created.version is None
    newest = await schemas.get_schema(session, cluster_id, "customer")
    assert (newest.schema_id, newest.schema_type, newest.version) == (created.schema_id, SchemaType.AVRO, "1")
    assert await schemas.get_schema_version(session, cluster_id, "customer", "1") == newest
    assert [each.subject_name for each in await schemas.list_schemas(session, cluster_id)] == ["customer"]
    await schemas.delete_schema(session, cluster_id, "customer")
    with pytest.raises(NotFoundError):
        await schemas.get_schema(session, cluster_id, "customer")


async def test_levels_of_the_registry_and_of_a_subject_are_read_back(emulator: Emulator, session: AsyncSession) -> None:
    cluster_id = emulator.add_cluster(engine="kafka")["id"]
    await schemas.create_schema(session, cluster_id, CUSTOMER)
    assert await schemas.set_compatibility(session, cluster_id, "FULL") is CompatibilityLevel.FULL
    assert await schemas.get_compatibility(session, cluster_id) is CompatibilityLevel.FULL
    own = SubjectCompatibility(subject_name="customer", compatibility_level=CompatibilityLevel.NONE)
    assert await schemas.set_subject_compatibility(session, cluster_id, "customer", CompatibilityLevel.NONE) == own
    assert await schemas.get_subject_compatibility(session, cluster_id, "customer") == own


async def test_the_response_to_a_registration_stands_bare(canned: Canned) -> None:
    canned(201, '{"schema_id":12345,"subject_name":"customer","schema_type":"AVRO","schema":"{}"}')
    created = await schemas.create_schema(canned.session, CLUSTER, CUSTOMER)
    assert created == Schema(subject_name="customer", schema_id=12345, schema_type=SchemaType.AVRO, schema="{}")
    assert canned.sent == Sent("POST", REGISTRY, {"subject_name": "customer", "schema_type": "avro", "schema": AVRO})


@pytest.mark.parametrize("version", ["1", 1])
async def test_a_version_is_a_string_even_if_the_service_should_send_a_number(
    canned: Canned, version: str | int
) -> None:
    canned(200, {"schema_id": 12345, "version": version, "subject_name": "customer", "schema_type": "AVRO"})
    assert (await schemas.get_schema_version(canned.session, CLUSTER, "customer", "1")).version == "1"
    assert canned.sent == Sent("GET", f"{REGISTRY}/customer/versions/1")


@pytest.mark.parametrize("spelling", ["PROTOBUF", "protobuf", "Protobuf"])
async def test_the_type_of_a_schema_is_read_in_either_case(canned: Canned, spelling: str) -> None:
    canned(200, {"subjects": [{"schema_id": 1, "subject_name": "customer", "schema_type": spelling, "schema": ""}]})
    (schema,) = await schemas.list_schemas(canned.session, CLUSTER)
    assert schema.schema_type is SchemaType.PROTOBUF


async def test_a_type_that_is_new_is_no_error(canned: Canned) -> None:
    canned(200, {"subjects": [{"subject_name": "customer", "schema_type": "THRIFT"}]})
    (schema,) = await schemas.list_schemas(canned.session, CLUSTER)
    assert schema.schema_type == "THRIFT"


@pytest.mark.parametrize("given", ["json", "JSON", "Json"])
async def test_a_type_is_sent_in_lower_case_however_it_is_given(canned: Canned, given: str) -> None:
    canned(201, '{"subject_name":"customer"}')
    schema = SchemaCreate(subject_name="customer", schema_type=SchemaType(given), schema="{}")
    await schemas.create_schema(canned.session, CLUSTER, schema)
    assert canned.sent.body["schema_type"] == "json"


async def test_a_service_that_rejects_capitals_takes_what_is_sent() -> None:
    async with (
        Emulator(delays=Delays.none(), quirks=Quirks(refuse_capital_schema_types=True)) as emulator,
        AsyncSession(emulator.token, base_url=emulator.url) as session,
    ):
        cluster = emulator.add_cluster(engine="kafka")["id"]
        created = await schemas.create_schema(session, cluster, CUSTOMER)
    assert created.schema_type is SchemaType.AVRO


async def test_the_level_of_a_registry_is_one_word(canned: Canned) -> None:
    canned(200, '{"compatibility_level":"BACKWARD_TRANSITIVE"}')
    assert await schemas.get_compatibility(canned.session, CLUSTER) is CompatibilityLevel.BACKWARD_TRANSITIVE
    level = await schemas.set_compatibility(canned.session, CLUSTER, CompatibilityLevel.NONE)
    assert level is CompatibilityLevel.BACKWARD_TRANSITIVE
    assert canned.requests[-1] == Sent("PUT", f"{REGISTRY}/config", {"compatibility_level": "NONE"})


async def test_the_level_of_a_subject_comes_with_its_name(canned: Canned) -> None:
    canned(200, '{"subject_name":"a/b","compatibility_level":"FORWARD"}')
    expected = SubjectCompatibility(subject_name="a/b", compatibility_level=CompatibilityLevel.FORWARD)
    assert await schemas.get_subject_compatibility(canned.session, CLUSTER, "a/b") == expected
    assert await schemas.set_subject_compatibility(canned.session, CLUSTER, "a/b", "FORWARD") == expected
    assert canned.requests[-1] == Sent("PUT", f"{REGISTRY}/config/a%2Fb", {"compatibility_level": "FORWARD"})


async def test_a_subject_is_percent_encoded(canned: Canned) -> None:
    await schemas.delete_schema(canned.session, CLUSTER, "a/b c")
    assert canned.sent == Sent("DELETE", f"{REGISTRY}/a%2Fb%20c")


async def test_a_schema_given_as_a_dict_is_rejected_by_its_field(canned: Canned) -> None:
    document: Any = {"type": "record"}
    schema = SchemaCreate(subject_name="customer", schema_type=SchemaType.AVRO, schema=document)
    with pytest.raises(InvalidInputError, match=r"\$\.schema"):
        await schemas.create_schema(canned.session, CLUSTER, schema)
    assert canned.requests == []


@pytest.mark.parametrize("empty", ["subject_name", "schema"])
def test_an_empty_name_or_schema_is_refused(empty: str) -> None:
    change: dict[str, Any] = {empty: ""}
    with pytest.raises(InvalidInputError, match=f"SchemaCreate: {empty} must not be empty"):
        attrs.evolve(CUSTOMER, **change)


async def test_a_level_that_is_no_string_is_rejected_by_name(canned: Canned) -> None:
    level: Any = None
    with pytest.raises(InvalidInputError, match="compatibility level must be a string"):
        await schemas.set_compatibility(canned.session, CLUSTER, level)
    with pytest.raises(InvalidInputError, match="compatibility level must be a string"):
        await schemas.set_subject_compatibility(canned.session, CLUSTER, "customer", level)
    assert canned.requests == []
