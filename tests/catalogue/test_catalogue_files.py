"""Reading catalogue files, and the messages about wrong ones."""

from __future__ import annotations

import csv
import io
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from asyncdbaas import UNSET, InvalidInputError
from asyncdbaas.catalogue import Catalogue, CatalogueError, parse_catalogue, read_catalogue
from asyncdbaas.catalogue.kafka import name_collisions
from asyncdbaas.topics import CleanupPolicy, TimestampType, TopicConfig, TopicCreate

MILLISECONDS = "a whole number of milliseconds, or a time such as 36h or 7d"
KAFKA_ONLY = (
    "Kafka has this setting, but DigitalOcean's service does not offer it: only Kafka's default, false, is accepted"
)
ROOT_KEYS = "$schema, cluster, clusters, defaults, description, labels, owner, schema_registry, schemas, topics, users"
EXAMPLE = Path(__file__).parents[1] / "data" / "topics.yaml"


def topics_of(catalogue: Catalogue) -> list[TopicCreate]:
    return [entry.topic for entry in catalogue.topics]


def problems_of(text: str, file: str = "t.yaml") -> list[str]:
    with pytest.raises(CatalogueError) as caught:
        parse_catalogue(text, file=file)
    return [str(problem) for problem in caught.value.problems]


def config_of(line: str) -> TopicConfig:
    config = topics_of(parse_catalogue(f"topics: [{{name: t, config: {{{line}}}}}]", file="t.yaml"))[0].config
    assert isinstance(config, TopicConfig)
    return config


def test_the_example_holds_at_least_200_different_topics_of_one_cluster() -> None:
    catalogue = read_catalogue(EXAMPLE)
    assert len({entry.topic.name for entry in catalogue.topics}) >= 200
    assert {entry.cluster for entry in catalogue.topics} == {"shop-events"}


def test_defaults_hold_where_neither_the_cluster_nor_the_topic_says_else() -> None:
    text = """
defaults: {partition_count: 6, config: {retention.ms: 1, segment.ms: 1}}
clusters:
  - cluster: one
    defaults: {replication_factor: 3, config: {retention.ms: 2}}
    topics:
      - name: a
      - {name: b, partitions: 12, config: {retention_ms: 3}}
  - cluster: two
    topics: [{name: a}]
"""
    catalogue = parse_catalogue(text, file="t.yaml")
    assert [(entry.cluster, entry.line) for entry in catalogue.topics] == [("one", 7), ("one", 8), ("two", 10)]
    assert topics_of(catalogue) == [
        TopicCreate(
            name="a", partition_count=6, replication_factor=3, config=TopicConfig(retention_ms=2, segment_ms=1)
        ),
        TopicCreate(
            name="b", partition_count=12, replication_factor=3, config=TopicConfig(retention_ms=3, segment_ms=1)
        ),
        TopicCreate(name="a", partition_count=6, config=TopicConfig(retention_ms=1, segment_ms=1)),
    ]


