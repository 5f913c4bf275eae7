"""The script on the server, by example and against a model of the service; its clock is the test's."""

from __future__ import annotations

import random
import re
from bisect import bisect_right
from collections.abc import AsyncGenerator
from importlib.resources import files
from typing import Any

import pytest
from redis.exceptions import ResponseError
from store import Ledger, serving

from asyncdbaas.ratelimit.store import RIGHTS

BULK = {"bulk": 100}


@pytest.fixture
async def client() -> AsyncGenerator[Any]:
    async with serving() as store, store.client() as client:
        yield client


@pytest.fixture
def ledger(client: Any) -> Ledger:
    return Ledger(client)


async def granted(ledger: Ledger, worker: str, **report: Any) -> int:
    reply = await ledger.exchange(worker, **report)
    number: int = reply["granted"]
    return number


def test_every_command_of_the_script_is_in_the_list_of_rights() -> None:
    script = (files("asyncdbaas.ratelimit") / "ledger.lua").read_text(encoding="utf-8")
    commands = {command.lower() for command in re.findall(r"redis\.call\(\s*'(\w+)'", script)}
    connecting = {"select", "eval", "evalsha", "subscribe"}
    assert {right.removeprefix("+") for right in RIGHTS.split()} == commands | connecting


async def test_permits_are_given_up_to_the_limit_whoever_asks(ledger: Ledger) -> None:
    assert await granted(ledger, "a", bulk=7) == 7
    assert await granted(ledger, "b", bulk=7) == 1  # the other one may be about to ask, too
    assert await granted(ledger, "b", bulk=6, in_flight=1) == 2
    assert await granted(ledger, "c", bulk=7) == 0


async def test_a_permit_comes_back_a_minute_after_the_response_and_not_before(ledger: Ledger) -> None:
    assert await granted(ledger, "a", bulk=10) == 10
    ledger.now += 20
    await ledger.exchange("a", ages=[5.0] * 10)
    reply = await ledger.exchange("b", bulk=1)
    assert (reply["granted"], reply["wait"]) == (0, 15.0)  # looks again after a quarter of a minute at the latest
    ledger.now += 54.999
    assert await granted(ledger, "b", bulk=1) == 0
    ledger.now += 0.001
    assert await granted(ledger, "b", bulk=1) == 1


async def test_a_worker_learns_when_its_own_permit_is_due(ledger: Ledger) -> None:
    await ledger.exchange("a", bulk=10)
    ledger.now += 25
    await ledger.exchange("a", in_flight=10)
    ledger.now += 25
    await ledger.exchange("a", ages=[49.0, 48.0, 47.0, *[46.0] * 7])
    assert (await ledger.exchange("b", bulk=2))["wait"] == 11.0
    assert (await ledger.exchange("c", bulk=1))["wait"] == pytest.approx(12.0)


async def test_the_hour_closes_behind_the_minute(client: Any) -> None:
    ledger = Ledger(client, per_hour=15)
    assert await granted(ledger, "a", bulk=10) == 10
    ledger.now += 1
    await ledger.exchange("a", ages=[0.0] * 10)
    ledger.now += 61
    assert await granted(ledger, "a", bulk=10) == 5
    await ledger.exchange("a", first=10, ages=[0.0] * 5)
    ledger.now += 3538
    assert await granted(ledger, "a", bulk=10) == 0
    ledger.now += 1
    assert await granted(ledger, "a", bulk=10) == 10


async def test_a_worker_that_dies_gives_its_permits_back_after_its_lease_and_a_minute(ledger: Ledger) -> None:
    await settle(ledger, "dead")
    assert await granted(ledger, "dead", bulk=10) == 10
    ledger.now += 89.999
    assert await granted(ledger, "a", bulk=10) == 0
    ledger.now += 0.001
    assert await granted(ledger, "a", bulk=10) == 10


async def test_a_worker_that_is_heard_of_keeps_what_it_has_in_flight(ledger: Ledger) -> None:
    assert await granted(ledger, "a", bulk=10) == 10
    for _ in range(20):
        ledger.now += 15
        assert await granted(ledger, "a", in_flight=10) == 0
    assert await granted(ledger, "b", bulk=1) == 0


