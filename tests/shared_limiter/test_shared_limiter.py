"""SharedRateLimiter against a real server and the emulator: one quota, bad stores, outages, cancellation, closing."""

from __future__ import annotations

import asyncio
import gc
import logging
import subprocess
import sys
import traceback
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import pytest
from server_process import free_port
from store import Store, serving, stopped, warnings

from asyncdbaas import (
    AsyncSession,
    AuthenticationError,
    InvalidInputError,
    QuotaStoreError,
    RateLimiter,
    SessionStateError,
    clusters,
    priority,
    topics,
)
from asyncdbaas.emulator import Delays, Emulator
from asyncdbaas.ratelimit.shared import SharedRateLimiter

MINUTE = 2.0
HOUR = 60 * MINUTE
SECRET = "s3cr3t/pass"
ESCAPED = "s3cr3t%2Fpass"


@pytest.fixture
async def store() -> AsyncGenerator[Store]:
    async with serving() as store:
        yield store


@pytest.fixture
async def emulator() -> AsyncGenerator[Emulator]:
    async with Emulator(time_scale=60 / MINUTE, per_minute=20, delays=Delays.none()) as emulator:
        yield emulator


def limiter(store: Store, per_minute: int = 20, **settings: Any) -> SharedRateLimiter:
    whole: dict[str, Any] = {"minute": MINUTE, "hour": HOUR, **settings}
    return SharedRateLimiter(store.url, per_minute, **whole)


@asynccontextmanager
async def sessions(emulator: Emulator, *limiters: RateLimiter) -> AsyncGenerator[list[AsyncSession]]:
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(AsyncSession(emulator.token, base_url=emulator.url, rate_limiter=limiter))
            for limiter in limiters
        ]


@asynccontextmanager
async def attached(limiter: RateLimiter) -> AsyncGenerator[RateLimiter]:
    limiter.attach(limiter, "token")
    try:
        yield limiter
    finally:
        await limiter.detach(limiter)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what other tasks bring about, and not forever."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 -- no event announces it
            await asyncio.sleep(0.005)


# One quota.


async def test_many_limiters_share_one_quota_without_a_refusal_or_a_loss(store: Store, emulator: Emulator) -> None:
    cluster = emulator.add_cluster(engine="kafka", num_nodes=3)["id"]
    limiters = [limiter(store) for _ in range(4)]
    async with sessions(emulator, *limiters) as opened:
        await asyncio.gather(
            *(
                topics.create_topic(session, cluster, topics.TopicCreate(name=f"t-{number}-{place}"))
                for number in range(12)
                for place, session in enumerate(opened)
            )
        )
    assert emulator.requests.statuses == {201: 48}


async def test_calls_that_wait_together_share_exchanges(store: Store) -> None:
    async with attached(limiter(store, 1000)) as pace:
        await asyncio.gather(*(pace.acquire(pace) for _ in range(500)))
        assert pace.in_flight == 500
        assert isinstance(pace, SharedRateLimiter)
        assert pace._worker.sequence <= 12  # 50 each, so that a worker that stops does not take all with it


async def test_calls_one_after_the_other_take_one_exchange_each(store: Store) -> None:
    async with attached(limiter(store, minute=600.0)) as pace:  # so long that no report is due in between
        assert isinstance(pace, SharedRateLimiter)
        for _ in range(10):
            await pace.acquire(pace)
            pace.succeeded(None)
            pace.release()
        assert pace._worker.sequence <= 11


async def test_identical_reads_of_a_worker_that_wait_for_the_store_are_one_request(
    store: Store, emulator: Emulator
) -> None:
    cluster = emulator.add_cluster(engine="kafka", num_nodes=3)["id"]
    async with sessions(emulator, limiter(store), limiter(store)) as opened:
        for _ in range(10):
            await asyncio.gather(*(topics.list_topics(session, cluster) for session in opened for _ in range(50)))
            assert all(not session.rate_limiter.waiting for session in opened)
        assert emulator.requests.statuses == {200: 20}


async def test_different_tokens_have_different_quotas_and_no_key_shows_a_token(
    store: Store, emulator: Emulator
) -> None:
    other = emulator.add_token()
    async with sessions(emulator, limiter(store, 1)) as [mine]:
        await clusters.list_clusters(mine)
        async with AsyncSession(other, base_url=emulator.url, rate_limiter=limiter(store, 1)) as theirs:
            await clusters.list_clusters(theirs)
        async with store.client() as client:
            keys = b" ".join(await client.keys("*")).decode()
    assert keys.count(":ledger") == 2
    assert all(token not in keys and token[-12:] not in keys for token in (emulator.token, other))


