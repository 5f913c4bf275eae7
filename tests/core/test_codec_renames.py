"""Classes whose fields have other names in JSON, or a place for keys that they do not list."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncdbaas._core import decoding
from asyncdbaas._core.codec import encode, envelop, require_some
from asyncdbaas._core.decoding import MismatchError, NotYetError, reader
from asyncdbaas._core.wire import flatten, wire, wire_names
from asyncdbaas.errors import InvalidInputError
from asyncdbaas.types import UNSET, Unset


@attrs.frozen(kw_only=True)
class Pool:
    size: int | Unset = UNSET


@attrs.frozen(kw_only=True)
class Options:
    track: str | Unset = attrs.field(default=UNSET, metadata=wire("stats.track"))
    limit: int | Unset | None = UNSET
    pool: Pool | Unset = UNSET


@attrs.frozen(kw_only=True)
class Open(Options):
    extra: dict[str, Any] | Unset = attrs.field(default=UNSET, metadata=flatten())


@attrs.frozen(kw_only=True)
class Bag:
    """Nothing is renamed here; keys that it does not list have a place."""

    size: int | Unset = UNSET
    extra: dict[str, Any] | Unset = attrs.field(default=UNSET, metadata=flatten())


def test_a_class_that_renames_nothing_still_has_a_place_for_other_keys() -> None:
    assert read(Bag, '{"config": {"size": 1, "new": 2}}') == Bag(size=1, extra={"new": 2})
    assert json.loads(encode(Bag(size=1, extra={"new": 2}))) == {"size": 1, "new": 2}


def read(into: type[Any], text: str, key: str = "config") -> Any:
    return reader(into, key)(text.encode())


@pytest.fixture
def fast_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        pytest.fail("took the tolerant path")

    monkeypatch.setattr(decoding, "_repair", fail)


def test_a_renamed_field_is_sent_under_its_name_in_json() -> None:
    assert json.loads(encode(Options(track="all", limit=0))) == {"stats.track": "all", "limit": 0}


def test_a_renamed_field_is_sent_under_its_name_in_json_below_an_envelope_too() -> None:
    sent = encode(envelop("config", Options(track="all", pool=Pool(size=3))))
    assert json.loads(sent) == {"config": {"stats.track": "all", "pool": {"size": 3}}}


def test_a_value_of_the_wrong_type_below_an_envelope_is_rejected_by_the_fields_name() -> None:
    with pytest.raises(InvalidInputError, match=r"Options: Expected `int \| null`, got `str` - at `\$\.limit`"):
        envelop("config", Options(limit="3"))  # type: ignore[arg-type]  # what a caller without a type checker does


def test_null_is_sent_where_the_class_takes_it() -> None:
    assert encode(Options(limit=None)) == b'{"limit":null}'


def test_unlisted_keys_are_sent_beside_the_fields() -> None:
    sent = encode(Open(track="all", extra={"new.setting": [1], "other": None}))
    assert json.loads(sent) == {"stats.track": "all", "new.setting": [1], "other": None}


@pytest.mark.parametrize("name", ["stats.track", "limit"])
def test_a_key_that_is_set_as_a_field_and_as_unlisted_is_rejected_by_name(name: str) -> None:
    with pytest.raises(InvalidInputError, match=f"Open: '{name}' is set twice, also in 'extra'"):
        encode(Open(track="all", limit=1, extra={name: 2}))


@pytest.mark.usefixtures("fast_only")
def test_unlisted_keys_are_kept_when_they_are_read() -> None:
    answer = read(Open, '{"config": {"stats.track": "all", "new": {"a": 1}, "extra": 2}}')
    assert answer == Open(track="all", extra={"new": {"a": 1}, "extra": 2})


def test_unlisted_keys_are_kept_on_the_tolerant_path_too() -> None:
    assert read(Open, '{"config": {"limit": "7", "new": 1}}') == Open(limit=7, extra={"new": 1})


@pytest.mark.usefixtures("fast_only")
def test_unlisted_keys_are_dropped_by_a_class_that_has_no_place_for_them() -> None:
    assert read(Options, '{"config": {"stats.track": "all", "new": 1}}') == Options(track="all")


@pytest.mark.usefixtures("fast_only")
def test_null_reads_as_unset() -> None:
    assert read(Open, '{"config": {"stats.track": null, "limit": null, "new": null}}') == Open()


@pytest.mark.usefixtures("fast_only")
@pytest.mark.parametrize("number", [2**53 + 1, 2**64, 18446744073709552001, -(2**63) - 1])
def test_large_integers_stay_exact_both_ways(number: int) -> None:
    config = Open(limit=number, extra={"new": number})
    assert encode(config) == f'{{"limit":{number},"new":{number}}}'.encode()
    assert read(Open, f'{{"config": {{"limit": {number}, "new": {number}}}}}') == config


@pytest.mark.parametrize("body", ['{"config": [1]}', '{"config": "text"}', '{"config": 3}'])
def test_what_is_no_object_below_the_key_is_refused(body: str) -> None:
    with pytest.raises(MismatchError, match=r"\$\.config"):
        read(Open, body)


def test_null_below_the_key_is_not_an_empty_object() -> None:
    with pytest.raises(NotYetError):
        read(Open, '{"config": null}')


def test_a_bare_object_is_read_if_it_has_a_field_of_the_class() -> None:
    assert read(Open, '{"stats.track": "all", "new": 1}') == Open(track="all", extra={"new": 1})


@pytest.mark.parametrize("body", ['{"message": "odd"}', "{}", "[]", '"text"'])
def test_a_bare_response_without_any_field_of_the_class_is_refused(body: str) -> None:
    with pytest.raises(MismatchError):
        read(Open, body)


def test_without_a_key_the_object_itself_is_read() -> None:
    assert read(Open, '{"stats.track": "all", "new": 1}', key="") == Open(track="all", extra={"new": 1})


@pytest.mark.parametrize("nothing", [Open(), Open(pool=Pool()), Open(extra={}), Open(extra={"new": {}}), Pool()])
def test_an_update_of_nothing_is_refused_however_deep_the_nothing_is(nothing: object) -> None:
    with pytest.raises(InvalidInputError, match=f"{type(nothing).__name__}: nothing is set"):
        require_some(nothing)


@pytest.mark.parametrize(
    "something",
    [Open(limit=0), Open(limit=None), Open(track=""), Open(pool=Pool(size=0)), Open(extra={"new": False})],
)
def test_an_update_to_zero_false_null_or_empty_text_is_an_update(something: object) -> None:
    assert require_some(something) is something


_VALUES = st.booleans() | st.integers() | st.text() | st.lists(st.integers()) | st.dictionaries(st.text(), st.text())


@given(
    track=st.text() | st.just(UNSET),
    limit=st.integers() | st.just(UNSET),
    size=st.integers() | st.just(UNSET),
    extra=st.dictionaries(st.text(min_size=1), _VALUES, min_size=1),
)
def test_what_is_sent_reads_back(track: Any, limit: Any, size: Any, extra: dict[str, Any]) -> None:
    unlisted = {name: value for name, value in extra.items() if name not in wire_names(Open)}
    config = Open(track=track, limit=limit, pool=Pool(size=size), extra=unlisted or UNSET)
    assert read(Open, f'{{"config": {encode(config).decode()}}}') == config
