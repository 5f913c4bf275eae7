"""Decide the outcome of a change from the live state after its request; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

from asyncdbaas._core.resend import ResendSchedule, is_rejection, says_taken
from asyncdbaas.catalogue.kafka import kafka_changes
from asyncdbaas.errors import NotFoundError, RequestError
from asyncdbaas.plan.events import Outcome, Result
from asyncdbaas.plan.kinds import KIND_OF, Kind
from asyncdbaas.plan.model import Action, Change

__all__ = ["Job", "Verdict", "judge", "judge_update", "needs_details", "timed_out", "unreadable"]

# One list that lacks a topic proves nothing: lists have been seen to lag, and to be null.
_MIN_ABSENCES: Final = 2


@attrs.define(eq=False, kw_only=True)
class Job:
    """A change in progress."""

    change: Change
    action: Action
    changed: Mapping[str, Any]
    """The keys that an update sets."""
    live: Any = None
    """The object as it was last seen."""
    schedule: ResendSchedule
    error: RequestError | None = None
    """The error of the last request."""
    may_have_applied: bool = False
    """Whether a request with an unknown outcome may have been applied. It stays so until the result is visible."""
    absences: int = 0
    """Number of reads in a row that did not show the object."""
    result: Result | None = None
    reason: str = ""
    answer: Any = attrs.field(default=None, repr=False)
    """What the service returned for the write."""

    @property
    def kind(self) -> Kind[Any, Any]:
        """The kind of the object."""
        return KIND_OF[self.change.kind]

    @property
    def outcome(self) -> Outcome:
        """The outcome for the report."""
        result = self.result or Result.NOT_SENT
        if result is Result.NOT_SENT and self.may_have_applied:
            result = Result.FAILED
        unknown = self.may_have_applied and result is Result.FAILED
        return Outcome(
            change=self.change, result=result, reason=self.reason, outcome_unknown=unknown, answer=self.answer
        )


@attrs.frozen(kw_only=True)
class Verdict:
    """The verdict on a job; `result` is None if it must be tried or checked again."""

    result: Result | None
    reason: str = ""
    changed: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    """Of a conflict: what differs."""


def judge(job: Job, live: Any) -> Verdict:
    """Judge a job whose request failed or was not sent by the live object; None if there is none."""
    is_deleting = live is not None and job.kind.is_deleting(live)
    job.absences = job.absences + 1 if live is None else 0
    if job.action is Action.DELETE:
        return Verdict(result=Result.DELETED if is_deleting or job.absences >= _MIN_ABSENCES else None)
    if job.action is Action.UPDATE:
        return judge_update(job, live)
    if live is None:
        return _judge_absent(job)
    if is_deleting:
        return Verdict(result=None, reason=f"an earlier {job.kind.name} of this name is still being deleted")
    return _judge_created(job, live)


def judge_update(job: Job, live: Any) -> Verdict:
    """Judge an update by the live object, before it is sent or after it failed."""
    if live is None or job.kind.is_deleting(live) or job.change.wanted is None:
        is_certain = live is not None or job.absences >= _MIN_ABSENCES
        return Verdict(result=Result.FAILED if is_certain else None, reason=f"the {job.kind.name} is gone")
    differing = job.kind.differences(job.change.wanted, live)
    changed = {key: differing[key] for key in job.changed if key in differing}
    if reason := _objection(job, changed):
        return Verdict(result=Result.FAILED, reason=reason)
    if not changed:
        return Verdict(result=Result.UPDATED if job.may_have_applied else Result.KEPT)
    return Verdict(result=None, changed=changed)


def _judge_absent(job: Job) -> Verdict:
    """Judge a create whose object is not visible; it fails only if no request can have created one."""
    may_exist = job.may_have_applied or says_taken(job.error)
    # Where an object was being deleted, its name may have become free since the rejection.
    if is_rejection(job.error) and not may_exist and job.change.live is None:
        return Verdict(result=Result.FAILED, reason=str(job.error))
    return Verdict(result=None)


def _judge_created(job: Job, live: Any) -> Verdict:
    """Judge a create whose object exists: ours, or somebody else's."""
    wanted = job.change.wanted
    if wanted is None:
        return Verdict(result=Result.CREATED)
    if job.kind.is_incomplete(wanted, live):
        return Verdict(result=None, reason=f"the {job.kind.name} exists, and its settings are not visible yet")
    changed = job.kind.differences(wanted, live)
    if not changed:
        return Verdict(result=Result.CREATED if job.may_have_applied else Result.KEPT)
    if job.kind.assess(changed).is_half_created:
        return Verdict(result=None, changed=changed)
    job.may_have_applied = False  # it would be as declared
    if reason := _objection(job, changed):
        return Verdict(result=Result.FAILED, reason=reason)
    shown = ", ".join(f"{key} is {there}, not {declared}" for key, (there, declared) in kafka_changes(changed).items())
    return Verdict(
        result=Result.FAILED, reason=f"somebody else created it with other settings: {shown}", changed=changed
    )


def _objection(job: Job, changed: Mapping[str, Any]) -> str:
    """Return why an update must not be sent: it cannot be made, or takes away more than the plan showed."""
    found = job.kind.assess(changed)
    more = [loss for loss in found.losses if loss not in job.change.losses]
    taken = f"it would also take away what was added since the plan was made: {', '.join(more)}" if more else ""
    return found.refusal or taken


def needs_details(job: Job, live: Any) -> bool:
    """Return whether an object must be read: for what lists lack, or because the list may be out of date."""
    if live is None:
        return job.action is not Action.CREATE and job.kind.is_reread
    if job.change.wanted is None or not job.kind.is_incomplete(job.change.wanted, live):
        return False
    return job.action is Action.CREATE or (job.action is Action.UPDATE and job.may_have_applied)


def timed_out(job: Job, reason: str) -> tuple[Result, str]:
    """Return the result and reason of a job that was tried for long enough."""
    if job.error is None:
        return Result.NOT_SENT, reason or "the cluster was not ready for it in time"
    return Result.FAILED, reason or str(job.error)


def unreadable(job: Job, error: RequestError) -> tuple[Result, str]:
    """Return the result and reason of a job whose cluster cannot be read."""
    if isinstance(error, NotFoundError):
        return (Result.NOT_SENT if job.error is None else Result.FAILED), "the cluster is gone"
    if job.error is None:
        return Result.NOT_SENT, f"the cluster cannot be read: {error}"
    return Result.FAILED, f"{job.error}; then the cluster could not be read: {error}"
