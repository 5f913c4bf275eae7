"""What must hold in every run, whatever the seed."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import Counter, defaultdict
from typing import Any, cast

from memory_network import End
from simulated_world import Entry, Op, OtherError, World

from asyncdbaas import DBaaSError, DecodeError, hooks
from asyncdbaas.errors import AcceptedError, PreconditionError, QuotaWaitError
from asyncdbaas.plan import Result


def check(world: World) -> None:
    """Check what a run has left behind, after its sessions were closed."""
    check_quota(world)
    check_departures(world)
    check_repetitions(world)
    check_ends(world)
    check_outcomes(world)
    check_plans(world)
    check_calm(world)
    check_events(world)


def check_quota(world: World) -> None:
    """Alone on its token, a client is never refused, unless it let go of a request that was still on its way."""
    refused = [entry for entry in world.emulator.entries if entry.status == 429 and not entry.by_fault]
    alone = not world.scenario.other_clients and not world.network.late
    world.expect(not refused or not alone, f"refused though alone: {refused[:1]}")


def check_departures(world: World) -> None:
    """Alone on its token, a client never sends more than the limits in any minute and hour."""
    scenario = world.scenario
    uncounted = {"rate_limit", "hourly_limit"} & {fault.kind for fault in scenario.faults}
    if scenario.other_clients or uncounted or world.network.late:
        return  # a refused request does not count
    times = world.departures
    for span, limit in ((60.0, scenario.per_minute), (3600.0, scenario.per_hour)):
        most = max((index + 1 - bisect_right(times, at - span) for index, at in enumerate(times)), default=0)
        world.expect(most <= limit, f"{most} requests left within {span:g} s")


def check_repetitions(world: World) -> None:
    """No POST is sent again unless the response before proved that nothing was done."""
    sent: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in world.emulator.entries:
        if entry.method == "POST":
            sent[entry.name].append(entry)
    for name, entries in sent.items():
        world.expect(sum(entry.applied for entry in entries) <= 1, f"{name} was created twice")
        doubtful = [entry for entry in entries[:-1] if not entry.is_harmless]
        looked = name in world.wanted or name in world.ensured
        world.expect(looked or not doubtful, f"{name} was sent again after {doubtful[:1]}")


def check_ends(world: World) -> None:
    """Every call ends, and at once if its session is closed."""
    for op in world.ops:
        world.expect(op.ended is not None, f"never ended: {op}")
        if world.closed_at is not None and op.ended is not None:
            late = op.ended - max(op.began, world.closed_at)
            world.expect(late < world.at_once, f"ended {late:.3f} s after closing: {op}")


def check_outcomes(world: World) -> None:
    """The outcome that the caller got agrees with the service's state, or is said to be unknown."""
    applied = Counter((entry.method, entry.name) for entry in world.emulator.entries if entry.applied)
    for op in world.ops:
        if op.method == "GET" or isinstance(op.error, asyncio.CancelledError):
            continue
        done = applied[op.method, op.name]
        if _says_done(op.error):
            world.expect(done, f"reported as done, and it is not: {op}")
        elif not getattr(op.error, "outcome_unknown", False):
            world.expect(not done, f"reported as not done, and it is: {op}")


def _says_done(error: BaseException | None) -> bool:
    if isinstance(error, (DecodeError, AcceptedError)):
        return error.may_have_applied and not error.outcome_unknown
    return error is None


def check_plans(world: World) -> None:
    """Each topic of a plan is created once at most, and is there if `apply` said so."""
    live = _live_topics(world)
    for name, outcome in world.plan_outcomes.items():
        if not outcome.is_failure:
            world.expect(live.get(name, 0) >= world.wanted[name], f"{name} is not as reported: {outcome}")
        if outcome.result is Result.NOT_SENT:
            sent = [entry for entry in world.emulator.entries if entry.name == name and entry.method != "GET"]
            world.expect(not any(entry.applied for entry in sent), f"{name} was said not to be sent: {sent}")


def _live_topics(world: World) -> dict[str, int]:
    world.emulator.clock.advance(seconds=3600)  # new partitions show after a while
    listed: dict[str, Any] = world.emulator.by_owner("GET", f"/v2/databases/{world.kafka}/topics")
    return {topic["name"]: topic["partition_count"] for topic in listed["topics"]}


def check_calm(world: World) -> None:
    """Where nothing goes wrong, every call succeeds that is neither cancelled nor shut out by closing."""
    if world.scenario.profile != "calm":
        return
    # A topic that is still being set up cannot be changed yet; `max_wait` may be too short for the quota.
    allowed = (asyncio.CancelledError, PreconditionError, QuotaWaitError, type(None))
    failed = [op for op in world.ops if not isinstance(op.error, allowed) and not _was_shut_out(world, op)]
    world.expect(not failed, f"failed in a calm: {failed[:1]}")


def _was_shut_out(world: World, op: Op) -> bool:
    return op.ended is not None and world.closed_at is not None and op.ended >= world.closed_at


def check_events(world: World) -> None:
    """Each call's events add up, and none goes beyond its deadline."""
    policy, timeout = world.scenario.retry, world.scenario.timeout
    longest = max(policy.max_delay, policy.max_retry_after + 1.0)
    open_calls: Counter[tuple[str, int]] = Counter()
    for event in world.events:
        if isinstance(event, hooks.AttemptEnded):
            world.expect(event.seconds <= timeout + world.late, f"an attempt took too long: {event}")
        elif isinstance(event, hooks.RetryScheduled):
            world.expect(event.delay <= longest, f"a retry waits too long: {event}")
            world.expect(event.attempt <= policy.max_attempts + policy.max_refusals, f"too many attempts: {event}")
        elif isinstance(event, hooks.CallStarted):
            open_calls[event.path, event.call] += 1
        elif isinstance(event, hooks.CallEnded):
            open_calls[event.path, event.call] -= 1
    world.expect(not +open_calls, f"calls without an end: {+open_calls}")


def check_leftovers(world: World) -> None:
    """Check that closed sessions leave no slot, place in the queue, lock, connection or timer."""
    for session in world.sessions:
        world.expect(session._admission.free_slots == session._admission.slots, "a connection slot is lost")
        world.expect(not len(session._admission.queue), "somebody waits for a slot")
        world.expect(not len(session._lifetime._deadlines), "a deadline is left")
        world.expect(not any(lock.locked() for lock in session._locks.values()), "a lock is held")
    limiter = world.limiter
    left = (limiter.in_flight, limiter.waiting, limiter._timer.is_set)
    world.expect(left == (0, 0, False), f"the rate limiter holds {left}")


def check_loop(world: World, allowed: set[asyncio.Task[Any] | None]) -> None:
    """Check that nothing goes on, after the emulator has stopped, too."""
    loop: Any = asyncio.get_running_loop()
    tasks = asyncio.all_tasks() - allowed
    world.expect(not tasks, f"tasks are left: {tasks}")
    world.expect(not world.network.ends, f"connections are left: {list(world.network.ends)}")
    timers = [timer for timer in loop._scheduled if not timer.cancelled() and not _is_of_network(timer)]
    world.expect(not timers, f"timers are left: {timers}")


def _is_of_network(timer: Any) -> bool:
    return isinstance(getattr(timer._callback, "__self__", None), End)


def is_expected(outcome: object) -> bool:
    """Tell whether a job's outcome is one that a caller may meet."""
    if isinstance(outcome, BaseExceptionGroup):
        return all(map(is_expected, cast("BaseExceptionGroup[BaseException]", outcome).exceptions))
    return outcome is None or isinstance(outcome, (DBaaSError, asyncio.CancelledError, TimeoutError, OtherError))
