"""Plain data, short reprs, and tables for notebooks."""

from __future__ import annotations

import inspect
import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncdbaas import InvalidInputError, to_dict, to_json, topics
from asyncdbaas._core.model import Listing, Model
from asyncdbaas._field_docs import field_docs
from asyncdbaas.clusters import Cluster, ClusterStatus, Connection, Engine, User
from asyncdbaas.configs import PostgreSQLConfig, StatementTracking
from asyncdbaas.types import OpenEnum, Secret

ID = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"
CLUSTER = Cluster(
    id=ID,
    name="shop",
    engine=Engine.PG,
    status=ClusterStatus("pondering"),
    version="17",
    semantic_version="17.2",
    num_nodes=3,
    size="db-s-2vcpu-4gb",
    storage_size_mib=61440,
    region="nyc3",
    created_at=datetime(2026, 9, 1, 12, 30, tzinfo=UTC),
    tags=["blue"],
    connection=Connection(host="db", port=25060, user="doadmin", password="s3cret", uri="pg://doadmin:s3cret@db"),
    users=[User(name="app", password="s3cret"), User(name="idle", password="")],
)


def test_names_enumerations_and_dates_are_spelled_as_in_the_api() -> None:
    data = to_dict(CLUSTER)
    assert (data["engine"], data["status"], data["created_at"]) == ("pg", "pondering", "2026-09-01T12:30:00Z")
    assert type(data["engine"]) is str
    assert to_dict(PostgreSQLConfig(pg_stat_statements_track=StatementTracking.ALL, extra={"new": 1})) == {
        "pg_stat_statements.track": "all",
        "new": 1,
    }


def test_what_is_unset_is_left_out() -> None:
    order = topics.TopicCreate(name="orders", config=topics.TopicConfig(retention_ms=0))
    assert to_dict(order) == {"name": "orders", "config": {"retention_ms": 0}}


def test_secrets_are_masked_unless_asked_for() -> None:
    masked, whole = to_dict(CLUSTER), to_dict(CLUSTER, secrets=True)
    assert (masked["connection"]["password"], masked["connection"]["uri"]) == ("***", "***")
    assert [user["password"] for user in masked["users"]] == ["***", ""]
    assert masked["private_connection"] is None
    assert whole["connection"]["password"] == "s3cret"
    assert "s3cret" not in to_json([CLUSTER])
    assert "s3cret" in to_json(CLUSTER, secrets=True)


def test_lists_of_objects_are_lists_of_dictionaries() -> None:
    assert to_dict([User(name="a"), User(name="b")])[1]["name"] == "b"
    assert [each["name"] for each in to_dict(User(name=name) for name in "xy")] == ["x", "y"]
    assert to_dict(Listing[User]()) == []


def test_json_is_readable_and_exact() -> None:
    text = to_json(topics.TopicConfig(flush_ms=9223372036854776000, message_format_version="é"), indent=2)
    assert text == '{\n  "flush_ms": 9223372036854776000,\n  "message_format_version": "é"\n}'


@pytest.mark.parametrize("wrong", ["orders", {"name": "orders"}, b"x", 5, None, [object()]])
def test_what_is_no_object_of_this_library_is_refused_without_quoting_it(wrong: Any) -> None:
    with pytest.raises(InvalidInputError, match="to_dict") as caught:
        to_dict(wrong)
    assert "orders" not in str(caught.value)


def test_a_number_that_json_does_not_have_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="not finite"):
        to_json(topics.TopicConfig(min_cleanable_dirty_ratio=float("nan")))


class Color(OpenEnum):
    RED = "red"


@attrs.frozen
class Anything:
    value: Any


@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | st.uuids() | st.datetimes() | st.sampled_from(Color),
        lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text(), inner) | inner.map(Anything),
    )
)
def test_whatever_an_object_holds_the_result_is_json(value: Any) -> None:
    data = to_dict(Anything(value))
    assert json.loads(json.dumps(data)) == data


def test_other_values_that_objects_hold() -> None:
    assert to_dict(Anything(UUID(ID))) == {"value": ID}
    assert to_dict(Anything({1: Secret("s3cret")})) == {"value": {"1": "***"}}
    assert to_dict(Anything(Secret("s3cret")), secrets=True) == {"value": "s3cret"}


def test_web_frameworks_can_encode_the_result() -> None:
    encoders = pytest.importorskip("fastapi.encoders")
    assert encoders.jsonable_encoder(to_dict([CLUSTER])) == to_dict([CLUSTER])


def test_litestar_can_encode_the_result() -> None:
    serialization = pytest.importorskip("litestar.serialization")
    assert json.loads(serialization.encode_json(to_dict(CLUSTER))) == to_dict(CLUSTER)


def test_the_repr_of_a_cluster_fits_on_two_lines_and_begins_with_what_identifies_it() -> None:
    shown = repr(CLUSTER)
    assert len(shown) <= 240
    assert shown.startswith(f"Cluster(id='{ID}', name='shop', engine='pg', status='pondering', version='17'")
    assert shown.endswith(", ...)")
    assert "s3cret" not in shown


@pytest.mark.parametrize(("length", "shown"), [(198, 1), (199, 0)])
def test_the_repr_is_cut_at_the_field_that_makes_it_longer_than_200_characters(length: int, shown: int) -> None:
    name = "n" * (length - len("name=''"))
    assert repr(topics.Topic(name=name)) == (f"Topic(name='{name}')" if shown else "Topic(...)")


def test_the_repr_shows_no_field_without_a_value() -> None:
    assert repr(topics.Topic(name="a", partition_count=0)) == "Topic(name='a', partition_count=0)"
    assert repr(topics.TopicConfig(preallocate=False)) == "TopicConfig(preallocate=False)"


def test_a_list_is_a_table_in_a_notebook() -> None:
    listed = Listing([CLUSTER, attrs.evolve(CLUSTER, name="<b>", region=None)])
    shown = listed._repr_html_()
    assert "<th>name</th>" in shown
    assert "<td>shop</td>" in shown
    assert "<td>&lt;b&gt;</td>" in shown
    assert "<td>2026-09-01 12:30:00+00:00</td>" in shown
    assert "s3cret" not in shown
    assert "connection" not in shown
    assert listed == [*listed]
    assert json.loads(to_json(listed))[0]["name"] == "shop"


def test_a_long_table_is_cut_and_says_so() -> None:
    shown = Listing(User(name=f"user{number}") for number in range(250))._repr_html_()
    assert (shown.count("<tr>"), "<p>50 more</p>" in shown) == (201, True)
    assert Listing[User]()._repr_html_().count("<tr>") == 1


def test_a_class_without_source_keeps_its_docstring() -> None:
    namespace: dict[str, Any] = {"Model": Model, "attrs": attrs, "__name__": "nowhere"}
    exec("@attrs.frozen(repr=False)\nclass Made(Model):\n    'Made up.'\n    x: int = 1", namespace)
    assert inspect.getdoc(namespace["Made"]) == "Made up."
    assert field_docs(namespace["Made"]) == {}
    assert repr(namespace["Made"]()) == "Made(x=1)"
