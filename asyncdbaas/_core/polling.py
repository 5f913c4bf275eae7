"""Poll one list for any number of waits."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Final, Generic, TypeAlias, TypeVar

import attrs

from asyncdbaas._documented import Documented
from asyncdbaas.errors import (
    APIError,
    DBaaSError,
    InvalidInputError,
    NotFoundError,
    RequestError,
    SessionStateError,
    TLSError,
    WaitFailedError,
    WaitTimeoutError,
)
from asyncdbaas.ratelimit.timer import running_loop
from asyncdbaas.types import OpenEnum

T = TypeVar("T")

# Responses of the service or a gateway that say nothing about the object: it was busy, or did not handle the request.
_PASSING: Final = frozenset({408, 412, 421, 425, 429})

# A gateway's error page, or a null in place of a list, must not decide a wait: what ends it must be seen twice in a
# row. Lists can be older than the object, so an object that they lack must also be missing when it is read itself.
_SIGHTINGS: Final = 2


def is_transient(error: RequestError) -> bool:
    """Return whether the next attempt of a read may succeed."""
    if isinstance(error, APIError):
        return error.status in _PASSING or error.status >= 500
    return not isinstance(error, TLSError)


@attrs.frozen(kw_only=True)
class Round(Documented):
    """One request was made for all waits that share a list."""

    what: str
    """The list, such as `clusters`."""
    number: int
    """Number of requests for this list since its first wait began; 1 for the first."""
    waiting: int
    """Number of waits for objects in the list."""
    error: RequestError | None
    """Why the request failed. The next round asks again."""


@attrs.frozen(kw_only=True)
class StateSeen(Documented):
    """The state of an object that is waited for has changed."""

    what: str
    """The object, such as `topic orders`."""
    state: str
    """`absent` if the object is not visible."""
    is_known: bool
    """False for a state that this library does not list. It is waited out like any other."""
    seconds: float
    """Seconds since the wait began."""


WaitEvent: TypeAlias = Round | StateSeen


@attrs.define(eq=False, kw_only=True)
class Wait(Generic[T]):
    """One wait: the object, and what was last seen of it."""

    what: str
    key: str
    """Where the object stands in the list."""
    is_done: Callable[[T], bool]
    state_of: Callable[[T], OpenEnum | None]
    failure_of: Callable[[T], str] = attrs.field(default=lambda _: "")
    """Returns why the object can never be done; empty if it can."""
    absent_is_done: bool = False
    appears_within: float = 120.0
    """Seconds for which the object may be missing at first."""
    began: float = attrs.field(factory=lambda: asyncio.get_running_loop().time(), init=False)
    future: asyncio.Future[Any] = attrs.field(factory=lambda: asyncio.get_running_loop().create_future(), init=False)
    last: T | None = attrs.field(default=None, init=False)
    state: str = attrs.field(default="", init=False)
    absences: int = attrs.field(default=0, init=False)
    """Number of rounds in a row that did not show the object."""
    denials: int = attrs.field(default=0, init=False)
    """Number of times in a row that reading the object gave 404."""
    failures: int = attrs.field(default=0, init=False)
    """Number of rounds in a row that showed the object as failed."""

    def show(self, item: T) -> None:
        """Handle a round that shows the object."""
        self.last, self.absences, self.denials = item, 0, 0
        reason = self.failure_of(item)
        self.failures = self.failures + 1 if reason else 0
        if reason:  # what a list shows once may be older than the object, such as an earlier one of the name
            if self.failures >= _SIGHTINGS:
                self.settle(WaitFailedError(f"{self.what} {reason}", last=item))
            return
        try:
            done = self.is_done(item)
            if isinstance(done, Coroutine):  # it would count as true
                done.close()
                raise InvalidInputError("is_done must return whether the wait is over, and must not be a coroutine")
            if done:
                self.settle(item)
        except Exception as error:  # noqa: BLE001 -- a caller's function: its error is not that of the other waits
            self.settle(error)

    def is_over_if_absent(self, now: float) -> bool:
        """Count a round that does not show the object; return whether the wait ends if it does not exist."""
        self.absences += 1
        if self.absences < _SIGHTINGS:
            return False
        return self.absent_is_done or self.last is not None or now - self.began > self.appears_within

    def deny(self) -> bool:
        """Handle a 404 for the object itself; return whether that is enough to end the wait."""
        self.denials += 1
        if self.denials < _SIGHTINGS:
            return False
        if self.absent_is_done:
            self.settle(None)
        elif self.last is not None:
            self.settle(WaitFailedError(f"{self.what} has vanished", last=self.last))
        else:
            self.settle(WaitFailedError(f"{self.what} did not appear within {self.appears_within:g} s"))
        return True

    def settle(self, outcome: object) -> None:
        """End the wait with a result or an error."""
        if self.future.done():
            return
        if isinstance(outcome, Exception):
            self.future.set_exception(outcome)
            self.future.exception()  # marks it as retrieved, which a caller that is cancelled meanwhile never does
        else:
            self.future.set_result(outcome)


@attrs.define(eq=False, kw_only=True)
class Poll(Generic[T]):
    """A list that is requested once a round, as long as somebody waits for an object in it."""

    what: str
    fetch: Callable[[], Awaitable[Mapping[str, T]]]
    """Requests the list, and returns its objects by key."""
    read: Callable[[str], Awaitable[T]]
    """Reads one object. Confirms that an object missing in the list does not exist, which a list alone cannot."""
    can_be_missing: bool = True
    """Whether a request for the list gets 404 if the object that contains the list does not exist."""
    interval: float
    timeout: float
    emit: Callable[[WaitEvent], object]
    _waits: dict[Wait[T], None] = attrs.field(factory=dict["Wait[T]", None], init=False)
    _rounds: int = attrs.field(default=0, init=False)
    _refusals: int = attrs.field(default=0, init=False)
    _polling: bool = attrs.field(default=False, init=False)
    _task: asyncio.Task[None] | None = attrs.field(default=None, init=False)

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits."""
        return not self._waits

    async def until(self, wait: Wait[T]) -> T:
        """Wait for an object. The first caller starts the rounds, the last one ends them."""
        self._waits[wait] = None
        try:
            self._start()
            await asyncio.wait({wait.future}, timeout=self.timeout)
        finally:
            del self._waits[wait]
            if not self._waits:
                await self._stop()
        if wait.future.done():
            item: T = wait.future.result()
            return item
        spent = f"{self.timeout:g} s and {self._rounds} requests"
        seen = wait.state or "nothing"
        raise WaitTimeoutError(f"{wait.what} is not ready after {spent}; last state seen: {seen}", last=wait.last)

    def _start(self) -> None:
        if not self._polling:
            self._polling = True  # before the task is made: an eager task runs at once, and may start another wait
            self._task = asyncio.create_task(self._run())

    async def _stop(self) -> None:
        task, self._task, self._polling = self._task, None, False
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    async def _run(self) -> None:
        while True:
            try:
                await self._round()
            except Exception as error:  # noqa: BLE001 -- every exception must reach the tasks that wait
                for wait in tuple(self._waits):
                    # An error object belongs to one caller: it collects the notes and the traceback of that one.
                    wait.settle(copy.copy(error) if isinstance(error, DBaaSError) else error)
            await asyncio.sleep(self.interval)

    async def _round(self) -> None:
        items, failure = await self._request()
        self._rounds += 1
        self.emit(Round(what=self.what, number=self._rounds, waiting=len(self._waits), error=failure))
        now = asyncio.get_running_loop().time()
        unconfirmed: list[Wait[T]] = []
        for wait in tuple(self._waits):  # a listener may start another wait meanwhile
            if items is not None and wait.key in items:
                self._show(wait, items[wait.key], now)
            elif items is not None or (self.can_be_missing and isinstance(failure, NotFoundError)):
                self._note_absence(wait, now, unconfirmed)
        await asyncio.gather(*(self._confirm(wait, now) for wait in unconfirmed))

    async def _request(self) -> tuple[Mapping[str, T] | None, RequestError | None]:
        """Return the list, or why it could not be read; raise an error that the next round would meet again."""
        try:
            items = await self.fetch()
        except RequestError as error:
            self._refusals = 0 if is_transient(error) or isinstance(error, NotFoundError) else self._refusals + 1
            if self._refusals >= _SIGHTINGS:
                raise
            return None, error
        self._refusals = 0
        return items, None

    def _note_absence(self, wait: Wait[T], now: float, unconfirmed: list[Wait[T]]) -> None:
        if wait.is_over_if_absent(now):
            unconfirmed.append(wait)
        elif wait.last is None:
            self._emit_state(wait, None, now)

    async def _confirm(self, wait: Wait[T], now: float) -> None:
        """Read an object that lists no longer show, and end the wait if it does not exist."""
        try:
            item = await self.read(wait.key)
        except NotFoundError:
            if wait.deny():
                self._emit_state(wait, None, now)
        except DBaaSError:
            return  # nothing is known: the next round asks again
        else:
            self._show(wait, item, now)

    def _show(self, wait: Wait[T], item: T, now: float) -> None:
        self._emit_state(wait, wait.state_of(item), now)
        wait.show(item)

    def _emit_state(self, wait: Wait[T], state: OpenEnum | None, now: float) -> None:
        name = state or "absent"
        if wait.state != name:
            wait.state = name
            known = state is None or state.is_known
            self.emit(StateSeen(what=wait.what, state=name, is_known=known, seconds=now - wait.began))