@pytest.mark.parametrize(
    ("spelled", "config"),
    [
        ('retention.ms: "86400000"', TopicConfig(retention_ms=86400000)),
        ("retention_ms: 86_400_000", TopicConfig(retention_ms=86400000)),
        ("retention-ms: -1", TopicConfig(retention_ms=-1)),
        ("flush.messages: 9223372036854776000", TopicConfig(flush_messages=2**63 - 1)),
        ('cleanup.policy: "compact,delete"', TopicConfig(cleanup_policy=CleanupPolicy.COMPACT_DELETE)),
        ('cleanup.policy: "delete, compact"', TopicConfig(cleanup_policy=CleanupPolicy.COMPACT_DELETE)),
        ("cleanup_policy: compact_delete", TopicConfig(cleanup_policy=CleanupPolicy.COMPACT_DELETE)),
        ("message.timestamp.type: LogAppendTime", TopicConfig(message_timestamp_type=TimestampType.LOG_APPEND_TIME)),
        ("message.timestamp.type: create_time", TopicConfig(message_timestamp_type=TimestampType.CREATE_TIME)),
        ("preallocate: true", TopicConfig(preallocate=True)),
        ('message.downconversion.enable: "false"', TopicConfig(message_down_conversion_enable=False)),
        ("min.cleanable.dirty.ratio: 0.25", TopicConfig(min_cleanable_dirty_ratio=0.25)),
        ("message.format.version: 3.0-IV1", TopicConfig(message_format_version="3.0-IV1")),
    ],
)
def test_kafkas_own_spelling_means_the_same_as_the_services(spelled: str, config: TopicConfig) -> None:
    assert config_of(spelled) == config


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (
            "retention.ms: soon",
            f"retention.ms: must be {MILLISECONDS}, not 'soon'",
        ),
        (
            "retention.ms: 1.5",
            f"retention.ms: must be {MILLISECONDS}, not '1.5'",
        ),
        (
            "retention.ms: 0123",
            f"retention.ms: must be {MILLISECONDS}, not '0123'",
        ),
        (
            "retention.ms: true",
            f"retention.ms: must be {MILLISECONDS}, not 'true'",
        ),
        (
            "retention.ms: [1]",
            f"retention.ms: must be {MILLISECONDS}, not a list",
        ),
        ("retention.ms: -2", "retention.ms: must be from -1 to 9223372036854775807, not '-2'"),
        (
            f"retention.ms: {'9' * 60}",
            f"retention.ms: must be from -1 to 9223372036854775807, not '{'9' * 60}'",
        ),
        ("preallocate: yes", "preallocate: must be true or false, not 'yes'"),
        ("min.cleanable.dirty.ratio: 1.5", "min.cleanable.dirty.ratio: must be a number from 0 to 1, not '1.5'"),
        ("min.cleanable.dirty.ratio: nan", "min.cleanable.dirty.ratio: must be a number from 0 to 1, not 'nan'"),
        ("cleanup.policy: keep", "cleanup.policy: must be one of delete, compact, compact_delete, not 'keep'"),
        (
            "unclean.leader.election.enable: true",
            f"unclean.leader.election.enable: {KAFKA_ONLY}",
        ),
        ("retention.mss: 1", "retention.mss: is unknown; did you mean retention_ms?"),
        ("colour: blue", "colour: is unknown"),
    ],
)
def test_a_wrong_setting_is_named_with_file_line_topic_and_key(line: str, problem: str) -> None:
    assert problems_of(f"topics:\n  - name: t\n    config:\n      {line}\n") == [f"t.yaml:4: t: {problem}"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "t.yaml: holds no topics, users or schemas"),
        ("# nothing here\n", "t.yaml: holds no topics, users or schemas"),
        ("topics: []", "t.yaml: holds no topics, users or schemas"),
        ("- name: a", "t.yaml:1: must be a mapping, not a list"),
        ("topics: 3", "t.yaml:1: topics: must be a list, not '3'"),
        ("topics: [a]", "t.yaml:1: must be a mapping, not 'a'"),
        ("topics: [{partitions: 3}]", "t.yaml:1: name: is missing"),
        ("topics: [{name: }]", "t.yaml:1: name: must be a word, not nothing"),
        ("topics: [{name: a, partitions: many}]", "t.yaml:1: a: partitions: must be a whole number, not 'many'"),
        ("topics: [{name: a, partitions: 2}]", "t.yaml:1: a: partitions: must be from 3 to 2048, not '2'"),
        ("topics: [{name: a, partition: 3}]", "t.yaml:1: a: partition: is unknown; did you mean partition_count?"),
        (
            "topics: [{name: a, retention.ms: 2}]",
            "t.yaml:1: a: retention.ms: is a setting of a topic; put it below config",
        ),
        (
            "topics: [{name: a}]\nfoo: 1",
            f"t.yaml:2: foo: is unknown; known keys: {ROOT_KEYS}",
        ),
        ("topics: [{name: a}]\ntopics: []", "t.yaml:2: topics: is already set in line 1"),
        (
            "topics:\n- {name: a}\n- {name: a}",
            "t.yaml:3: a: name: the same topic is declared in line 2",
        ),
        (
            "topics:\n- &a {name: a}\n- {name: b}\n- *a",
            "t.yaml:4: a: name: the same topic is declared in line 2",
        ),
        (
            "clusters:\n- topics: &all\n  - partitions: 3\n    name: a\n- topics: *all",
            "t.yaml:5: a: name: the same topic is declared in line 4",
        ),
        (
            "x-a: &a {name: a}\ntopics:\n- <<: *a\n- {<<: *a, partitions: 3}",
            "t.yaml:4: a: name: the same topic is declared in line 3",
        ),
        (
            "users: [{name: a}, {name: b}, {name: a}]",
            "t.yaml:1: a: name: the same user is declared in line 1",
        ),
        (
            "schemas:\n- &a {subject: a, compatibility: full}\n- *a",
            "t.yaml:3: a: subject: the same subject is declared in line 2",
        ),
        (
            "topics:\n- name: a\n  config:\n    retention.ms: 1\n    retention_ms: 2",
            "t.yaml:5: a: retention_ms: is already set in line 4",
        ),
        (
            "topics: [{name: _schemas}]",
            "t.yaml:1: _schemas: name: names that begin with _ are reserved for Kafka and are never changed",
        ),
        (
            "topics: [{name: a, config: {min.insync.replicas: 3}}]",
            "t.yaml:1: a: min.insync.replicas: must not be above the replication factor, 2",
        ),
        ("topics: !include x", "t.yaml:1: tags such as !include have no meaning in a catalogue"),
        ("topics: *x", "t.yaml:1: an alias (*) refers to nothing: its anchor (&) must end before it"),
        ("topics: &x [*x]", "t.yaml:1: an alias (*) refers to nothing: its anchor (&) must end before it"),
        ("topics: [{name: a, <<: 3}]", "t.yaml:1: << must name a mapping, or a list of mappings"),
        ("topics: " + "[" * 20 + "]" * 20, "t.yaml:1: nested too deeply"),
        ("a: 1\nb: 2", "t.yaml:1: is not a catalogue: it has none of the keys topics, users, schemas, clusters"),
        ("topics: [{name: a, ? [b] : c}]", "t.yaml:1: a: a key must be a word, not a list"),
    ],
)
def test_a_wrong_catalogue_is_rejected_with_its_line(text: str, problem: str) -> None:
    assert problems_of(text) == [problem]