async def test_a_worker_that_was_taken_for_dead_and_was_not_is_counted_once(ledger: Ledger) -> None:
    await ledger.exchange("a", bulk=4)
    ledger.now += 31
    assert (await ledger.exchange("b"))["used"] == 4
    assert (await ledger.exchange("a", in_flight=3, ages=[5.0]))["used"] == 4


async def test_a_reply_that_was_lost_loses_no_permit(ledger: Ledger) -> None:
    assert await granted(ledger, "a", bulk=10) == 10
    assert await granted(ledger, "a", bulk=10) == 10  # it does not know of the first ten


async def test_a_response_that_is_reported_twice_counts_once(ledger: Ledger) -> None:
    await ledger.exchange("a", bulk=4)
    for _ in range(2):
        await ledger.exchange("a", first=0, ages=[1.0] * 4)
    assert (await ledger.exchange("b"))["used"] == 4


async def test_a_report_that_was_overtaken_is_refused(ledger: Ledger) -> None:
    await ledger.exchange("a", sequence=2)
    with pytest.raises(ResponseError, match="STALE"):
        await ledger.exchange("a", sequence=2)


async def test_those_who_wait_get_even_parts(ledger: Ledger) -> None:
    await ledger.exchange("holder", bulk=10)
    for worker in ("a", "b"):
        assert await granted(ledger, worker, bulk=100) == 0
    ledger.now += 1
    await ledger.exchange("holder", ages=[0.0] * 10)
    parts: list[int] = []
    for _ in range(4):
        ledger.now += 15
        await ledger.exchange("holder")
        parts = [await granted(ledger, worker, bulk=100) for worker in ("a", "b")]
    assert parts == [5, 5]


async def test_interactive_calls_of_any_worker_go_before_bulk_calls(ledger: Ledger) -> None:
    await ledger.exchange("holder", bulk=10)
    await ledger.exchange("a", bulk=100)
    ledger.now += 1
    await ledger.exchange("holder", ages=[0.0] * 10)
    ledger.now += 59
    await ledger.exchange("a", bulk=100)
    await ledger.exchange("holder")
    assert await granted(ledger, "b", interactive=8, bulk=8) == 0
    ledger.now += 1
    assert await granted(ledger, "a", bulk=100) == 1  # eight of ten are kept for the other, and half of the rest
    reply = await ledger.exchange("b", interactive=8, bulk=8)
    assert (reply["granted"], reply["interactive"], reply["bulk"]) == (8, 0, 8)


async def let_one_that_goes_wait(ledger: Ledger) -> None:
    """Let a worker use the whole minute, and another one wait until it is free again, which is now."""
    await ledger.exchange("holder", bulk=10)
    ledger.now += 1
    await ledger.exchange("holder", ages=[0.0] * 10)
    ledger.now += 59
    assert (await ledger.exchange("gone", interactive=100))["wait"] == 1.0
    await ledger.exchange("holder")
    ledger.now += 1


async def test_a_worker_that_waits_and_does_not_come_is_passed_over(ledger: Ledger) -> None:
    await let_one_that_goes_wait(ledger)
    assert await granted(ledger, "a", bulk=10) == 0
    ledger.now += 3.1
    assert await granted(ledger, "a", bulk=10) == 10


async def test_a_worker_that_comes_late_gets_what_it_missed_up_to_an_even_part_of_a_minute(ledger: Ledger) -> None:
    assert await granted(ledger, "early", bulk=100) == 10
    assert await granted(ledger, "late", bulk=100) == 0
    ledger.now += 1
    await ledger.exchange("early", bulk=100, ages=[0.0] * 10, used=10)
    parts: list[int] = []
    for _ in range(4):
        ledger.now += 15
        parts = [await granted(ledger, worker, bulk=100) for worker in ("early", "late")]
    assert parts == [3, 7]


async def test_a_refusal_holds_all_workers_and_leaves_other_clients_their_part_for_half_a_minute(
    ledger: Ledger,
) -> None:
    assert await granted(ledger, "a", bulk=4) == 4
    await ledger.exchange("a", ages=[0.0] * 4, refusal={"pause": 20_000_000, "hourly": False})
    assert (await ledger.exchange("b", interactive=9))["granted"] == 0
    ledger.now += 29
    await ledger.exchange("a")
    assert await granted(ledger, "b", interactive=9) == 0
    opening: list[int] = []
    for _ in range(4):
        ledger.now += 1 if not opening else 5
        opening.append(await granted(ledger, "b", interactive=9, in_flight=sum(opening)))
    assert opening == [1, 2, 3, 0]  # of the six that were other_clients': one, three, six


