"""What a worker reports and may do, in each state, without a store and without a clock."""

from __future__ import annotations

import math
from typing import Any

import pytest

from asyncdbaas.ratelimit.lease import Reply, Worker
from asyncdbaas.ratelimit.states import Connecting, CutOff, Leased, State
from asyncdbaas.ratelimit.windows import NEVER, Quota

LIMIT = 60
MINUTE = 60.0
# Seconds for a minute of 60 s: of a lease, between two reports, and for which a claim and a part are kept.
LEASE = 10.0
BEAT = 5.0
CLAIM = 80.0
KEEP = 600.0


def worker_with(**reply: Any) -> Worker:
    """Return a worker that has reported at 0 that a call waits, and has got a reply at once."""
    worker = Worker(Quota(LIMIT, 60 * LIMIT, MINUTE, 60 * MINUTE))
    worker.report(0.0, 1, 0)
    worker.learn(Reply(epoch="e", **reply), 0.0, 0.0, answered=0, restored=False)
    return worker


def admitted(state: State, now: float, most: int = 2 * LIMIT) -> int:
    """Return how many requests a state admits at a time."""
    return next((number for number in range(most) if state.admit(now) > now), most)


@pytest.mark.parametrize(
    ("waiting", "known", "at_once"),
    [
        ((0, 0), (0, 0), False),
        ((1, 0), (0, 0), True),
        ((0, 1), (0, 0), True),
        ((1, 0), (1, 0), False),
        ((2, 0), (1, 0), False),
        ((0, 1), (0, 1), False),
        ((1, 1), (1, 1), False),
        ((1, 1), (1, 0), False),  # the bulk call goes after the other, so that its turn is later anyway
        ((1, 1), (0, 1), True),
        ((0, 0), (1, 0), True),
        ((0, 0), (0, 1), True),
        ((0, 1), (1, 0), True),
        ((1, 0), (1, 1), True),
        ((0, 1), (1, 1), True),
    ],
)
def test_a_worker_reports_at_once_if_the_ledger_does_not_know_which_calls_wait(
    waiting: tuple[int, int], known: tuple[int, int], *, at_once: bool
) -> None:
    interactive, bulk = known
    state = Leased(worker_with(interactive=interactive, bulk=bulk, wait=3e6))
    due = state.due(1.0, *waiting)
    assert (due <= 1.0) is at_once
    if not at_once:
        assert due == pytest.approx(BEAT if waiting == (0, 0) else 3.0 + MINUTE / 200)


def test_what_the_service_said_is_reported_at_once_and_once() -> None:
    worker = worker_with()
    state = Leased(worker)
    state.refused(1.0, 7.0, hourly=False)
    state.succeeded(40)
    assert state.due(1.0, 0, 0) == 1.0
    report = state.report(1.0, 0, 0)
    assert (report["refusal"], report["remaining"]) == ({"pause": 7_000_000, "hourly": False}, 40)
    worker.learn(Reply(epoch="e"), 1.0, 1.0, answered=0, restored=False)
    assert state.due(1.0, 0, 0) > 1.0
    assert not {"refusal", "remaining"} & state.report(2.0, 0, 0).keys()


def test_a_refusal_that_comes_while_another_is_reported_is_reported_next() -> None:
    worker = worker_with()
    state = Leased(worker)
    state.refused(1.0, 7.0, hourly=False)
    state.report(1.0, 0, 0)
    state.refused(1.1, 9.0, hourly=False)
    worker.learn(Reply(epoch="e"), 1.0, 1.2, answered=0, restored=False)
    assert state.report(1.2, 0, 0)["refusal"] == {"pause": 9_000_000, "hourly": False}


@pytest.mark.parametrize(("hourly", "seconds"), [(False, 7), (True, 30)])
def test_a_refusal_by_the_hour_holds_for_half_a_minute_at_least(*, hourly: bool, seconds: int) -> None:
    state = Leased(worker_with(granted=3))
    state.refused(1.0, 7.0, hourly=hourly)
    assert state.report(1.0, 1, 0)["refusal"] == {"pause": seconds * 1_000_000, "hourly": hourly}
    assert admitted(state, 1.0) == 0