# The reason is the parser's own and differs between its versions.
@pytest.mark.parametrize(
    ("text", "file", "line"),
    [
        ("topics: [a", "t.yaml", 2),
        ("a: b\n\x01", "t.yaml", 2),
        ('{"topics"\n []}', "t.json", 2),
        ("topics: []", "t.json", 1),
        ('name\n"a', "t.csv", 2),
    ],
)
def test_what_the_parser_rejects_is_reported_with_its_line(text: str, file: str, line: int) -> None:
    (problem,) = problems_of(text, file)
    assert problem.startswith(f"{file}:{line}: not valid {file.removeprefix('t.').upper()}: ")


@pytest.mark.parametrize("opening", ["[", '{"a":', "- ", "? "])
@pytest.mark.parametrize("file", ["t.yaml", "t.json"])
def test_a_text_that_is_nested_thousands_of_levels_deep_is_rejected(opening: str, file: str) -> None:
    (problem,) = problems_of(opening * 100_000, file)
    assert problem.startswith(f"{file}:1: ")


@pytest.mark.parametrize("name", ["", "..", "a/b", "a b", "ä", "x" * 250])
def test_a_name_that_kafka_does_not_take_is_refused(name: str) -> None:
    (problem,) = problems_of(f"topics: [{{name: {json.dumps(name)}}}]", "t.json")  # a JSON mistake has its own text
    assert "t.json:1: " in problem


def test_all_problems_are_reported_at_once_in_the_order_of_the_file() -> None:
    text = """
topics:
  - name: good
  - name: bad/name
    partitions: few
  - name: good
    config:
      retention.ms: x
      colour: blue
extra: 1
"""
    assert [int(problem.split(":")[1]) for problem in problems_of(text)] == [4, 5, 6, 8, 9, 10]


def test_anchors_and_merges_are_resolved_and_the_topics_own_settings_win() -> None:
    text = """
x-shapes: {base: &base {retention.ms: 1, segment.ms: 1}, more: &more {retention.ms: 2, flush.ms: 2}}
topics:
  - {name: a, config: *base}
  - {name: b, config: {<<: *base, retention.ms: 5}}
  - {name: c, config: {<<: [*more, *base]}}
"""
    assert [topic.config for topic in topics_of(parse_catalogue(text, file="t.yaml"))] == [
        TopicConfig(retention_ms=1, segment_ms=1),
        TopicConfig(retention_ms=5, segment_ms=1),
        TopicConfig(retention_ms=2, segment_ms=1, flush_ms=2),
    ]


