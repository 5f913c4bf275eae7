"""Apply a plan: all clusters at once, each object once, whatever fails on the way.

In each cluster topics come first, then users, one at a time, then schemas. After a create with an
unknown outcome the objects are read: one list request serves all of a cluster, and only those that are not visible are
sent again. An update of a topic or a user reads it first, so that it undoes nothing that changed since the plan.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from asyncdbaas import bulk, hooks
from asyncdbaas._checks import check_instance
from asyncdbaas._core.observers import guarded
from asyncdbaas.plan.cluster_run import ClusterRun, OnConflict, Options
from asyncdbaas.plan.events import Outcome, PlanEvent, Report, Result, Retrying, Sent, Stopwatch, Waiting, forecast
from asyncdbaas.plan.gate import Gate
from asyncdbaas.plan.judging import Job
from asyncdbaas.plan.kinds import KINDS
from asyncdbaas.plan.memory import Memory
from asyncdbaas.plan.model import Change, Plan, PlanError
from asyncdbaas.session import AsyncSession
from asyncdbaas.waiters import Waiters

__all__ = ["OnConflict", "apply"]


async def apply(
    session: AsyncSession,
    plan: Plan,
    *,
    on_event: Callable[[PlanEvent], object] | None = None,
    on_conflict: OnConflict = OnConflict.FAIL,
    wait: bool = False,
    per_cluster: int = 100,
    interval: float = 5.0,
    timeout: float = 300.0,  # noqa: ASYNC109 -- it bounds the wait for each object, not the whole
    memory: Memory | None = None,
) -> Report:
    """Apply a plan, and return the outcome of each change.

    A failure is an outcome like any other; one that may have been applied says so (`outcome_unknown`). A plan with
    problems raises PlanError before anything is sent. If the process is killed at any point, a new plan holds exactly
    what is left.

    Args:
        session: An open session.
        plan: What to do.
        on_event: Called with the forecast, with each event of a change's requests, and with each outcome.
        on_conflict: What to do with an object that somebody else has created since, with other settings.
        wait: Whether a topic counts as done only when it is active, with all its partitions.
        per_cluster: Number of changes of one cluster in progress at once.
        interval: Seconds between two reads of an object or cluster that is not ready.
        timeout: Seconds for which an object may be invisible, busy or still being deleted; also for `wait`.
        memory: Settings that were read before; it is brought up to date with what is written.

    """
    check_instance(plan, Plan, "plan", "await make_plan(session, catalogue)")
    if plan.problems:
        raise PlanError(plan.problems)
    options = Options(on_conflict=on_conflict, wait=wait, per_cluster=per_cluster, interval=interval, timeout=timeout)
    stopwatch = Stopwatch()
    emit = guarded(on_event)
    emit(forecast(session, plan))
    with session.listening(stopwatch):
        outcomes = await _Apply(session, options, emit).run(plan, memory or Memory())
    return Report(outcomes=outcomes, requests=stopwatch.requests, times=stopwatch.read())


class _Apply:
    """One run over all clusters, and the state that they share."""

    def __init__(self, session: AsyncSession, options: Options, emit: Callable[[PlanEvent], None]) -> None:
        self._session = session
        self._options = options
        self._gate = Gate()
        self._emit = emit
        self._in_progress: dict[asyncio.Task[Any] | None, Change] = {}

    async def run(self, plan: Plan, memory: Memory) -> tuple[Outcome, ...]:
        """Work on all clusters at once, and return the outcomes in the order of the plan."""
        before = memory.begin_writes(plan)
        jobs = [
            Job(
                change=change,
                action=change.action,
                changed=change.changed,
                live=change.live,
                schedule=self._options.schedule(),
            )
            for change in plan.changes
        ]
        for job in jobs:
            if not job.action.is_write:
                job.result = Result.KEPT
                self._emit(job.outcome)
        waiters = Waiters(self._session, interval=self._options.interval, timeout=self._options.timeout)
        with self._session.listening(self._pass_on):
            await bulk.map_all(_in_order, self._runs(jobs, waiters))
        outcomes = tuple(job.outcome for job in jobs)
        memory.end_writes(outcomes, before)
        return outcomes

    def _runs(self, jobs: list[Job], waiters: Waiters) -> list[list[ClusterRun]]:
        """Return for each cluster a run for each kind, in the order of the kinds: users name topics, and so on."""
        by_cluster: dict[str, dict[str, list[Job]]] = {}
        for job in jobs:
            if job.action.is_write:
                kinds = by_cluster.setdefault(job.change.cluster.id, {kind.name: [] for kind in KINDS})
                kinds[job.kind.name].append(job)
        made = partial(
            ClusterRun,
            session=self._session,
            options=self._options,
            waiters=waiters,
            send=self._send,
            report=self._emit,
        )
        return [[made(jobs=of_kind) for of_kind in kinds.values() if of_kind] for kinds in by_cluster.values()]

    async def _send(self, job: Job, send: Callable[[], Awaitable[object]]) -> None:
        task = asyncio.current_task()
        self._in_progress[task] = job.change
        try:
            await self._gate.pass_through(job.kind.name, job.action, send)
        finally:
            del self._in_progress[task]

    def _pass_on(self, event: hooks.CallEvent) -> None:
        """Emit the events of a change's request: the session calls this in the task of the call."""
        change = self._in_progress.get(asyncio.current_task())
        if change is None:
            return
        match event:
            case hooks.AttemptStarted():
                self._emit(Sent(change=change))
            case hooks.QuotaWait():
                self._emit(Waiting(change=change, seconds=event.seconds))
            case hooks.RetryScheduled():
                self._emit(Retrying(change=change, seconds=event.delay, error=event.error))
            case _:
                pass


async def _in_order(runs: list[ClusterRun]) -> None:
    for run in runs:
        await run.run()
