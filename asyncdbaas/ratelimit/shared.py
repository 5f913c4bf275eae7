"""One quota for any number of processes and machines on one token, kept in Redis or Valkey (extra `redis`).

    AsyncSession(rate_limiter=SharedRateLimiter("redis://quota.internal:6379"))

Each worker, which is one `SharedRateLimiter`, holds one conversation with the server. In one exchange it reports what
was answered and how many calls wait, and is told how many may leave and when to ask again; calls that come meanwhile
share the next one. The rules run on the server, by its clock: `ledger.lua`.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2b
from itertools import islice
from typing import Final

import attrs

from asyncdbaas.errors import InvalidInputError, QuotaStoreError, SessionStateError
from asyncdbaas.ratelimit.address import read_address
from asyncdbaas.ratelimit.limiter import RateLimiter
from asyncdbaas.ratelimit.store import PATIENCE, QuotaStore, check_options
from asyncdbaas.ratelimit.windows import HOUR, MINUTE, PER_HOUR, PER_MINUTE
from asyncdbaas.ratelimit.windows import NEVER as _NEVER
from asyncdbaas.ratelimit.windows import NOW as _NOW

__all__ = ["SharedRateLimiter"]

# Seconds between two attempts to reach a store that is away, give or take a quarter.
_RETRY_EVERY: Final = 0.5
# Seconds for which nobody gets a permit after the store has come back: by then, all who miss it have reported.
_HOLD: Final = PATIENCE + 2 * _RETRY_EVERY

_log: Final = logging.getLogger("asyncdbaas")


def _micros(seconds: float) -> int:
    return int(seconds * 1e6)


def _seconds(micros: float) -> float:
    return max(0.0, micros / 1e6)


@attrs.frozen(kw_only=True)
class _Told:
    """What the store said in one exchange."""

    granted: int
    interactive: int
    """How many more of our interactive calls it knows to wait."""
    bulk: int
    """How many more of our bulk calls it knows to wait."""
    wait: float = attrs.field(converter=_seconds)
    """Seconds until it makes sense to ask for them."""
    workers: int
    used: int
    """Requests of the minute, of all workers together."""
    epoch: str
    """Another one than before means that the store has lost its memory."""


class SharedRateLimiter(RateLimiter):
    """Share the two limits of a token with all workers that name the same store.

    It does what `RateLimiter` does, for all of them together: requests in flight anywhere + answers of the last span
    < limit. Those that wait get even parts, with interactive calls before bulk ones across all of them (see
    `priority`). A worker that dies gives its turns back, a minute and a half later at the latest.

    If the store goes away, each worker goes on with a part of the quota that is safe, and says so in a warning; it
    returns when the store does. If the store cannot be used from the first call on, calls raise QuotaStoreError.

    url: redis://, rediss:// (TLS), valkey://, valkeys:// or unix://, with user, password and database if need be.
    name: what the quota is called in the store. Left out, it is a hash of the token; needed if a function gives the
        token. The keys are `asyncdbaas:{name}:books` and `asyncdbaas:{name}:answers`; they expire after an hour.
    per_minute, per_hour, minute, hour: as for `RateLimiter`, and the same in all workers.
    clock: for spans only; it need not agree with anybody else's.

    Sessions open and close it. It belongs to their event loop.
    """

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
        self._address = read_address(url)
        del url  # a traceback with locals must not show it
        check_options(self._address)
        super().__init__(per_minute, per_hour, minute=minute, hour=hour, clock=clock)
        if name is not None and not (name and name.isprintable() and not set(name) & set("{}")):
            raise InvalidInputError(f"name must be printable and without braces, not {name!r}")
        self._name = name
        self._limits: Final = (per_minute, per_hour)
        self._answered = 0
        self._store: QuotaStore | None = None
        self._conversation: asyncio.Task[None] | None = None
        self._begin()

    def _begin(self) -> None:
        """Become a worker that the store has not heard of."""
        self._worker = secrets.token_hex(8)
        self._turn = 0
        self._news = asyncio.Event()
        self._permits = 0
        self._reported = self._answered
        self._restoring = False
        self._told: _Told | None = None
        self._told_at = self._ask_at = self._retry_at = _NOW
        self._others = 0
        self._trouble = ""
        self._away_since: float | None = None
        self._remaining: int | None = None
        self._refusal: dict[str, object] | None = None

    def __repr__(self) -> str:
        state = "open" if self._sessions else "closed"
        return f"<SharedRateLimiter {self._address.shown} {state if self._away_since is None else 'cut off'}>"

    def attach(self, session: object, token: str | None) -> None:
        """Serve a session that opens; the first one begins the conversation with the store."""
        quota = self._quota_name(token)
        self._check_loop()
        if self._store is None:
            loop = asyncio.get_running_loop()
            self._begin()
            self._store = QuotaStore(self._address, quota)
            self._conversation = loop.create_task(self._converse(self._store), name="asyncdbaas shared quota")
            self._conversation.add_done_callback(self._ended)
        elif self._store.quota != quota:
            raise InvalidInputError("sessions with different tokens cannot share one SharedRateLimiter")
        super().attach(session, token)

    def _forget_loop(self) -> None:
        super()._forget_loop()
        self._store = self._conversation = None

    @property
    def exchanges(self) -> int:
        """How often this worker has talked to the store since its first session opened."""
        return self._turn

    def _quota_name(self, token: str | None) -> str:
        if self._name is not None:
            return self._name
        if token is None:
            raise InvalidInputError("SharedRateLimiter needs a name if a function gives the token")
        return blake2b(token.encode(), digest_size=16, person=b"asyncdbaas quota").hexdigest()

    async def detach(self, session: object) -> None:
        """Serve a session no longer; the last one takes leave of the store."""
        await super().detach(session)
        store, conversation = self._store, self._conversation
        if self._sessions or store is None or conversation is None:
            return
        self._store = self._conversation = None
        farewell = self._report(leaving=True) if self._told and self._away_since is None else None
        conversation.cancel()
        try:
            await asyncio.wait({conversation})
            if farewell:
                await store.exchange(farewell)
        except QuotaStoreError as error:
            _log.debug("no farewell to the store of the shared quota: %s", error)  # its lease runs out
        finally:
            await store.close()

    async def acquire(self, owner: object = None) -> None:
        """Wait until one request may leave; then call `release` exactly once, whatever becomes of the request.

        `owner` is an attached session. Raise QuotaStoreError if the store could not be used so far.
        """
        self._check_loop()
        if owner not in self._sessions:
            raise SessionStateError("this SharedRateLimiter is not open; give it to an AsyncSession")
        if self._told is None and self._clock() < self._retry_at:
            raise QuotaStoreError(self._trouble)
        self._news.set()
        await super().acquire(owner)

    def release(self, *, counted: bool = True) -> None:
        """Tell that a request has ended; `counted` is False if the service surely does not count it."""
        self._answered += counted
        super().release(counted=counted)

    def succeeded(self, remaining: int | None) -> None:
        """Learn from an answer that was not refused, before its `release`; `remaining` is what it says of the hour."""
        if self._away_since is not None:
            super().succeeded(remaining)
        elif remaining is not None:
            self._remaining = remaining

    def refused(self, retry_after: float | None, reset_in: float | None = None, *, max_pause: float = 300.0) -> None:
        """Learn from a 429, before its `release`, and pause for all workers."""
        if self._away_since is not None:
            super().refused(retry_after, reset_in, max_pause=max_pause)
            return
        minute = self._quota.minute.span
        if retry_after is None:
            pause = min(max(reset_in or 0.0, minute / 2), minute)
        else:
            pause = retry_after if retry_after <= max_pause else min(retry_after, minute)
        self._refusal = {"pause": _micros(pause), "hourly": retry_after is None}
        self._news.set()

    def delay(self) -> float:
        """Return for how many seconds at least nothing may leave, as far as is known; 0.0 if a request may leave."""
        if self._away_since is not None:
            return super().delay()
        return max(0.0, self._ask_at - self._clock())

    def forecast(self, n: int) -> float:
        """Return in how many seconds the last of `n` more requests may leave, if all workers use their part."""
        return max(self.delay() if n or self._queue else 0.0, super().forecast(n))

    # What admits calls: permits of the store, or while it is away, a safe part of the limits.

    def _opens(self, now: float) -> float:
        if self._away_since is None:
            return _NOW if self._permits else _NEVER
        self._take_safe_part(now)
        return self._within_part(now, super()._opens(now))

    def _admit(self, now: float) -> float:
        if self._away_since is not None:
            self._take_safe_part(now)
            return self._within_part(now, super()._admit(now))
        if not self._permits:
            return _NEVER  # the conversation keeps the time
        self._permits -= 1
        self._quota.in_flight += 1
        return _NOW

    def _within_part(self, now: float, when: float) -> float:
        """Return when to look again, as the part grows a minute after the last reply of the store."""
        grows = self._told_at + self._quota.minute.span
        return min(when, grows) if now < grows else when

    def _pass_on(self) -> None:
        if self._away_since is None:
            self._permits += 1
        super()._pass_on()

    def _take_safe_part(self, now: float) -> None:
        """Set the limits to an even part; for a minute, what others had used is left to them."""
        per_minute, per_hour = self._limits
        workers = self._told.workers if self._told else 1
        self._quota.minute.limit, self._quota.hour.limit = max(1, per_minute // workers), max(1, per_hour // workers)
        if self._away_since is not None and now < self._told_at + self._quota.minute.span:
            self._quota.minute.limit = min(self._quota.minute.limit, per_minute - self._others)

    # The conversation with the store.

    async def _converse(self, store: QuotaStore) -> None:
        while True:
            self._news.clear()
            pause = self._due() - self._clock()
            if pause > 0:
                await self._sleep(pause)
                continue
            restoring, answered = self._restoring, self._answered
            try:
                answer = await store.exchange(self._report())
            except QuotaStoreError as error:
                self._lose(str(error))
            else:
                self._reported = answered
                self._learn(_Told(**answer), restored=restoring)

    async def _sleep(self, seconds: float) -> None:
        """Sleep, until there is news at the latest."""
        with suppress(TimeoutError):
            async with asyncio.timeout(None if math.isinf(seconds) else seconds):
                await self._news.wait()

    def _due(self) -> float:
        """Return when to talk to the store."""
        told, waiting = self._told, self._queue.count
        if self._away_since is not None:
            return self._retry_at if self._queue or self._quota.in_flight or self._quota.minute.responses else _NEVER
        if told is None:
            return _NOW if self._queue else _NEVER
        known = told.interactive or told.bulk
        unasked = (waiting("interactive") and not told.interactive) or (waiting("bulk") and not known)
        gone = (told.interactive and not waiting("interactive")) or (told.bulk and not waiting("bulk"))
        if unasked or gone or self._refusal or self._restoring:
            return _NOW
        owes = self._quota.in_flight or self._permits or self._answered > self._reported
        sign_of_life = self._told_at + self._quota.minute.span / 4
        return min(self._ask_at if self._queue else _NEVER, sign_of_life if owes else _NEVER)

    def _report(self, *, leaving: bool = False) -> dict[str, object]:
        """Write what the script reads; see there."""
        now, minute, hour = self._clock(), self._quota.minute, self._quota.hour
        minute.expire(now)
        self._turn += 1
        if not self._queue:
            self._permits = 0  # given back by being reported no more
        report: dict[str, object] = {
            "worker": self._worker,
            "turn": self._turn,
            "per_minute": self._limits[0],
            "per_hour": self._limits[1],
            "minute": _micros(minute.span),
            "hour": _micros(hour.span),
            "lease": _micros(minute.span / 2),
            "grace": _micros(minute.span / 20),
            "hold": _micros(_HOLD),
            "in_flight": self._quota.in_flight + self._permits,
            "interactive": self._queue.count("interactive"),
            "bulk": self._queue.count("bulk"),
            "used": self._quota.in_flight + len(minute.responses),
            "leaving": leaving,
        }
        return report | self._history(now) | self._take_news()

    def _history(self, now: float) -> dict[str, object]:
        """Tell what was answered since the last report, or all of it if the store may have forgotten."""
        self._quota.hour.expire(now)
        answers, told = self._quota.hour.responses, self._told
        new = len(answers) if self._restoring else min(self._answered - self._reported, len(answers))
        history: dict[str, object] = {
            "restoring": self._restoring,
            "first": self._answered - new,
            "ages": [_micros(now - answer) for answer in islice(answers, len(answers) - new, None)],
            "workers": told.workers if told else 1,
            "used_by_others": self._others if now < self._told_at + self._quota.minute.span else 0,
        }
        if told and (answers or self._quota.in_flight):
            history["epoch"] = told.epoch
        if self._away_since is not None:
            history["away"] = _micros(now - self._away_since)
        return history

    def _take_news(self) -> dict[str, object]:
        refusal, self._refusal = self._refusal, None
        remaining, self._remaining = self._remaining, None
        news = {"refusal": refusal, "remaining": remaining}
        return {name: value for name, value in news.items() if value is not None}

    def _learn(self, told: _Told, *, restored: bool) -> None:
        """Take the permits of an answer, and what it says of the others."""
        now = self._clock()
        if self._away_since is not None:
            _log.info("the store of the shared quota is back after %.1f s", now - self._away_since)
            self._away_since, self._quota.paused_until = None, _NOW
            self._quota.minute.others = self._quota.hour.others = 0
        self._restoring = not restored and self._told is not None and told.epoch != self._told.epoch
        self._told, self._told_at = told, now
        self._others = max(0, told.used - told.granted - self._quota.in_flight - len(self._quota.minute.responses))
        # A little later, since the next ones open soon after the first.
        self._ask_at = now + told.wait + self._quota.minute.span / 200 if told.interactive or told.bulk else _NOW
        self._permits += told.granted
        self._take_safe_part(now)
        self._advance(now)

    def _lose(self, reason: str) -> None:
        """Go on alone; or if the store has never answered, let those who wait know why."""
        now = self._clock()
        self._retry_at = now + _RETRY_EVERY * random.uniform(0.75, 1.25)
        self._trouble = f"the store of the shared quota, {self._address.shown}, cannot be used: {reason}"
        if self._told is None:
            self._fail_all(lambda: QuotaStoreError(self._trouble))
            return
        if self._away_since is None:
            self._away_since = now
            self._permits = 0
            self._take_safe_part(now)
            _log.warning(
                "%s; until it is back, %d requests a minute leave here", self._trouble, self._quota.minute.limit
            )
        self._restoring = True
        self._advance(now)

    def _fail_all(self, error: Callable[[], Exception]) -> None:
        for session in self._sessions:
            self.fail(session, error)

    def _ended(self, conversation: asyncio.Task[None]) -> None:
        """Leave nobody waiting for a conversation that a bug has ended."""
        if not conversation.cancelled() and (error := conversation.exception()):
            _log.error("the shared quota broke down", exc_info=error)
            self._told, self._retry_at, self._trouble = None, _NEVER, f"the shared quota broke down: {error!r}"
            self._fail_all(lambda: QuotaStoreError(self._trouble))
