"""Users, schemas and notes in a catalogue."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from asyncdbaas.catalogue import (
    CatalogueError,
    CatalogueRegistry,
    CatalogueSchema,
    CatalogueUser,
    Metadata,
    parse_catalogue,
    read_catalogue,
)
from asyncdbaas.catalogue.schema_entries import same_schema
from asyncdbaas.schemas import CompatibilityLevel, SchemaCreate, SchemaType
from asyncdbaas.users import KafkaACL, KafkaPermission

AVRO = '{"type": "record", "name": "Order", "fields": []}'


def problems_of(text: str) -> list[str]:
    with pytest.raises(CatalogueError) as caught:
        parse_catalogue(text, file="t.yaml")
    return [str(problem) for problem in caught.value.problems]


def test_users_have_a_whole_set_of_rights_or_none_that_is_managed() -> None:
    text = """
cluster: one
users:
  - name: writer
    owner: payments
    acl:
      - {topic: "orders.*", permission: produce}
      - {topic: "orders.*", permission: Consume}
  - {name: nobody, acl: []}
  - name: unmanaged
"""
    catalogue = parse_catalogue(text, file="t.yaml")
    assert catalogue.users == (
        CatalogueUser(
            name="writer",
            cluster="one",
            metadata=Metadata(owner="payments"),
            acl=(
                KafkaACL(topic="orders.*", permission=KafkaPermission.PRODUCE),
                KafkaACL(topic="orders.*", permission=KafkaPermission.CONSUME),
            ),
            file="t.yaml",
            line=4,
        ),
        CatalogueUser(name="nobody", acl=(), cluster="one", file="t.yaml", line=9),
        CatalogueUser(name="unmanaged", acl=None, cluster="one", file="t.yaml", line=10),
    )


@pytest.mark.parametrize(
    ("user", "problem"),
    [
        ("{acl: []}", "name: is missing"),
        ("{name: }", "name: must be a word, not nothing"),
        ("{name: ' a'}", "name: is not the name of a user"),
        ('{name: "a\\u0000"}', "name: is not the name of a user"),
        ("{name: a}\n- {name: a}", "a: name: the same user is declared in line 2"),
        ("{name: a, acls: []}", "acls: is unknown; did you mean acl?"),
        ("{name: a, acl: all}", "a: acl: must be a list, not 'all'"),
        ("{name: a, acl: [x]}", "a: must be a mapping, not 'x'"),
        ("{name: a, acl: [{topic: x}]}", "a: acl: permission: is missing"),
        (
            "{name: a, acl: [{topic: x, permission: read}]}",
            "a: permission: must be one of admin, consume, produce, produceconsume, not 'read'; did you mean consume?",
        ),
        (
            "{name: a, acl: [{topic: x, permission: admin}, {topic: x, permission: ADMIN}]}",
            "a: acl: the same right is listed above",
        ),
    ],
)
def test_a_wrong_user_is_rejected_with_its_line(user: str, problem: str) -> None:
    assert problem in [text.split(": ", 1)[1].removeprefix("a: a: ") for text in problems_of(f"users:\n- {user}")] + [
        text.split(": ", 2)[-1] for text in problems_of(f"users:\n- {user}")
    ]


def test_schemas_come_inline_or_from_files_beside_the_catalogue(tmp_path: Path) -> None:
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "order.avsc").write_text(AVRO)
    (tmp_path / "schemas" / "key.proto").write_text('syntax = "proto3";')
    (tmp_path / "schemas" / "other.json").write_text('{"$schema": "x", "description": "not a catalogue"}')
    (tmp_path / "topics.yaml").write_text("""
schema_registry: {compatibility: full}
schemas:
  - {subject: orders-value, file: schemas/order.avsc, compatibility: backward}
  - {subject: orders-key, file: schemas/key.proto}
  - {subject: other, type: JSON, file: schemas/other.json}
  - subject: inline
    type: avro
    schema: |
      {"type": "string"}
  - {subject: level-only, compatibility: NONE}
