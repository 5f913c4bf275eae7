"""The script on the server, by example and against a model of the service; its clock is the test's."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from redis.exceptions import ResponseError
from store import Books, serving

BULK = {"bulk": 100}


@pytest.fixture
async def client() -> AsyncGenerator[Any]:
    async with serving() as store, store.client() as client:
        yield client


@pytest.fixture
def books(client: Any) -> Books:
    return Books(client)


async def granted(books: Books, worker: str, **report: Any) -> int:
    told = await books.exchange(worker, **report)
    number: int = told["granted"]
    return number


async def test_permits_are_given_up_to_the_limit_whoever_asks(books: Books) -> None:
    assert await granted(books, "a", bulk=7) == 7
    assert await granted(books, "b", bulk=7) == 3
    assert await granted(books, "c", bulk=7) == 0


async def test_a_permit_comes_back_a_minute_after_the_answer_and_not_before(books: Books) -> None:
    assert await granted(books, "a", bulk=10) == 10
    books.now += 20
    await books.exchange("a", ages=[5.0] * 10)
    told = await books.exchange("b", bulk=1)
    assert (told["granted"], told["wait"]) == (0, 15.0)  # looks again after a quarter of a minute at the latest
    books.now += 54.999
    assert await granted(books, "b", bulk=1) == 0
    books.now += 0.001
    assert await granted(books, "b", bulk=1) == 1


async def test_a_worker_is_told_when_its_own_turn_comes(books: Books) -> None:
    await books.exchange("a", bulk=10)
    books.now += 25
    await books.exchange("a", in_flight=10)
    books.now += 25
    await books.exchange("a", ages=[49.0, 48.0, 47.0, *[46.0] * 7])
    assert (await books.exchange("b", bulk=2))["wait"] == 11.0
    assert (await books.exchange("c", bulk=1))["wait"] == pytest.approx(12.0)


async def test_the_hour_closes_behind_the_minute(client: Any) -> None:
    books = Books(client, per_hour=15)
    assert await granted(books, "a", bulk=10) == 10
    books.now += 1
    await books.exchange("a", ages=[0.0] * 10)
    books.now += 61
    assert await granted(books, "a", bulk=10) == 5
    await books.exchange("a", first=10, ages=[0.0] * 5)
    books.now += 3538
    assert await granted(books, "a", bulk=10) == 0
    books.now += 1
    assert await granted(books, "a", bulk=10) == 10


async def test_a_worker_that_dies_gives_its_permits_back_after_its_lease_and_a_minute(books: Books) -> None:
    assert await granted(books, "dead", bulk=10) == 10
    books.now += 89.999
    assert await granted(books, "a", bulk=10) == 0
    books.now += 0.001
    assert await granted(books, "a", bulk=10) == 10


async def test_a_worker_that_is_heard_of_keeps_what_it_has_in_flight(books: Books) -> None:
    assert await granted(books, "a", bulk=10) == 10
    for _ in range(20):
        books.now += 15
        assert await granted(books, "a", in_flight=10) == 0
    assert await granted(books, "b", bulk=1) == 0


async def test_a_worker_that_was_taken_for_dead_and_was_not_is_counted_once(books: Books) -> None:
    await books.exchange("a", bulk=4)
    books.now += 31
    assert (await books.exchange("b"))["used"] == 4
    assert (await books.exchange("a", in_flight=3, ages=[5.0]))["used"] == 4


async def test_a_reply_that_was_lost_loses_no_permit(books: Books) -> None:
    assert await granted(books, "a", bulk=10) == 10
    assert await granted(books, "a", bulk=10) == 10  # it does not know of the first ten


async def test_an_answer_that_is_reported_twice_counts_once(books: Books) -> None:
    await books.exchange("a", bulk=4)
    for _ in range(2):
        await books.exchange("a", first=0, ages=[1.0] * 4)
    assert (await books.exchange("b"))["used"] == 4


async def test_a_report_that_was_overtaken_is_refused(books: Books) -> None:
    await books.exchange("a", turn=2)
    with pytest.raises(ResponseError, match="STALE"):
        await books.exchange("a", turn=2)


async def test_those_who_wait_get_even_parts(books: Books) -> None:
    await books.exchange("holder", bulk=10)
    for worker in ("a", "b"):
        assert await granted(books, worker, bulk=100) == 0
    books.now += 1
    await books.exchange("holder", ages=[0.0] * 10)
    parts: list[int] = []
    for _ in range(4):
        books.now += 15
        parts = [await granted(books, worker, bulk=100) for worker in ("a", "b")]
    assert parts == [5, 5]


async def test_interactive_calls_of_any_worker_go_before_bulk_calls(books: Books) -> None:
    await books.exchange("holder", bulk=10)
    await books.exchange("a", bulk=100)
    books.now += 1
    await books.exchange("holder", ages=[0.0] * 10)
    books.now += 59
    await books.exchange("a", bulk=100)
    assert await granted(books, "b", interactive=8, bulk=8) == 0
    books.now += 1
    assert await granted(books, "a", bulk=100) == 2  # eight of ten are kept for the other
    told = await books.exchange("b", interactive=8, bulk=8)
    assert (told["granted"], told["interactive"], told["bulk"]) == (8, 0, 8)


async def test_a_worker_that_waits_and_does_not_come_is_passed_over(books: Books) -> None:
    await books.exchange("holder", bulk=10)
    await books.exchange("gone", interactive=100)
    books.now += 1
    await books.exchange("holder", ages=[0.0] * 10)
    books.now += 60
    assert await granted(books, "a", bulk=10) == 10


async def test_a_worker_that_comes_late_gets_what_it_missed_up_to_an_even_part_of_a_minute(books: Books) -> None:
    assert await granted(books, "early", bulk=100) == 10
    assert await granted(books, "late", bulk=100) == 0
    books.now += 1
    await books.exchange("early", bulk=100, ages=[0.0] * 10, used=10)
    parts: list[int] = []
    for _ in range(4):
        books.now += 15
        parts = [await granted(books, worker, bulk=100) for worker in ("early", "late")]
    assert parts == [3, 7]


async def test_a_refusal_holds_all_workers_and_leaves_strangers_their_part_for_half_a_minute(books: Books) -> None:
    assert await granted(books, "a", bulk=4) == 4
    await books.exchange("a", ages=[0.0] * 4, refusal={"pause": 20_000_000, "hourly": False})
    assert (await books.exchange("b", interactive=9))["granted"] == 0
    books.now += 29
    assert await granted(books, "b", interactive=9) == 0
    opening: list[int] = []
    for _ in range(4):
        books.now += 1 if not opening else 5
        opening.append(await granted(books, "b", interactive=9, in_flight=sum(opening)))
    assert opening == [1, 2, 3, 0]  # of the six that were strangers': one, three, six


async def test_an_hour_that_is_used_up_by_strangers_is_tried_by_one_request_a_minute(books: Books) -> None:
    await books.exchange("a", refusal={"pause": 30_000_000, "hourly": True})
    books.now += 59
    assert await granted(books, "a", bulk=9) == 0
    books.now += 1
    assert await granted(books, "a", bulk=9) == 1
    assert await granted(books, "a", in_flight=1, bulk=9) == 0
    assert await granted(books, "a", ages=[0.0], bulk=9, remaining=5) == 5


async def test_a_worker_that_leaves_is_forgotten_and_what_it_sent_is_not(books: Books) -> None:
    await books.exchange("a", bulk=6)
    told = await books.exchange("a", in_flight=4, leaving=True)
    assert (told["workers"], told["used"]) == (0, 4)
    assert await granted(books, "b", bulk=10) == 6


async def test_a_store_that_lost_its_memory_keeps_what_others_had_used_until_they_have_told(client: Any) -> None:
    books = Books(client)
    memory = {"epoch": "before", "workers": 3, "used": 2, "used_by_others": 7}
    told = await books.exchange("a", restoring=True, ages=[10.0] * 2, bulk=9, **memory)
    assert (told["granted"], told["wait"]) == (0, 3.0)  # the others may be about to come
    books.now += 3
    epoch = told["epoch"]
    assert await granted(books, "a", bulk=9, epoch=epoch, used=2) == 1
    told = await books.exchange("b", bulk=9, epoch="before", workers=3, used=3)
    assert (told["granted"], told["epoch"]) == (0, epoch)  # it has to tell first
    await books.exchange("b", restoring=True, ages=[30.0] * 3, epoch="before", workers=3, used=3)
    assert (await books.exchange("a", in_flight=1, epoch=epoch))["used"] == 6
    books.now += 57
    assert await granted(books, "c", bulk=9) == 9  # who never told is waited for no longer than a minute


async def test_a_worker_that_knew_of_nobody_else_does_not_wait_for_others(books: Books) -> None:
    assert await granted(books, "a", restoring=True, ages=[10.0] * 2, bulk=9, epoch="before", used=2) == 8


@pytest.mark.parametrize(("heard_of_others", "held"), [(False, True), (True, False)])
async def test_the_first_to_return_waits_for_the_others_if_nobody_could_reach_the_store(
    books: Books, heard_of_others: bool, held: bool
) -> None:
    epoch = (await books.exchange("a"))["epoch"]
    await books.exchange("b")
    books.now += 10
    if heard_of_others:
        await books.exchange("b")
    report = {"epoch": epoch, "workers": 2, "restoring": True, "away": 5.0}
    assert await granted(books, "a", bulk=9, **report) == (0 if held else 9)
    books.now += 3
    assert await granted(books, "a", bulk=9, epoch=epoch, workers=2) == 9


@pytest.mark.parametrize("value", [b"anything", b"", b"\x81\xa6format\x63"])
async def test_books_of_another_kind_are_left_alone(client: Any, books: Books, value: bytes) -> None:
    await client.set("books", value)
    with pytest.raises(ResponseError, match="FORMAT"):
        await books.exchange("a", bulk=1)
    assert await client.get("books") == value


async def test_both_keys_expire_and_old_answers_are_dropped(client: Any, books: Books) -> None:
    await books.exchange("a", ages=[0.0] * 3)
    assert 3500 < await client.ttl("books") <= 3600
    assert 3500 < await client.ttl("answers") <= 3600
    books.now += 3600
    await books.exchange("a", first=3, ages=[0.0])
    assert await client.zcard("answers") == 1


class Service:
    """Counts as the service does: each request when it arrives, for a minute."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._arrivals: list[float] = []
        self.refused = self.total = 0

    def arrive(self, now: float) -> None:
        self.total += 1
        if len(self._arrivals) - bisect_right(self._arrivals, now - 60.0) >= self._limit:
            self.refused += 1
        else:
            self._arrivals.append(now)


