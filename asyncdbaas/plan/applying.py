"""Carry out a plan: over all clusters at once, each topic once, whatever happens on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from typing import Any, Final

import attrs

from asyncdbaas import bulk, hooks
from asyncdbaas._core.observers import guarded
from asyncdbaas.errors import (
    APIError,
    AuthenticationError,
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    PreconditionError,
    RequestError,
    UnprocessableError,
    WaitTimeoutError,
)
from asyncdbaas.plan.comparing import differences, shrinking, update_for
from asyncdbaas.plan.events import Outcome, PlanEvent, Report, Result, Retrying, Sent, Stopwatch, Waiting, forecast
from asyncdbaas.plan.looking import list_by_name, read_details
from asyncdbaas.plan.model import WRITES, Action, Change, Plan, PlanError
from asyncdbaas.session import AsyncSession
from asyncdbaas.topics import Topic, TopicState, create_topic, delete_topic, update_topic
from asyncdbaas.types import UNSET
from asyncdbaas.waiters import Waiters, WaitFailedError

__all__ = ["MOST_SENDS", "OnConflict", "apply"]

# How often a create whose outcome is unknown is sent, as long as what it makes does not show.
MOST_SENDS: Final = 5
_RESULTS: Final = {Action.CREATE: Result.CREATED, Action.UPDATE: Result.UPDATED, Action.DELETE: Result.DELETED}
_LIVING: Final = (Result.CREATED, Result.UPDATED)
# Errors after which a look tells what to do: the name may be taken, the topic or its cluster busy or gone.
_NOT_YET: Final = (PreconditionError, NotFoundError)
_IN_DOUBT: Final[Mapping[Action, tuple[type[RequestError], ...]]] = {
    Action.CREATE: (*_NOT_YET, UnprocessableError, ConflictError),
    Action.UPDATE: _NOT_YET,
    Action.DELETE: _NOT_YET,
}


class OnConflict(StrEnum):
    """What to do with a topic that somebody else has created since, with other settings."""

    FAIL = "fail"
    UPDATE = "update"


@attrs.frozen(kw_only=True)
class _Options:
    on_conflict: OnConflict
    wait: bool
    per_cluster: int
    interval: float
    timeout: float


async def apply(
    session: AsyncSession,
    plan: Plan,
    *,
    on_event: Callable[[PlanEvent], object] | None = None,
    on_conflict: OnConflict = OnConflict.FAIL,
    wait: bool = False,
    per_cluster: int = 100,
    interval: float = 5.0,
    timeout: float = 300.0,  # noqa: ASYNC109 -- it bounds the wait for each topic, not the whole
) -> Report:
    """Carry out a plan, and return what became of each topic.

    A failure is an outcome like any other; a plan that is refused raises PlanError before anything is sent. A create
    whose outcome is unknown is resolved by looking: one list of the cluster serves all such topics, and only one that
    is not there is sent again. Killed at any point, a new plan holds exactly what is left.

    on_event: called with the forecast, with what happens to each topic's requests, and with each topic's outcome.
    on_conflict: what to do with a topic that somebody else has created since, with other settings.
    wait: a topic counts as done only when it is active, with all its partitions.
    per_cluster: how many topics of one cluster may be under way at once.
    interval: seconds between two looks, where a topic or its cluster is not ready yet.
    timeout: seconds for which a topic may stand in its own way (still being deleted, or set up), and for `wait`.
    """
    if plan.problems:
        raise PlanError(plan.problems)
    options = _Options(on_conflict=on_conflict, wait=wait, per_cluster=per_cluster, interval=interval, timeout=timeout)
    stopwatch = Stopwatch()
    tell = guarded(on_event)
    tell(forecast(session, plan))
    with session.listening(stopwatch):
        outcomes = await _Apply(session, options, tell).run(plan)
    return Report(outcomes=outcomes, requests=stopwatch.requests, times=stopwatch.read())


@attrs.define(eq=False)
class _Job:
    """A change under way."""

    change: Change
    action: Action
    changed: Mapping[str, Any]
    """The keys that an update sets."""
    error: RequestError | None = None
    """Of the last request; None if it was not sent."""
    unknowns: int = 0
    """Creates whose outcome is unknown, so that a topic that shows is ours."""
    blocked_since: float | None = None
    result: Result | None = None
    reason: str = ""


class _Apply:
    """One run over all clusters: what all of them share."""

    def __init__(self, session: AsyncSession, options: _Options, tell: Callable[[PlanEvent], None]) -> None:
        self.session = session
        self.options = options
        self.gate = _Gate()
        self.tell = tell
        self.waiters = Waiters(session, interval=options.interval, timeout=options.timeout)
        self._at_work: dict[asyncio.Task[Any] | None, Change] = {}

    async def run(self, plan: Plan) -> tuple[Outcome, ...]:
        """Work on all clusters at once, and return the outcomes in the order of the plan."""
        jobs = [_Job(change, change.action, change.changed) for change in plan.changes]
        clusters: dict[str, list[_Job]] = {}
        for job in jobs:
            if job.action in WRITES:
                clusters.setdefault(job.change.cluster.id, []).append(job)
            else:
                job.result = Result.KEPT
                self.settle(job)
        with self.session.listening(self._pass_on):
            await bulk.map_all(lambda jobs: _ClusterRun(self, jobs).run(), clusters.values())
        return tuple(_outcome(job) for job in jobs)

    async def send(self, job: _Job) -> None:
        """Send the request of a job, once its kind of request is known to be allowed."""
        task = asyncio.current_task()
        self._at_work[task] = job.change
        try:
            await self.gate.pass_through(job.action, lambda: _send(self.session, job))
        finally:
            del self._at_work[task]

    def settle(self, job: _Job) -> None:
        """Tell a topic's outcome."""
        self.tell(_outcome(job))

    def _pass_on(self, event: hooks.CallEvent) -> None:
        """Tell what happens to a topic's request: the session calls this in the task of the call."""
        change = self._at_work.get(asyncio.current_task())
        if change is None:
            return
        match event:
            case hooks.AttemptStarted():
                self.tell(Sent(change=change))
            case hooks.QuotaWait():
                self.tell(Waiting(change=change, seconds=event.seconds))
            case hooks.RetryScheduled():
                self.tell(Retrying(change=change, seconds=event.delay, error=event.error))
            case _:
                pass


