"""Create many Kafka topics and show the progress: `python bulk_creation.py events 2000`.

Run it again after a failure: topics that exist already are counted as such.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import aclosing

from asyncdbaas import AsyncSession, DBaaSError, NotFoundError, UnprocessableError, bulk, clusters, topics


def wanted(count: int) -> Iterator[topics.TopicCreate]:
    """Yield one topic after the other, so that only those in flight are in memory."""
    for number in range(1, count + 1):
        yield topics.TopicCreate(name=f"orders-{number:05}", partition_count=6, replication_factor=2)


async def create(session: AsyncSession, cluster_id: str, topic: topics.TopicCreate) -> str:
    """Create a topic, and return the outcome in a word."""
    try:
        await topics.create_topic(session, cluster_id, topic)
    except UnprocessableError as error:
        try:
            await topics.get_topic(session, cluster_id, topic.name)
        except NotFoundError:
            raise error from None  # it is not the name that is taken
        return "existed"
    return "created"


async def create_all(session: AsyncSession, cluster: str, count: int) -> Counter[str]:
    """Create the topics in a cluster, and count the outcomes."""
    found = await clusters.find_cluster(session, cluster)
    progress = Progress(session, count)
    async with aclosing(bulk.as_completed(lambda topic: create(session, found.id, topic), wanted(count))) as outcomes:
        async for topic, outcome in outcomes:
            if isinstance(outcome, DBaaSError):
                print(f"\n{topic.name}: {outcome}", file=sys.stderr)
            progress.add("failed" if isinstance(outcome, DBaaSError) else outcome)
    return progress.counts


class Progress:
    """One line on the terminal: how many are done, and how long the rate limit makes the rest take."""

    def __init__(self, session: AsyncSession, count: int) -> None:
        self.counts = Counter[str]()
        self._limiter = session.rate_limiter
        self._count = count

    def add(self, outcome: str) -> None:
        self.counts[outcome] += 1
        done = self.counts.total()
        not_started = self._count - done - self._limiter.waiting - self._limiter.in_flight
        seconds = self._limiter.forecast(max(0, not_started))
        print(f"\r{done}/{self._count} topics, about {seconds:.0f} s left ", end="", file=sys.stderr, flush=True)


async def main() -> int:
    parser = argparse.ArgumentParser(description="Create Kafka topics.")
    parser.add_argument("cluster", help="name of the Kafka cluster")
    parser.add_argument("count", type=int, help="number of topics")
    arguments = parser.parse_args()
    async with AsyncSession() as session:
        counts = await create_all(session, arguments.cluster, arguments.count)
    print("\n" + ", ".join(f"{number} {outcome}" for outcome, number in counts.items()))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