async def test_a_refusal_of_one_worker_holds_all_of_them(store: Store) -> None:
    async with attached(limiter(store)) as one, attached(limiter(store)) as other:
        for pace in (one, other):
            await pace.acquire(pace)
        one.refused(1000.0)
        one.release(counted=False)
        await until(lambda: isinstance(one, SharedRateLimiter) and one._worker.refusal is None)
        waiting = asyncio.create_task(other.acquire(other))
        await until(lambda: other.delay() > 0)
        assert not waiting.done()
        waiting.cancel()


async def test_the_hour_is_learned_from_what_the_service_says_is_left(store: Store) -> None:
    async with attached(limiter(store)) as pace:
        await pace.acquire(pace)
        pace.succeeded(1)
        pace.release()
        await pace.acquire(pace)
        waiting = asyncio.create_task(pace.acquire(pace))
        await until(lambda: pace.delay() > 0)
        assert not waiting.done()
        waiting.cancel()


# Priorities.


async def test_interactive_calls_go_before_bulk_calls_of_another_worker(store: Store) -> None:
    order: list[str] = []

    async def call(pace: RateLimiter, name: str) -> None:
        await pace.acquire(pace)
        order.append(name)
        pace.release()

    async with attached(limiter(store, 4)) as jobs, attached(limiter(store, 4)) as web:
        await asyncio.gather(*(call(jobs, "first") for _ in range(4)))
        with priority("bulk"):
            bulk = [asyncio.create_task(call(jobs, "bulk")) for _ in range(8)]
        await until(lambda: jobs.delay() > 0)
        await asyncio.gather(*(call(web, "interactive") for _ in range(3)))
        await asyncio.gather(*bulk)
    assert order[4:8].count("interactive") == 3


# Bad stores.


@pytest.mark.parametrize(
    "url", ["", "localhost:6379", "http://localhost", "redis://localhost:port", "unix:/x", f"mysql://u:{SECRET}@h/"]
)
def test_a_url_that_is_none_of_a_store_is_refused(url: str) -> None:
    with pytest.raises(InvalidInputError, match="the address of the quota store") as caught:
        SharedRateLimiter(url)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("name", ["", "a{b}", "a\nb"])
def test_a_name_that_no_key_can_hold_is_refused(name: str) -> None:
    with pytest.raises(InvalidInputError, match="name must be"):
        SharedRateLimiter("redis://localhost", name=name)


async def test_a_token_from_a_function_needs_a_name(store: Store, emulator: Emulator) -> None:
    session = AsyncSession(lambda: emulator.token, base_url=emulator.url, rate_limiter=limiter(store))
    with pytest.raises(InvalidInputError, match="needs a name"):
        await session.__aenter__()
    named = limiter(store, name="tenants")
    async with AsyncSession(lambda: emulator.token, base_url=emulator.url, rate_limiter=named) as session:
        await clusters.list_clusters(session)
    async with store.client() as client:
        assert {key.rpartition(b":")[0] for key in await client.keys("*")} == {b"asyncdbaas:{tenants}"}


async def test_workers_of_one_token_meet_under_a_name_that_does_not_show_it(store: Store, emulator: Emulator) -> None:
    token = "token-of-tests"
    async with AsyncSession(token, base_url=emulator.url, rate_limiter=limiter(store)) as session:
        with suppress(AuthenticationError):
            await clusters.list_clusters(session)
    async with store.client() as client:
        names = {key.rpartition(b":")[0].decode() for key in await client.keys("*")}
    # The same in each version: workers of two versions may run side by side during an upgrade.
    assert names == {"asyncdbaas:{1d5380cc787c19de793a5cdc32496dc0}"}


async def test_one_limiter_is_not_for_two_tokens(store: Store, emulator: Emulator) -> None:
    pace = limiter(store)
    async with sessions(emulator, pace):
        with pytest.raises(InvalidInputError, match="different tokens"):
            await AsyncSession(emulator.add_token(), base_url=emulator.url, rate_limiter=pace).__aenter__()


