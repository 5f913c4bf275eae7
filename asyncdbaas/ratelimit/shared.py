"""One quota for any number of processes and machines on one token, kept in Redis or Valkey (extra `redis`).

    AsyncSession(rate_limiter=SharedRateLimiter("redis://quota.internal:6379"))

Each `SharedRateLimiter` is a worker. In one exchange with the server it reports what was answered and how many calls
wait, and learns how many may be sent and when to ask again. Calls that come meanwhile share the next exchange. The
rules run on the server, by its clock: `ledger.lua`. What a worker may do without it: `states.py`.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
import time
from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2b
from typing import ClassVar, Final

from asyncdbaas.errors import InvalidInputError, QuotaStoreError, SessionStateError
from asyncdbaas.ratelimit.address import read_address
from asyncdbaas.ratelimit.lease import Reply, Worker
from asyncdbaas.ratelimit.limiter import RateLimiter
from asyncdbaas.ratelimit.states import Connecting, CutOff, Leased, State
from asyncdbaas.ratelimit.store import QuotaStore, check_options
from asyncdbaas.ratelimit.windows import HOUR, MINUTE, NOW, PER_HOUR, PER_MINUTE, Lease
from asyncdbaas.types import as_secret

__all__ = ["SharedRateLimiter"]

# Seconds between two attempts to reach a store that does not respond, give or take a quarter.
_RETRY_EVERY: Final = 0.5

_log: Final = logging.getLogger("asyncdbaas")


class SharedRateLimiter(RateLimiter):
    """Share the two limits of a token with all workers that name the same store.

    It does what `RateLimiter` does, for all of them together: requests in flight anywhere + responses of the last
    span < limit. Workers whose calls wait get even parts, with interactive calls before bulk ones across all workers
    (see `priority`).

    If the store does not respond, each worker goes on with a safe part of the quota and logs a warning; it returns
    when the store does. If the store cannot be used from the first call on, calls raise QuotaStoreError.

    A worker that crashes, stands still or cannot reach a store that serves others looks the same to the store: silent.
    For a minute and a half it may go on with what it had in use, so this is what the others lose if it does nothing.
    After that its part is kept for it, for ten minutes in all, if it was at work.

    Sessions open and close it. It serves one event loop at a time.

    Args:
        url: redis://, rediss:// (TLS), valkey://, valkeys://, unix:// or redis+sentinel://, with user, password and
            database if needed. Percent-encode user and password.
        per_minute: The limit of the minute, the same in all workers.
        per_hour: The limit of the hour, the same in all workers.
        name: The name of the quota in the store, of which the keys `asyncdbaas:{name}:...` are made. They expire after
            an hour. By default it is a hash of the token; it is needed if a function provides the token.
        minute: Seconds that the minute lasts, for tests and emulators in scaled time.
        hour: Seconds that the hour lasts, for the same.
        clock: Returns the time in seconds, for tests. It need not agree with anybody else's.
    """

    asks_a_store: ClassVar[bool] = True

    def __init__(
        self,
        url: str,
        per_minute: int = PER_MINUTE,
        per_hour: int = PER_HOUR,
        *,
        name: str | None = None,
        minute: float = MINUTE,
        hour: float = HOUR,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        url = as_secret(url)  # a traceback with locals must not show it
        self._address = read_address(url)
        check_options(self._address)
        super().__init__(per_minute, per_hour, minute=minute, hour=hour, clock=clock)
        if name is not None and not (
            isinstance(name, str) and name.isprintable() and name and not set(name) & set("{}")
        ):
            raise InvalidInputError("name must be printable text without braces, such as 'production'")
        self._name = name
        self._place = f"the store of the shared quota, {self._address.shown},"
        self._worker = Worker(self._quota)
        self._news = asyncio.Event()
        self._store: QuotaStore | None = None
        self._conversation: asyncio.Task[None] | None = None
        self._warns_again_at = NOW
        self._trouble = ""
        """The error that ended the conversation."""
        self._enter(Connecting(self._worker))

    def __repr__(self) -> str:
        if not hasattr(self, "_state"):  # a traceback with locals shows a half-made one, too
            return "<SharedRateLimiter>"
        state = "closed" if not self._sessions else "cut off" if isinstance(self._state, CutOff) else "open"
        return f"<SharedRateLimiter {self._address.shown} {state}>"

    def attach(self, session: object, token: str | None) -> None:
        """Serve a session that opens; the first one begins the conversation with the store."""
        quota = _quota_name(self._name, token)
        super().attach(session, token)
        if len(self._sessions) == 1:
            self._worker.begin()
            self._enter(Connecting(self._worker))
            self._news = asyncio.Event()
            self._store = QuotaStore(self._address, quota, self._hear)
            self._conversation = asyncio.create_task(self._converse(self._store), name="asyncdbaas shared quota")
            self._conversation.add_done_callback(self._ended)
        elif self._store is not None and self._store.quota != quota:
            self._sessions.discard(session)
            raise InvalidInputError("sessions with different tokens cannot share one SharedRateLimiter")

    async def detach(self, session: object) -> None:
        """Stop serving a session that has closed; the last one sends a final report."""
        await super().detach(session)
        store, conversation = self._store, self._conversation
        if self._sessions or store is None or conversation is None:
            return
        self._store = self._conversation = None
        conversation.cancel()
        try:
            await asyncio.wait({conversation})
            if self._store is None and isinstance(self._state, Leased):  # no session has opened meanwhile
                await store.exchange(self._worker.report(self._clock(), 0, 0, leaving=True))
        except QuotaStoreError as error:
            _log.debug("the final report to the store of the shared quota failed: %s", error)  # the lease ends
        finally:
            await store.close()

    async def acquire(self, owner: object = None) -> Lease:
        """Wait until one request may be sent; see `RateLimiter.acquire`.

        `owner` is an attached session. Raise QuotaStoreError if the store could not be used so far.
        """
        self._check_loop()
        if owner not in self._sessions:
            raise SessionStateError("this SharedRateLimiter is not open; pass it to an AsyncSession")
        while True:
            if self._conversation is None or self._conversation.done():
                raise QuotaStoreError(self._trouble)
            self._news.set()
            lease = await super().acquire(owner)
            if self.is_current(lease):
                return lease
            self._admission.give_back(lease)

    def refused(self, retry_after: float | None, reset_in: float | None = None, *, max_pause: float = 300.0) -> None:
        """Learn from a 429, before its `release`, and pause for all workers; see `RateLimiter.refused`."""
        super().refused(retry_after, reset_in, max_pause=max_pause)
        self._news.set()

    def _enter(self, state: State) -> None:
        self._state = self._admission = state

    async def _converse(self, store: QuotaStore) -> None:
        again = False
        while self._store is store:  # redis-py swallows a cancellation at times
            self._news.clear()
            now = self._clock()
            interactive, bulk = self._queue.count("interactive"), self._queue.count("bulk")
            due = self._state.due(now, interactive, bulk)
            if due > now:
                await _sleep(self._news, due - now)
                continue
            worker = self._worker
            if isinstance(self._state, Leased) and now >= worker.lease.lapses_at:
                _log.warning("this process stood still for %.1f s; its permits have lapsed", now - worker.reported_at)
            restoring, answered = worker.restoring, worker.answered
            report = {**self._state.report(now, interactive, bulk), "again": again}
            try:
                reply = await store.exchange(report)
            except QuotaStoreError as error:
                self._failed(str(error))
                continue
            again = "again" in reply
            if "stale" in reply:
                worker.rename()
            elif not again:
                self._replied(Reply(**reply), now, answered=answered, restored=restoring)

    def _hear(self, epoch: str) -> None:
        """Report at once to a ledger that has lost its data."""
        if self._worker.reply.epoch != epoch:
            self._worker.restoring = True
            self._news.set()

    def _replied(self, reply: Reply, sent_at: float, *, answered: int, restored: bool) -> None:
        """Hold a lease from now on."""
        now, worker = self._clock(), self._worker
        away = now - worker.reported_at
        is_new = worker.learn(reply, sent_at, now, answered=answered, restored=restored)
        if is_new and isinstance(self._state, Leased):
            # A server that is short of memory may evict keys every second.
            level = logging.WARNING if now >= self._warns_again_at else logging.DEBUG
            _log.log(level, "%s has lost its data; each worker reports again what it has used", self._place)
            self._warns_again_at = now + self._quota.minute.span
        for way, seconds in (("back", reply.set_back), ("forward", reply.set_forward)):
            if seconds:
                _log.warning("the clock of %s was set %s by %.1f s; the quota ignores it", self._place, way, seconds)
        if not isinstance(self._state, Leased):
            if isinstance(self._state, CutOff):
                _log.info("%s is back after %.1f s", self._place, away)
                self._quota.forget_others()
            self._enter(Leased(worker))
        self._advance(now)

    def _failed(self, reason: str) -> None:
        """Go on without the store; if it has never replied, raise the reason in all calls that wait."""
        now = self._clock()
        trouble = f"{self._place} cannot be used: {reason}"
        if isinstance(self._state, Connecting):
            self._fail_all(trouble)
        elif isinstance(self._state, Leased):
            self._enter(CutOff(self._worker, now))
            part = self._worker.reply.part
            _log.warning("%s; until it is back, this worker sends %d requests a minute at most", trouble, part)
        self._state.retry_at = now + _RETRY_EVERY * random.uniform(0.75, 1.25)
        self._advance(now)

    def _fail_all(self, trouble: str) -> None:
        for session in self._sessions:
            self.fail(session, lambda: QuotaStoreError(trouble))

    def _ended(self, conversation: asyncio.Task[None]) -> None:
        """Raise an error in all calls that wait if a bug has ended the conversation with the store."""
        if not conversation.cancelled() and (error := conversation.exception()):
            _log.error("the shared quota broke down", exc_info=error)
            self._enter(Connecting(self._worker))
            self._trouble = f"the shared quota broke down: {error!r}"
            self._fail_all(self._trouble)


def _quota_name(name: str | None, token: str | None) -> str:
    if name is not None:
        return name
    if token is None:
        raise InvalidInputError("SharedRateLimiter needs a name if a function gives the token")
    return blake2b(token.encode(), digest_size=16, person=b"asyncdbaas quota").hexdigest()


async def _sleep(news: asyncio.Event, seconds: float) -> None:
    """Sleep until there is news, for at most `seconds`."""
    with suppress(TimeoutError):
        async with asyncio.timeout(None if math.isinf(seconds) else seconds):
            await news.wait()
