"""Bytes to objects and back: every form of a response, and every value that a request must not have."""

from __future__ import annotations

import json
import math
import pickle
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

import attrs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncdbaas import UNSET, InvalidInputError, Unset
from asyncdbaas import topics as t
from asyncdbaas._core.codec import encode, envelop, require_some
from asyncdbaas._core.decoding import MismatchError, NotYetError, decode_error_body, page_reader, reader
from asyncdbaas._core.tolerant import structure
from asyncdbaas.types import Hidden, ListOf, OpenEnum, Secret, null_lists

CANARY = "s3cret-canary"


class Color(OpenEnum):
    RED = "red"
    BLUE = "blue"


@attrs.frozen(kw_only=True)
class Inner:
    size: int | None = None
    label: str | None = None


@attrs.frozen(kw_only=True)
class Sample:
    """One field of each kind that answers have."""

    name: str
    count: int | None = None
    ratio: float | None = None
    flag: bool | None = None
    when: datetime | None = None
    color: Color | None = None
    inner: Inner | None = None
    either: int | str | None = None
    by_name: dict[str, Inner] | None = None
    inners: ListOf[Inner] = attrs.field(factory=list[Inner])

    def __attrs_post_init__(self) -> None:
        null_lists(self, "inners")


def read(text: str | bytes, into: Any = Sample, key: str = "sample") -> Any:
    return reader(into, key)(text.encode() if isinstance(text, str) else text)


def refused(text: str | bytes, into: Any = Sample, key: str = "sample") -> str:
    with pytest.raises(MismatchError) as caught:
        read(text, into, key)
    return str(caught.value)


# Responses of the usual shape.


def test_a_response_below_its_key() -> None:
    text = """{"sample": {"name": "a", "count": 3, "ratio": 0.5, "flag": true, "when": "2026-09-01T12:00:00Z",
        "color": "red", "inner": {"size": 1}, "either": "x", "by_name": {"k": {"size": 2}},
        "inners": [{"size": 3}], "unknown": [1, {"deep": null}]}, "meta": {}}"""
    assert read(text) == Sample(
        name="a",
        count=3,
        ratio=0.5,
        flag=True,
        when=datetime(2026, 9, 1, 12, tzinfo=UTC),
        color=Color.RED,
        inner=Inner(size=1),
        either="x",
        by_name={"k": Inner(size=2)},
        inners=[Inner(size=3)],
    )