async def test_an_hour_that_is_used_up_by_other_clients_is_tried_by_one_request_a_minute(ledger: Ledger) -> None:
    await ledger.exchange("a", refusal={"pause": 30_000_000, "hourly": True})
    ledger.now += 59
    assert await granted(ledger, "a", bulk=9) == 0
    ledger.now += 1
    assert await granted(ledger, "a", bulk=9) == 1
    assert await granted(ledger, "a", in_flight=1, bulk=9) == 0
    assert await granted(ledger, "a", ages=[0.0], bulk=9, remaining=5) == 5


async def test_a_worker_that_leaves_is_forgotten_and_what_it_sent_is_not(ledger: Ledger) -> None:
    await ledger.exchange("a", bulk=6)
    reply = await ledger.exchange("a", in_flight=4, leaving=True)
    assert (reply["workers"], reply["used"]) == (0, 4)
    assert await granted(ledger, "b", bulk=10) == 6


async def test_a_new_ledger_keeps_what_others_had_used_until_they_have_reported(client: Any) -> None:
    ledger = Ledger(client)
    reply = await ledger.exchange("a", ages=[10.0] * 2, bulk=9, epoch="before", workers=3, used=2)
    assert reply["granted"] == 0  # it has to report first what this ledger does not know
    epoch = reply["epoch"]
    assert await granted(ledger, "a", restoring=True, ages=[10.0] * 2, bulk=9, epoch="before", workers=3, used=2) == 0
    assert await granted(ledger, "b", restoring=True, ages=[30.0] * 3, epoch="before", workers=3, used=3) == 0
    assert (await ledger.exchange("b", epoch=epoch))["used"] == 5
    assert await granted(ledger, "a", bulk=9, epoch=epoch, used=2) == 0
    await ledger.exchange("c", restoring=True, ages=[30.0], epoch="before", workers=3, used=1)
    assert await granted(ledger, "a", bulk=9, epoch=epoch, used=2) == 4


async def test_who_never_reports_to_a_new_ledger_is_waited_for_no_longer_than_a_minute(ledger: Ledger) -> None:
    await ledger.exchange("a", restoring=True, ages=[10.0] * 2, bulk=9, epoch="before", workers=2, used=2)
    for _ in range(4):
        ledger.now += 14.9
        assert await granted(ledger, "a", bulk=9, epoch="before", restoring=True) <= 2  # only what was its own
    ledger.now += 1
    assert await granted(ledger, "a", bulk=9, epoch="before", restoring=True, in_flight=2) == 3  # half is kept


async def test_a_worker_that_knew_of_nobody_else_does_not_wait_for_others(ledger: Ledger) -> None:
    assert await granted(ledger, "a", restoring=True, ages=[10.0] * 2, bulk=9, epoch="before", used=2) == 8


@pytest.mark.parametrize("key", ["responses", "deadlines", "waiting", "interactive", "bulk", "ledger"])
async def test_a_key_that_is_lost_alone_makes_a_new_ledger(client: Any, ledger: Ledger, key: str) -> None:
    await ledger.exchange("b", ages=[1.0], bulk=20, interactive=20)
    epoch = (await ledger.exchange("a", ages=[1.0] * 2, bulk=20, interactive=20))["epoch"]
    await client.delete(key)
    reply = await ledger.exchange("a", first=2, ages=[1.0], epoch=epoch, workers=2, used=3, bulk=1)
    assert (reply["granted"], reply["used"]) == (0, 1)
    assert reply["epoch"] != epoch


async def test_a_new_ledger_waits_for_the_one_that_began_it_too(ledger: Ledger) -> None:
    before: dict[str, Any] = {"epoch": "before", "workers": 2}
    epoch = (await ledger.exchange("a", used=6, **before))["epoch"]
    assert await granted(ledger, "b", restoring=True, ages=[10.0] * 2, bulk=9, used=2, **before) == 0
    await ledger.exchange("a", restoring=True, ages=[10.0] * 6, used=6, **before)
    assert await granted(ledger, "b", bulk=9, used=2, epoch=epoch) == 2