""")
    for path in (tmp_path / "topics.yaml", tmp_path):  # a folder's schemas are not taken for catalogues
        catalogue = read_catalogue(path)
        file = str(tmp_path / "topics.yaml")
        assert catalogue.registries == (CatalogueRegistry(compatibility=CompatibilityLevel.FULL, file=file, line=2),)
        assert [(entry.subject, entry.schema, entry.compatibility) for entry in catalogue.schemas] == [
            (
                "orders-value",
                SchemaCreate(subject_name="orders-value", schema_type=SchemaType.AVRO, schema=AVRO),
                CompatibilityLevel.BACKWARD,
            ),
            (
                "orders-key",
                SchemaCreate(subject_name="orders-key", schema_type=SchemaType.PROTOBUF, schema='syntax = "proto3";'),
                None,
            ),
            (
                "other",
                SchemaCreate(
                    subject_name="other",
                    schema_type=SchemaType.JSON,
                    schema='{"$schema": "x", "description": "not a catalogue"}',
                ),
                None,
            ),
            (
                "inline",
                SchemaCreate(subject_name="inline", schema_type=SchemaType.AVRO, schema='{"type": "string"}\n'),
                None,
            ),
            ("level-only", None, CompatibilityLevel.NONE),
        ]
        assert isinstance(catalogue.schemas[0], CatalogueSchema)


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ("{type: avro}", "subject: is missing"),
        ("{subject: s}", "s: needs file, schema or compatibility"),
        ("{subject: s, schema: '{}'}", "s: type: is missing: avro, json or protobuf"),
        ("{subject: s, type: thrift, schema: x}", "s: type: must be one of avro, json, protobuf, not 'thrift'"),
        ("{subject: s, type: avro, schema: '{'}", "s: schema: is not valid JSON (its line 1, column 2)"),
        ("{subject: s, type: avro, schema: {a: b}}", "s: schema: must be a word, not a mapping"),
        ("{subject: s, file: a.avsc, schema: x}", "s: set either file or schema, not both"),
        (
            "{subject: s, compatibility: sideward}",
            "s: compatibility: must be one of NONE, BACKWARD, ",
        ),
        (
            "{subject: s, compatibility: none}\n- {subject: s, compatibility: none}",
            "s: subject: the same subject",
        ),
        ("{subject: s, file: missing.avsc}", "s: file: No such file or directory: 'missing.avsc'"),
    ],
)
def test_a_wrong_schema_is_rejected_with_its_line(schema: str, problem: str) -> None:
    (found,) = problems_of(f"schemas:\n- {schema}")
    assert found.split(": ", 1)[1].startswith(problem)


@pytest.mark.parametrize(
    ("link", "target", "reason"),
    [
        ("x.avsc", "outside/secret.json", "must lie below the folder of the catalogue"),
        ("x.avsc", "inside/.env", "must be a file .avsc, .json, .proto"),
        ("x.proto", "inside/.hidden/a.proto", "not be hidden"),
        ("x.json", "inside/wrong.json", "is not valid JSON"),
        ("x.avsc", "inside/binary.avsc", "is not UTF-8 text"),
        ("x.avsc", "inside/folder.avsc", "is a folder"),
    ],
)
def test_a_schemas_file_cannot_read_what_the_catalogues_author_must_not_see(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, link: str, target: str, reason: str
) -> None:
    inside = tmp_path / "inside"
    (inside / ".hidden").mkdir(parents=True)
    (inside / "folder.avsc").mkdir()
    (tmp_path / "outside").mkdir()
    secret = "hunter2"
    for name in ("outside/secret.json", "inside/.env", "inside/.hidden/a.proto"):
        (tmp_path / name).write_text(json.dumps({"token": secret}))
    (inside / "wrong.json").write_text(f"TOKEN={secret}")
    (inside / "binary.avsc").write_bytes(b"\xff")
    (inside / link).symlink_to(tmp_path / target)
    (inside / "t.yaml").write_text(f"schemas: [{{subject: s, file: {link}}}]")
    monkeypatch.chdir(inside)
    for file in (link, str(tmp_path / target)):
        (inside / "t.yaml").write_text(f"schemas: [{{subject: s, type: json, file: {json.dumps(file)}}}]")
        with pytest.raises(CatalogueError, match=reason) as caught:
            read_catalogue(inside / "t.yaml")
        assert secret not in str(caught.value)


def test_notes_stand_at_the_top_on_topics_users_and_schemas() -> None:
    text = """
description: All of the shop
owner: platform
labels: {tier: 1, region: eu}
x-list: [1, 2.5, true, null, "3", {a: b}]
topics:
  - {name: a, description: Orders, labels: {team: x}, x-cost: 5}
  - name: b
"""
    catalogue = parse_catalogue(text, file="t.yaml")
    assert catalogue.metadata == Metadata(
        description="All of the shop",
        owner="platform",
        labels={"tier": "1", "region": "eu"},
        extensions={"x-list": [1, 2.5, True, None, "3", {"a": "b"}]},
    )
    assert [entry.metadata for entry in catalogue.topics] == [
        Metadata(description="Orders", labels={"team": "x"}, extensions={"x-cost": 5}),
        Metadata(),
    ]


def test_a_csv_has_columns_for_notes() -> None:
    text = "name;owner;x-cost;labels.team;labels.tier\na;me;5;x;\nb;;;;\n"
    assert [entry.metadata for entry in parse_catalogue(text, file="t.csv").topics] == [
        Metadata(owner="me", extensions={"x-cost": "5"}, labels={"team": "x"}),
        Metadata(),
    ]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("owner: [a]", "owner: must be a word, not a list"),
        ("labels: x", "labels: must be a mapping, not 'x'"),
        ("labels: {a: [b]}", "labels: a: must be text, not a list"),
    ],
)
def test_wrong_notes_are_rejected(line: str, problem: str) -> None:
    assert problems_of(f"{line}\ntopics: [{{name: a}}]") == [f"t.yaml:1: {problem}"]


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ('{"type": "int", "default": 1}', '{"default":1,"type":"int"}', True),
        ('{"default": 1}', '{"default": 1.0}', True),
        ('{"default": 1}', '{"default": true}', False),
        ('{"minimum": 0}', '{"minimum": false}', False),
        ('{"default": 9007199254740993}', '{"default": 9007199254740992}', False),
        ('{"default": null}', "{}", False),
        ('"string"', ' "string" ', True),
        ("string", " string", True),
    ],
)
def test_schemas_are_the_same_if_they_mean_the_same(*, one: str, other: str, is_same: bool) -> None:
    assert same_schema(one, other) is is_same
    assert same_schema(other, one) is is_same


@pytest.mark.parametrize("name", ["''", "' a'", '"a\\n"'])
def test_what_cannot_be_the_name_of_a_user_is_a_problem(name: str) -> None:
    assert problems_of(f"users: [{{name: {name}}}]") == ["t.yaml:1: name: is not the name of a user"]