def test_a_name_is_read_as_it_is_written_never_as_a_number_or_truth_value() -> None:
    names = ["yes", "0123", "1e3", "2024-01-01", "1.10", "0x10"]
    text = "topics:\n" + "".join(f"  - name: {name}\n" for name in names)
    assert [topic.name for topic in topics_of(parse_catalogue(text, file="t.yaml"))] == names


def test_json_may_be_indented_with_tabs() -> None:
    text = json.dumps({"$schema": "x", "topics": [{"name": "a", "partitions": 3}]}, indent="\t")
    assert topics_of(parse_catalogue(text, file="t.json")) == [TopicCreate(name="a", partition_count=3)]


def test_characters_beyond_16_bits_may_be_escaped_in_json() -> None:
    text = r'{"topics": [{"name": "a", "owner": "\uD83D\ude00 \\ud83d \u00e4"}]}'
    assert parse_catalogue(text, file="t.json").topics[0].metadata.owner == "\U0001f600 \\ud83d \u00e4"


def test_a_csv_has_settings_beside_the_name_and_its_empty_cells_say_nothing() -> None:
    text = 'cluster,name,partitions,retention.ms,cleanup.policy\none,a,3,,\n\ntwo,b,,5,"compact,delete"\n'
    catalogue = parse_catalogue(text, file="t.csv")
    assert [(entry.cluster, entry.line) for entry in catalogue.topics] == [("one", 2), ("two", 4)]
    assert topics_of(catalogue) == [
        TopicCreate(name="a", partition_count=3),
        TopicCreate(name="b", config=TopicConfig(retention_ms=5, cleanup_policy=CleanupPolicy.COMPACT_DELETE)),
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "t.csv: holds no topics, users or schemas"),
        ("name\n", "t.csv: holds no topics, users or schemas"),
        (
            "name,partitions\na,3,9",
            "t.csv:2: 3 cells, but 2 in the header; put a cell with a separator in quotes",
        ),
        ("name,partitions\n,3", "t.csv:2: name: is missing"),
        ("name,name\na,b", "t.csv:1: name: is in the header twice"),
        (
            "name,retention.ms\na,x",
            f"t.csv:2: a: retention.ms: must be {MILLISECONDS}, not 'x'",
        ),
        ("name;remote.storage.enable\na;true", "t.csv:2: remote.storage.enable: Kafka has this setting"),
    ],
)
def test_a_wrong_csv_is_rejected_with_its_line(text: str, problem: str) -> None:
    assert problems_of(text, "t.csv")[0].startswith(problem)


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "topics.csv"
    file.write_bytes(b"\xef\xbb\xbfname;partitions\r\na;3\r\n")
    assert topics_of(read_catalogue(file)) == [TopicCreate(name="a", partition_count=3)]


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("t.yaml", None, "No such file or directory"),
        ("t.toml", b"", "the suffix must be one of .yaml, .yml, .json, .csv"),
        ("t.yaml", b"topics:\n- name: \xff", "is not UTF-8 text"),
        ("t.yaml", b" " * (65 * 2**20), "is larger than 64 MiB; split the file"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, content: bytes | None, problem: str) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CatalogueError, match=problem) as caught:
        read_catalogue(file)
    assert caught.value.problems[0].file == str(file)


def test_the_error_is_bad_input_and_survives_pickle() -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_catalogue("", file="t.yaml")
    again = pickle.loads(pickle.dumps(caught.value))
    assert isinstance(again, CatalogueError)
    assert again.problems == [*getattr(caught.value, "problems")]  # noqa: B009  its static type is the base's


NAMES = st.from_regex(r"[A-Za-z0-9.-][A-Za-z0-9._-]{0,40}", fullmatch=True).filter(lambda name: name not in (".", ".."))
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "partition_count": st.integers(3, 2048),
        "replication_factor": st.integers(2, 15),
        "retention_ms": st.integers(-1, 2**63 - 1),
        "preallocate": st.booleans(),
        "min_cleanable_dirty_ratio": st.floats(0, 1),
        "cleanup_policy": st.sampled_from(list(CleanupPolicy)),
        "message_format_version": st.sampled_from(["3.0-IV1", "2.8"]),
    },
)
WANTED = st.dictionaries(NAMES, SETTINGS, min_size=1, max_size=5)