async def test_a_server_that_has_just_started_waits_for_workers_of_an_earlier_ledger(ledger: Ledger) -> None:
    reply = await ledger.exchange("new", bulk=9, settling=3_600_000_000)
    assert reply["granted"] == 0
    assert 3500 < reply["wait"] <= 3600
    await ledger.exchange("old", restoring=True, ages=[10.0] * 4, epoch="before", workers=2, used=4)
    ledger.now += 20
    assert await granted(ledger, "new", bulk=9) == 0
    ledger.now += 3600
    assert await granted(ledger, "new", bulk=9) == 9


async def test_a_server_that_has_lost_exchanges_makes_a_new_ledger(ledger: Ledger) -> None:
    epoch = (await ledger.exchange("a", ages=[1.0] * 2))["epoch"]
    reply = await ledger.exchange("a", sequence=5, replied=1, epoch=epoch, used=2)
    assert (reply["epoch"], reply["used"]) == (epoch, 2)
    reply = await ledger.exchange("a", sequence=9, replied=8, epoch=epoch, bulk=9, used=2)
    assert reply["epoch"] != epoch
    assert reply["granted"] == 0
    unknown = await ledger.exchange("b", sequence=9, replied=8, epoch=reply["epoch"])
    assert unknown["epoch"] != reply["epoch"]


async def test_a_worker_that_subscribed_before_the_ledger_was_lost_is_waited_for(client: Any, ledger: Ledger) -> None:
    async with client.pubsub() as one, client.pubsub() as two, client.pubsub() as three:
        for channel in (one, two, three):
            await channel.subscribe("ledger")
            assert (await channel.get_message(timeout=1.0))["type"] == "subscribe"
        reply = await ledger.exchange("new", bulk=5)
        assert (reply["granted"], reply["workers"]) == (0, 1)
        assert (await two.get_message(timeout=1.0))["data"].decode() == reply["epoch"]
        ledger.now += 1
        assert await granted(ledger, "newer", bulk=5, subscribed=0.5) == 0
        assert await granted(ledger, "old", restoring=True, ages=[2.0] * 8, epoch="before", used=8) == 0
        assert await granted(ledger, "idle", subscribed=20.0) == 0
        assert await granted(ledger, "new", bulk=5) == 1


# Workers that are silent.


async def settle(ledger: Ledger, *workers: str) -> None:
    """Let workers be there for longer than a lease."""
    for seconds in (16, 16, 0):
        for worker in workers:
            await ledger.exchange(worker)
        ledger.now += seconds


async def two_at_work(ledger: Ledger) -> None:
    """Let two workers use the minute, so that each has five requests of ten and waits for more."""
    await settle(ledger, "silent", "other")
    for name in ("silent", "other"):
        first = await granted(ledger, name, bulk=5)
        assert first + await granted(ledger, name, bulk=5 - first, in_flight=first) == 5
    for name in ("silent", "other"):
        await ledger.exchange(name, ages=[0.0] * 5, bulk=5, used=5)


async def beat(ledger: Ledger, worker: str, seconds: int) -> None:
    """Let time pass in which one worker is heard of every ten seconds."""
    for _ in range(0, seconds, 10):
        ledger.now += 10
        await ledger.exchange(worker)


async def test_the_part_of_a_worker_that_went_silent_at_work_is_kept_for_ten_minutes(ledger: Ledger) -> None:
    await two_at_work(ledger)
    await beat(ledger, "other", 130)
    for _ in range(8):
        assert await granted(ledger, "other", bulk=20) == 5
        await beat(ledger, "other", 60)
    await beat(ledger, "other", 30)
    assert await granted(ledger, "other", bulk=20) == 10


async def test_the_part_of_a_silent_worker_is_free_again_when_it_comes_back(ledger: Ledger) -> None:
    await two_at_work(ledger)
    await beat(ledger, "other", 130)
    assert await granted(ledger, "other", bulk=20) == 5
    assert await granted(ledger, "silent", first=5) == 0
    assert await granted(ledger, "other", bulk=20, in_flight=5) == 5


async def test_for_a_worker_that_went_silent_without_work_nothing_is_kept(ledger: Ledger) -> None:
    await settle(ledger, "idle", "other")
    await beat(ledger, "other", 180)
    await ledger.exchange("other", bulk=20)
    assert await granted(ledger, "other", bulk=20) == 10


