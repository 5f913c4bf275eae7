"""Properties of every class of the endpoint modules."""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from enum import Enum
from importlib import import_module
from random import Random
from typing import Any, Final, get_args, get_origin

import attrs
import pytest
from attrs.exceptions import FrozenInstanceError
from class_walk import (
    answer_classes,
    by_name,
    dump,
    field_texts,
    field_types,
    kinds,
    public_classes,
    request_classes,
    structure,
    unknown_keys,
    wire_fields,
)
from drawn import examples
from hypothesis import given
from hypothesis import strategies as st
from made_up import objects
from operations import MODULES
from plain_json import fields_of, items_of, rewrite

from asyncdbaas import UNSET, Unset, to_dict, to_json
from asyncdbaas._core import codec, decoding
from asyncdbaas.types import OpenEnum

CLASSES: Final = public_classes()
ANSWERS: Final = by_name(answer_classes())
REQUESTS: Final = by_name(request_classes())
# Names of fields that hold secrets.
TELLTALE: Final = re.compile(r"password|secret|token|uri$|url$|access_|(^|_)key$|logline|^sd$")
SECRETS: Final = {
    "Connection.password",
    "Connection.uri",
    "DatadogSink.datadog_api_key",
    "ElasticsearchSink.url",
    "LogsinkConfig.datadog_api_key",
    "LogsinkConfig.key",
    "LogsinkConfig.logline",
    "LogsinkConfig.sd",
    "LogsinkConfig.url",
    "MetricsCredentials.basic_auth_password",
    "MetricsCredentialsUpdate.basic_auth_password",
    "MigrationSource.password",
    "OpenSearchSink.url",
    "SearchSink.url",
    "RsyslogSink.key",
    "RsyslogSink.logline",
    "RsyslogSink.sd",
    "User.access_cert",
    "User.access_key",
    "User.password",
}
CANARY: Final = "c4n4ry"

each_class = pytest.mark.parametrize("cls", CLASSES)
each_answer = pytest.mark.parametrize("cls", ANSWERS)


@each_class
@given(data=st.data())
@examples(10)
def test_what_is_encoded_reads_back_the_same(cls: Any, data: st.DataObject) -> None:
    made = data.draw(objects(cls))
    assert decoding.reader(cls)(codec.encode(made)) == made


@each_answer
@given(data=st.data(), random=st.randoms(use_true_random=False))
@examples(10)
def test_reading_survives_unknown_keys_unknown_words_nulls_and_gaps(
    cls: Any, data: st.DataObject, random: Random
) -> None:
    damaged = _damaged(dump(data.draw(objects(cls, full=True))), cls, random)
    assert isinstance(structure(damaged, cls), cls)


def _damaged(raw: dict[str, Any], cls: Any, random: Random) -> dict[str, Any]:
    """Add an unknown key, and do one of four things to each field that allows it."""
    optional = {name for name, field in wire_fields(cls).items() if field.default is not attrs.NOTHING}
    damaged: dict[str, Any] = {"brand_new": {"nested": [1]}}
    for name, tp in field_types(cls).items():
        fate = random.choice(["keep", "drop", "null", "word"]) if name in optional else "keep"
        if fate == "null":
            damaged[name] = None
        elif fate == "word" and any(isinstance(kind, type) and issubclass(kind, OpenEnum) for kind in kinds(tp)):
            damaged[name] = "brand_new"
        elif fate != "drop":
            damaged[name] = _inside(raw[name], tp, lambda value, inner: _damaged(value, inner, random))
    return damaged


def _inside(raw: Any, tp: Any, change: Callable[[Any, Any], Any]) -> Any:
    """Apply a change to the objects of attrs classes in a value."""
    for kind in kinds(tp):
        if attrs.has(kind):
            return change(raw, kind)
        if get_origin(kind) is list:
            return [_inside(item, get_args(kind)[0], change) for item in items_of(raw)]
        if get_origin(kind) is dict:
            return {key: _inside(value, get_args(kind)[1], change) for key, value in fields_of(raw).items()}
    return raw


@each_answer
@given(data=st.data())
@examples(3)
def test_numbers_and_booleans_are_read_from_strings(cls: Any, data: st.DataObject) -> None:
    made = data.draw(objects(cls, full=True))
    if known := unknown_keys(cls):
        made = attrs.evolve(made, **{known: UNSET})
    assert structure(_as_strings(dump(made)), cls) == made


def _as_strings(value: Any) -> Any:
    return rewrite(value, lambda _, leaf: str(leaf).lower() if isinstance(leaf, bool) else str(leaf))


@each_answer
@given(data=st.data())
@examples(2)
def test_an_empty_string_is_read_as_no_date(cls: Any, data: st.DataObject) -> None:
    dates = [name for name, tp in field_types(cls).items() if datetime in kinds(tp)]
    read = dump(structure(dump(data.draw(objects(cls, full=True))) | dict.fromkeys(dates, ""), cls))
    assert [read.get(name) for name in dates] == [None] * len(dates)


@each_answer
@given(data=st.data())
@examples(1)
def test_a_null_is_read_as_an_empty_list(cls: Any, data: st.DataObject) -> None:
    lists = [name for name, tp in field_types(cls).items() if _is_list(tp)]
    read = dump(structure(dump(data.draw(objects(cls, full=True))) | dict.fromkeys(lists), cls))
    assert [read[name] for name in lists] == [[]] * len(lists)


def _is_list(tp: Any) -> bool:
    return Unset not in get_args(tp) and any(get_origin(kind) is list for kind in kinds(tp))


@each_class
@given(data=st.data())
@examples(2)
def test_no_secret_shows(cls: Any, data: st.DataObject) -> None:
    made = structure(_with_canaries(dump(data.draw(objects(cls, full=True)))), cls)
    assert CANARY not in f"{made!r} {made}"