async def fails_with(url: str) -> str:
    """Let three calls fail on a store; return the message, which they share."""
    async with attached(SharedRateLimiter(url, name="x", minute=MINUTE, hour=HOUR)) as pace:
        calls = await asyncio.gather(*(pace.acquire(pace) for _ in range(3)), return_exceptions=True)
        with pytest.raises(QuotaStoreError) as caught:
            await pace.acquire(pace)
        assert [type(call) for call in calls] == [QuotaStoreError] * 3
        assert len(set(map(str, calls))) == 1
        assert (pace.waiting, pace.in_flight) == (0, 0)
    text = "".join(traceback.format_exception(caught.value)) + repr(pace)
    assert SECRET not in text
    assert ESCAPED not in text
    return str(caught.value)


async def test_a_store_that_is_not_there_fails_the_first_call() -> None:
    message = await fails_with(f"redis://user:{ESCAPED}@127.0.0.1:{free_port()}/3")
    assert "redis://127.0.0.1:" in message
    assert "onnect" in message


async def answered_by(answer: bytes) -> str:
    """Let calls fail on a server that says the same to everything, and gets one connection for each exchange."""
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        while await reader.read(2**16):
            writer.write(answer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]
        message = await fails_with(f"redis://:{ESCAPED}@127.0.0.1:{port}")
        await asyncio.gather(*(writer.wait_closed() for writer in writers))
    assert len(writers) == 2
    return message


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP/1.1 400"),
        (b"-ERR Write commands not allowed after non deterministic commands\r\n", "Redis 5 or Valkey is needed"),
        (b"-MOVED 866 10.0.0.9:6379\r\n", "part of a cluster"),
        (b"-READONLY You can't write against a read only replica.\r\n", "it is a replica"),
        (b"-LOADING Redis is loading the dataset in memory\r\n", "loading"),
        (f"-ERR unknown command 'AUTH', with args beginning with: '{SECRET}'\r\n".encode(), "unknown command"),
        (b"$7\r\nno json\r\n", "cannot be used"),
    ],
)
async def test_a_server_that_answers_something_else_fails_the_first_call(
    monkeypatch: pytest.MonkeyPatch, answer: bytes, words: str
) -> None:
    monkeypatch.setattr("asyncdbaas.ratelimit.shared._RETRY_EVERY", 3600.0)  # no exchange but those of the calls
    assert words in await answered_by(answer)


async def test_a_server_that_never_answers_fails_the_first_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asyncdbaas.ratelimit.store.PATIENCE", 0.05)
    monkeypatch.setattr("asyncdbaas.ratelimit.shared._RETRY_EVERY", 3600.0)
    assert "did not respond within 0.05 s" in await answered_by(b"")


async def test_a_wrong_password_fails_the_first_call() -> None:
    async with serving("--requirepass", "another") as store:
        assert "does not accept the user and password" in await fails_with(f"{store.url}?password={ESCAPED}")
        assert "does not accept the user and password" in await fails_with(store.url)


@pytest.mark.parametrize("rights", ["~* +@all -eval -evalsha", "~* +@all -zadd", "~other:* +@all"])
async def test_a_user_without_rights_fails_the_first_call(store: Store, rights: str) -> None:
    async with store.client() as client:
        await client.execute_command("ACL", "SETUSER", "clerk", "on", f">{SECRET}", *rights.split())
    assert "its user needs +select" in await fails_with(f"unix://clerk:{ESCAPED}@{store.socket}")


async def test_the_rights_that_the_error_names_are_enough(store: Store) -> None:
    async with store.client() as client:
        await client.execute_command("ACL", "SETUSER", "reader", "on", f">{SECRET}", "~*", "resetchannels", "+ping")
        message = await fails_with(f"unix://reader:{ESCAPED}@{store.socket}")
        rights = message.partition("its user needs ")[2].partition(" (")[0].split()
        await client.execute_command("ACL", "SETUSER", "clerk", "on", f">{SECRET}", "resetchannels", *rights)
    url = f"unix://clerk:{ESCAPED}@{store.socket}?db=1"
    async with attached(SharedRateLimiter(url, 2, name="x", minute=MINUTE, hour=HOUR)) as pace:
        for _ in range(3):
            await pace.acquire(pace)
            pace.release()


@pytest.mark.parametrize(("key", "command"), [("ledger", "LPUSH"), ("ledger", "APPEND"), ("responses", "APPEND")])
async def test_keys_of_another_application_fail_the_first_call(store: Store, key: str, command: str) -> None:
    async with store.client() as client:
        await client.execute_command(command, f"asyncdbaas:{{x}}:{key}", "theirs")
    message = await fails_with(store.url)
    assert "hold data of another application" in message
    assert "asyncdbaas:{x}:*" in message