async def test_a_quarter_is_free_however_many_are_silent(ledger: Ledger) -> None:
    for name in "abcdefgh":
        await ledger.exchange(name)
    for name in "abcdefgh":
        await ledger.exchange(name, bulk=1)
    ledger.now += 95
    for _ in range(3):
        await ledger.exchange("other", bulk=20)
    assert await granted(ledger, "other", bulk=20) == 2


async def test_a_silent_worker_keeps_what_it_has_in_use_and_later_its_part(ledger: Ledger) -> None:
    await settle(ledger, "silent", "other")
    assert await granted(ledger, "other", bulk=9) == 4
    assert await granted(ledger, "other", bulk=5, in_flight=4) == 5
    assert await granted(ledger, "silent", bulk=5) == 1
    ledger.now += 1
    await ledger.exchange("other", ages=[1.0] * 9, used=9)
    await beat(ledger, "other", 100)
    assert await granted(ledger, "other", bulk=20) == 9  # what the silent one had in use is held for it
    ledger.now += 10
    await ledger.exchange("other", ages=[10.0] * 9, first=9, bulk=20, used=9)
    await beat(ledger, "other", 60)
    assert await granted(ledger, "other", bulk=20) == 5
    await beat(ledger, "other", 40)
    assert await granted(ledger, "other", bulk=20) == 5


async def test_a_worker_that_is_cut_off_keeps_its_part_though_its_reports_arrive(ledger: Ledger) -> None:
    await two_at_work(ledger)
    for _ in range(7):
        ledger.now += 10
        assert await granted(ledger, "silent", bulk=5, alone=5, part=5, restoring=True) == 0
        await ledger.exchange("other")
    assert await granted(ledger, "other", bulk=20) == 5
    assert await granted(ledger, "silent", first=5) == 0
    assert await granted(ledger, "other", bulk=20, in_flight=5) == 5


async def test_a_report_that_was_overtaken_changes_nothing(ledger: Ledger) -> None:
    await ledger.exchange("a", bulk=4)
    await ledger.exchange("b")
    ledger.now += 31
    with pytest.raises(ResponseError, match="STALE"):
        await ledger.exchange("b", sequence=1)
    assert (await ledger.exchange("c"))["used"] == 4


async def test_one_exchange_grants_a_batch_and_the_next_one_follows_at_once(ledger: Ledger) -> None:
    reply = await ledger.exchange("a", bulk=10, batch=4)
    assert (reply["granted"], reply["wait"]) == (4, 0)
    reply = await ledger.exchange("a", bulk=6, in_flight=4, batch=9)
    assert reply["granted"] == 6


async def test_what_is_kept_for_those_ahead_is_asked_for_when_they_lose_their_place(ledger: Ledger) -> None:
    await let_one_that_goes_wait(ledger)
    assert (await ledger.exchange("a", bulk=10))["wait"] == 3.0


async def test_a_clock_that_is_set_back_stands_still_for_the_ledger(ledger: Ledger) -> None:
    assert await granted(ledger, "a", bulk=10) == 10
    await ledger.exchange("a", ages=[0.0] * 10, bulk=1)
    ledger.now -= 20
    reply = await ledger.exchange("a", bulk=1)
    assert (reply["granted"], reply["set_back"]) == (0, 20_000_000)
    ledger.now += 25
    assert (await ledger.exchange("a", bulk=1))["set_back"] == 0
    ledger.now += 25
    assert await granted(ledger, "a", bulk=1) == 0
    ledger.now += 10
    assert await granted(ledger, "a", bulk=1) == 1


async def test_a_clock_that_is_set_forward_does_not_free_the_minute(ledger: Ledger) -> None:
    assert await granted(ledger, "a", bulk=10) == 10
    await ledger.exchange("a", ages=[0.0] * 10, bulk=1)
    ledger.now += 65
    assert await ledger.exchange("a", bulk=1, elapsed=5.0) == {"again": True, "wait": 0.0}
    reply = await ledger.exchange("a", bulk=1, elapsed=5.0, again=True)
    assert (reply["granted"], reply["set_forward"]) == (0, 60_000_000)
    ledger.now += 54
    assert await granted(ledger, "a", bulk=1, elapsed=54.0) == 0
    ledger.now += 1
    assert await granted(ledger, "a", bulk=1, elapsed=1.0) == 1