@pytest.mark.parametrize(("interactive", "bulk", "kept"), [(1, 0, 3), (0, 1, 3), (0, 0, 0)])
def test_permits_are_kept_for_calls_that_wait_and_else_given_back(interactive: int, bulk: int, kept: int) -> None:
    state = Leased(worker_with(granted=5))
    assert admitted(state, 1.0, 2) == 2
    report = state.report(1.0, interactive, bulk)
    assert (report["in_flight"], report["used"]) == (2 + kept, 2 + kept)
    assert admitted(state, 1.0) == kept


def test_permits_lapse_with_their_lease_and_a_renewed_lease_keeps_them() -> None:
    worker = worker_with(granted=5)
    state = Leased(worker)
    assert state.opens(9.9) == 9.9
    assert state.admit(LEASE) == NEVER
    worker.learn(Reply(epoch="e"), 9.0, 9.5, answered=0, restored=False)
    assert state.admit(18.9) == 18.9
    assert state.admit(19.0) == NEVER
    assert state.report(19.0, 1, 0)["in_flight"] == 1


def test_without_a_permit_the_next_request_is_expected_when_the_ledger_may_grant_one() -> None:
    state, asks_at = Leased(worker_with(granted=1, part=LIMIT, interactive=1, wait=20e6)), 20.0 + MINUTE / 200
    assert (state.opens(1.0), state.forecast(1.0, 0), state.forecast(1.0, 1)) == (1.0, 1.0, 1.0)
    assert state.opens(LEASE) == pytest.approx(asks_at)
    assert admitted(state, 1.0) == 1
    assert state.opens(1.0) == state.forecast(1.0, 1) == pytest.approx(asks_at)
    assert state.opens(30.0) == 30.0
    assert state.forecast(1.0, LIMIT) == 1.0 + MINUTE


def test_a_permit_that_was_not_used_can_be_spent_again_under_its_lease_only() -> None:
    worker = worker_with(granted=1)
    state = Leased(worker)
    old = state.lease
    assert (admitted(state, 1.0), state.in_flight) == (1, 1)
    state.give_back(old)
    assert (admitted(state, 1.0), state.in_flight) == (1, 1)
    worker.report(11.0, 1, 0)
    worker.learn(Reply(epoch="e"), 11.0, 11.0, answered=0, restored=False)
    state.give_back(old)
    assert (admitted(state, 11.0), state.in_flight) == (0, 0)


def test_a_report_counts_responses_of_the_minute_and_lists_the_new_ones() -> None:
    worker = worker_with(granted=4)
    state = Leased(worker)
    assert admitted(state, 1.0) == 4
    state.release(2.0, counted=True)
    state.release(3.0, counted=True)
    state.release(3.0, counted=False)
    report = state.report(4.0, 1, 0)
    assert [report[name] for name in ("used", "in_flight", "first", "ages")] == [3, 1, 0, [2_000_000, 1_000_000]]
    worker.learn(Reply(epoch="e"), 4.0, 4.0, answered=2, restored=False)
    report = state.report(62.0, 1, 0)
    assert [report[name] for name in ("used", "in_flight", "first", "ages")] == [2, 1, 2, []]


def test_a_ledger_that_lost_its_data_gets_all_responses_of_the_hour_again() -> None:
    worker = worker_with(granted=2)
    state = Leased(worker)
    assert admitted(state, 1.0) == 2
    state.release(2.0, counted=True)
    state.release(3.0, counted=True)
    state.report(4.0, 1, 0)
    assert worker.learn(Reply(epoch="another"), 4.0, 4.0, answered=2, restored=False)
    assert state.due(4.0, 0, 0) == 4.0
    report = state.report(4.0, 0, 0)
    assert (report["restoring"], report["first"], len(str(report["ages"]).split(","))) == (True, 0, 2)
    assert not worker.learn(Reply(epoch="another"), 4.0, 4.0, answered=2, restored=True)
    assert state.due(4.0, 0, 0) > 4.0