async def _send(session: AsyncSession, job: _Job) -> None:
    cluster_id, name, wanted = job.change.cluster.id, job.change.name, job.change.wanted
    if job.action is Action.DELETE or wanted is None:
        await delete_topic(session, cluster_id, name)
    elif job.action is Action.CREATE:
        await create_topic(session, cluster_id, wanted.topic)
    else:
        await update_topic(session, cluster_id, name, update_for(wanted.topic, job.changed))


def _outcome(job: _Job) -> Outcome:
    return Outcome(change=job.change, result=job.result or Result.NOT_SENT, reason=job.reason)


class _RefusedError(Exception):
    """A request that is not sent, because one like it was refused for want of a scope."""


class _Gate:
    """Let the first request of each kind go alone: its answer tells whether the token may make the others."""

    def __init__(self) -> None:
        self._answered: dict[Action, asyncio.Event] = {}
        self._refusals: dict[Action, APIError] = {}

    async def pass_through(self, action: Action, send: Callable[[], Awaitable[None]]) -> None:
        """Send, unless one like it has been refused: then _RefusedError."""
        answered = self._answered.get(action)
        if answered is not None:
            await answered.wait()
        if action in self._refusals:
            raise _RefusedError(f"not tried, since one like it was refused: {self._refusals[action].message}")
        answered = self._answered.setdefault(action, asyncio.Event())
        try:
            await send()
        except (AuthenticationError, PermissionDeniedError) as error:
            refused = WRITES if isinstance(error, AuthenticationError) else (action,)
            self._refusals |= dict.fromkeys(refused, error)
            raise
        finally:
            answered.set()


class _ClusterRun:
    """The work on one cluster: rounds of requests, and a look after each that left something in doubt."""

    def __init__(self, parent: _Apply, jobs: list[_Job]) -> None:
        self._parent = parent
        self._options = parent.options
        self._session = parent.session
        self._jobs = jobs
        self._cluster = jobs[0].change.cluster
        self._halted = False

    async def run(self) -> None:
        """Work until each job has its outcome."""
        pending = self._jobs
        while pending:
            self._halted = False
            await bulk.map_all(self._try, pending, limit=self._options.per_cluster)
            pending = [job for job in pending if job.result is None]
            pending = await self._look_after(pending) if pending else []
        if self._options.wait:
            await bulk.map_all(self._wait_for, self._jobs, limit=len(self._jobs))

    async def _try(self, job: _Job) -> None:
        job.error = None
        if self._halted:
            return
        try:
            await self._parent.send(job)
        except _RefusedError as error:
            self._settle(job, Result.NOT_SENT, str(error))
        except InvalidInputError as error:
            self._settle(job, Result.FAILED, str(error))
        except RequestError as error:
            self._note(job, error)
        else:
            self._settle(job, _RESULTS[job.action])

    def _note(self, job: _Job, error: RequestError) -> None:
        job.error = error
        if error.may_have_applied:
            job.unknowns += 1
        elif not isinstance(error, _IN_DOUBT[job.action]):
            self._settle(job, Result.FAILED, str(error))
        elif job.action is Action.CREATE and not isinstance(error, (UnprocessableError, ConflictError)):
            self._halted = True  # the cluster is busy, or gone: the others would fare no better

    async def _look_after(self, jobs: list[_Job]) -> list[_Job]:
        """Settle what a look at the cluster settles; return what is to be tried again, after a pause."""
        try:
            live = await self._look(jobs)
        except RequestError as error:
            for job in jobs:
                self._settle(job, *_unseen(job, error))
            return []
        again = [job for job in jobs if not self._is_settled_by(job, live.get(job.change.name))]
        if again:
            await asyncio.sleep(self._options.interval)
        return again

    async def _look(self, jobs: list[_Job]) -> dict[str, Topic]:
        live = await list_by_name(self._session, self._cluster.id)
        names = [job.change.name for job in jobs if _needs_details(job) and job.change.name in live]
        details = await read_details(self._session, [(self._cluster.id, name) for name in names])
        return live | {name: topic for name, topic in zip(names, details, strict=True) if topic is not None}

    def _is_settled_by(self, job: _Job, live: Topic | None) -> bool:
        """Settle a job by what there is, or for having been tried long enough."""
        verdict = _judge(job, live)
        if verdict.changed and self._options.on_conflict is OnConflict.UPDATE:
            job.action, job.changed = Action.UPDATE, verdict.changed
        elif verdict.result is not None:
            self._settle(job, verdict.result, verdict.reason)
        elif self._is_over(job):
            self._settle(job, *_given_up(job, verdict.reason))
        return job.result is not None

    def _is_over(self, job: _Job) -> bool:
        if job.error is not None and job.error.may_have_applied:
            return job.unknowns >= MOST_SENDS
        now = asyncio.get_running_loop().time()
        job.blocked_since = now if job.blocked_since is None else job.blocked_since
        return now - job.blocked_since >= self._options.timeout

    async def _wait_for(self, job: _Job) -> None:
        if job.result not in _LIVING or job.change.wanted is None:
            return
        count = job.change.wanted.topic.partition_count
        try:
            await self._parent.waiters.topic_active(
                self._cluster.id, job.change.name, partition_count=None if count is UNSET else count
            )
        except (WaitTimeoutError, WaitFailedError) as error:
            job.result, job.reason = Result.FAILED, f"{job.result}, but: {error}"
        self._parent.settle(job)

    def _settle(self, job: _Job, result: Result, reason: str = "") -> None:
        job.result, job.reason = result, reason
        if not self._options.wait or result not in _LIVING:
            self._parent.settle(job)