class Worker:
    """Sends what it may at once, hears the answers later, reports them later still, and loses replies."""

    def __init__(self, name: str, chance: random.Random) -> None:
        self.name = name
        self._chance = chance
        self._in_flight: list[float] = []
        self._answers: list[float] = []
        self._reported = 0

    async def act(self, books: Books, service: Service) -> None:
        now = books.now
        self._answers += sorted(at for at in self._in_flight if at <= now)
        self._in_flight = [at for at in self._in_flight if at > now]
        ages = [now - at for at in self._answers[self._reported :]]
        demand = {"interactive": self._chance.randrange(3), "bulk": self._chance.choice([0, 2, 30])}
        used = len(self._in_flight) + sum(at > now - 60 for at in self._answers)
        history = {"first": self._reported, "ages": ages, "in_flight": len(self._in_flight), "used": used}
        told = await books.exchange(self.name, **history, **demand)
        if self._chance.random() < 0.1:
            return  # the reply is lost
        self._reported = len(self._answers)
        for _ in range(told["granted"]):
            service.arrive(now)
            self._in_flight.append(now + self._chance.choice([0.0, 0.1, 5.0, 40.0]))


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_workers_do_the_service_refuses_none_of_them(books: Books, seed: int) -> None:
    chance = random.Random(seed)
    service = Service(10)
    workers = [Worker(f"w{number}", chance) for number in range(4)]
    for step in range(250):
        books.now += chance.choice([0.0, 0.001, 0.5, 3.0])
        if step % 90 == 89:
            workers[chance.randrange(4)] = Worker(f"n{step}", chance)  # one dies, another one is started
        # Each is heard of within its lease.
        for worker in workers if step % 4 == 0 else [chance.choice(workers)]:
            await worker.act(books, service)
    assert service.refused == 0
    assert service.total > 30


@pytest.mark.parametrize("seed", range(4))
async def test_hungry_workers_are_served_evenly(books: Books, seed: int) -> None:
    chance = random.Random(seed)
    due = dict.fromkeys("abcde", books.now)
    served = dict.fromkeys("abcde", 0)
    answers: dict[str, list[float]] = {name: [] for name in due}
    while sum(served.values()) < 300:
        name = min(due, key=lambda name: due[name])
        books.now = max(books.now, due[name])
        used = sum(at > books.now - 60 for at in answers[name])
        ages = [books.now - at for at in answers[name]]
        told = await books.exchange(name, bulk=chance.choice([20, 40]), ages=ages, used=used)
        served[name] += told["granted"]
        answers[name] += [books.now] * told["granted"]
        due[name] = books.now + max(told["wait"], 0.01) + chance.random() * 0.3
    assert max(served.values()) - min(served.values()) <= 10
