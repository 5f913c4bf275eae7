"""Several files, documents and clusters, and variables."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from asyncdbaas.catalogue import CatalogueError, catalogue_variables, parse_catalogue, read_catalogue

SECRET = "and names that suggest a secret are not read from the environment"


def written(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_yaml", ".yaml").replace("_csv", ".csv")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def problems_of(*paths: Path, variables: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(CatalogueError) as caught:
        read_catalogue(*paths, variables=variables)
    return [str(problem) for problem in caught.value.problems]


def names(*paths: Path | str) -> list[str]:
    return [entry.topic.name for entry in read_catalogue(*paths).topics]


def test_files_folders_and_patterns_are_read_as_one_catalogue(tmp_path: Path) -> None:
    written(
        tmp_path,
        a_yaml="topics: [{name: a}]\nusers: [{name: u}]",
        deep__b_csv="name\nb\n",
        **{".git__c_yaml": "topics: [{name: c}]", ".d_yaml": "topics: [{name: d}]"},
    )
    assert names(tmp_path) == ["a", "b"]
    assert names(tmp_path / "a.yaml", tmp_path, tmp_path / "deep") == ["a", "b"]
    assert names(f"{tmp_path}/**/*.csv") == ["b"]
    assert [user.name for user in read_catalogue(tmp_path).users] == ["u"]


@pytest.mark.parametrize("path", ["nothing", "*.yaml", "**/*.x"])
def test_a_folder_or_pattern_without_catalogues_is_a_problem(tmp_path: Path, path: str) -> None:
    (tmp_path / "nothing").mkdir()
    (problem,) = problems_of(tmp_path / path)
    assert problem.endswith(f"{path}: no catalogues found (.yaml, .yml, .json, .csv)")


def test_all_problems_of_all_files_are_reported_together(tmp_path: Path) -> None:
    written(tmp_path, a_yaml="topics: [{name: a/b}]", b_yaml="topics: [{name: b, partitions: 1}]")
    found = problems_of(tmp_path / "a.yaml", tmp_path / "missing.yaml", tmp_path / "b.yaml")
    assert [problem.removeprefix(f"{tmp_path}/").partition(": ")[0] for problem in found] == [
        "a.yaml:1",
        "missing.yaml",
        "b.yaml:1",
    ]


def test_one_thing_in_two_files_is_a_problem(tmp_path: Path) -> None:
    text = "cluster: one\ntopics: [{name: a.b}]\nusers: [{name: u}]\nschema_registry: {compatibility: full}\n"
    written(tmp_path, a_yaml=text, b_yaml=text.replace("a.b", "a_b"), c_yaml=text.replace("one", "two"))
    schema = "\nschemas: [{subject: s, compatibility: full}]"
    written(tmp_path, d_yaml=f"cluster: one{schema}", e_yaml=f"cluster: one{schema}")
    first = f"{tmp_path}/a.yaml"
    assert problems_of(tmp_path) == [
        f"{tmp_path}/b.yaml:2: a_b: collides with a.b in {first}:2: Kafka treats . and _ in topic names as the same",
        f"{tmp_path}/b.yaml:3: u: the same user is declared in {first}:3",
        f"{tmp_path}/b.yaml:4: the same schema_registry is declared in {first}:4",
        f"{tmp_path}/e.yaml:2: s: the same subject is declared in {tmp_path}/d.yaml:2",
    ]


def test_standard_input_is_read_in_the_format_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def given(content: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    given(b"topics: [{name: a}]")
    assert names("-") == ["a"]
    given(b"name\tpartitions\nb\t3\n")
    (entry,) = read_catalogue("-", input_format="csv").topics
    assert (entry.topic.name, entry.file, entry.line) == ("b", "standard input", 2)
    given(b"topics: [{name: a/b}]")
    with pytest.raises(CatalogueError, match="standard input:1: name: "):
        read_catalogue("-")
    with pytest.raises(CatalogueError, match="can be read once"):
        read_catalogue("-", "-")
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(CatalogueError, match="standard input: is closed"):
        read_catalogue("-")


def test_each_document_of_a_file_is_a_catalogue_of_its_own() -> None:
    text = """\
