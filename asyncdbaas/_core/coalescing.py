"""Share one request among identical reads that wait for the quota."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Coroutine, Hashable
from functools import partial
from typing import Any, TypeAlias

import attrs

from asyncdbaas import hooks
from asyncdbaas._core.admission import Admission
from asyncdbaas._core.call import Call, Response
from asyncdbaas._core.observers import Observers
from asyncdbaas.errors import DBaaSError
from asyncdbaas.ratelimit import current_priority

_Send: TypeAlias = Callable[[Call], Coroutine[Any, Any, Response]]


@attrs.define(eq=False)
class _SharedRead:
    """A request that waits, or has been sent, for one or more calls."""

    leader: Call
    admitted: asyncio.Future[None]
    task: asyncio.Task[Response] = attrs.field(init=False)
    waiting: int = 0


class Reads:
    """Send GETs, one request for all identical ones that wait at the same time.

    A call joins a request that is still queued, and never one that was sent, so that nobody sees a state from before
    the own call. The request runs in a task of its own, which keeps its place in the queue as long as anybody waits
    for it.
    """

    def __init__(self, admission: Admission, observers: Observers) -> None:
        self._admission = admission
        self._observers = observers
        self._queued: dict[Hashable, _SharedRead] = {}

    async def send(self, send: _Send, call: Call) -> Response:
        """Send a read by a function, or wait for one that is queued."""
        if call.body is not None or not self._admission.must_wait():
            return await send(call)
        key = (call.url, call.options, call.options.priority or current_priority())
        shared = self._queued.get(key)
        if shared is None:
            shared = self._start(key, send, call)
        elif call.observed:
            self._observers.emit(hooks.CallJoined, call, leader=shared.leader.number)
        shared.waiting += 1
        try:
            return await self._outcome(call, shared)
        finally:
            shared.waiting -= 1
            if not shared.waiting and not shared.task.done():
                self._release(key, shared)
                shared.task.cancel()
                await asyncio.wait([shared.task])

    def _start(self, key: Hashable, send: _Send, call: Call) -> _SharedRead:
        shared = _SharedRead(call, asyncio.get_running_loop().create_future())
        self._queued[key] = shared
        call.on_admission = partial(self._release, key, shared)
        shared.task = asyncio.create_task(send(call))
        shared.task.add_done_callback(partial(self._end, key, shared))
        return shared

    def _release(self, key: Hashable, shared: _SharedRead) -> None:
        """Close a request to further callers."""
        if self._queued.get(key) is shared:
            del self._queued[key]
        if not shared.admitted.done():
            shared.admitted.set_result(None)

    def _end(self, key: Hashable, shared: _SharedRead, task: asyncio.Task[Response]) -> None:
        self._release(key, shared)
        if not task.cancelled():
            task.exception()  # otherwise asyncio logs it as never retrieved if all callers have gone

    async def _outcome(self, call: Call, shared: _SharedRead) -> Response:
        async def admitted(_: Call) -> None:
            await asyncio.wait([shared.admitted])

        max_wait = call.options.max_wait
        if max_wait is not None and (refusal := await self._admission.within(max_wait, call, admitted)):
            raise refusal
        await asyncio.wait([shared.task])
        call.waited = shared.leader.waited
        error = shared.task.exception()
        if error is None:
            return shared.task.result()
        # An error object belongs to one caller: it collects the traceback and notes of whoever handles it.
        raise copy.copy(error) if isinstance(error, DBaaSError) and call is not shared.leader else error
