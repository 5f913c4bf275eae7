"""What one response may cost: bounded objects, values, time and message, and the event loop keeps running."""

from __future__ import annotations

import asyncio
import json
import math

import pytest

from asyncdbaas import topics as t
from asyncdbaas._core import slices
from asyncdbaas._core.decoding import LARGE, MismatchError, page_reader, reader
from asyncdbaas._core.slices import read_in_slices

TOPICS = page_reader(t.Topic, "topics")


async def refused(body: bytes) -> str:
    with pytest.raises(MismatchError) as caught:
        await read_in_slices(TOPICS, body, [], 60.0)
    return str(caught.value)


async def test_a_large_list_reads_as_it_does_in_one_go() -> None:
    body = json.dumps({"topics": [{"name": f"t{n}", "partition_count": n} for n in range(40_000)]}).encode()
    assert len(body) > 2**20
    assert await read_in_slices(TOPICS, body, [], 60.0) == TOPICS(body)


async def test_a_large_list_with_odd_items_reads_as_it_does_in_one_go() -> None:
    listed = [{"name": f"t{n}", "partition_count": "x" if n % 100 == 0 else str(n)} for n in range(5_000)]
    body = json.dumps({"topics": listed, "meta": {"total": 5000}}).encode()
    notes: list[str] = []
    page = await read_in_slices(TOPICS, body, notes, 60.0)
    assert page == TOPICS(body)
    assert (page.items[1].partition_count, page.items[100].partition_count, page.total) == (1, None, 5000)
    assert notes[1] == "$.topics[100].partition_count"


@pytest.mark.parametrize(("slice_seconds", "least", "most"), [(0.0, 10_000, math.inf), (60.0, 1, 10)])
async def test_the_event_loop_runs_after_each_slice_of_a_large_list(
    monkeypatch: pytest.MonkeyPatch, slice_seconds: float, least: int, most: float
) -> None:
    monkeypatch.setattr(slices, "_SLICE_SECONDS", slice_seconds)
    body = json.dumps({"topics": [{"name": 7}] * 10_000}).encode()
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    ticking = asyncio.create_task(tick())
    await read_in_slices(TOPICS, body, [], 60.0)
    ticking.cancel()
    assert least <= ticks <= most


async def test_reading_stops_at_the_deadline() -> None:
    body = json.dumps({"topics": [{"name": 7}] * 10_000}).encode()
    with pytest.raises(MismatchError, match="longer than 0 s"):
        await read_in_slices(TOPICS, body, [], 0.0)


async def test_reading_can_be_cancelled() -> None:
    body = json.dumps({"topics": [{"name": 7}] * 10_000}).encode()
    reading = asyncio.create_task(read_in_slices(TOPICS, body, [], 60.0))
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading


async def test_reading_a_list_stops_at_the_first_item_without_identity() -> None:
    message = await refused(b'{"topics": [' + b"{}," * 130_000 + b"{}]}")
    assert message == "required field missing @ $.topics[0].name"


@pytest.mark.parametrize(
    "content",
    [b"{}," * 200_000, b"[]," * 200_000, b"1," * 2_100_000, b'"",' * 2_100_000],
    ids=["objects", "arrays", "numbers", "strings"],
)
async def test_a_body_with_too_many_values_is_refused_before_it_is_decoded(content: bytes) -> None:
    assert await refused(b'{"topics": [], "more": [' + content + b"1]}") == (
        "it holds more than 150000 objects or 2000000 values"
    )


@pytest.mark.parametrize(("content", "most"), [(b"{},", 149_997), (b"1,", 1_999_999)], ids=["objects", "values"])
async def test_a_body_may_hold_exactly_as_much_as_is_said(content: bytes, most: int) -> None:
    def body(count: int) -> bytes:
        return b'{"topics": [], "more": [' + content * count + b"1]}"

    assert (await read_in_slices(TOPICS, body(most), [], 60.0)).items == []
    assert "it holds more than" in await refused(body(most + 1))


async def test_a_body_of_nothing_but_quotes_is_refused() -> None:
    assert "it holds more than" in await refused(b'{"topics": [' + b'""' * 4_100_000 + b"{" * 200_000)


async def test_braces_within_text_are_not_objects() -> None:
    schema = json.dumps({"a": ["\\", {"b": 1}]})
    body = json.dumps({"topics": [{"name": schema * 50_000}]}).encode()
    assert body.count(b"{") > 100_000
    page = await read_in_slices(TOPICS, body, [], 60.0)
    assert page.items[0].name == schema * 50_000


def test_one_object_with_too_many_parts_is_not_searched_for_what_is_odd() -> None:
    body = json.dumps({"topic": {"name": "a", "partitions": [{"size": "1"}] * 30_000}}).encode()
    assert len(body) > LARGE
    with pytest.raises(MismatchError, match=r"^\$\.topic does not fit, and is too large"):
        reader(t.Topic, "topic")(body)


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"topics": [{"name": "a"', b" " * 100_000])
async def test_a_large_body_that_is_no_json(body: bytes) -> None:
    assert (await refused(body)).startswith("not valid JSON")
