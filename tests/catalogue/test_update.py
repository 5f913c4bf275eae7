"""Updates of a catalogue's text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asyncdbaas import UNSET, InvalidInputError
from asyncdbaas.catalogue import Catalogue, CatalogueTopic, parse_catalogue, update_catalogue
from asyncdbaas.topics import CleanupPolicy, TopicConfig, TopicCreate
from asyncdbaas.types import Unset

ONE = "one"


def live(**topics: TopicCreate) -> Catalogue:
    return Catalogue(topics=tuple(CatalogueTopic(topic=topic, cluster=ONE) for topic in topics.values()))


def topic(name: str, partitions: int = 3, retention: int = 1, flush: int | Unset = UNSET) -> TopicCreate:
    return TopicCreate(
        name=name,
        partition_count=partitions,
        replication_factor=2,
        config=TopicConfig(retention_ms=retention, cleanup_policy=CleanupPolicy.COMPACT_DELETE, flush_ms=flush),
    )


def updated(text: str, *topics: TopicCreate) -> str:
    catalogue = live(**{topic.name: topic for topic in topics})
    return update_catalogue(text, catalogue, {None: ONE, ONE: ONE}, file="t.yaml", remove_missing=True).text


BLOCK = """\
# head
cluster: one
x-shapes:
  kept: &kept {retention_ms: 5}   # shared
defaults: {partitions: 6}   # six

topics:
# the a's
- name: a.1    # first
  config: *kept
- {name: a.2, config: {retention.ms: "5"}}   # second

# the b's
- name: b.1
  # in b.1
  partitions: 12   # many
  config:
    <<: *kept
    # long
    flush.ms: 0x7 # odd
