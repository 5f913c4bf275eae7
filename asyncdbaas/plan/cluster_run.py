"""Apply the changes of one cluster: rounds of requests, and a read after each one that left something unclear."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from functools import partial
from typing import Any, Final, NoReturn

import attrs

from asyncdbaas import bulk
from asyncdbaas._checks import check_seconds
from asyncdbaas._core.polling import is_transient
from asyncdbaas._core.resend import ResendSchedule, is_rejection
from asyncdbaas.catalogue.kafka import SAME_IN_METRICS
from asyncdbaas.errors import (
    AcceptedError,
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PreconditionError,
    RequestError,
    SettingsLostError,
    UnprocessableError,
    WaitFailedError,
    WaitTimeoutError,
)
from asyncdbaas.plan.events import Outcome, Result
from asyncdbaas.plan.gate import NotSentError
from asyncdbaas.plan.judging import Job, judge, judge_update, needs_details, timed_out, unreadable
from asyncdbaas.plan.kinds import SCHEMAS, TOPICS, Write
from asyncdbaas.plan.kinds.schemas import is_incompatible
from asyncdbaas.plan.model import Action
from asyncdbaas.session import AsyncSession
from asyncdbaas.types import UNSET
from asyncdbaas.waiters import Waiters

__all__ = ["ClusterRun", "OnConflict", "Options"]

_RESULTS: Final = {Action.CREATE: Result.CREATED, Action.UPDATE: Result.UPDATED, Action.DELETE: Result.DELETED}
_LIVING: Final = (Result.CREATED, Result.UPDATED)
# After these errors a read shows what to do: the name may be taken, the topic or its cluster busy or gone.
_NOT_YET: Final = (PreconditionError, NotFoundError, AcceptedError)
_UNCLEAR: Final[Mapping[Action, tuple[type[RequestError], ...]]] = {
    Action.CREATE: (*_NOT_YET, UnprocessableError, ConflictError),
    Action.UPDATE: _NOT_YET,
    Action.DELETE: _NOT_YET,
}
# One 404 of a list that exists has been seen from a gateway.
_MIN_MISSES: Final = 2


class OnConflict(StrEnum):
    """Treatment of an object that exists and differs from its entry."""

    FAIL = "fail"
    UPDATE = "update"

    @classmethod
    def _missing_(cls, value: object) -> NoReturn:
        del value
        raise InvalidInputError(f"on_conflict must be one of {', '.join(cls)}")


def _check_seconds(_: object, field: attrs.Attribute[float], value: float) -> None:
    check_seconds(value, field.name)


@attrs.frozen(kw_only=True)
class Options:
    """Options of `apply`."""

    on_conflict: OnConflict = attrs.field(converter=OnConflict)
    wait: bool
    per_cluster: int
    interval: float = attrs.field(validator=_check_seconds)
    timeout: float = attrs.field(validator=_check_seconds)

    def schedule(self) -> ResendSchedule:
        """Return the schedule for the requests of one change."""
        return ResendSchedule(timeout=self.timeout)


@attrs.define(eq=False, kw_only=True)
class ClusterRun:
    """The changes of one cluster and one kind of object."""

    session: AsyncSession
    options: Options
    waiters: Waiters
    jobs: list[Job]
    send: Callable[[Job, Callable[[], Awaitable[object]]], Awaitable[None]]
    """Sends the request of a job, once its kind of request is known to be allowed."""
    report: Callable[[Outcome], None]
    _halted: bool = attrs.field(default=False, init=False)

    async def run(self) -> None:
        """Work until each job has its outcome."""
        pending = self.jobs
        while pending:
            self._halted = False
            due = [job for job in pending if job.schedule.is_due]
            await bulk.map_all(self._try, due, limit=1 if self.jobs[0].kind.one_at_a_time else self.options.per_cluster)
            pending = [job for job in pending if job.result is None]
            pending = await self._check(pending) if pending else []
        if self.options.wait:
            await bulk.map_all(self._wait_for, self.jobs, limit=len(self.jobs))

    async def _try(self, job: Job) -> None:
        job.error = None
        if self._halted:
            return
        try:
            await self._send(job)
        except NotSentError as error:
            self._settle(job, Result.NOT_SENT, str(error))
        except (InvalidInputError, SettingsLostError) as error:
            self._settle(job, Result.FAILED, str(error))
        except RequestError as error:
            self._note(job, error)

    async def _send(self, job: Job) -> None:
        kind, change = job.kind, job.change
        live, changed = job.live, job.changed
        if job.action is Action.UPDATE and kind.is_reread:
            # Somebody may have changed it since the plan was made: the request must not undo that.
            live = await kind.read(self.session, self._cluster_id, live, change.wanted)
            verdict = judge_update(job, live)
            if verdict.result is not None:
                self._settle(job, verdict.result, verdict.reason)
            if live is None or verdict.result is not None:
                return
            changed = verdict.changed
        write = Write(action=job.action, name=change.name, entry=change.wanted, live=live, changed=changed)
        await self.send(job, partial(self._write, job, write))

    async def _write(self, job: Job, write: Write) -> None:
        job.answer = await job.kind.send(self.session, self._cluster_id, write)
        job.may_have_applied = True  # should the check fail
        reason = await job.kind.check_effect(self.session, self._cluster_id, write)
        self._settle(job, Result.NO_EFFECT if reason else _RESULTS[job.action], reason)

    @property
    def _cluster_id(self) -> str:
        return self.jobs[0].change.cluster.id

    def _note(self, job: Job, error: RequestError) -> None:
        job.error = error
        if error.may_have_applied or is_rejection(error):
            job.schedule.note_send(unknown=error.may_have_applied)
        if error.may_have_applied:
            job.may_have_applied = True
        elif job.kind is SCHEMAS and is_incompatible(error):
            self._settle(job, Result.INCOMPATIBLE, str(error))
        elif not isinstance(error, _UNCLEAR[job.action]):
            self._settle(job, Result.FAILED, str(error))
        elif job.action is Action.CREATE and not is_rejection(error):
            self._halted = True  # the cluster is busy, or gone: the others would fail too

    async def _check(self, jobs: list[Job]) -> list[Job]:
        """Read the cluster, settle the jobs that this decides, and return the others after a pause."""
        live = await self._fetch_until_readable(jobs)
        now = asyncio.get_running_loop().time()
        for job in jobs if live is not None else ():
            self._judge(job, (live or {}).get(job.change.name), now)
        self._fail_collisions(live or {}, [job for job in jobs if job.result is None and is_rejection(job.error)])
        again = [job for job in jobs if job.result is None]
        if again:
            await asyncio.sleep(self.options.interval)
        return again

    async def _fetch_until_readable(self, jobs: list[Job]) -> Mapping[str, Any] | None:
        """Return the live objects; None if the cluster cannot be read in time, which settles all jobs."""
        missed = 0
        while True:
            try:
                return await self._fetch(jobs)
            except RequestError as error:
                missed = missed + 1 if isinstance(error, NotFoundError) else 0
                may_pass = is_transient(error) or 0 < missed < _MIN_MISSES
                now = asyncio.get_running_loop().time()
                for job in jobs:
                    job.schedule.begin(now)
                    job.schedule.note_check()
                    if job.result is None and (not may_pass or job.schedule.is_over(now) or job.schedule.is_spent):
                        self._settle(job, *unreadable(job, error))
            if all(job.result is not None for job in jobs):
                return None
            await asyncio.sleep(self.options.interval)

    async def _fetch(self, jobs: list[Job]) -> dict[str, Any]:
        kind = jobs[0].kind
        live = await kind.fetch(self.session, self._cluster_id)
        unread = [job for job in jobs if needs_details(job, live.get(job.change.name))]

        async def read(job: Job) -> None:
            name = job.change.name
            found = await kind.read(self.session, self._cluster_id, live.get(name, job.live), job.change.wanted)
            if found is not None:
                live[name] = found

        await bulk.map_all(read, unread)
        return live

    def _judge(self, job: Job, live: Any, now: float) -> None:
        """Settle a job by the live object, or because it was tried for long enough."""
        if job.result is not None:
            return
        job.schedule.begin(now)
        job.schedule.note_check()
        verdict = judge(job, live)
        is_asked = verdict.result is None or self.options.on_conflict is OnConflict.UPDATE
        if job.action is Action.CREATE and verdict.changed and is_asked:
            job.action, job.changed, job.live = Action.UPDATE, verdict.changed, live
            job.schedule = self.options.schedule()
        elif verdict.result is not None:
            job.answer = live
            self._settle(job, verdict.result, verdict.reason)
        elif job.schedule.is_over(now) or (job.may_have_applied and job.schedule.is_spent):
            self._settle(job, *timed_out(job, verdict.reason))

    def _fail_collisions(self, live: Mapping[str, Any], rejected: list[Job]) -> None:
        """Fail creates whose names collide with visible objects: waiting would not help."""
        taken = {job.kind.collision_key(name): name for job in rejected[:1] for name in live}
        for job in rejected:
            name = taken.get(job.kind.collision_key(job.change.name), job.change.name)
            if job.action is Action.CREATE and name != job.change.name:
                job.may_have_applied = False  # both cannot exist
                self._settle(job, Result.FAILED, f"the name collides with {name}, which exists: {SAME_IN_METRICS}")

    async def _wait_for(self, job: Job) -> None:
        if job.result not in _LIVING or job.change.wanted is None:
            return
        if job.kind is not TOPICS:  # all others are ready at once
            self.report(job.outcome)
            return
        count = job.change.wanted.topic.partition_count
        try:
            await self.waiters.topic_active(
                self._cluster_id, job.change.name, partition_count=None if count is UNSET else count
            )
        except (WaitTimeoutError, WaitFailedError, RequestError) as error:
            job.result, job.reason = Result.FAILED, f"{job.result}, but: {error}"
        self.report(job.outcome)

    def _settle(self, job: Job, result: Result, reason: str = "") -> None:
        job.result, job.reason = result, reason
        if not self.options.wait or result not in _LIVING:
            self.report(job.outcome)