async def test_a_worker_that_was_suspended_does_not_hold_the_clock(ledger: Ledger) -> None:
    await ledger.exchange("a")
    ledger.now += 100
    await ledger.exchange("b")
    reply = await ledger.exchange("a", elapsed=1.0)
    assert reply["set_forward"] == 0


@pytest.mark.parametrize("value", [b"anything", b"", b"\x81\xa6format\x63"])
async def test_a_value_of_another_kind_is_left_alone(client: Any, ledger: Ledger, value: bytes) -> None:
    await client.set("ledger", value)
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        await ledger.exchange("a", bulk=1)
    assert await client.get("ledger") == value


@pytest.mark.parametrize("value", [b"anything", b"", b"\x81\xa6format\x63"])
async def test_a_hash_of_another_kind_is_left_alone(client: Any, ledger: Ledger, value: bytes) -> None:
    await client.hset("ledger", "state", value)
    with pytest.raises(ResponseError, match="FORMAT"):
        await ledger.exchange("a", bulk=1)
    assert await client.hgetall("ledger") == {b"state": value}


@pytest.mark.parametrize("key", ["responses", "deadlines", "waiting", "interactive", "bulk"])
async def test_keys_of_another_kind_are_left_alone(client: Any, ledger: Ledger, key: str) -> None:
    await client.set(key, b"theirs")
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        await ledger.exchange("a", bulk=1)
    assert await client.get(key) == b"theirs"


async def test_the_keys_expire_and_old_responses_are_dropped(client: Any, ledger: Ledger) -> None:
    await ledger.exchange("a", ages=[0.0] * 3)
    assert 3500 < await client.ttl("ledger") <= 3600
    assert 3500 < await client.ttl("responses") <= 3600
    ledger.now += 3600
    await ledger.exchange("a", first=3, ages=[0.0])
    assert await client.zcard("responses") == 1


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

    async def act(self, ledger: Ledger, service: Service) -> None:
        now = ledger.now
        self._answers += sorted(at for at in self._in_flight if at <= now)
        self._in_flight = [at for at in self._in_flight if at > now]
        ages = [now - at for at in self._answers[self._reported :]]
        demand = {"interactive": self._chance.randrange(3), "bulk": self._chance.choice([0, 2, 30])}
        used = len(self._in_flight) + sum(at > now - 60 for at in self._answers)
        history = {"first": self._reported, "ages": ages, "in_flight": len(self._in_flight), "used": used}
        reply = await ledger.exchange(self.name, **history, **demand)
        if self._chance.random() < 0.1:
            return  # the reply is lost
        self._reported = len(self._answers)
        for _ in range(reply["granted"]):
            service.arrive(now)
            self._in_flight.append(now + self._chance.choice([0.0, 0.1, 5.0, 40.0]))


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_workers_do_the_service_refuses_none_of_them(ledger: Ledger, seed: int) -> None:
    chance = random.Random(seed)
    service = Service(10)
    workers = [Worker(f"w{number}", chance) for number in range(4)]
    for step in range(400):
        ledger.now += chance.choice([0.0, 0.001, 0.5, 3.0])
        if step % 90 == 89:
            workers[chance.randrange(4)] = Worker(f"n{step}", chance)  # one dies, another one is started
        # Each is heard of within its lease.
        for worker in workers if step % 4 == 0 else [chance.choice(workers)]:
            await worker.act(ledger, service)
    assert service.refused == 0
    assert service.total > 30


@pytest.mark.parametrize("seed", range(4))
async def test_hungry_workers_are_served_evenly(ledger: Ledger, seed: int) -> None:
    chance = random.Random(seed)
    due = dict.fromkeys("abcde", ledger.now)
    served = dict.fromkeys("abcde", 0)
    answers: dict[str, list[float]] = {name: [] for name in due}
    while sum(served.values()) < 300:
        name = min(due, key=lambda name: due[name])
        ledger.now = max(ledger.now, due[name])
        used = sum(at > ledger.now - 60 for at in answers[name])
        ages = [ledger.now - at for at in answers[name]]
        reply = await ledger.exchange(name, bulk=chance.choice([20, 40]), ages=ages, used=used)
        served[name] += reply["granted"]
        answers[name] += [ledger.now] * reply["granted"]
        due[name] = ledger.now + max(reply["wait"], 0.01) + chance.random() * 0.3
    assert max(served.values()) - min(served.values()) <= 10