@attrs.frozen(kw_only=True)
class _Verdict:
    """What a look makes of a job; `result` is None if it is to be tried again."""

    result: Result | None
    reason: str = ""
    changed: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    """Of a conflict: what differs."""


def _judge(job: _Job, live: Topic | None) -> _Verdict:
    gone = live is None or live.state is TopicState.DELETING
    if job.action is Action.DELETE:
        return _Verdict(result=Result.DELETED if gone else None)
    if job.action is Action.UPDATE:
        return _judge_update(job, live)
    if live is None:
        # Where a topic was being deleted, its name may have become free since it was refused.
        refused = isinstance(job.error, (UnprocessableError, ConflictError)) and job.change.live is None
        return _Verdict(result=Result.FAILED, reason=str(job.error)) if refused else _Verdict(result=None)
    if gone:
        return _Verdict(result=None, reason="an earlier topic of this name is still being deleted")
    return _judge_created(job, live)


def _judge_update(job: _Job, live: Topic | None) -> _Verdict:
    if live is None or job.change.wanted is None:
        return _Verdict(result=Result.FAILED, reason="the topic is gone")
    changed = differences(job.change.wanted.topic, live)
    if "partition_count" in job.changed and (reason := shrinking(changed)):
        return _Verdict(result=Result.FAILED, reason=reason)
    return _Verdict(result=Result.UPDATED if job.unknowns and not changed else None)


def _judge_created(job: _Job, live: Topic) -> _Verdict:
    """Judge a create whose topic is there: ours, or somebody else's."""
    if job.unknowns or job.change.wanted is None:
        return _Verdict(result=Result.CREATED)
    wanted = job.change.wanted.topic
    if wanted.config is not UNSET and live.config is None:
        return _Verdict(result=None, reason="somebody else created it, and its settings do not show yet")
    changed = differences(wanted, live)
    if not changed:
        return _Verdict(result=Result.KEPT)
    if reason := shrinking(changed):
        return _Verdict(result=Result.FAILED, reason=reason)
    shown = ", ".join(f"{key} is {there}, not {declared}" for key, (there, declared) in changed.items())
    return _Verdict(result=Result.FAILED, reason=f"somebody else created it otherwise: {shown}", changed=changed)


def _needs_details(job: _Job) -> bool:
    if job.change.wanted is None or job.change.wanted.topic.config is UNSET:
        return False
    if job.action is Action.CREATE:
        return not job.unknowns  # else it is ours
    return bool(job.unknowns)


def _given_up(job: _Job, reason: str) -> tuple[Result, str]:
    if job.error is None:
        return Result.NOT_SENT, reason or "the cluster was not ready for it in time"
    return Result.FAILED, reason or str(job.error)


def _unseen(job: _Job, error: RequestError) -> tuple[Result, str]:
    """Return what to say of a job when its cluster cannot be looked at."""
    if isinstance(error, NotFoundError):
        return (Result.NOT_SENT if job.error is None else Result.FAILED), "the cluster is gone"
    if job.error is None:
        return Result.NOT_SENT, f"the cluster cannot be looked at: {error}"
    return Result.FAILED, f"{job.error}; then the cluster could not be looked at: {error}"