# tail
""".replace("0x7", "7")


def test_a_catalogue_that_is_up_to_date_stays_as_it_is() -> None:
    there = topic("a.1", 6, 5), topic("a.2", 6, 5), topic("b.1", 12, 5, flush=7)
    assert updated(BLOCK, *there) == BLOCK


def test_only_what_has_changed_is_replaced_taken_out_or_added() -> None:
    there = topic("a.1", 9, 8), topic("b.1", 24, 9, flush=1), topic("c.1", 6, 5)
    expected = (
        BLOCK.replace('- {name: a.2, config: {retention.ms: "5"}}   # second\n', "")
        .replace("  config: *kept\n", "  config: {<<: *kept, retention_ms: 8}\n  partition_count: 9\n")
        .replace("partitions: 12 ", "partitions: 24 ")
        .replace("flush.ms: 7 # odd\n", "flush.ms: 1 # odd\n    retention_ms: 9\n")
        .replace(
            "# tail",
            "- name: c.1\n  replication_factor: 2\n  config:\n    cleanup.policy: compact,delete\n"
            "    retention.ms: 5\n# tail",
        )
    )
    assert updated(BLOCK, *there) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("topics: [{name: a}, {name: x}]", "topics: [{name: a}, NEW]"),
        ("topics: [{name: x}, {name: a}, {name: y}, {name: z},]", "topics: [{name: a}, NEW,]"),
        ("topics: [{name: x}]", "topics: [NEW]"),
        ("topics:\n- name: a\n  config:\n", "topics:\n- name: a\n  config:\n- NEW"),
        ("topics: [{name: a, config: {retention.ms: 7,}}]", "topics: [{name: a, config: {retention.ms: 1,}}, NEW]"),
        ("defaults: {config: {retention.ms: 7}}\ntopics: [{name: a, config: }]", None),
        ("defaults: {config: {retention.ms: 7}}\ntopics: [{name: a, config: {}}]", None),
        ("defaults: {config: {retention.ms: 7}}\r\ntopics:\r\n- name: a\r\n", None),
        ("defaults: {config: {retention.ms: 7}}\ntopics:\n-\n  name: x\n-\n  name: a", None),
    ],
)
def test_every_style_of_yaml_is_kept(text: str, expected: str | None) -> None:
    there = topic("a"), topic("new")
    result = updated(text, *there)
    assert updated(result, *there) == result
    assert result.count("\n") == result.count("\r\n") or "\r" not in text
    if expected is not None:
        assert result.startswith(expected.partition("NEW")[0])
        assert "name: new, partition_count: 3" in result or "- name: new\n  partition_count: 3" in result


def test_topics_of_other_clusters_stay_and_new_ones_keep_to_the_defaults_of_their_own() -> None:
    text = (
        "defaults: {config: {retention.ms: 1}}\nclusters:\n"
        "  - cluster: two\n    topics:\n      - name: a  # theirs\n"
        "  - cluster: one\n    defaults: {partition_count: 3, config: {cleanup.policy: 'compact,delete'}}\n"
        "    topics:\n      - name: a  # ours\n      # end\n"
    )
    # A section's own config stands beside the outer one's: retention.ms and cleanup.policy are both defaults here.
    result = updated(text, topic("a"), topic("new"))
    assert result == text.replace("# ours\n", "# ours\n      - name: new\n        replication_factor: 2\n")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("topics: [{name: x}]", "none of its topics is left"),
        ("topics: [{name: x, config: &c {retention.ms: 1}}, {name: a, config: *c}]", "refers to nothing"),
        ("topics: [{name: b, config: &c {retention.ms: 7}}, {name: a, config: *c}]", "an anchor or a default"),
        (
            "x-t: &t [{name: x}]\nclusters: [{cluster: one, topics: *t}, {cluster: two, topics: *t}]",
            "x has changed, but its entry is shared through an anchor",
        ),
        ("x-t: &t {config: {retention.ms: 7}}\ntopics: [{<<: *t, name: a}]", "takes its settings from a merge"),
        ("defaults: {config: {flush.ms: 7}}\ntopics: [{name: a}]", "has no flush_ms that a catalogue can hold"),
    ],
)
def test_what_cannot_be_changed_in_place_is_rejected(text: str, reason: str) -> None:
    there = [] if "none of" in reason else [topic("a"), topic("b", retention=7 if "refers to" in reason else 1)]
    if "an anchor or a default" in reason:
        there = [topic("a", retention=7), topic("b")]
    with pytest.raises(InvalidInputError, match=reason):
        updated(text, *there)


NAMES = st.sampled_from("abcdef")
SHAPES = st.tuples(st.integers(3, 9), st.integers(1, 9))
WORLDS = st.dictionaries(NAMES, SHAPES, min_size=1)


@st.composite
def documents(draw: st.DrawFn) -> str:
    lines = ["# head", "x: &x {retention.ms: 4}".replace("x:", "x-s:", 1), "defaults: {partitions: 6}", "topics:"]
    for name in draw(st.lists(NAMES, min_size=1, unique=True)):
        lines += [f"  # of {name}"] * draw(st.integers(0, 1))
        config = draw(
            st.sampled_from(["", "*x", "{<<: *x}", "{retention.ms: 2}", "\n      <<: *x\n      retention.ms: 3"])
        )
        tail = f"  # at {name}" if draw(st.booleans()) and not config.startswith("\n") else ""
        lines += [f"  - name: {name}", f"    config: {config}{tail}"] if config else [f"  - {{name: {name}}}{tail}"]
    return "\n".join(lines) + draw(st.sampled_from(["", "\n", "\n# tail\n"]))


@settings(deadline=None)
@given(documents(), WORLDS)
def test_an_updated_file_declares_the_live_state_and_keeps_its_comments(
    text: str, world: dict[str, tuple[int, int]]
) -> None:
    result = updated(text, *(topic(name, *shape) for name, shape in world.items()))
    declared = {entry.topic.name: entry.topic for entry in parse_catalogue(result, file="t.yaml").topics}
    assert declared.keys() == world.keys()
    for name, (partitions, retention) in world.items():
        assert declared[name].partition_count == partitions
        config = declared[name].config
        assert not isinstance(config, TopicConfig) or config.retention_ms == retention
    comments = [line for line in text.splitlines() if line.lstrip().startswith("#")]
    assert [line for line in result.splitlines() if line.lstrip().startswith("#")] == comments
    assert all(f"# at {name}" in result for name in world if f"# at {name}" in text)


def test_topics_that_do_not_exist_stay_and_are_named_unless_they_are_to_be_removed() -> None:
    text = "topics:\n- name: a\n- name: not-applied-yet\n"
    catalogue = live(a=topic("a"), new=topic("new"))
    result = update_catalogue(text, catalogue, {None: ONE}, file="t.yaml")
    assert result.text.startswith(text)
    assert (str(result), result.missing) == ("+1 ~0 -0", ("not-applied-yet",))
    removed = update_catalogue(text, catalogue, {None: ONE}, file="t.yaml", remove_missing=True)
    assert (str(removed), removed.missing, "not-applied-yet" in removed.text) == ("+1 ~0 -1", (), False)


NEW_BLOCK = """
  - name: new
    partitions: 5
    replication_factor: 2
    config:
      cleanup-policy: compact,delete
      retention-ms: 1