def expected(wanted: dict[str, dict[str, Any]]) -> list[TopicCreate]:
    return [
        TopicCreate(
            name=name,
            **{key: value for key, value in settings.items() if key in ("partition_count", "replication_factor")},
            config=TopicConfig(**config) if (config := config_settings(settings)) else UNSET,
        )
        for name, settings in wanted.items()
    ]


def config_settings(settings: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if key not in ("partition_count", "replication_factor")}


def nested(wanted: dict[str, dict[str, Any]]) -> dict[str, Any]:
    plain = {name: {key: plain_value(value) for key, value in settings.items()} for name, settings in wanted.items()}
    return {
        "topics": [
            {"name": name, **{key: settings[key] for key in settings.keys() - config_settings(settings)}}
            | {"config": config_settings(settings)}
            for name, settings in plain.items()
        ]
    }


def plain_value(value: Any) -> Any:
    return str(value) if isinstance(value, str) else value


@settings(deadline=None)
@given(WANTED)
def test_what_is_written_as_yaml_or_json_is_read_back(wanted: dict[str, dict[str, Any]]) -> None:
    as_yaml = yaml.safe_dump(nested(wanted), sort_keys=False)  # pyright: ignore[reportUnknownMemberType] -- yaml types it in part
    assert topics_of(parse_catalogue(as_yaml, file="t.yaml")) == expected(wanted)
    as_json = json.dumps(nested(wanted))
    assert topics_of(parse_catalogue(as_json, file="t.json")) == expected(wanted)


@settings(deadline=None)
@given(WANTED)
def test_what_is_written_as_csv_is_read_back(wanted: dict[str, dict[str, Any]]) -> None:
    text = io.StringIO()
    columns = list(dict.fromkeys(key for settings in wanted.values() for key in settings))
    writer = csv.DictWriter(text, ["name", *columns])
    writer.writeheader()
    writer.writerows({"name": name, **settings} for name, settings in wanted.items())
    assert topics_of(parse_catalogue(text.getvalue(), file="t.csv")) == expected(wanted)


ENTRIES = st.lists(
    st.tuples(
        st.sampled_from(["name: {}", "'name': {}", 'name: "{}"', "name: {}, partitions: 7", "owner: name, name: {}"]),
        st.sampled_from(["a", "b.c", "b_c", "${V}", "null", "", "_x", "no/name", "<<"]),
        st.sampled_from(
            [
                "x-n: 5",
                'x-n: "5"',
                "partitions: 3",
                'partitions: "3"',
                "partitions: 1",
                "config: {retention.ms: 1}",
                "config: {retention.ms: ~}",
                'config: {retention.ms: "~"}',
                "config: {retention.ms: ${V}}",
                "config: {retention.m: 1}",
                "labels: {a: b}, owner: me",
                "name: again",
            ]
        ),
    ),
    max_size=8,
)


def outcome_of(text: str) -> object:
    try:
        return parse_catalogue(text, file="t.yaml", variables={"V": "7"})
    except CatalogueError as error:
        return error.problems


@settings(deadline=None)
@given(ENTRIES)
def test_entries_that_are_alike_mean_what_each_means_by_itself(entries: list[tuple[str, str, str]]) -> None:
    lines = [f"{form.format(name)}, {rest}" for form, name, rest in entries]
    # An anchor that nothing refers to changes nothing, but its entry cannot be compared with others as text.
    read = outcome_of("topics:\n" + "\n".join(f"- {{{line}, x-a: 1}}" for line in lines))
    anchored = outcome_of("topics:\n" + "\n".join(f"- {{{line}, x-a: &a 1}}" for line in lines))
    assert read == anchored


