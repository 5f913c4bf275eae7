"""Catalogues that come from somebody else, as a CI job on a pull request reads them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from asyncdbaas.catalogue import CatalogueError, parse_catalogue, read_catalogue
from asyncdbaas.catalogue.files import read_file

TOPIC = "topics: [{name: a}]\n"
SECRET = "hunter2-and-more"
posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither such links nor such files")


def problems_of(path: Path) -> list[str]:
    with pytest.raises(CatalogueError) as caught:
        read_catalogue(path)
    return [problem.message for problem in caught.value.problems]


@posix
def test_a_link_to_a_device_is_rejected_without_reading_it(tmp_path: Path) -> None:
    link = tmp_path / "x.yaml"
    link.symlink_to("/dev/zero")
    assert problems_of(link) == ["is not a regular file"]


@posix
def test_a_pipe_is_rejected_without_waiting_for_a_writer(tmp_path: Path) -> None:
    pipe = tmp_path / "x.yaml"
    os.mkfifo(pipe)
    assert problems_of(pipe) == ["is a pipe; pass - to read standard input"]


def test_a_file_name_that_cannot_be_one_is_a_problem() -> None:
    for name in ("a\0b.yaml", "a\ud800b.yaml"):
        with pytest.raises(CatalogueError, match="is not a file name"):
            read_catalogue(name)


def test_a_file_at_the_limit_is_read_and_one_byte_more_is_not(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(b"12345")
    assert read_file(str(file), limit=5) == b"12345"
    with pytest.raises(ValueError, match="is larger than"):
        read_file(str(file), limit=4)


@posix
@pytest.mark.parametrize("suffix", [".yaml", ".json", ".csv"])
@pytest.mark.parametrize(
    "content",
    [
        f"{SECRET}\n",
        f"PASSWORD={SECRET}\n",
        f"PASSWORD={SECRET}\nOTHER={SECRET}\n",
        f"password: {SECRET}\n",
        f"- {SECRET}\n",
        f"a: *{SECRET}\n",
        f"a: !{SECRET} b\n",
        f'{{"token": "{SECRET}"}}\n',
        f'["{SECRET}"]\n',
        f"{{{SECRET}\n",
        f'"{SECRET}\n',
        f"user,{SECRET},x\n1,2,3\n",
        f"{SECRET};{SECRET}\n",
    ],
)
def test_no_message_quotes_a_file_that_is_no_catalogue(tmp_path: Path, suffix: str, content: str) -> None:
    hidden, link = tmp_path / ".env", tmp_path / f"x{suffix}"
    hidden.write_text(content)
    link.symlink_to(hidden)
    (problem,) = problems_of(link)
    assert SECRET not in problem
    assert "hunter2" not in problem


@pytest.mark.parametrize(
    "text",
    [
        "x-t: &t\n{topics}clusters:\n{sections}",
        "x-t: &t\n{topics}x-u: &u [{aliases}]\nx-v: &v [{more}]\nclusters: *v\n",
    ],
)
def test_aliases_do_not_expand_without_limit(text: str) -> None:
    topics = "".join(f"  - {{name: t{number}}}\n" for number in range(2000))
    sections = "".join(f"  - {{cluster: c{number}, topics: *t}}\n" for number in range(2000))
    bomb = text.format(topics=topics, sections=sections, aliases="*t," * 50, more="*u," * 50)
    with pytest.raises(CatalogueError, match="aliases expand to more than 2500000 values"):
        parse_catalogue(bomb, file="t.yaml")


def test_a_list_of_clusters_does_not_multiply_topics_without_limit() -> None:
    clusters = ", ".join(f"c{number}" for number in range(2000))
    topics = "".join(f"- {{name: t{number}}}\n" for number in range(2000))
    with pytest.raises(CatalogueError, match="expands to more than 1000000 entries"):
        parse_catalogue(f"cluster: [{clusters}]\ntopics:\n{topics}", file="t.yaml")


@pytest.mark.parametrize(
    "text",
    [
        'topics: [{name: "\\e[31mred"}]',
        'topics: [{name: a, "\\e]0;title\\a": 1}]',
        'topics: [{name: a, partitions: "\\e[2J"}]',
        'topics: [{name: a, owner: ["\\u202e"]}, {name: "\\u202ea"}]',
        'cluster: ["\\x9b31m", "\\x9b31m"]\ntopics: [{name: a}]',
    ],
)
def test_messages_hold_nothing_that_a_terminal_would_interpret(text: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        parse_catalogue(text, file="\x1b[1mt.yaml")
    assert all(str(problem).isprintable() for problem in caught.value.problems)
    assert str(caught.value).replace("\n", "").isprintable()


def test_a_file_that_is_wrong_everywhere_is_answered_with_the_first_problems() -> None:
    keys = "".join(f"wrong-{number}: 1\n" for number in range(100_000))
    with pytest.raises(CatalogueError) as caught:
        parse_catalogue(f"{TOPIC}{keys}", file="t.yaml")
    assert len(caught.value.problems) == 1001
    assert caught.value.problems[-1].message == "99000 more problems are not shown"


def test_no_message_is_longer_than_some_lines() -> None:
    long = "x" * 1_000_000
    text = f"topics:\n- {{name: {long}}}\n- {{name: a, partitions: {long}}}\n- {{name: b, ? {long} : 1}}\n"
    with pytest.raises(CatalogueError) as caught:
        parse_catalogue(text, file="t.yaml")
    assert len(caught.value.problems) == 3
    assert all(len(str(problem)) < 1000 for problem in caught.value.problems)


@posix
def test_links_to_their_own_folder_do_not_multiply_the_files(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(TOPIC)
    for name in "bcd":
        (tmp_path / name).symlink_to(tmp_path)
    for path in (tmp_path, tmp_path / "**" / "*.yaml"):
        assert [entry.topic.name for entry in read_catalogue(path).topics] == ["a"]


def test_a_pattern_that_is_none_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(TOPIC)
    with pytest.raises(CatalogueError, match=r"is not a pattern|no catalogues found"):
        read_catalogue(tmp_path / "**a" / "*.yaml")
