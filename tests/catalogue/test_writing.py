"""Written catalogues read back, and look as if a person had written them."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from asyncdbaas import UNSET, InvalidInputError
from asyncdbaas.catalogue import (
    Catalogue,
    CatalogueRegistry,
    CatalogueSchema,
    CatalogueTopic,
    CatalogueUser,
    Metadata,
    parse_catalogue,
    write_catalogue,
)
from asyncdbaas.catalogue.kafka import default_value
from asyncdbaas.catalogue.yaml_writing import yaml_mapping
from asyncdbaas.schemas import CompatibilityLevel, SchemaCreate, SchemaType
from asyncdbaas.topics import CleanupPolicy, TopicConfig, TopicCreate
from asyncdbaas.users import KafkaACL, KafkaPermission


def live(name: str, partitions: int = 3, **config: Any) -> CatalogueTopic:
    values: dict[str, Any] = {
        "retention_ms": 604_800_000,
        "segment_bytes": 209_715_200,
        "flush_ms": 9223372036854776000,
    }
    values |= config
    topic = TopicCreate(name=name, partition_count=partitions, replication_factor=2, config=TopicConfig(**values))
    return CatalogueTopic(topic=topic, cluster="shop")


def test_an_export_holds_only_what_differs_from_the_services_defaults() -> None:
    catalogue = Catalogue(topics=(live("a"), live("b", 6, retention_ms=1), live("c")))
    assert write_catalogue(catalogue, suffix=".yaml", minimal=True) == (
        "cluster: shop\n"
        "defaults:\n"
        "  partition_count: 3\n"
        "  replication_factor: 2\n"
        "topics:\n"
        "  - name: a\n"
        "  - name: b\n"
        "    partition_count: 6\n"
        "    config:\n"
        "      retention.ms: 1\n"
        "  - name: c\n"
    )


def test_a_default_is_made_only_where_it_makes_the_file_shorter() -> None:
    kept = Catalogue(topics=tuple(live(name, 3 + number, retention_ms=5) for number, name in enumerate("abc")))
    text = write_catalogue(kept, suffix=".yaml", minimal=True)
    assert "  config:\n    retention.ms: 5\n" in text.partition("topics:")[0]
    assert text.count("retention.ms") == 1
    assert text.count("partition_count") == 3
    mixed = Catalogue(topics=(live("a", retention_ms=5), live("b")))
    assert "retention.ms" not in write_catalogue(mixed, suffix=".yaml", minimal=True).partition("topics:")[0]


def test_a_topic_with_the_services_default_declares_it_where_the_section_has_another() -> None:
    catalogue = Catalogue(topics=(*(live(name, retention_ms=5) for name in "abc"), live("d")))
    text = write_catalogue(catalogue, suffix=".yaml", minimal=True)
    topics = {entry.topic.name: entry.topic.config for entry in parse_catalogue(text, file="t.yaml").topics}
    assert {name: config.retention_ms for name, config in topics.items() if isinstance(config, TopicConfig)} == {
        "a": 5,
        "b": 5,
        "c": 5,
        "d": 604_800_000,
    }


def test_no_number_is_written_that_no_broker_can_hold() -> None:
    text = write_catalogue(Catalogue(topics=(live("a"),)), suffix=".yaml")
    assert "flush.ms: 9223372036854775807" in text


def test_clusters_that_have_the_same_share_a_section() -> None:
    topics = tuple(
        CatalogueTopic(topic=TopicCreate(name=name), cluster=cluster)
        for cluster in ("dev", "prod", "test")
        for name in ("a", "b")[: 1 if cluster == "test" else 2]
    )
    text = write_catalogue(Catalogue(topics=topics), suffix=".yaml")
    assert text == (
        "clusters:\n"
        "  - cluster:\n"
        "      - dev\n"
        "      - prod\n"
        "    topics:\n"
        "      - name: a\n"
        "      - name: b\n"
        "  - cluster: test\n"
        "    topics:\n"
        "      - name: a\n"
    )


AVRO = '{\n  "type": "record",\n\n  "n": "${x}"\n}\n'
FULL = Catalogue(
    metadata=Metadata(
        description="All: of it", owner="me", labels={"a": "1"}, extensions={"x-a": [1, {"b": [None, "c, d"]}, []]}
    ),
    topics=(
        CatalogueTopic(
            topic=TopicCreate(name="a", config=TopicConfig(cleanup_policy=CleanupPolicy.COMPACT_DELETE)),
            metadata=Metadata(description="one\ntwo $${x}", owner="me", labels={"yes": "no"}, extensions={"x-b": "1"}),
        ),
    ),
    users=(
        CatalogueUser(name="u"),
        CatalogueUser(name="nobody", acl=()),
        CatalogueUser(
            name="writer",
            acl=(
                KafkaACL(topic="orders,*", permission=KafkaPermission.PRODUCE),
                KafkaACL(topic="^a.*$", permission=KafkaPermission.ADMIN),
            ),
        ),
    ),
    schemas=(
        CatalogueSchema(subject="level", compatibility=CompatibilityLevel.FULL),
        CatalogueSchema(
            subject="s-value",
            schema=SchemaCreate(
                subject_name="s-value",
                schema_type=SchemaType.AVRO,
                schema='{\n  "type": "record",\n\n  "n": "${x}"\n}\n',
            ),
            compatibility=CompatibilityLevel.NONE,
        ),
        CatalogueSchema(
            subject="p",
            schema=SchemaCreate(subject_name="p", schema_type=SchemaType.PROTOBUF, schema='syntax = "proto3";'),
        ),
    ),
    registries=(CatalogueRegistry(compatibility=CompatibilityLevel.BACKWARD),),
)


def without_places(catalogue: Catalogue) -> Catalogue:
    return Catalogue(
        metadata=catalogue.metadata,
        topics=tuple(attrs.evolve(entry, file="", line=0) for entry in catalogue.topics),
        users=tuple(attrs.evolve(entry, file="", line=0) for entry in catalogue.users),
        schemas=tuple(attrs.evolve(entry, file="", line=0) for entry in catalogue.schemas),
        registries=tuple(attrs.evolve(entry, file="", line=0) for entry in catalogue.registries),
    )


@pytest.mark.parametrize("suffix", [".yaml", ".json"])
def test_users_schemas_and_notes_are_read_back(suffix: str) -> None:
    text = write_catalogue(FULL, suffix=suffix)
    assert without_places(parse_catalogue(text, file=f"t{suffix}")) == FULL
    if suffix == ".yaml":
        assert '      - {topic: "orders,*", permission: produce}\n' in text
        assert '    schema: |\n      {\n        "type": "record",\n' in text


def test_a_csv_keeps_the_notes_of_topics_and_rejects_users() -> None:
    topics = Catalogue(
        topics=(
            CatalogueTopic(
                topic=TopicCreate(name="a", partition_count=5),
                cluster="c",
                metadata=Metadata(owner="me", labels={"team": "x"}, extensions={"x-cost": "5"}),
            ),
            CatalogueTopic(topic=TopicCreate(name="b", config=TopicConfig(preallocate=True)), cluster="c"),
        )
    )
    text = write_catalogue(topics, suffix=".csv")
    assert text.splitlines()[0] == "cluster,name,owner,x-cost,labels.team,partition_count,preallocate"
    assert without_places(parse_catalogue(text, file="t.csv")) == topics
    with pytest.raises(InvalidInputError, match="a CSV holds topics only"):
        write_catalogue(FULL, suffix=".csv")


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=12),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.dictionaries(st.text(min_size=1, max_size=8), plain, min_size=1, max_size=4))
def test_any_plain_data_is_written_as_yaml_that_others_read_alike(data: dict[str, Any]) -> None:
    assert yaml.safe_load("\n".join(yaml_mapping(data, "")) + "\n") == data


texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)


@settings(deadline=None)
@given(st.lists(st.tuples(texts, texts), max_size=3), st.sampled_from([".yaml", ".json"]))
def test_any_note_is_read_back(pairs: list[tuple[str, str]], suffix: str) -> None:
    notes = Metadata(description="".join(map("".join, pairs)), labels=dict(pairs))
    catalogue = Catalogue(topics=(CatalogueTopic(topic=TopicCreate(name="a"), metadata=notes),))
    assert parse_catalogue(write_catalogue(catalogue, suffix=suffix), file=f"t{suffix}").topics[0].metadata == notes


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([1, 5, 604_800_000]), st.integers(3, 5)), min_size=1, max_size=8),
    st.booleans(),
)
def test_a_minimal_catalogue_declares_the_same_where_it_declares(values: list[tuple[int, int]], full: bool) -> None:
    topics = tuple(
        live(f"t{number}", partitions, retention_ms=retention) for number, (retention, partitions) in enumerate(values)
    )
    text = write_catalogue(Catalogue(topics=topics), suffix=".yaml", minimal=not full)
    for before, after in zip(topics, parse_catalogue(text, file="t.yaml").topics, strict=True):
        assert after.topic.partition_count == before.topic.partition_count
        config = after.topic.config
        declared = config.retention_ms if isinstance(config, TopicConfig) else UNSET
        kept = before.topic.config
        assert isinstance(kept, TopicConfig)
        effective = default_value("retention_ms") if declared is UNSET else declared
        assert effective == kept.retention_ms