@settings(deadline=None)
@given(st.text(max_size=200), st.sampled_from([".yaml", ".json", ".csv"]))
def test_any_text_is_read_or_refused_with_problems(text: str, suffix: str) -> None:
    read: object = None
    try:
        read = parse_catalogue(text, file=f"t{suffix}").topics
    except CatalogueError as error:
        read = error.problems
    assert read


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("topics:\n- name: a.b\n- name: a_b", "t.yaml:3: a_b: name: collides with a.b in line 2"),
        (
            "cluster: [x, y]\ntopics:\n- name: a_b.x\n- name: a.b_x",
            "t.yaml:4: a.b_x: name: collides with a_b.x in line 3",
        ),
    ],
)
def test_names_that_kafka_cannot_tell_apart_are_rejected(text: str, problem: str) -> None:
    (found,) = problems_of(text)
    assert found == f"{problem}: Kafka treats . and _ in topic names as the same"


def test_names_that_collide_may_stand_on_different_clusters() -> None:
    text = "clusters:\n- {cluster: x, topics: [{name: a.b}]}\n- {cluster: y, topics: [{name: a_b}]}"
    assert [topic.name for topic in topics_of(parse_catalogue(text, file="t.yaml"))] == ["a.b", "a_b"]


def test_collisions_with_live_topics_are_found_and_a_topic_does_not_collide_with_itself() -> None:
    assert name_collisions(["a.b", "c", "d_e"], ["a.b", "a_b", "c", "d.e", "x"]) == {"a.b": "a_b", "d_e": "d.e"}


@pytest.mark.parametrize(
    ("line", "config"),
    [
        ("retention.ms: 7d", TopicConfig(retention_ms=7 * 86_400_000)),
        ("retention.ms: 36h", TopicConfig(retention_ms=36 * 3_600_000)),
        ("segment.ms: 90 min", TopicConfig(segment_ms=90 * 60_000)),
        ("flush.ms: 30s", TopicConfig(flush_ms=30_000)),
        ("delete.retention.ms: 2w", TopicConfig(delete_retention_ms=14 * 86_400_000)),
        ("max.message.bytes: 2MiB", TopicConfig(max_message_bytes=2 * 2**20)),
        ("retention.bytes: 1 TiB", TopicConfig(retention_bytes=2**40)),
        ("retention.ms: null", TopicConfig(retention_ms=604_800_000)),
        ("cleanup.policy: ~", TopicConfig(cleanup_policy=CleanupPolicy.DELETE)),
        ("preallocate: null", TopicConfig(preallocate=False)),
        ("flush.messages: 9223372036854775808", TopicConfig(flush_messages=2**63 - 1)),
    ],
)
def test_times_sizes_and_the_services_default_are_written_as_people_do(line: str, config: TopicConfig) -> None:
    assert config_of(line) == config


def test_null_undoes_a_default_of_the_catalogue() -> None:
    text = "defaults: {config: {retention.ms: 1}}\ntopics: [{name: a}, {name: b, config: {retention.ms: null}}]"
    configs = [topic.config for topic in topics_of(parse_catalogue(text, file="t.yaml"))]
    assert configs == [TopicConfig(retention_ms=1), TopicConfig(retention_ms=604_800_000)]


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("replicas: 3", "replicas: is unknown; did you mean replication_factor?"),
        ("num.partitions: 3", "num.partitions: is unknown; did you mean partition_count?"),
        ("partitionCount: 3", "partitionCount: is unknown; did you mean partition_count?"),
        ("settings: {}", "settings: is unknown; did you mean config?"),
        ("config: {replication.factor: 3}", "is not a setting; write replication_factor above config"),
        ("config: {replicas: 3}", "is not a setting; write replication_factor above config, beside the topic's name"),
        (
            "config: {retention.hours: 3}",
            "write retention.ms, in milliseconds or with the unit h, such as retention.ms: 24h",
        ),
        (
            "config: {log.retention.hours: 3}",
            "write retention.ms, in milliseconds or with the unit h, such as retention.ms: 24h",
        ),
        ("config: {segment.mb: 3}", "write segment.bytes, in bytes or with the unit MiB"),
        ("retention.days: 3", "write retention.ms below config, in milliseconds or with the unit d"),
        ("config: {retention.ms: 7 years}", "the unit must be one of ms, s, m, min, h, d, w, not '7 years'"),
        ("config: {segment.bytes: 5MB}", "the unit MB can mean two sizes; write MiB, or the number of bytes"),
        ("config: {flush.messages: 5k}", "must be a whole number, without a unit"),
        ("config: {compression.zstd.level: 9}", "only Kafka's default, 3, is accepted"),
        ("config: {leader.replication.throttled.replicas: x}", "only Kafka's default, nothing, is accepted"),
    ],
)
def test_a_wrong_key_or_unit_is_answered_with_what_to_write(entry: str, problem: str) -> None:
    (found,) = problems_of(f"topics: [{{name: a, {entry}}}]")
    assert problem in found