@attrs.define(eq=False, kw_only=True)
class Polls:
    """The polls of one event loop, by what they poll."""

    interval: float
    timeout: float
    emit: Callable[[WaitEvent], object]
    _loop: asyncio.AbstractEventLoop | None = attrs.field(default=None, init=False)
    _polls: dict[str, Poll[Any]] = attrs.field(factory=dict[str, Poll[Any]], init=False)

    def get(
        self,
        what: str,
        fetch: Callable[[], Awaitable[Mapping[str, T]]],
        read: Callable[[str], Awaitable[T]],
        *,
        can_be_missing: bool = True,
    ) -> Poll[T]:
        """Return the poll for a list, and make it if nobody waits for an object in the list."""
        self._enter_loop()
        if what not in self._polls:
            self._polls = {name: poll for name, poll in self._polls.items() if not poll.is_idle}
            self._polls[what] = Poll(
                what=what,
                fetch=fetch,
                read=read,
                can_be_missing=can_be_missing,
                interval=self.interval,
                timeout=self.timeout,
                emit=self.emit,
            )
        return self._polls[what]

    def _enter_loop(self) -> None:
        """Raise unless the current event loop is the one in which all waits run."""
        loop = running_loop()
        if self._loop is not None and self._loop is not loop:
            if not self._loop.is_closed():
                raise SessionStateError("these Waiters are in use in another event loop; make Waiters in each")
            self._polls = {}  # nobody can wait in a closed loop
        self._loop = loop
