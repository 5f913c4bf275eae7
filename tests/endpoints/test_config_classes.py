"""The classes of the engines' settings: they read back what they send, and no setting is missing or misdescribed."""

from __future__ import annotations

import ast
import inspect
import json
import re
from functools import cache
from typing import Any, Final, get_args, get_origin, get_type_hints

import attrs
import pytest
from description_table import DESCRIPTION, follow, table
from drawn import examples
from hypothesis import given
from hypothesis import strategies as st

from asyncdbaas import Unset
from asyncdbaas._core.codec import encode
from asyncdbaas._core.decoding import reader
from asyncdbaas._core.wire import wire_names
from asyncdbaas.configs import (
    IncrementalBackup,
    KafkaConfig,
    MongoDBConfig,
    MySQLConfig,
    OpenSearchConfig,
    PgBouncerConfig,
    PostgreSQLConfig,
    RedisConfig,
    TimescaleDBConfig,
    ValkeyConfig,
)
from asyncdbaas.types import OpenEnum

SCHEMAS: Final[list[tuple[Any, str]]] = [
    (MySQLConfig, "mysql_advanced_config"),
    (IncrementalBackup, "mysql_incremental_backup"),
    (PostgreSQLConfig, "postgres_advanced_config"),
    (PgBouncerConfig, "pgbouncer_advanced_config"),
    (TimescaleDBConfig, "timescaledb_advanced_config"),
    (RedisConfig, "redis_advanced_config"),
    (ValkeyConfig, "valkey_advanced_config"),
    (KafkaConfig, "kafka_advanced_config"),
    (OpenSearchConfig, "opensearch_advanced_config"),
    (MongoDBConfig, "mongo_advanced_config"),
]
ENGINES: Final = [cls for cls, _ in SCHEMAS if "extra" in attrs.fields_dict(cls)]
_TYPES: Final = {"integer": int, "number": float, "boolean": bool, "string": str}


def _types(cls: Any) -> dict[str, Any]:
    """Map the names of a class's fields to their types, without unset and null."""
    hints = get_type_hints(cls)
    fields = [field.name for field in attrs.fields(cls) if field.name != "extra"]
    return {name: next(kind for kind in get_args(hints[name]) if kind not in (Unset, type(None))) for name in fields}


def _in_json(cls: Any, values: dict[str, Any]) -> dict[str, Any]:
    """Give what is mapped from the names of fields their names in JSON."""
    metadata = {field.name: field.metadata for field in attrs.fields(cls)}
    return {metadata[name].get("asyncdbaas.wire", name): value for name, value in values.items()}


def _values(tp: Any) -> st.SearchStrategy[Any]:
    if get_origin(tp) is list:
        return st.lists(_values(get_args(tp)[0]), max_size=3)
    if attrs.has(tp):
        return _objects(tp)
    if issubclass(tp, OpenEnum):
        return st.sampled_from(list(tp)) | st.text().map(tp)
    simple: dict[type, st.SearchStrategy[Any]] = {bool: st.booleans(), int: st.integers(), str: st.text()}
    return simple.get(tp, st.floats(allow_nan=False, allow_infinity=False))


@cache
def _objects(cls: Any) -> st.SearchStrategy[Any]:
    some = st.fixed_dictionaries({}, optional={name: _values(tp) for name, tp in _types(cls).items()})
    return some.map(lambda chosen: cls(**chosen))


@pytest.mark.parametrize("cls", ENGINES)
@given(data=st.data())
@examples(100)
def test_what_is_sent_reads_back_the_same(cls: Any, data: st.DataObject) -> None:
    config = data.draw(_objects(cls))
    unlisted = data.draw(st.dictionaries(st.text(min_size=1), st.integers(), max_size=2))
    if more := {name: value for name, value in unlisted.items() if name not in wire_names(cls)}:
        config = attrs.evolve(config, extra=more)
    assert reader(cls, "config")(b'{"config": %s}' % encode(config)) == config


def _properties(schema: str) -> dict[str, Any]:
    """Return a schema's properties, with those that it refers to filled in."""
    properties = table()["schemas"][schema]["properties"]
    return {name: follow(table(), described) for name, described in properties.items()}


def _docs(cls: Any) -> dict[str, str]:
    """Map the names of a class's fields to the docstrings below them."""
    body = ast.parse(inspect.getsource(cls)).body[0]
    assert isinstance(body, ast.ClassDef)
    docs: dict[str, str] = {}
    for field, text in zip(body.body, body.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            docs[ast.unparse(field.target)] = " ".join(str(text.value.value).split())
    return docs


def _states(doc: str, fact: str) -> bool:
    return bool(re.search(rf"(?<![\w.]){re.escape(fact)}(?!\w)", doc, re.IGNORECASE))


@pytest.mark.parametrize(("cls", "schema"), SCHEMAS)
def test_the_fields_are_the_vendors_settings(cls: Any, schema: str) -> None:
    assert wire_names(cls) == _properties(schema).keys()


@pytest.mark.parametrize(("cls", "schema"), SCHEMAS)
def test_types_and_values_are_the_vendors(cls: Any, schema: str) -> None:
    types = _in_json(cls, _types(cls))
    for name, described in _properties(schema).items():
        tp, about = types[name], described
        if described["type"] == "array":
            assert get_origin(tp) is list
            (tp,), about = get_args(tp), described["items"]
        if about["type"] == "object":
            assert (tp, about) in [(known, table()["schemas"][its]) for known, its in SCHEMAS], name
        elif "enum" in about and about["type"] == "string":
            # The description has underscores in Valkey's policies; the service's other clients have hyphens.
            values = [
                value.replace("_", "-") if name == "valkey_maxmemory_policy" else value for value in about["enum"]
            ]
            assert sorted(tp) == sorted(values), name
        elif name == "binlog_retention_period":  # a number in the description, an integer in the vendor's Go client
            assert (about["type"], tp) == ("number", int)
        else:
            assert tp is _TYPES[about["type"]], name


@pytest.mark.parametrize(("cls", "schema"), SCHEMAS)
def test_docstrings_state_ranges_lengths_defaults_and_numeric_choices(cls: Any, schema: str) -> None:
    docs = _in_json(cls, _docs(cls))
    for name, described in _properties(schema).items():
        assert docs[name], name
        stated = [described[bound] for bound in ("minimum", "maximum", "maxLength", "maxItems") if bound in described]
        stated += described.get("enum", []) if described["type"] == "integer" else []
        stated += [described["default"]] if "default" in described else []
        missing = [fact for fact in stated if not _states(docs[name], str(fact) or '""')]
        assert not missing, (name, docs[name])


@pytest.mark.skipif(not DESCRIPTION.exists(), reason="the vendor's description is not beside the repository")
def test_the_vendors_examples_fit() -> None:
    document = json.loads(DESCRIPTION.read_bytes())
    for cls, schema in SCHEMAS:
        described = document["components"]["schemas"][schema]["properties"].items()
        facts = {name: follow(document, about) for name, about in described}
        values = {name: about["example"] for name, about in facts.items() if "example" in about}
        config = reader(cls)(json.dumps(values).encode())
        hyphens = {"valkey_maxmemory_policy": "allkeys-lru"} if cls is ValkeyConfig else {}
        assert json.loads(encode(config)) == {**values, **hyphens}, schema


@pytest.mark.parametrize("cls", [cls for cls, _ in SCHEMAS])
def test_fields_stand_in_alphabetical_order(cls: Any) -> None:
    names = [field.name for field in attrs.fields(cls) if field.name != "extra"]
    assert names == sorted(names)