@pytest.mark.parametrize(
    "setting",
    [
        "unclean.leader.election.enable: false",
        'unclean.leader.election.enable: "FALSE"',
        "remote.storage.enable: false",
        "local.retention.ms: -2",
        "message.timestamp.after.max.ms: 3600000",
        "follower.replication.throttled.replicas: ''",
    ],
)
def test_a_setting_that_the_service_lacks_may_have_kafkas_default(setting: str) -> None:
    (topic,) = topics_of(parse_catalogue(f"topics: [{{name: a, config: {{{setting}}}}}]", file="t.yaml"))
    assert topic == TopicCreate(name="a")


@pytest.mark.parametrize(
    ("header", "problems"),
    [
        ("Name,Partition Count", ["Name: is unknown; did you mean name?", "did you mean partition_count?"]),
        ("topic,partitions", ["topic: is unknown; did you mean name?"]),
        ("name,Retention MS", ["Retention MS: is unknown; did you mean retention_ms?"]),
        ("name,retention.hours", ["write retention.ms, in milliseconds or with the unit h"]),
        ("name,colour", ["colour: is unknown"]),
        ("partitions,retention.ms", ["t.csv:2: name: is missing"]),
    ],
)
def test_a_wrong_header_is_reported_once_with_a_suggestion(header: str, problems: list[str]) -> None:
    rows = "6,3\n" * (1 if "missing" in problems[0] else 1200)
    found = problems_of(f"{header}\n{rows}", "t.csv")
    assert len(found) == len(problems)
    assert all(text in line for text, line in zip(problems, found, strict=True))


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\r\nname;partitions;cleanup.policy\r\na;3;compact,delete\r\n",
        '"sep=;"\nname;partitions;cleanup.policy\na;3;compact,delete\n',
        "name\tpartitions\tcleanup.policy\na\t3\tcompact,delete\n",
        "name|partitions|cleanup.policy\na|3|compact,delete\n",
        '"name";"partitions";"cleanup.policy"\n"a";"3";"compact,delete"\n',
        'name;partitions;cleanup.policy;"x-a,b,c,d,e"\na;3;compact,delete;\n',
        'name,partitions,cleanup.policy,\na,3,"compact,delete",\n',
    ],
)
def test_a_csv_may_be_separated_as_spreadsheets_do(text: str) -> None:
    assert topics_of(parse_catalogue(text, file="t.csv")) == [
        TopicCreate(name="a", partition_count=3, config=TopicConfig(cleanup_policy=CleanupPolicy.COMPACT_DELETE))
    ]


def test_the_line_of_a_row_counts_the_line_that_names_the_separator() -> None:
    assert problems_of("sep=;\nname;partitions\na;x", "t.csv") == [
        "t.csv:3: a: partitions: must be a whole number, not 'x'"
    ]


def test_a_csv_row_may_name_several_clusters() -> None:
    topics = parse_catalogue('cluster,name\n"dev, prod",a\n', file="t.csv").topics
    assert [(entry.cluster, entry.topic.name) for entry in topics] == [("dev", "a"), ("prod", "a")]


@pytest.mark.parametrize("character", ["\x7f", "\x85", "\x9f", "\u2028", "\u2029", "\ufeff", "\uffff"])
def test_json_strings_keep_what_yaml_rejects_or_takes_for_a_line_break(character: str) -> None:
    text = f'{{"topics": [{{"name": "a", "description": "x{character}y"}}]}}'
    (topic,) = parse_catalogue(text, file="t.json").topics
    assert topic.metadata.description == f"x{character}y"


@pytest.mark.parametrize(("cell", "clusters"), [('"a,,b"', ["a", "b"]), ('"a, "', ["a"]), ('","', [None])])
def test_an_empty_part_of_a_cell_is_no_cluster(cell: str, clusters: list[str | None]) -> None:
    topics = parse_catalogue(f"cluster,name\n{cell},t\n", file="t.csv").topics
    assert [topic.cluster for topic in topics] == clusters