# the first
cluster: one
defaults: &d {partitions: 6}
topics: [{name: a}]
---
cluster: two
topics: [{name: a}, {name: b}]
---
"""
    topics = parse_catalogue(text, file="t.yaml").topics
    assert [(entry.cluster, entry.topic.name, entry.line) for entry in topics] == [
        ("one", "a", 4),
        ("two", "a", 7),
        ("two", "b", 7),
    ]
    assert [entry.topic.partition_count == 6 for entry in topics] == [True, False, False]
    with pytest.raises(CatalogueError, match=r"t.yaml:3: a: name: the same topic is declared in line 1"):
        parse_catalogue("topics: [{name: a}]\n---\ntopics: [{name: a}]", file="t.yaml")
    with pytest.raises(CatalogueError, match=r"t.yaml:3: an alias \(\*\) refers to nothing"):
        parse_catalogue("topics: &t [{name: a}]\n---\ntopics: *t", file="t.yaml")


def test_a_list_of_clusters_declares_the_same_for_each() -> None:
    text = """
cluster: [dev, prod]
topics: [{name: a}]
users: [{name: u}]
clusters:
  - cluster: prod
    topics: [{name: b}]
  - topics: [{name: c}]
"""
    catalogue = parse_catalogue(text, file="t.yaml")
    assert [(entry.cluster, entry.topic.name) for entry in catalogue.topics] == [
        ("dev", "a"),
        ("prod", "a"),
        ("prod", "b"),
        ("dev", "c"),
        ("prod", "c"),
    ]
    assert [(entry.cluster, entry.name) for entry in catalogue.users] == [("dev", "u"), ("prod", "u")]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("cluster: []", "the list names no cluster"),
        ("cluster: [a, a]", "the cluster a is listed twice"),
        ("cluster: [a, [b]]", "must be a word, not a list"),
    ],
)
def test_a_wrong_list_of_clusters_is_rejected(line: str, problem: str) -> None:
    with pytest.raises(CatalogueError, match=problem):
        parse_catalogue(f"{line}\ntopics: [{{name: t}}]", file="t.yaml")


def test_variables_are_replaced_in_values_and_two_dollars_are_one() -> None:
    text = """
cluster: ${cluster}
topics:
  - name: ${env}.orders-${env}
    description: costs $5 or $$5, not $${env}
    partitions: ${count}
    config: {retention.ms: "${days}d"}
"""
    variables = {"cluster": "c", "env": "dev", "count": "12", "days": "7"}
    (entry,) = parse_catalogue(text, file="t.yaml", variables=variables).topics
    assert (entry.cluster, entry.topic.name, entry.topic.partition_count) == ("c", "dev.orders-dev", 12)
    assert entry.metadata.description == "costs $5 or $5, not ${env}"
    (row,) = parse_catalogue("name,partitions\n${env}.a,${count}\n", file="t.csv", variables=variables).topics
    assert (row.topic.name, row.topic.partition_count) == ("dev.a", 12)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("topics:\n- name: ${env}", "t.yaml:2: name: the variable env is not defined; pass --var env=VALUE"),
        (
            "topics:\n- name: a\n  partitions: ${n}",
            "t.yaml:3: a: partitions: the variable n is not defined; pass --var n=VALUE",
        ),
        (
            "topics:\n- name: ${API_TOKEN}",
            f"t.yaml:2: name: the variable API_TOKEN is not defined, {SECRET}; pass --var API_TOKEN=VALUE",
        ),
        ("topics:\n- name: ${a", "t.yaml:2: name: a variable is written ${NAME}; write $$ for a dollar sign"),
        ("topics:\n- name: ${a b}", "t.yaml:2: name: a variable is written ${NAME}; write $$ for a dollar sign"),
    ],
)
def test_an_undefined_variable_is_a_problem_with_its_line(text: str, problem: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        parse_catalogue(text, file="t.yaml")
    assert problem in map(str, caught.value.problems)


def test_secrets_of_the_environment_are_no_variables_and_no_message_shows_a_variables_value() -> None:
    environment = {"ENV": "dev", "PWD": "/home", "OLDPWD": "/", "SECURITY_GROUP": "g", "PATH": "/bin"}
    secrets = ("DIGITALOCEAN_ACCESS_TOKEN", "DB_PASSWORD", "REDIS_URL", "AWS_KEY", "MYSQL_PWD", "https_proxy", "GH_PAT")
    everything = environment | dict.fromkeys(secrets, "s3cret") | {"AZURE_STORAGE_CONNECTION_STRING": "s3cret"}
    assert catalogue_variables(everything, {"REDIS_URL": "given"}) == environment | {"REDIS_URL": "given"}
    with pytest.raises(CatalogueError, match=r"not '\$\{n\}'") as caught:
        parse_catalogue("topics: [{name: a, partitions: '${n}'}]", file="t.yaml", variables={"n": "hunter2"})
    assert "hunter2" not in str(caught.value)