async def test_a_ledger_of_another_version_fails_the_first_call(store: Store) -> None:
    async with store.client() as client:
        await client.hset("asyncdbaas:{x}:ledger", "state", b"\x81\xa6format\x63")
    assert "of another version of this one" in await fails_with(store.url)


async def test_the_next_call_finds_a_store_that_has_come_meanwhile(store: Store) -> None:
    async with store.client() as client, attached(limiter(store)) as pace:
        await client.config_set("requirepass", "x")
        with pytest.raises(QuotaStoreError):
            await pace.acquire(pace)
        await client.config_set("requirepass", "")
        while True:
            try:
                await pace.acquire(pace)
                break
            except QuotaStoreError:
                await asyncio.sleep(0.05)
        assert pace.in_flight == 1


# The store goes away.


async def test_while_the_store_is_away_each_goes_on_with_its_part_and_then_they_return(
    emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "asyncdbaas")
    cluster = emulator.add_cluster(engine="kafka", num_nodes=3)["id"]

    async def create(number: int) -> None:
        session = opened[
            int(number in (0, 15)) if number < 16 else number % 2
        ]  # the first one takes more than an even part
        await topics.create_topic(session, cluster, topics.TopicCreate(name=f"t-{number}"))

    with stopped() as store:
        limiters = [limiter(store) for _ in range(2)]
        async with sessions(emulator, *limiters) as opened:
            async with store.running() as server:
                for number in range(16):  # one by one: each gets to know of the other
                    await create(number)
                server.process.kill()
                await server.process.wait()
            await asyncio.gather(*map(create, range(16, 40)))
            assert all("cut off" in repr(one) for one in limiters)
            async with store.running():
                await until(lambda: not any("cut off" in repr(one) for one in limiters))
                await asyncio.gather(*map(create, range(40, 60)))
                told = warnings(caplog)
    assert emulator.requests.statuses == {201: 60}
    assert ["requests a minute at most" in warning for warning in told] == [True, True]
    assert sum("is back after" in record.getMessage() for record in caplog.records) == 2


@pytest.mark.parametrize("keys", ["*", "*:ledger", "*:responses", "*:deadlines"])
async def test_a_store_that_lost_data_gets_it_back_from_the_workers(
    store: Store, emulator: Emulator, caplog: pytest.LogCaptureFixture, keys: str
) -> None:
    cluster = emulator.add_cluster(engine="kafka", num_nodes=3)["id"]
    limiters = [limiter(store, name="x") for _ in range(2)]
    async with sessions(emulator, *limiters) as opened, store.client() as client:
        for number in range(36):
            if number == 15:
                await client.delete(*await client.keys(keys))
            wanted = topics.TopicCreate(name=f"t-{number}")
            await topics.create_topic(opened[number % 2], cluster, wanted)
        assert await client.zcard("asyncdbaas:{x}:responses") >= 34  # all but what is not reported yet
    assert emulator.requests.statuses == {201: 36}
    assert ["has lost its data" in warning for warning in warnings(caplog)] == [True, True]


async def test_a_new_worker_that_speaks_first_to_an_empty_store_waits_for_the_others(
    store: Store, emulator: Emulator
) -> None:
    cluster = emulator.add_cluster(engine="kafka", num_nodes=3)["id"]
    limiters = [limiter(store, name="x") for _ in range(3)]

    async def create(session: AsyncSession, place: int, number: int) -> None:
        await topics.create_topic(session, cluster, topics.TopicCreate(name=f"t-{place}-{number}"))

    async with sessions(emulator, *limiters[:2]) as old, store.client() as client:
        await asyncio.gather(*(create(session, place, n) for place, session in enumerate(old) for n in range(10)))
        await client.flushall()
        async with sessions(emulator, limiters[2]) as [new]:
            await asyncio.gather(*(create(new, 2, n) for n in range(10)))
    assert emulator.requests.statuses == {201: 30}