def test_the_usual_shape_never_needs_the_tolerant_path(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        pytest.fail("took the tolerant path")

    monkeypatch.setattr("asyncdbaas._core.tolerant.structure", fail)
    assert read('{"sample": {"name": "a", "inners": null, "color": "pink"}}').inners == []
    assert read('{"name": "a"}').name == "a"
    assert read('{"samples": [{"name": "a"}]}', list[Sample], "samples") == [Sample(name="a")]


@pytest.mark.parametrize("key", ["sample", ""])
def test_a_response_without_its_envelope(key: str) -> None:
    assert read('{"name": "a"}', key=key) == Sample(name="a")


@pytest.mark.parametrize(
    ("text", "into", "expected"),
    [
        ('{"items": ["a"]}', list[str], ["a"]),
        ('{"items": null}', list[str], []),
        ('["a"]', list[str], ["a"]),
        ("null", list[str], []),
        ('{"items": "one"}', str, "one"),
        ('"one"', str, "one"),
        ('{"items": 3}', int, 3),
        ('{"items": {"a": {"size": "1"}}}', dict[str, Inner], {"a": Inner(size=1)}),
    ],
)
def test_responses_that_are_no_objects(text: str, into: Any, expected: Any) -> None:
    assert read(text, into, "items") == expected


@pytest.mark.parametrize(
    "value", [0, -1, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 9223372036854776000, 18446744073709552000, -(2**70)]
)
@pytest.mark.parametrize("form", ["{}", '"{}"'])
def test_integers_stay_exact_however_large(value: int, form: str) -> None:
    assert read(f'{{"sample": {{"name": "a", "count": {form.format(value)}}}}}').count == value


def test_the_last_of_two_equal_keys_counts() -> None:
    assert read('{"sample": {"name": "a", "name": "b"}}').name == "b"


# Sloppy answers.


@pytest.mark.parametrize(
    ("fields", "name", "expected"),
    [
        ('"count": "7"', "count", 7),
        ('"count": 7.0', "count", 7),
        ('"count": null', "count", None),
        ('"ratio": "0.25"', "ratio", 0.25),
        ('"ratio": 1', "ratio", 1.0),
        ('"flag": "true"', "flag", True),
        ('"flag": "On"', "flag", True),
        ('"flag": 1', "flag", True),
        ('"flag": "false"', "flag", False),
        ('"flag": "off"', "flag", False),
        ('"flag": 0', "flag", False),
        ('"flag": false, "count": "1"', "flag", False),
        ('"when": ""', "when", None),
        ('"when": "0001-01-01T00:00:00Z"', "when", None),
        ('"when": "0001-01-01T00:00:00+00:00"', "when", None),
        ('"when": "0001-01-01 00:00:00"', "when", None),
        ('"when": "0001-02-01T00:00:00Z"', "when", datetime(1, 2, 1, tzinfo=UTC)),
        ('"when": "0001-02-01T00:00:00Z", "count": "1"', "when", datetime(1, 2, 1, tzinfo=UTC)),
        ('"when": "2026-09-01 12:00:00"', "when", datetime(2026, 9, 1, 12)),  # noqa: DTZ001 -- as the text says
        ('"when": "2026-09-01T12:00:00.123456Z", "count": "1"', "when", datetime(2026, 9, 1, 12, 0, 0, 123456, UTC)),
        ('"color": "red", "count": "1"', "color", Color.RED),
        ('"color": "mauve", "count": "1"', "color", Color("mauve")),
        ('"color": 5', "color", Color("5")),
        ('"color": null, "count": "1"', "color", None),
        ('"inner": null, "count": "1"', "inner", None),
        ('"inner": {"label": 5}', "inner", Inner(label="5")),
        ('"inner": {"label": true}', "inner", Inner(label="true")),
        ('"inner": {"label": false}', "inner", Inner(label="false")),
        ('"inner": {"label": 0.5}', "inner", Inner(label="0.5")),
        ('"inners": null, "count": "1"', "inners", []),
        ('"inners": [null, {"size": "1"}]', "inners", [Inner(size=1)]),
        ('"either": 5, "count": "1"', "either", 5),
        ('"either": "x", "count": "1"', "either", "x"),
        ('"either": null, "count": "1"', "either", None),
    ],
)
def test_what_can_be_understood_is_accepted(fields: str, name: str, expected: Any) -> None:
    value = getattr(read(f'{{"sample": {{"name": "a", {fields}}}}}'), name)
    assert value == expected
    assert type(value) is type(expected)


def test_a_null_in_a_sloppy_answer_leaves_the_default_and_not_the_word() -> None:
    sample = read('{"sample": {"name": "a", "count": "1", "color": null, "inner": {"label": null}}}')
    assert (sample.color, sample.inner) == (None, Inner())


def test_a_union_of_several_kinds_is_read_even_where_null_is_forbidden() -> None:
    assert structure({"value": "7"}, dict[str, int | Unset], "$", []) == {"value": 7}
    either: Any = int | str | None
    assert structure(None, either, "$", []) is None
    number: Any = int | float
    assert structure("7.5", number, "$", []) == 7.5


# Responses that do not fit.


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ('"count": "12x"', "$.sample.count"),
        ('"count": 1.5', "$.sample.count"),
        ('"count": true', "$.sample.count"),
        ('"count": []', "$.sample.count"),
        ('"ratio": "much"', "$.sample.ratio"),
        ('"ratio": true', "$.sample.ratio"),
        ('"flag": "maybe"', "$.sample.flag"),
        ('"flag": {}', "$.sample.flag"),
        ('"when": "yesterday"', "$.sample.when"),
        ('"when": true', "$.sample.when"),
        ('"color": {}', "$.sample.color"),
        ('"inner": "x"', "$.sample.inner"),
        ('"inner": []', "$.sample.inner"),
        ('"inner": {"size": {}}', "$.sample.inner.size"),
        ('"inners": [{"size": 1}, {"size": "x"}]', "$.sample.inners[1].size"),
        ('"inners": ["x"]', "$.sample.inners[0]"),
        ('"inners": {"size": 1}', "$.sample.inners"),
        ('"by_name": {"k": {"size": "x"}}', "$.sample.by_name.k.size"),
        ('"by_name": [{"size": 1}]', "$.sample.by_name"),
        ('"inners": "abc"', "$.sample.inners"),
        ('"either": {}', "$.sample.either"),
    ],
)
def test_an_optional_value_that_makes_no_sense_becomes_none_and_its_place_is_noted(fields: str, place: str) -> None:
    notes: list[str] = []
    sample = reader(Sample, "sample")(f'{{"sample": {{"name": "a", {fields}}}}}'.encode(), notes)
    assert notes == [place]
    assert {field.name for field in attrs.fields(Sample) if getattr(sample, field.name)} <= {
        "name",
        place.split(".")[2].partition("[")[0],
    }