"""
FLOW = '{cleanup_policy: "compact,delete", retention_ms: 1}'


@pytest.mark.parametrize(
    ("text", "added"),
    [
        (
            "topics:\n  - {name: a, partitions: 3, config: {retention_ms: 1}}\n",
            f"  - {{name: new, partitions: 5, replication_factor: 2, config: {FLOW}}}\n",
        ),
        (
            "topics:\n\n  - name: a\n    partitions: 3\n\n  - name: b\n    config:\n      retention-ms: 1\n",
            NEW_BLOCK,
        ),
        (
            "defaults: {config: {segment.ms: 5}}\ntopics:\n- name: a\n",
            None,  # a setting that the new topic does not have would come with the default
        ),
    ],
)
def test_a_new_topic_is_written_like_its_neighbours(text: str, added: str | None) -> None:
    catalogue = live(a=topic("a"), b=topic("b"), new=topic("new", 5))
    if added is None:
        with pytest.raises(InvalidInputError, match="has no segment_ms"):
            update_catalogue(text, catalogue, {None: ONE}, file="t.yaml")
        return
    if "name: b" not in text:
        catalogue = live(a=topic("a"), new=topic("new", 5))
    result = update_catalogue(text, catalogue, {None: ONE}, file="t.yaml")
    assert (result.text, str(result)) == (text + added, "+1 ~0 -0")


def test_a_new_topic_does_not_declare_what_the_service_does_anyway() -> None:
    catalogue = live(a=topic("a"), new=topic("new", retention=604_800_000))
    result = update_catalogue("topics:\n- name: a\n", catalogue, {None: ONE}, file="t.yaml")
    assert "retention" not in result.text
    text = "defaults: {config: {retention.ms: 1}}\ntopics:\n- name: a\n"
    result = update_catalogue(text, catalogue, {None: ONE}, file="t.yaml")
    assert "retention.ms: 604800000" in result.text


def test_documents_users_schemas_notes_and_variables_stay_as_they_are() -> None:
    text = (
        "owner: me\ncluster: ${where}\ntopics:\n- {name: '${env}.a', partitions: 5, x-cost: 3}  # ours\n"
        "users:\n- {name: u, acl: []}\n---\ncluster: two\ntopics:\n- name: a\nschemas:\n"
        "- {subject: s, type: avro, schema: '{}'}\n"
    )
    catalogue = live(**{"dev.a": topic("dev.a", 6)})
    variables = {"where": ONE, "env": "dev"}
    result = update_catalogue(text, catalogue, {ONE: ONE}, file="t.yaml", variables=variables)
    assert result.text == text.replace("partitions: 5", "partitions: 6")
    assert str(result) == "+0 ~1 -0"


def test_a_value_that_comes_from_a_variable_is_not_replaced() -> None:
    with pytest.raises(InvalidInputError, match="a takes partition_count from a variable"):
        update_catalogue(
            "topics: [{name: a, partitions: '${n}'}]",
            live(a=topic("a", 6)),
            {None: ONE},
            file="t.yaml",
            variables={"n": "5"},
        )


TWO = "two"


@pytest.mark.parametrize(
    ("theirs", "result"),
    [
        ((topic("a", 7),), "~1"),
        ((topic("a", 8),), "a is declared for several clusters and differs between them"),
        ((topic("a", 7), topic("new")), "new is new on one of several clusters that share their topics"),
    ],
)
def test_topics_of_several_clusters_change_together_or_not_at_all(theirs: tuple[TopicCreate, ...], result: str) -> None:
    text = "cluster: [one, two]\ntopics: [{name: a, partitions: 5}]"
    entries = (
        CatalogueTopic(topic=topic("a", 7), cluster=ONE),
        *(CatalogueTopic(topic=t, cluster=TWO) for t in theirs),
    )
    if result == "~1":
        updated_text = update_catalogue(text, Catalogue(topics=entries), {ONE: ONE, TWO: TWO}, file="t.yaml")
        assert updated_text.text == text.replace("5", "7")
        return
    with pytest.raises(InvalidInputError, match=result):
        update_catalogue(text, Catalogue(topics=entries), {ONE: ONE, TWO: TWO}, file="t.yaml")


@pytest.mark.parametrize("empty", ["retention.ms:", "retention.ms: ", "retention.ms: ~", "retention.ms:   # none"])
def test_an_empty_value_can_be_replaced(empty: str) -> None:
    text = f"topics:\n- name: a\n  config:\n    {empty}\n    max.message.bytes: 1048588\n"
    live = parse_catalogue(
        "cluster: c\ntopics: [{name: a, config: {retention.ms: 7, max.message.bytes: 1048588}}]", file="l.yaml"
    )
    update = update_catalogue(text, live, {None: "c"}, file="t.yaml")
    assert "    retention.ms: 7" in update.text
    assert parse_catalogue(update.text, file="t.yaml").topics[0].topic.config == TopicConfig(
        retention_ms=7, max_message_bytes=1048588
    )
