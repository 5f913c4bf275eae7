"""Create an object unless it exists, even if the response to a create is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, Protocol, TypeVar

import attrs

from asyncdbaas._core.deletions import Deletions
from asyncdbaas._core.polling import is_transient
from asyncdbaas._core.resend import ResendSchedule, is_rejection, says_taken
from asyncdbaas.errors import DBaaSError, EnsureError, NotFoundError, PreconditionError, RequestError


class _Named(Protocol):
    @property
    def name(self) -> str: ...


T = TypeVar("T", bound=_Named)


@attrs.define(eq=False, kw_only=True)
class CreateOnce(Generic[T]):
    """Find an object, else create it, and read again if the outcome of a create is unknown."""

    deletions: Deletions
    what: str
    name: str
    fetch: Callable[[], Awaitable[Sequence[T]]]
    path_of: Callable[[T], str]
    create: Callable[[], Awaitable[T]]
    read: Callable[[], Awaitable[T]] | None = None
    """Reads the object by its name; None for clusters, whose ids are never used again."""
    interval: float
    schedule: ResendSchedule = attrs.field(factory=ResendSchedule, init=False)
    doubt: RequestError | None = attrs.field(default=None, init=False)
    """Why the object may exist although it is not visible: the first create with an unknown outcome."""
    last: RequestError | None = attrs.field(default=None, init=False)
    """The error of the last create."""
    was_deleted: bool = attrs.field(default=False, init=False)
    """Whether the session has deleted an object of the name, which the service may still show."""

    async def run(self) -> T:
        """Return the object; raise EnsureError with `outcome_unknown` if it may exist and is not visible."""
        self.was_deleted = self.deletions.has_name(self.name)
        try:
            found = await self._run()
        except DBaaSError as error:
            if self.doubt is None:
                raise
            raise EnsureError(
                f"{self.what} may have been created, but is not visible: {self.doubt}; then: {error}",
                outcome_unknown=True,
            ) from error
        if self.read is None:
            self.deletions.note_name(self.name, self.path_of(found))
        return found

    async def _run(self) -> T:
        while True:
            is_readable, found = await self._find()
            if found is not None:
                return found
            if self.last is not None:
                self.schedule.note_check()
                if self.schedule.is_spent or self._is_final():
                    raise self._failure(self.last)
                await asyncio.sleep(self.interval)
            if is_readable and self.schedule.is_due:
                try:
                    return await self.create()
                except RequestError as error:
                    self._note(error)

    async def _find(self) -> tuple[bool, T | None]:
        """Return whether the list could be read, and the object if it exists."""
        try:
            named = [item for item in await self.fetch() if item.name == self.name]
        except RequestError as error:
            if self.last is None or not (is_transient(error) or isinstance(error, NotFoundError)):
                raise
            return False, None
        alive = [item for item in named if self.path_of(item) not in self.deletions]
        if len(alive) < len(named):
            self.was_deleted = True
        if named and not alive:
            return True, await self._reread(self.path_of(named[0]))
        return True, alive[0] if alive else None

    async def _reread(self, path: str) -> T | None:
        """Return an object of a deleted name if it was created again; the list may be older than the deletion."""
        if self.read is None:
            return None
        try:
            found = await self.read()
        except RequestError as error:
            if is_transient(error) or isinstance(error, NotFoundError):
                return None
            raise
        self.deletions.discard(path)
        return found

    def _note(self, error: RequestError) -> None:
        """Handle the error of a create; raise it if another read cannot help."""
        self.last = error
        if error.may_have_applied:
            self.doubt = self.doubt or error
        elif isinstance(error, PreconditionError):
            return  # nothing to look for: the cluster is busy
        elif not is_rejection(error):
            raise error
        self.schedule.note_send(unknown=error.may_have_applied)

    def _failure(self, error: RequestError) -> DBaaSError:
        """Return the error that ends the attempt.

        A name that stays taken may belong to an object that was not deleted after all: a DELETE without a response
        counts as applied if its retry gets a 404, but a new object can get a 404, too.
        """
        if not self.was_deleted:
            return error
        return EnsureError(
            f"{self.what}: {error}; the service still shows one that this session deleted, so check whether it exists",
            outcome_unknown=True,
        )

    def _is_final(self) -> bool:
        """Return whether the last create was rejected for good."""
        may_pass = self.doubt is not None or self.was_deleted or says_taken(self.last)
        return is_rejection(self.last) and not may_pass