def test_one_odd_value_affects_no_other() -> None:
    notes: list[str] = []
    body = b'{"sample": {"name": "a", "inner": {"size": "x", "label": "there"}, "by_name": {"k": 5, "l": {"size": 1}}}}'
    sample = reader(Sample, "sample")(body, notes)
    assert sample == Sample(name="a", inner=Inner(label="there"), by_name={"l": Inner(size=1)})
    assert notes == ["$.sample.inner.size", "$.sample.by_name.k"]


def test_a_key_that_may_be_data_is_not_quoted() -> None:
    notes: list[str] = []
    reader(Sample, "sample")(b'{"sample": {"name": "a", "by_name": {"https://user:s3cret@host": 5}}}', notes)
    assert notes == ["$.sample.by_name.*"]


def test_the_notes_of_one_response_are_bounded() -> None:
    notes: list[str] = []
    samples = page_reader(Sample, "samples")(
        json.dumps({"samples": [{"name": "a", "count": "x"}] * 50}).encode(), notes
    )
    assert len(samples.items) == 50
    assert notes == [f"$.samples[{index}].count" for index in range(20)]


@attrs.frozen(kw_only=True)
class Strict:
    """Nothing but fields that identify it."""

    name: str
    count: int
    ratio: float
    flag: bool
    inner: Inner


def test_only_identity_makes_an_object_unreadable_and_every_problem_is_named() -> None:
    message = refused('{"sample": {"count": "x", "ratio": "y", "flag": 7, "inner": 5}}', Strict)
    assert message == (
        "required field missing @ $.sample.name; expected int @ $.sample.count; expected float @ $.sample.ratio; "
        "expected bool @ $.sample.flag; expected Inner @ $.sample.inner"
    )


def test_the_error_of_a_bare_object_starts_at_the_top() -> None:
    assert refused('{"name": {}, "count": "x"}') == "expected str @ $.name"


def test_the_error_in_a_list_names_the_first_item_that_has_no_identity() -> None:
    body = json.dumps({"topics": [{"name": "a"}, {"state": "active"}, {}]})
    assert refused(body, list[t.Topic], "topics") == "required field missing @ $.topics[1].name"


def test_an_odd_value_deep_in_a_topic_is_noted_with_its_place() -> None:
    notes: list[str] = []
    body = b'{"topic": {"name": "a", "partitions": [{"size": "big", "id": 1}]}}'
    assert reader(t.Topic, "topic")(body, notes).partitions == [t.Partition(id=1)]
    assert notes == ["$.topic.partitions[0].size"]


@pytest.mark.parametrize(
    ("text", "into", "message"),
    [
        ('{"sample": 5}', Sample, "expected Sample @ $.sample"),
        ('{"sample": []}', Sample, "expected Sample @ $.sample"),
        ('{"sample": "x"}', Sample, "expected Sample @ $.sample"),
        ("[]", Sample, "expected Sample @ $"),
        ("5", Sample, "expected Sample @ $"),
        ("[]", Inner, "expected Inner @ $"),
        ('"x"', Inner, "expected Inner @ $"),
        ("{}", Sample, "$ has no 'sample'"),
        ("{}", Inner, "$ has no 'sample'"),
        ('{"other": 1}', Inner, "$ has no 'sample'"),
        ("{}", list[Sample], "$ has no 'sample'"),
        ('{"sample": {}}', str, "expected str @ $.sample"),
        ('{"sample": {}}', list[str], "expected list @ $.sample"),
        ('{"sample": "abc"}', list[str], "expected list @ $.sample"),
    ],
)
def test_another_shape(text: str, into: Any, message: str) -> None:
    assert refused(text, into) == message