@each_class
@given(data=st.data())
@examples(5)
def test_plain_data_is_what_the_api_would_see(cls: Any, data: st.DataObject) -> None:
    made = data.draw(objects(cls))
    assert to_dict(made, secrets=True) == dump(made)
    assert json.loads(to_json([made, made], secrets=True)) == [dump(made), dump(made)]


@each_class
@given(data=st.data())
@examples(2)
def test_plain_data_holds_no_secret_unless_asked_to(cls: Any, data: st.DataObject) -> None:
    raw = dump(data.draw(objects(cls, full=True)))
    made = structure(_with_canaries(raw), cls)
    assert CANARY not in to_json(made)
    assert to_dict(made).keys() == dump(made).keys()  # pyright: ignore[reportUnknownMemberType] -- of any class
    assert (CANARY in to_json(made, secrets=True)) == (CANARY in json.dumps(dump(made)))


@each_class
@given(data=st.data())
@examples(2)
def test_repr_is_short(cls: Any, data: st.DataObject) -> None:
    assert len(repr(data.draw(objects(cls, full=True)))) <= 240


@each_class
def test_help_shows_the_documentation_of_every_field(cls: Any) -> None:
    shown = inspect.getdoc(cls) or ""
    for name, text in field_texts(cls).items():
        assert f"    {wire_fields(cls)[name].name}: " in shown
        assert not text or " ".join(ast.literal_eval(text).split()) in " ".join(shown.split())


def _with_canaries(value: Any) -> Any:
    return rewrite(value, lambda key, leaf: CANARY if TELLTALE.search(key) and isinstance(leaf, str) else leaf)


def test_the_secret_fields_are_these() -> None:
    hidden = {f"{cls.__name__}.{field.name}" for cls in CLASSES for field in attrs.fields(cls) if not field.repr}
    assert hidden == SECRETS


@each_class
def test_classes_are_frozen_and_take_keywords_only(cls: Any) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(cls.__new__(cls), next(iter(wire_fields(cls)), "field"), 1)
    assert all(field.kw_only for field in attrs.fields(cls))


@pytest.mark.parametrize("cls", REQUESTS)
def test_what_is_not_given_is_not_sent(cls: Any) -> None:
    defaults = {name: field.default for name, field in wire_fields(cls).items()}
    if cls in ANSWERS:  # a list that is missing from a response is empty
        defaults = {name: default for name, default in defaults.items() if not hasattr(default, "factory")}
    assert {name: default for name, default in defaults.items() if default not in (attrs.NOTHING, UNSET)} == {}


@pytest.mark.parametrize("module", MODULES)
def test_enumerations_take_words_they_do_not_know(module: str) -> None:
    loaded = import_module(f"asyncdbaas.{module}")
    offered = [getattr(loaded, name) for name in loaded.__all__]
    enums = [value for value in offered if isinstance(value, type) and issubclass(value, Enum)]
    assert all(issubclass(enum, OpenEnum) and str(enum("brand_new")).lower() == "brand_new" for enum in enums)


# What a sloppy service may put in place of any value.
ODD: Final[list[Any]] = ["", "10 GiB", "yesterday", {}, [], [[]], {"x": [1]}, True, -1.5, 10**30, 1e300]
# Fields that take their value from another one, if they have none.
DERIVED: Final = {"autoscale", "created_time", "name", "partition_count"}


@each_answer
@given(data=st.data())
@examples(40)
def test_an_odd_value_anywhere_affects_only_its_own_field(cls: Any, data: st.DataObject) -> None:
    raw = dump(data.draw(objects(cls, full=True)))
    path = data.draw(st.sampled_from(list(_places(raw))))
    body, notes = json.dumps(_with_odd(raw, path, data.draw(st.sampled_from(ODD)))).encode(), list[str]()
    if (read := _read(cls, body, notes)) is None:
        assert _identifies(cls, path), f"{path} is optional"
        return
    assert all(note.startswith(f"$.{path[0]}") for note in notes)
    whole, corrupted = structure(raw, cls), wire_fields(cls).get(path[0])
    same = {field.name for field in attrs.fields(cls)} - {corrupted.name if corrupted else unknown_keys(cls)} - DERIVED
    assert {name: getattr(read, name) for name in same} == {name: getattr(whole, name) for name in same}


def _read(cls: Any, body: bytes, notes: list[str]) -> Any:
    """Read an object; None if it is unreadable."""
    try:
        return decoding.reader(cls)(body, notes)
    except decoding.MismatchError:
        return None


def _places(raw: Any) -> Iterator[tuple[Any, ...]]:
    """Yield the path to each value inside a value."""
    for key, value in fields_of(raw).items() if isinstance(raw, dict) else enumerate(items_of(raw)):
        yield (key,)
        yield from ((key, *inner) for inner in _places(value))


def _with_odd(raw: Any, path: tuple[Any, ...], odd: Any) -> Any:
    """Return a copy with another value at a path."""
    if not path:
        return odd
    changed = raw.copy()
    changed[path[0]] = _with_odd(raw[path[0]], path[1:], odd)
    return changed


def _identifies(tp: Any, path: tuple[Any, ...]) -> bool:
    """Return whether every field on a path is required; entries of dictionaries are not."""
    for kind in kinds(tp):
        if attrs.has(kind) and path:
            field = wire_fields(kind).get(path[0])
            is_required = field is not None and field.default is attrs.NOTHING
            return is_required and _identifies(field_types(kind)[path[0]], path[1:])
        if get_origin(kind) is list and path:
            return _identifies(get_args(kind)[0], path[1:])
        if get_origin(kind) is dict:
            return not path
    return True
