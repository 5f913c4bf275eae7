"""The JSON Schema of catalogues: what editors accept is what is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from asyncdbaas._topic_settings import TOPIC_SETTINGS
from asyncdbaas.catalogue import CatalogueError, catalogue_schema, parse_catalogue
from asyncdbaas.catalogue.json_schema import build_schema
from asyncdbaas.catalogue.kafka import default_value, kafka_value, same_value
from asyncdbaas.emulator.resources.topic_config import SETTINGS as EMULATED

EXAMPLE = Path(__file__).parents[1] / "data" / "topics.yaml"


@pytest.fixture(scope="module")
def validator() -> Any:
    schema = json.loads(catalogue_schema())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_file_in_the_package_is_what_the_command_makes() -> None:
    assert json.loads(catalogue_schema()) == build_schema(), "run python -m asyncdbaas.catalogue.json_schema"


def accepted_by_reader(document: dict[str, Any]) -> bool:
    try:
        parse_catalogue(json.dumps(document), file="t.json", variables={"x": "5"})
    except CatalogueError:
        return False
    return True


RIGHT: list[dict[str, Any]] = [
    {"topics": [{"name": "a"}]},
    {"$schema": "s", "owner": "me", "labels": {"a": "b", "n": 1}, "x-y": [1], "topics": [{"name": "a"}]},
    {"cluster": ["x", "y"], "topics": [{"name": "a", "description": "d", "x-z": None}]},
    {"topics": [{"name": "${x}.a", "partitions": "${x}", "config": {"retention.ms": "${x}"}}]},
    {"topics": [{"name": "a", "config": {"retention.ms": "7d", "max_message_bytes": "2MiB"}}]},
    {"topics": [{"name": "a", "config": {"retention.ms": None, "cleanup.policy": None, "preallocate": None}}]},
    {"topics": [{"name": "a", "config": {"unclean.leader.election.enable": False, "compression.zstd.level": 3}}]},
    {"topics": [{"name": "a", "config": {"message.timestamp.type": "LogAppendTime", "preallocate": "true"}}]},
    {"users": [{"name": "u", "acl": [{"topic": "a.*", "permission": "produceconsume"}], "owner": "o"}]},
    {"users": [{"name": "u", "acl": []}, {"name": "v"}]},
    {"schemas": [{"subject": "s", "type": "avro", "schema": "{}", "compatibility": "full"}]},
    {"schemas": [{"subject": "s", "compatibility": "NONE"}]},
    {"schema_registry": {"compatibility": "BACKWARD_TRANSITIVE"}},
    {"clusters": [{"cluster": "x", "defaults": {"partitions": 3}, "topics": [{"name": "a"}]}]},
]
WRONG: list[dict[str, Any]] = [
    {"topics": [{"name": "a", "replicas": 3}]},
    {"topics": [{"name": "_a"}]},
    {"topics": [{"name": "a" * 250}]},
    {"topics": [{"name": "a", "partitions": 2}]},
    {"topics": [{"name": "a", "config": {"retention.ms": "7 years"}}]},
    {"topics": [{"name": "a", "config": {"retention.ms": -2}}]},
    {"topics": [{"name": "a", "config": {"flush.messages": "7d"}}]},
    {"topics": [{"name": "a", "config": {"cleanup.policy": "keep"}}]},
    {"topics": [{"name": "a", "config": {"unclean.leader.election.enable": True}}]},
    {"users": [{"name": "u", "acl": [{"topic": "a.*"}]}]},
    {"users": [{"name": "u", "acl": [{"topic": "a.*", "permission": "read"}]}]},
    {"users": [{"acl": []}]},
    {"schemas": [{"subject": "s", "type": "thrift", "schema": "{}"}]},
    {"schemas": [{"subject": "s", "file": "a.avsc", "schema": "{}"}]},
    {"schema_registry": {"compatibility": "SIDEWARD"}},
    {"cluster": [], "topics": [{"name": "a"}]},
    {"other": 1, "topics": [{"name": "a"}]},
]


@pytest.mark.parametrize("document", RIGHT, ids=json.dumps)
def test_what_is_read_is_valid(document: dict[str, Any], validator: Any) -> None:
    assert accepted_by_reader(document)
    assert validator.is_valid(document), [error.message for error in validator.iter_errors(document)]


@pytest.mark.parametrize("document", WRONG, ids=json.dumps)
def test_what_is_rejected_is_invalid(document: dict[str, Any], validator: Any) -> None:
    assert not accepted_by_reader(document)
    assert not validator.is_valid(document)


def test_the_example_is_valid(validator: Any) -> None:
    validator.validate(yaml.safe_load(EXAMPLE.read_text()))


@pytest.mark.parametrize("name", TOPIC_SETTINGS)
def test_each_setting_takes_its_default_in_both_spellings(name: str, validator: Any) -> None:
    for key, value in (
        (name, TOPIC_SETTINGS[name].default),
        (TOPIC_SETTINGS[name].kafka_name, kafka_value(default_value(name))),
    ):
        document = {"topics": [{"name": "a", "config": {key: value}}]}
        assert accepted_by_reader(document)
        assert validator.is_valid(document)


def test_the_table_of_settings_agrees_with_the_emulator() -> None:
    assert TOPIC_SETTINGS.keys() <= EMULATED.keys()
    for name, setting in TOPIC_SETTINGS.items():
        other = EMULATED[name]
        assert same_value(name, setting.default, other.default), name
        for value in (setting.low, setting.high) if setting.kind in ("integer", "number") else setting.choices:
            assert other.problem(name, value) is None, name
        if setting.kind == "integer":
            assert other.problem(name, setting.low - 1), name
