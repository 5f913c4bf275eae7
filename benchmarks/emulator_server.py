"""The emulator with one Kafka cluster, with or without another client on the same token; `emulation` runs it.

Line by line over its standard streams: it says where it listens, then answers each line with the state of affairs. It
ends when its standard input does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections import Counter
from typing import Any, Final

import attrs

from asyncdbaas.emulator import Delays, Emulator
from benchmarks.emulation import OTHER_CLIENTS, Seen

HALF_A_MINUTE: Final = 125  # requests: half of the minute's quota


async def _serve(time_scale: float, other_client: str) -> None:
    loop = asyncio.get_running_loop()
    async with Emulator(time_scale=time_scale, delays=Delays.none(), keep_requests=10**6) as emulator:
        cluster_id: str = emulator.add_cluster(engine="kafka", num_nodes=3)["id"]
        print(json.dumps([emulator.url, emulator.token, cluster_id]), flush=True)
        pest = asyncio.create_task(_disturb(emulator, other_client))
        while await loop.run_in_executor(None, sys.stdin.readline):
            print(json.dumps(attrs.asdict(_look(emulator, cluster_id))), flush=True)
        pest.cancel()


async def _disturb(emulator: Emulator, other_client: str) -> None:
    """Use half of each minute with requests of another kind: evenly, or all at once."""
    at_once = {"none": 0, "drip": 1, "bursts": HALF_A_MINUTE}[other_client]
    while at_once:
        for _ in range(at_once):
            emulator.handle("GET", "/v2/databases", {"authorization": f"Bearer {emulator.token}"})
        await emulator.clock.sleep(60 * at_once / HALF_A_MINUTE)


def _look(emulator: Emulator, cluster_id: str) -> Seen:
    statuses = Counter(seen.status for seen in emulator.requests if seen.operation == "create_topic")
    other_clients = sum(seen.operation == "list_clusters" and seen.status == 200 for seen in emulator.requests)
    return Seen(
        created=statuses[201],
        refused=statuses[429],
        others=statuses.total() - statuses[201] - statuses[429],
        topics=_count_topics(emulator, cluster_id),
        other_clients=other_clients,
    )


def _count_topics(emulator: Emulator, cluster_id: str) -> int:
    headers = {"authorization": f"Bearer {emulator.add_token()}"}  # the main token may have nothing left
    answer: dict[str, Any] = json.loads(emulator.handle("GET", f"/v2/databases/{cluster_id}/topics", headers).body)
    return len(answer["topics"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("time_scale", type=float)
    parser.add_argument("other_client", choices=OTHER_CLIENTS)
    arguments = parser.parse_args()
    asyncio.run(_serve(arguments.time_scale, arguments.other_client))
