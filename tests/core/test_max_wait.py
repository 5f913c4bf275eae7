"""A call that may not wait for the quota fails at once, is not sent, and the error says when there will be room."""

from __future__ import annotations

import asyncio

import pytest

from asyncdbaas import AsyncSession, InvalidInputError, QuotaWaitError, RateLimiter, RequestTimeoutError, RetryPolicy
from asyncdbaas.clusters import list_clusters
from asyncdbaas.emulator import Emulator
from asyncdbaas.hooks import AttemptStarted


async def test_a_call_that_would_wait_too_long_is_not_sent() -> None:
    async with Emulator() as emulator:
        limiter = RateLimiter(per_minute=1)
        async with AsyncSession(emulator.token, base_url=emulator.url, rate_limiter=limiter, max_wait=5.0) as session:
            await list_clusters(session)
            with pytest.raises(QuotaWaitError, match="not sent") as caught:
                await list_clusters(session)
            assert caught.value.retry_after is not None
            assert 50 < caught.value.retry_after <= 60
            assert caught.value.attempts == 0
            assert emulator.requests.total == 1
            assert limiter.in_flight == 0
            assert session._admission.free_slots == session._admission.slots


async def test_a_call_behind_others_waits_no_longer_than_it_may() -> None:
    async with Emulator() as emulator:
        emulator.faults.add("list_clusters", "silence", times=1)
        async with AsyncSession(emulator.token, base_url=emulator.url, max_connections=1, max_wait=0.05) as session:
            left = asyncio.Event()
            with session.listening(lambda event: left.set() if isinstance(event, AttemptStarted) else None):
                holder = asyncio.create_task(list_clusters(session))
                await left.wait()
            with pytest.raises(QuotaWaitError):
                await list_clusters(session)
            holder.cancel()
            with pytest.raises(asyncio.CancelledError):
                await holder
            assert await list_clusters(session) == []


async def test_a_wait_below_zero_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="max_wait"):
        AsyncSession("token", max_wait=-1)


async def test_a_token_function_that_never_answers_uses_up_its_attempts() -> None:
    async def never() -> str:
        await asyncio.Event().wait()
        return "token"

    policy = RetryPolicy(max_attempts=3, base_delay=0)
    async with AsyncSession(never, base_url="http://127.0.0.1:9", timeout=0.01, retry=policy) as session:
        with pytest.raises(RequestTimeoutError, match="token function") as caught:
            await list_clusters(session)
        assert caught.value.attempts == 3
        assert not caught.value.outcome_unknown