@pytest.mark.parametrize(("limit", "batch"), [(LIMIT, 12), (250, 12), (1000, 50)])
def test_a_report_contains_the_limits_and_all_spans_in_microseconds(limit: int, batch: int) -> None:
    report = Worker(Quota(limit, 60 * limit, MINUTE, 60 * MINUTE)).report(0.0, 1, 0)
    sent = {name: report[name] for name in ("per_minute", "per_hour", "batch")}
    assert sent == {"per_minute": limit, "per_hour": 60 * limit, "batch": batch}
    spans = {"minute": 60.0, "hour": 3600.0, "lease": LEASE, "grace": 3.0, "keep": KEEP, "tolerance": 0.5}
    assert {name: report[name] for name in spans} == {name: seconds * 1e6 for name, seconds in spans.items()}


def test_a_worker_reports_for_how_long_it_was_silent_and_which_ledger_it_knows() -> None:
    worker = Worker(Quota(LIMIT, 60 * LIMIT, MINUTE, 60 * MINUTE))
    first = worker.report(3.0, 1, 0)
    assert ("epoch" in first, first["replied"], first["sequence"], first["restoring"]) == (False, 0, 1, False)
    worker.learn(Reply(epoch="e"), 3.0, 3.1, answered=0, restored=False)
    second = worker.report(7.0, 1, 0)
    sent = (second["epoch"], second["replied"], second["sequence"], second["elapsed"])
    assert sent == ("e", 1, 2, 4_000_000)


@pytest.mark.parametrize(("wait", "later"), [(3_000_000, 3.0 + MINUTE / 200), (0, 0.0), (-5, 0.0)])
def test_calls_that_wait_ask_again_a_little_later_than_the_ledger_said(wait: int, later: float) -> None:
    assert worker_with(interactive=1, wait=wait).ask_at == later


def test_a_lease_that_has_just_lapsed_is_not_renewed() -> None:
    worker = worker_with(granted=1)
    old = worker.lease
    worker.learn(Reply(epoch="e"), LEASE, LEASE, answered=0, restored=False)
    assert (old.lapses_at, worker.lease.lapses_at) == (LEASE, 2 * LEASE)


def test_each_worker_and_each_beginning_has_an_id_of_its_own() -> None:
    workers = [worker_with(), worker_with()]
    ids = [str(worker.id) for worker in workers]
    workers[0].begin()
    assert len({*ids, str(workers[0].id)}) == 3
    assert all(len(each) >= 16 for each in ids)


def test_responses_of_the_last_hour_only_are_reported_again() -> None:
    worker = worker_with(granted=2)
    state = Leased(worker)
    assert admitted(state, 1.0) == 2
    state.release(2.0, counted=True)
    state.release(3.0, counted=True)
    worker.restoring = True
    assert worker.report(3602.0, 1, 0)["ages"] == [3599 * 1_000_000]


@pytest.mark.parametrize(("silent_for", "knows"), [(KEEP - 0.1, True), (KEEP, False)])
def test_a_worker_that_was_silent_for_ten_minutes_reports_as_a_new_one(silent_for: float, *, knows: bool) -> None:
    report = worker_with().report(silent_for, 1, 0)
    assert (report["replied"], report["elapsed"]) == ((1, silent_for * 1e6) if knows else (0, 0))


def test_nothing_is_admitted_before_the_first_reply_and_calls_that_wait_ask_at_once() -> None:
    state = Connecting(Worker(Quota(LIMIT, 60 * LIMIT, MINUTE, 60 * MINUTE)))
    assert state.opens(1.0) == state.admit(1.0) == NEVER
    state.retry_at = 5.0
    assert [state.due(1.0, *waiting) for waiting in ((0, 0), (1, 0), (0, 1))] == [5.0, 1.0, 1.0]


def cut_off(used: int = 0, **reply: Any) -> CutOff:
    """Return the state of a worker that loses the store at 2, and has had some responses at 1."""
    worker = worker_with(granted=used, **reply)
    state = Leased(worker)
    assert admitted(state, 1.0) == used
    for _ in range(used):
        state.release(1.0, counted=True)
    return CutOff(worker, 2.0)