async def test_idle_workers_report_at_once_to_a_ledger_that_has_lost_its_data(store: Store) -> None:
    async with AsyncExitStack() as stack:
        first, second, new = (limiter(store, name="x", minute=600.0) for _ in range(3))
        client = await stack.enter_async_context(store.client())
        for pace in (first, second, new):
            await stack.enter_async_context(attached(pace))
            if pace is not new:
                await pace.acquire(pace)
                pace.release()
        await client.flushall()
        call = asyncio.create_task(new.acquire(new))
        async with asyncio.timeout(20):  # a report is due after 50
            while await client.zcard("asyncdbaas:{x}:responses") < 2:  # noqa: ASYNC110 -- nothing tells of it
                await asyncio.sleep(0.005)
        call.cancel()


async def test_a_response_is_reported_once(store: Store) -> None:
    async with attached(limiter(store, minute=600.0)) as pace:
        assert isinstance(pace, SharedRateLimiter)
        for _ in range(3):
            await pace.acquire(pace)
            pace.release()
        assert pace._worker.report(pace._clock(), 0, 0)["first"] == 2


async def test_permits_lapse_if_the_process_stands_still(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    moment = [0.0]
    async with attached(limiter(store, 1, minute=600.0, clock=lambda: moment[0])) as pace:
        assert isinstance(pace, SharedRateLimiter)
        await pace.acquire(pace)
        waiting = asyncio.create_task(pace.acquire(pace))
        await until(lambda: pace.waiting == 1 and pace.delay() > 0)
        pace._worker.permits = 1  # as the store gives one, at a moment that the test can name
        pace._advance(moment[0])
        moment[0] = 200.0
        await until(lambda: "stood still for 200.0 s" in caplog.text)
        assert not waiting.done()
        assert (pace.in_flight, pace.waiting) == (1, 1)
        waiting.cancel()


async def test_a_permit_that_has_lapsed_stays_so_when_the_lease_is_renewed(store: Store) -> None:
    moment = [0.0]
    async with attached(limiter(store, minute=600.0, clock=lambda: moment[0])) as pace:
        assert isinstance(pace, SharedRateLimiter)
        old = await pace.acquire(pace)
        assert pace.is_current(old)
        moment[0] = 200.0
        assert not pace.is_current(old)
        fresh = await pace.acquire(pace)
        assert pace.is_current(fresh)
        assert not pace.is_current(old)
        permits = pace._worker.permits
        pace._admission.give_back(old)
        assert pace._worker.permits == permits


# Cancelling and closing.


async def test_a_permit_whose_caller_is_cancelled_goes_to_the_next(store: Store) -> None:
    async with attached(limiter(store, 1)) as pace:
        await pace.acquire(pace)
        first, second = (asyncio.create_task(pace.acquire(pace)) for _ in range(2))
        await until(lambda: pace.waiting == 2 and pace.delay() > 0)
        first.cancel()
        pace.release(counted=False)
        await second
        assert (pace.in_flight, pace.waiting) == (1, 0)


async def test_a_caller_that_is_cancelled_when_its_permit_has_come_passes_it_on(store: Store) -> None:
    async with attached(limiter(store, 1, minute=600.0)) as pace:
        await pace.acquire(pace)
        first, second = (asyncio.create_task(pace.acquire(pace)) for _ in range(2))
        await until(lambda: pace.waiting == 2 and pace.delay() > 0)
        assert isinstance(pace, SharedRateLimiter)
        pace.release()
        pace._worker.permits += 1  # as the store gives one, at a moment that the test can name
        pace._advance(pace._clock())
        first.cancel()
        before = pace._worker.sequence
        await asyncio.wait({first})
        await second
        assert pace._worker.sequence == before
        assert (pace.in_flight, pace.waiting) == (1, 0)


async def test_a_worker_whose_calls_no_longer_wait_makes_room_for_others(store: Store) -> None:
    async with attached(limiter(store, 1)) as one, attached(limiter(store, 1)) as other:
        await other.acquire(other)
        waiting = asyncio.create_task(one.acquire(one))
        await until(lambda: one.delay() > 0)
        waiting.cancel()
        assert isinstance(one, SharedRateLimiter)
        await until(lambda: not one._worker.reply.interactive)


async def test_closing_gives_back_what_waits_and_leaves_no_task(store: Store) -> None:
    before = asyncio.all_tasks()
    async with attached(limiter(store, 5)) as one, attached(limiter(store, 5)) as other:
        for _ in range(5):
            await one.acquire(one)
        for _ in range(4):
            one.release(counted=False)
        await one.detach(one)
        await asyncio.gather(*(other.acquire(other) for _ in range(4)))
        assert other.in_flight == 4
    assert asyncio.all_tasks() == before
    async with store.client() as client:
        assert len(await client.client_list()) == 1


async def test_the_last_session_closes_the_limiter_and_the_next_opens_it_again(
    store: Store, emulator: Emulator
) -> None:
    pace = limiter(store)
    async with sessions(emulator, pace) as [outer]:
        async with sessions(emulator, pace) as [inner]:
            await clusters.list_clusters(inner)
        await clusters.list_clusters(outer)
        assert "open" in repr(pace)
        first_worker = pace._worker.id
    assert "closed" in repr(pace)
    with pytest.raises(SessionStateError, match="not open"):
        await pace.acquire()
    async with sessions(emulator, pace) as [again]:
        await clusters.list_clusters(again)
        assert pace._worker.id != first_worker  # a report of the first one may still be on its way
    assert emulator.requests.statuses == {200: 3}


async def test_closing_a_session_ends_its_calls_that_wait(store: Store, emulator: Emulator) -> None:
    pace = limiter(store, 1)
    async with sessions(emulator, pace) as [session]:
        await clusters.list_clusters(session)
        waiting = asyncio.create_task(clusters.list_clusters(session))
        await until(lambda: pace.waiting == 1)
    with pytest.raises(SessionStateError, match="closed"):
        await waiting


async def test_another_event_loop_is_refused(store: Store) -> None:
    async with attached(limiter(store)) as pace:

        async def elsewhere() -> None:
            pace.attach("another", "token")

        with pytest.raises(SessionStateError, match="another event loop"):
            await asyncio.to_thread(asyncio.run, elsewhere())


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the connection that was left open
def test_a_loop_that_ended_without_closing_does_not_affect_the_next() -> None:
    async def leave_open(pace: SharedRateLimiter) -> None:
        pace.attach("a", "token")
        await pace.acquire("a")

    async def use() -> None:
        async with serving() as store:
            pace = limiter(store)
            await asyncio.to_thread(asyncio.run, leave_open(pace))
            async with attached(pace):
                await pace.acquire(pace)
                assert pace.in_flight == 1  # the one that never ended has a lease of its own in the store

    asyncio.run(use())
    gc.collect()  # the connection that was left open complains here, not in another test


async def test_delay_and_forecast_count_the_wait(store: Store) -> None:
    async with attached(limiter(store, 4)) as one, attached(limiter(store, 4)) as other:
        assert (one.delay(), one.forecast(0)) == (float("inf"), 0.0)  # the store has not replied yet
        for pace in (one, other):
            for _ in range(2):
                await pace.acquire(pace)
                pace.release()
        waiting = asyncio.create_task(one.acquire(one))
        await until(lambda: one.delay() > 0)
        assert one.forecast(8) >= one.delay()
        assert one.forecast(8) > MINUTE  # its part is two a minute
        await waiting


# What should not happen.


def test_without_the_extra_the_error_names_it_and_the_rest_works() -> None:
    code = "import sys; sys.modules['redis'] = None; from asyncdbaas import *; import asyncdbaas.ratelimit.shared"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'asyncdbaas[redis]'" in done.stderr.splitlines()[-1]


async def test_a_store_that_dies_before_the_final_report_does_not_hinder_closing() -> None:
    with stopped() as store:
        async with store.running() as server, attached(limiter(store)) as pace:
            await pace.acquire(pace)
            pace.release()
            server.process.kill()
            await server.process.wait()
        assert "closed" in repr(pace)


async def test_a_bug_in_the_conversation_strands_nobody(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(**answer: object) -> None:
        raise LookupError(len(answer))

    monkeypatch.setattr("asyncdbaas.ratelimit.shared.Reply", read)
    async with attached(limiter(store)) as pace:
        for _ in range(2):  # the one who waits, and the next
            with pytest.raises(QuotaStoreError, match="broke down: LookupError"):
                await pace.acquire(pace)


async def test_a_refusal_while_the_store_is_away_holds_the_worker_itself() -> None:
    with stopped() as store:
        pace = limiter(store)
        async with AsyncExitStack() as stack:
            async with store.running():
                await stack.enter_async_context(attached(pace))
                await pace.acquire(pace)
                pace.succeeded(None)
                pace.release()
            await until(lambda: "cut off" in repr(pace))
            await asyncio.gather(*(pace.acquire(pace) for _ in range(2)))
            pace.succeeded(None)
            pace.refused(100.0)
            assert pace.delay() > 0