BROKEN = [
    (b"", "the body is empty"),
    (b" ", "not valid JSON"),
    (b"<html>Something went wrong!</html>", "not valid JSON"),
    (b"OK", "not valid JSON"),
    (b'{"sample": {"name": "a"', "not valid JSON"),
    (b'{"sample": {"name": "a"}} trailing', "not valid JSON"),
    (b'{"sample": {"name": NaN}}', "not valid JSON"),
    (b"\xef\xbb\xbf{}", "not valid JSON"),
    (b"[" * 100_000, "not valid JSON"),
    (b'{"sample": {"name": "a", "unknown": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}", "not valid JSON"),
    # What is wrong comes after a value that sends the response along the tolerant path.
    (b'{"sample": {"name": 5, "cou', "not valid JSON"),
    (b'{"sample": {"name": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}", "not valid JSON"),
    (b'{"sample": null', "not valid JSON"),
    (b'{"id": "accepted"', "not valid JSON"),
]


@pytest.mark.parametrize("body", [b'{"sample": {"name": "\xff"}}', b'{"sample": {"name": 1e999}}'])
def test_a_value_that_is_none_of_json(body: bytes) -> None:
    assert refused(body).startswith("not valid JSON")
    assert read(body, Inner) == Inner()  # what is skipped is not looked at
    assert refused(body.replace(b'"sample"', b'"sample": 5, "more"')) == "expected Sample @ $.sample"


@pytest.mark.parametrize(("body", "message"), BROKEN)
@pytest.mark.parametrize("into", [Sample, Inner, list[Sample]])
def test_what_is_no_json(body: bytes, message: str, into: Any) -> None:
    assert refused(body, into).startswith(message)


def test_nesting_that_only_the_tolerant_path_rejects() -> None:
    # Which of the two depends on how deep the running Python goes.
    message = refused('{"sample": {"name": ' + "[" * 900 + "]" * 900 + "}}")
    assert message in ("expected Sample @ $.sample", "expected str @ $.sample.name")


@pytest.mark.parametrize(
    ("text", "into", "message"),
    [
        ('{"id": "accepted", "message": "topic is still provisioning"}', Sample, "topic is still provisioning"),
        ('{"id": "accepted"}', Sample, "accepted"),
        ('{"id": "accepted", "message": null}', Sample, "accepted"),
        ('{"id": "accepted", "sample": null}', Sample, "$.sample is null"),
        ('{"id": "accepted"}', list[Sample], "accepted"),
        ('{"sample": null}', Sample, "$.sample is null"),
        ('{"sample": null}', str, "$.sample is null"),
        ("null", Sample, "$ is null"),
    ],
)
def test_a_response_that_only_acknowledges_the_request(text: str, into: Any, message: str) -> None:
    with pytest.raises(NotYetError) as caught:
        read(text, into)
    assert str(caught.value) == message


def test_an_accepted_response_without_a_key_is_not_taken_for_the_object() -> None:
    with pytest.raises(NotYetError, match="accepted"):
        read('{"id": "accepted"}', Sample, "")


def test_an_object_that_happens_to_have_the_id_accepted_is_read() -> None:
    assert read('{"id": "accepted", "sample": {"name": "a"}}').name == "a"


SECRET_VALUES = [
    f'{{"sample": {{"name": "a", "{name}": {value}}}}}'
    for name in ("count", "ratio", "flag", "when", "color", "inner", "inners", "by_name", "either")
    for value in (f'"{CANARY}"', f'["{CANARY}"]', f'{{"size": "{CANARY}"}}', f'[{{"size": "{CANARY}"}}]')
]


def outcome(text: str | bytes) -> Any:
    """Return what is read, or what is said of what cannot be."""
    try:
        return read(text)
    except (MismatchError, NotYetError) as error:
        return "".join(traceback.format_exception(error))


@pytest.mark.parametrize("text", [*SECRET_VALUES, f'"{CANARY}"', f'{{"sample": "{CANARY}', f'{{"sample": "{CANARY}"}}'])
def test_no_value_reaches_the_message(text: str) -> None:
    said = outcome(text)
    assert isinstance(said, Sample) or CANARY not in said


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.dictionaries(st.sampled_from([field.name for field in attrs.fields(Sample)]), JSON_VALUES, max_size=6)


@given(value=JSON_VALUES | FIELDS | st.fixed_dictionaries({"sample": FIELDS}))
def test_any_json_reads_as_the_class_or_as_one_of_two_errors(value: Any) -> None:
    said = outcome(json.dumps(value))
    assert isinstance(said.inners, list) if isinstance(said, Sample) else said


@given(body=st.binary(max_size=60))
def test_any_bytes_read_as_the_class_or_as_one_of_two_errors(body: bytes) -> None:
    assert outcome(body)
    assert outcome(b'{"sample": {"name": ' + body)


# Pages.


PAGE = page_reader(Inner, "items")


@pytest.mark.parametrize(
    ("links", "following"),
    [
        ('{"pages": {"next": "https://x/?page=2"}}', "https://x/?page=2"),
        ('{"pages": {"last": "https://x/?page=2"}}', None),
        ('{"pages": {}}', None),
        ('{"pages": null}', None),
        ('{"pages": {"next": null}}', None),
        ('{"pages": {"next": 5}}', None),
        ('{"pages": []}', None),
        ('"pages"', None),
        ("{}", None),
        ("[]", None),
        ("null", None),
        ("7", None),
    ],
)
def test_the_next_page_is_found_where_it_is_named_and_never_missed_elsewhere(links: str, following: str | None) -> None:
    page = PAGE(f'{{"items": [{{"size": 1}}], "links": {links}}}'.encode())
    assert (page.items, page.next) == ([Inner(size=1)], following)


@pytest.mark.parametrize("text", ['{"items": []}', '{"items": null}', "[]", '[{"label": "\\"links\\""}]', "null"])
def test_a_list_without_links_is_its_only_page(text: str) -> None:
    assert PAGE(text.encode()).next is None


def test_a_bare_list_that_holds_the_word_links_is_its_only_page() -> None:
    assert PAGE(b'[{"links": {"pages": {"next": "x"}}}]').next is None


# The bodies of errors.


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"id": "not_found"}', {"id": "not_found"}),
        (b"[1]", {}),
        (b"", {}),
        (b"<html>", {}),
        (b'{"id": "\xff"}', {}),
        (b"[" * 100_000, {}),
        (b'{"id": 1e999}', {}),
    ],
)
def test_the_body_of_an_error_is_an_object_or_nothing(body: bytes, expected: dict[str, Any]) -> None:
    assert decode_error_body(body) == expected