@pytest.mark.parametrize(
    ("part", "free", "used", "expected"),
    [(30, 6, 0, 6), (30, 6, 8, 6), (30, 0, 8, 0), (5, 50, 0, 5), (12, 12, 8, 4)],
)
def test_a_worker_that_is_cut_off_sends_nothing_for_a_lease_and_then_what_is_safe(
    part: int, free: int, used: int, expected: int
) -> None:
    state = cut_off(used, part=part, free=free)
    assert state.opens(11.9) == state.admit(11.9) == 2.0 + LEASE
    assert admitted(state, 2.0 + LEASE) == expected


def test_a_worker_that_is_cut_off_uses_again_what_it_had_used_and_later_its_part() -> None:
    state = cut_off(8, part=30, kept=True)
    assert state.opens(12.0) == 1.0 + MINUTE
    assert admitted(state, 1.0 + MINUTE) == 8
    assert state.opens(62.0) == pytest.approx(2.0 + CLAIM + MINUTE)
    assert admitted(state, 2.0 + CLAIM + MINUTE) == 30 - 8


def test_a_worker_that_is_cut_off_forecasts_when_it_may_send_again() -> None:
    state = cut_off(part=30, free=6)
    assert [state.forecast(3.0, requests) for requests in (0, 1, 6)] == [3.0, 12.0, 12.0]
    state = cut_off(8, part=30, kept=True)
    assert state.forecast(12.0, 1) == 1.0 + MINUTE
    state = cut_off(part=30, kept=True)
    assert state.forecast(12.0, 30) == state.opens(12.0) == pytest.approx(2.0 + CLAIM + MINUTE)


@pytest.mark.parametrize(("kept", "ends"), [(True, KEEP - MINUTE), (False, CLAIM)])
def test_a_worker_that_is_cut_off_yields_to_others_in_the_end_and_probes_with_one_request(
    *, kept: bool, ends: float
) -> None:
    state = cut_off(part=30, free=30, kept=kept)
    assert state.lease.lapses_at == pytest.approx(ends)
    assert state.opens(ends - 0.1) <= ends - 0.1
    assert admitted(state, ends) == 1
    assert math.isinf(state.lease.lapses_at)
    sent = 1
    for _ in range(10):
        for _ in range(state.in_flight):
            state.succeeded(None)
            state.release(ends, counted=True)
        sent += admitted(state, ends)
    assert sent == 30  # each probe that succeeds is followed by one of twice the size


def test_a_report_repeats_what_the_last_reply_allowed() -> None:
    report = cut_off(part=30, free=6, kept=True).report(3.0, 1, 0)
    assert (report["part"], report["free"], report["kept"]) == (30, 6, True)


def test_a_worker_that_is_cut_off_reports_how_much_of_its_part_it_will_still_have_free() -> None:
    state = cut_off(4, part=30, free=30)
    assert state.report(3.0, 1, 0)["alone"] == 26
    assert state.report(50.9, 1, 0)["alone"] == 26
    assert state.report(51.0, 1, 0)["alone"] == 30
    assert cut_off(4, part=3).report(3.0, 1, 0)["alone"] == 0


def test_a_worker_that_is_cut_off_gives_up_its_permits_and_reports_all_responses_when_it_is_time() -> None:
    worker = worker_with(granted=5)
    state = CutOff(worker, 2.0)
    state.retry_at = 2.5
    assert state.due(2.0, 1, 1) == 2.5
    report = state.report(2.5, 1, 0)
    assert (report["in_flight"], report["used"], report["restoring"]) == (0, 0, True)


def test_a_refusal_holds_a_worker_that_is_cut_off() -> None:
    state = cut_off(part=30, free=30)
    assert admitted(state, 12.0, 1) == 1
    state.refused(12.0, 40.0, hourly=False)
    state.release(12.0, counted=False)
    assert state.opens(12.0) == 52.0


def test_a_refusal_that_was_not_reported_holds_a_worker_that_is_cut_off() -> None:
    worker = worker_with(granted=1, part=30, free=30)
    Leased(worker).refused(1.0, 40.0, hourly=False)
    assert CutOff(worker, 2.0).opens(12.0) == 42.0


def test_all_workers_have_an_even_part_of_the_hour() -> None:
    state = cut_off(part=LIMIT, free=LIMIT, workers=4)
    assert state.worker.quota.hour.limit == 15 * LIMIT
    assert cut_off(part=1, workers=10**6).worker.quota.hour.limit == 1
