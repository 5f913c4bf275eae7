"""What a catalogue becomes when the topics that there are are written into it."""

from __future__ import annotations

from asyncdbaas import AsyncSession
from asyncdbaas.catalogue import parse_catalogue
from asyncdbaas.emulator import Delays, Emulator
from asyncdbaas.plan import apply, export_into, make_plan
from asyncdbaas.topics import TopicCreate, create_topic, delete_topic

TEXT = """\
defaults: {partition_count: 6}   # of both
clusters:
  - cluster: one
    topics:
      - name: a   # in one
      - name: gone
  - cluster: two
    topics: [{name: a}]   # in two
"""


async def test_each_cluster_named_is_brought_up_to_date_and_none_but_the_one_chosen() -> None:
    async with (
        Emulator(delays=Delays.none()) as emulator,
        AsyncSession(emulator.token, base_url=emulator.url) as session,
    ):
        ids = [emulator.add_cluster(name=name)["id"] for name in ("one", "two", "unnamed")]
        await apply(session, await make_plan(session, parse_catalogue(TEXT, file="t.yaml")))
        await delete_topic(session, ids[0], "gone")
        for cluster_id in ids:
            await create_topic(session, cluster_id, TopicCreate(name="new", partition_count=6))
        one = (await export_into(session, TEXT, file="t.yaml", clusters=["one"], remove_missing=True)).text
        assert one.startswith(
            TEXT.partition("      - name: gone\n")[0] + "      - name: new\n        replication_factor: 2\n"
        )
        assert one.endswith(TEXT.partition("gone\n")[2])
        both = (await export_into(session, one, file="t.yaml", remove_missing=True)).text
        assert "topics: [{name: a}, {name: new, replication_factor: 2}]" in both
        catalogue = parse_catalogue(both, file="t.yaml")
        assert len(catalogue.topics) == 4
        assert not (await make_plan(session, catalogue)).writes


async def test_one_null_in_place_of_a_list_removes_nothing_from_a_catalogue() -> None:
    text = "cluster: one\ntopics:\n  - name: a\n  - name: gone\n"
    async with (
        Emulator(delays=Delays.none()) as emulator,
        AsyncSession(emulator.token, base_url=emulator.url) as session,
    ):
        cluster_id = emulator.add_cluster(name="one")["id"]
        await create_topic(session, cluster_id, TopicCreate(name="a"))
        emulator.faults.add("list_topics", "null_list")
        update = await export_into(session, text, file="t.yaml", remove_missing=True)
        assert update.text == "cluster: one\ntopics:\n  - name: a\n"
        assert emulator.requests.operations["list_topics"] == 2
