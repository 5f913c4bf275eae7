"""Run a call with each fault, and write the table of outcomes into the guide.

python tests/hostile/faults_table.py
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import attrs

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from pages import GUIDES, with_part
from virtual_time import run

from asyncdbaas import AsyncSession, RateLimiter, RequestError, topics
from asyncdbaas.emulator import KINDS, Delays, Emulator
from asyncdbaas.topics import TopicCreate, TopicState, TopicUpdate

GUIDE: Final = GUIDES / "faults.md"
_OPERATIONS: Final = ("get_topic", "create_topic", "update_topic", "delete_topic")


@attrs.frozen(kw_only=True)
class Outcome:
    """Outcome of one call into which one fault was injected."""

    result: str
    """`done`, or the class of the error; with a mark if the outcome is said to be unknown."""
    sent: int
    """Requests that arrived."""
    applied: int
    """Writes that were applied."""

    @property
    def is_true(self) -> bool:
        """Whether the caller got the true outcome, or learned that it is unknown."""
        return self.result.endswith("?") or (self.result in ("done", "DecodeError", "AcceptedError")) == bool(
            self.applied
        )

    def __str__(self) -> str:
        again = " on the second attempt" if self.sent > 1 else ""
        return f"done{again}" if self.result == "done" else f"`{self.result.rstrip('?')}`{self._hint}"

    @property
    def _hint(self) -> str:
        return ", outcome unknown" if self.result.endswith("?") else ""


def outcome(kind: str, operation: str, *, applied: bool = False) -> Outcome:
    """Inject a fault into one request of an operation, in virtual time, and return the outcome."""
    return run(_outcome(kind, operation, applied=applied))


async def _outcome(kind: str, operation: str, *, applied: bool) -> Outcome:
    loop = asyncio.get_running_loop()
    async with Emulator(clock=loop.time, delays=attrs.evolve(Delays.none(), topic=1.0)) as emulator:
        cluster = str(emulator.add_cluster()["id"])
        limiter = RateLimiter(clock=loop.time)
        async with AsyncSession(emulator.token, base_url=emulator.url, rate_limiter=limiter) as session:
            await topics.create_topic(session, cluster, TopicCreate(name="there"))
            await asyncio.sleep(1.0)  # virtual seconds, until it is active
            emulator.requests.clear()
            emulator.faults.add(operation, kind, applied=applied, delay=30.0 if kind == "delay" else 0.0, times=1)
            result = await _result(_CALLS[operation](session, cluster))
        seen = [each for each in emulator.requests if each.operation == operation]
        return Outcome(result=result, sent=len(seen), applied=sum(each.applied for each in seen))


async def _result(call: Awaitable[object]) -> str:
    try:
        await call
    except RequestError as error:
        return type(error).__name__ + "?" * error.outcome_unknown
    return "done"


async def _create(session: AsyncSession, cluster: str) -> object:
    topic = await topics.create_topic(session, cluster, TopicCreate(name="new"))
    assert topic.state is TopicState.CONFIGURING
    return topic


_CALLS: Final[dict[str, Callable[[AsyncSession, str], Awaitable[Any]]]] = {
    "get_topic": lambda session, cluster: topics.get_topic(session, cluster, "there"),
    "create_topic": _create,
    "update_topic": lambda session, cluster: topics.update_topic(
        session, cluster, "there", TopicUpdate(partition_count=9)
    ),
    "delete_topic": lambda session, cluster: topics.delete_topic(session, cluster, "there"),
}


def table() -> str:
    """Make the table: a line for each fault, as it was seen."""
    head = ["| fault | GET | POST | PUT | DELETE |", "|---|---|---|---|---|"]
    lines = [f"| {_words(kind)} | {' | '.join(_cells(kind))} |" for kind in KINDS]
    return "\n".join([*head, *lines, ""])


def _cells(kind: str) -> list[str]:
    return [str(outcome(kind, operation, applied=operation != "get_topic")) for operation in _OPERATIONS]


def _words(kind: str) -> str:
    """Take the description of a fault, without its options."""
    return re.sub(r" \(.*?\)|: the object.*|, as on.*", "", KINDS[kind].partition(";")[0])


def with_table() -> str:
    """Return the text of the guide with the table as it should be."""
    return with_part(GUIDE.read_text(encoding="utf-8"), "faults", table())


if __name__ == "__main__":
    GUIDE.write_text(with_table(), encoding="utf-8")
