"""The facts of the vendor's OpenAPI description: all that it describes has a counterpart that works."""

from __future__ import annotations

import re
import sys
from typing import Any, Final, get_args, get_type_hints

import pytest
from class_walk import best_match, dump
from counterparts import below_envelope, gaps, limits_untold, lost, value_below_envelope, writable
from description import Described, described, variants
from description_table import facts, table
from operations import FUNCTIONS, operation
from recorder import CLUSTER, READS, Seen, call, payload_hints, places, recording
from vendor_examples import answer_examples, body_examples, document, needs_the_description

from asyncdbaas.configs import Config

each_operation = pytest.mark.parametrize("name", FUNCTIONS)

# Defects of the description, and what is better here in another form.
LEFT_OUT: Final = {
    "TopicConfig.compression_type=Iz4": "lz4, misspelt with a capital i",
    "TopicConfig.message_format_version: enum": "grows with each Kafka release, and brokers from 3.0 on ignore it",
    "sql_mode.get_sql_mode: string": "a list, where the service joins it with commas",
    "sql_mode.set_sql_mode: string": "a list, where the service joins it with commas",
    **{
        f"{cls}.schema_type={kind}": "the service rejected capitals, and took lower case"
        for cls in ("Schema", "SchemaCreate")
        for kind in ("AVRO", "JSON", "PROTOBUF")
    },
    **{
        f"ValkeyConfig.valkey_maxmemory_policy={policy}_{keys}": "the service has hyphens here, as for Redis"
        for policy in ("allkeys", "volatile")
        for keys in ("lru", "random", "ttl")
        if (policy, keys) != ("allkeys", "ttl")
    },
}
# What the service makes of "no limit": the largest integer of 64 bits, rounded up.
NO_LIMIT: Final = "9223372036854776000"
# Keys in examples that the schemas do not have.
NOT_IN_SCHEMA: Final = {
    "topics.create_topic": {"partitions", "replication"},
    "topics.update_topic": {"partitions", "replication"},
}
# Responses in place of those that the schemas ask for.
ANSWERS: Final = {
    # Nested twice in the schema; once in the example of the same answer, and in the vendor's Go client.
    "metrics.get_metrics_credentials": {"credentials": {"basic_auth_username": "a", "basic_auth_password": "b"}},
}


def _described(name: str) -> Described:
    return described()[operation(name).id]


@needs_the_description
def test_the_table_agrees_with_the_description() -> None:
    assert table() == facts(document())


def test_each_described_operation_has_a_function() -> None:
    assert len(described()) == 71
    assert sorted(described()) == sorted(operation(name).id for name in FUNCTIONS)


@each_operation
def test_method_path_and_parameters_are_those_described(name: str) -> None:
    ours, theirs = operation(name), _described(name)
    assert (ours.method, re.sub(r"{\w+}", "{}", ours.path)) == (theirs.method, re.sub(r"{\w+}", "{}", theirs.path))
    assert set(theirs.query) <= set(payload_hints(ours))


def _request_gaps(name: str) -> set[str]:
    schema, hints = writable(_described(name).body or {}), payload_hints(operation(name))
    return {
        gap
        for parameter, place in places(operation(name)).items()
        for gap in gaps(_schema_at(schema, place), hints[parameter], name)
    }


def _answer_gaps(name: str) -> set[str]:
    hint = get_type_hints(operation(name).function)["return"]
    return set(gaps(below_envelope(_described(name).answer or {}, hint), hint, name))


@each_operation
def test_every_property_and_enum_value_has_a_counterpart(name: str) -> None:
    assert _request_gaps(name) | _answer_gaps(name) <= LEFT_OUT.keys()


def test_nothing_is_left_out_that_is_no_longer_described() -> None:
    assert set().union(*(_request_gaps(name) | _answer_gaps(name) for name in FUNCTIONS)) == LEFT_OUT.keys()


@each_operation
def test_every_limit_and_default_of_a_request_is_documented(name: str) -> None:
    schema, hints = writable(_described(name).body or {}), payload_hints(operation(name))
    pairs = [(_schema_at(schema, place), hints[parameter]) for parameter, place in places(operation(name)).items()]
    untold = {limit for part, hint in pairs for limit in limits_untold(part, hint)}
    assert {limit for limit in untold if not limit.endswith(NO_LIMIT)} == set()


@each_operation
async def test_every_writable_property_is_sent_as_it_was_given(name: str) -> None:
    theirs = _described(name)
    for body in variants(writable(theirs.body)) if theirs.body else []:
        assert (await _exchange(name, body, answer=_answers(name)[0]))[0].body == _sent(body)


@needs_the_description
async def test_every_example_of_a_request_is_sent_as_it_was_given() -> None:
    for name in FUNCTIONS:
        for example in body_examples(operation(name).id):
            body = {key: value for key, value in example.items() if key not in NOT_IN_SCHEMA.get(name, ())}
            assert (await _exchange(name, body, answer=_answers(name)[0]))[0].body == _sent(body)


def _sent(body: Any) -> Any:
    """Return a body as it is sent; the service wants schema types in lower case."""
    return {**body, "schema_type": body["schema_type"].lower()} if "schema_type" in body else body


@each_operation
async def test_every_property_of_a_response_is_read(name: str) -> None:
    for answer in _answers(name):
        _, result = await _exchange(name, _any_body(name), answer)
        assert [*lost(value_below_envelope(answer, result), result)] == []


@needs_the_description
async def test_every_example_of_a_response_is_read_on_the_fast_path(monkeypatch: pytest.MonkeyPatch) -> None:
    examples = [(name, answer) for name in FUNCTIONS for answer in answer_examples(operation(name).id)]
    for name, answer in examples:
        # The tolerant path is imported where it is taken.
        monkeypatch.delitem(sys.modules, "asyncdbaas._core.tolerant", raising=False)
        _, result = await _exchange(name, _any_body(name), answer)
        assert "asyncdbaas._core.tolerant" not in sys.modules
        assert [*lost(value_below_envelope(answer, result), result)] == []


async def _exchange(name: str, body: Any, answer: Any) -> tuple[Seen, Any]:
    """Send one request and return what arrived, and what the function made of the response, as parsed JSON."""
    ours = operation(name)
    options = {"into": best_match([*get_args(Config)], answer["config"])} if "into" in payload_hints(ours) else {}
    async with recording(answer) as recorder:
        result = await call(
            ours, recorder, [CLUSTER if part == "cluster_id" else "x" for part in ours.parts], body, **options
        )
        *reads, seen = recorder.seen
        assert not reads or ours.name in READS
        return seen, dump(result)


def _any_body(name: str) -> Any:
    theirs = _described(name)
    return variants(writable(theirs.body))[0] if theirs.body else None


def _answers(name: str) -> list[Any]:
    theirs = _described(name)
    return [ANSWERS[name]] if name in ANSWERS else variants(theirs.answer) if theirs.answer else [None]


def _schema_at(schema: Any, place: str) -> Any:
    for key in filter(None, place.split(".")):
        schema = schema["properties"].get(key, {"properties": {}})
    return schema