# Requests.


def test_what_is_unset_is_left_out_and_what_is_falsy_is_sent() -> None:
    config = t.TopicConfig(retention_ms=0, preallocate=False, message_format_version="")
    sent = json.loads(encode(t.TopicUpdate(config=config)))
    assert sent == {"config": {"retention_ms": 0, "preallocate": False, "message_format_version": ""}}


@pytest.mark.parametrize("value", [2**53 + 1, 2**63, 2**64, 9223372036854776000, -(10**30)])
def test_large_integers_are_sent_exactly(value: int) -> None:
    assert json.loads(encode(t.TopicConfig(retention_ms=value))) == {"retention_ms": value}
    assert json.loads(encode({"value": [value]})) == {"value": [value]}


@pytest.mark.parametrize("policy", [t.CleanupPolicy.COMPACT, t.CleanupPolicy("compact"), "compact"])
def test_an_enumeration_is_sent_as_its_string(policy: Any) -> None:
    assert encode(t.TopicConfig(cleanup_policy=policy)) == b'{"cleanup_policy":"compact"}'


def test_an_unknown_member_of_an_enumeration_is_sent_as_it_is() -> None:
    assert encode(t.TopicConfig(cleanup_policy=t.CleanupPolicy("tomorrow"))) == b'{"cleanup_policy":"tomorrow"}'


