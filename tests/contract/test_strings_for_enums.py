"""Every field of an enumeration that is sent takes its values as strings."""

from __future__ import annotations

from typing import Any, Final, get_args, get_type_hints

import attrs
import pytest
from class_walk import by_name, field_types, kinds, request_classes

from asyncdbaas import InvalidInputError
from asyncdbaas._core.codec import encode
from asyncdbaas.configs import ValkeyConfig
from asyncdbaas.logsinks import RsyslogSink
from asyncdbaas.pools import PoolCreate, PoolMode, PoolUpdate
from asyncdbaas.schemas import SchemaCreate, SchemaType
from asyncdbaas.topics import CleanupPolicy, TopicConfig
from asyncdbaas.types import OpenEnum

FIELDS: Final[list[tuple[Any, str, Any]]] = [
    (cls, name, kind)
    for cls in by_name(request_classes())
    for name, tp in field_types(cls).items()
    for kind in kinds(tp)
    if isinstance(kind, type) and issubclass(kind, OpenEnum)
]


def test_there_are_many() -> None:
    assert len(FIELDS) > 30


@pytest.mark.parametrize(("cls", "name", "kind"), FIELDS)
def test_the_constructor_turns_a_string_into_a_member(cls: Any, name: str, kind: Any) -> None:
    (field,) = [each for each in attrs.fields(cls) if each.metadata.get("asyncdbaas.wire", each.name) == name]
    member = next(iter(kind))
    assert field.converter(str(member)) is member
    assert field.converter(member) is member
    assert field.converter(None) is None
    assert field.converter("brand new") == "brand new"


def test_what_was_given_as_a_string_is_a_member_and_is_sent_as_the_service_spells_it() -> None:
    order = PoolCreate(name="web", mode="transaction", size=5, db="defaultdb")
    assert order.mode is PoolMode.TRANSACTION
    assert attrs.evolve(order, mode="session").mode is PoolMode.SESSION
    assert PoolUpdate().mode is not None
    assert TopicConfig(cleanup_policy="compact").cleanup_policy is CleanupPolicy.COMPACT
    assert SchemaCreate(subject_name="a", schema_type="AVRO", schema="{}").schema_type is SchemaType.AVRO
    assert encode(ValkeyConfig(valkey_maxmemory_policy="allkeys_lru")) == b'{"valkey_maxmemory_policy":"allkeys-lru"}'


def test_the_custom_format_still_needs_a_logline() -> None:
    with pytest.raises(InvalidInputError, match="logline must be set"):
        RsyslogSink(server="a", port=514, tls=True, format="custom")


def test_another_type_is_rejected_by_the_fields_name() -> None:
    wrong: Any = 5
    with pytest.raises(InvalidInputError, match=r"\$\.mode"):
        encode(PoolCreate(name="web", mode=wrong, size=5, db="defaultdb"))


def test_the_types_at_run_time_are_those_of_the_enumerations() -> None:
    assert PoolMode in get_args(get_type_hints(PoolUpdate)["mode"])