def loose(cls: Callable[..., Any], **fields: Any) -> Any:
    """Build an object as a caller without a type checker may."""
    return cls(**fields)


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"partition_count": "3"}, "$.partition_count"),
        ({"partition_count": 3.5}, "$.partition_count"),
        ({"partition_count": True}, "$.partition_count"),
        ({"partition_count": None}, "$.partition_count"),
        ({"partition_count": float("nan")}, "$.partition_count"),
        ({"config": {"retention_ms": "1"}}, "$.config.retention_ms"),
        ({"config": []}, "$.config"),
        ({"config": loose(t.TopicConfig, preallocate="yes")}, "$.config.preallocate"),
        (
            {"config": loose(t.TopicConfig, min_cleanable_dirty_ratio=float("nan"))},
            "$.config.min_cleanable_dirty_ratio",
        ),
        ({"config": loose(t.TopicConfig, min_cleanable_dirty_ratio=math.inf)}, "$.config.min_cleanable_dirty_ratio"),
        ({"config": loose(t.TopicConfig, compression_type=5)}, "$.config.compression_type"),
    ],
)
def test_a_value_of_the_wrong_type_is_rejected_by_the_fields_name(fields: dict[str, Any], place: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        encode(loose(t.TopicUpdate, **fields))
    assert str(caught.value).startswith("TopicUpdate: ")
    assert str(caught.value).endswith(f"at `{place}`")


@attrs.frozen(kw_only=True)
class Free:
    ratio: float | Unset | None = UNSET
    more: dict[str, Any] | Unset = UNSET
    password: str | Unset = attrs.field(default=UNSET, repr=False)


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"x": NAN}, "dict: not a finite number - at `$.x`"),
        ({"x": [1.0, {"y": INF}]}, "dict: not a finite number - at `$.x[1].y`"),
        ([-INF], "list: not a finite number - at `$[0]`"),
        ((1.0, NAN), "tuple: not a finite number - at `$[1]`"),
        (NAN, "float: not a finite number - at `$`"),
        (Free(ratio=NAN), "Free: not a finite number - at `$.ratio`"),
        (Free(more={"a": NAN}), "Free: not a finite number - at `$.more.a`"),
    ],
)
def test_a_number_that_json_does_not_have_is_refused_and_not_sent_as_null(body: Any, message: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        encode(body)
    assert str(caught.value) == message


@pytest.mark.parametrize("body", [{"x": None}, {"x": "null"}, Free(ratio=None), [None, "nullable", 1.5], None])
def test_null_is_sent_as_null(body: Any) -> None:
    assert json.loads(encode(body)) == json.loads(msgspec.json.encode(body))


def test_a_body_below_an_envelope_may_hold_null() -> None:
    assert encode(envelop("free", Free(ratio=None))) == b'{"free":{"ratio":null}}'


def endless() -> dict[str, Any]:
    body: dict[str, Any] = {}
    body["again"] = body
    return body


@pytest.mark.parametrize(
    "body", [{"x": object()}, {"x": "\ud800"}, {"x": {1j: 1}}, endless(), {"x": {"a", "b", object()}}]
)
def test_what_cannot_be_encoded_is_refused(body: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"^dict: "):
        encode(body)


@pytest.mark.parametrize(
    "body", [Free(password=CANARY, ratio=NAN), loose(Free, password=CANARY, more=[]), loose(Free, password=[CANARY])]
)
def test_a_refused_body_shows_no_secret_in_a_traceback_with_locals(body: Free) -> None:
    with pytest.raises(InvalidInputError) as caught:
        encode(body)
    # From the frame of `encode` on: this test's own frames hold the body.
    assert caught.tb.tb_next
    shown = traceback.TracebackException(type(caught.value), caught.value, caught.tb.tb_next, capture_locals=True)
    assert CANARY not in "".join(shown.format())


@pytest.mark.parametrize("update", [t.TopicUpdate(), t.TopicUpdate(config=t.TopicConfig()), {}, {"a": {"b": {}}}])
def test_an_update_with_nothing_set_is_refused(update: Any) -> None:
    with pytest.raises(InvalidInputError, match="nothing is set"):
        require_some(update)


@pytest.mark.parametrize("update", [t.TopicUpdate(partition_count=0), t.TopicConfig(preallocate=False), {"a": []}])
def test_an_update_with_something_set_passes(update: Any) -> None:
    assert require_some(update) is update


CONFIGS: st.SearchStrategy[t.TopicConfig] = st.builds(
    t.TopicConfig,
    cleanup_policy=st.sampled_from(t.CleanupPolicy) | st.just(UNSET),
    retention_ms=st.integers() | st.just(UNSET),
    min_cleanable_dirty_ratio=st.floats(allow_nan=False, allow_infinity=False) | st.just(UNSET),
    preallocate=st.booleans() | st.just(UNSET),
    message_format_version=st.text() | st.just(UNSET),
)


@given(update=st.builds(t.TopicUpdate, partition_count=st.integers() | st.just(UNSET), config=CONFIGS | st.just(UNSET)))
def test_what_is_sent_reads_back_as_what_was_meant(update: t.TopicUpdate) -> None:
    assert read(encode(update), t.TopicUpdate, "") == update


# The small types.


def test_an_unknown_value_of_an_enumeration_is_a_member_in_all_but_name() -> None:
    pink = Color("pink")
    assert (pink, pink.value, pink.name, str(pink), f"{pink}") == ("pink", "pink", "pink", "pink", "pink")
    assert (pink.is_known, Color.RED.is_known, Color("red").is_known) == (False, True, True)
    assert Color("red") is Color.RED
    assert isinstance(pink, Color)
    assert hash(pink) == hash("pink")
    assert pink not in list(Color)
    again = pickle.loads(pickle.dumps(pink))
    assert (again, type(again)) == (pink, Color)


@pytest.mark.parametrize("value", [5, None, b"red", ["red"]])
def test_an_enumeration_takes_strings_only(value: Any) -> None:
    with pytest.raises(ValueError, match="is not a valid Color"):
        Color(value)


def test_secrets_hide_from_repr_only() -> None:
    secret = Secret(CANARY)
    assert (repr(secret), repr([secret]), f"{secret!r}") == ("'***'", "['***']", "'***'")
    assert f"Bearer {secret}" == f"Bearer {CANARY}"
    assert CANARY not in repr(Hidden(CANARY))


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"orders", "$"),
        ({"name": b"orders"}, "$.name"),
        ({"names": ["a", bytearray(b"orders")]}, "$.names[1]"),
        ({"view": memoryview(b"orders")}, "$.view"),
        (Inner(label=b"orders"), "$.label"),  # type: ignore[arg-type]  # what is tested
        (t.TopicCreate(name="a", config=t.TopicConfig(cleanup_policy=b"compact")), "$.config.cleanup_policy"),  # type: ignore[arg-type]  # what is tested
    ],
)
def test_bytes_are_rejected_where_they_would_be_sent_as_base64(body: Any, place: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        encode(body)
    assert f"bytes, which must be decoded to a string - at `{place}`" in str(caught.value)
    assert "orders" not in str(caught.value)


@attrs.frozen(kw_only=True)
class Varied:
    name: str
    size: int | None = None
    tags: tuple[str, ...] = ()
    number: UUID | None = None
    word: Literal["a", "b"] | None = None


def test_a_class_of_any_types_is_read_in_the_tolerant_way_too() -> None:
    number = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"
    body = {"name": "n", "size": "3", "tags": ["x"], "number": number, "word": "a"}
    assert reader(Varied)(json.dumps(body).encode()) == Varied(
        name="n", size=3, tags=("x",), number=UUID(number), word="a"
    )
    odd = {"name": "n", "size": "3", "tags": 5, "number": "none", "word": "c"}
    notes: list[str] = []
    assert reader(Varied)(json.dumps(odd).encode(), notes) == Varied(name="n", size=3)
    assert notes == ["$.tags", "$.number", "$.word"]
