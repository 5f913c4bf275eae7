"""How soon the emulator serves, what a request costs it, and how long the guide's test of a tenant takes.

Also stands alone: `python -m benchmarks.emulator [--quick]`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

import aiohttp
import attrs

from asyncdbaas.emulator import Emulator
from benchmarks.child import ROOT, serving_process
from benchmarks.report import Figure, Report, Table, print_report

__all__ = ["run"]

IN_FLIGHT: Final = 64
NO_LIMIT: Final = 10**9
KINDS: Final = ("create a topic", "get a topic", "get a cluster")


class Server:
    """An emulator in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._input, self._output = process.stdin, process.stdout
        self.started: float
        """Seconds from the making of the emulator until it listened; imports do not count."""
        self.started, self.url, self.token, self.cluster_id = json.loads(self._output.readline())

    def cpu(self) -> float:
        """Ask for the CPU seconds it has used so far."""
        self._input.write("\n")
        self._input.flush()
        return float(self._output.readline())


@attrs.frozen(kw_only=True)
class Load:
    """Requests of one kind, as fast as they go."""

    kind: str
    requests: int
    cpu: float
    """Seconds of the server's process."""
    wall: float

    @property
    def each_us(self) -> float:
        """The server's CPU time for one request, in microseconds."""
        return 1e6 * self.cpu / self.requests


def run(*, quick: bool) -> Report:
    """Measure starts in fresh processes, loads against one of them, and runs of the guide's test."""
    starts = sorted(_start() for _ in range(3 if quick else 10))
    loads = _measure(200 if quick else 3000)
    tenants = sorted(_run_tenant() for _ in range(1 if quick else 5))
    return Report(
        scenario="emulator",
        tables=[_times({"start, once imported": starts, "the guide's test of a tenant": tenants}), _rates(loads)],
        figures=[
            Figure(name="start, once imported, median", value=1000 * statistics.median(starts), unit="ms", target=300),
            *(
                Figure(
                    name=f"server CPU to {load.kind} (250 us: 4,000 requests/s)",
                    value=load.each_us,
                    unit="us",
                    target=250,
                )
                for load in loads
            ),
            Figure(name="the guide's test, median", value=1000 * statistics.median(tenants), unit="ms", target=1000),
        ],
        data={"starts": starts, "tenants": tenants, "loads": [attrs.asdict(load) for load in loads]},
    )


def _start() -> float:
    with _serving() as server:
        return server.started


def _measure(requests: int) -> list[Load]:
    with _serving() as server:
        return asyncio.run(_load(server, requests))


async def _load(server: Server, requests: int) -> list[Load]:
    headers = {"Authorization": f"Bearer {server.token}"}
    connector = aiohttp.TCPConnector(limit=IN_FLIGHT)
    async with aiohttp.ClientSession(server.url, headers=headers, connector=connector) as http:
        return [await _send_all(server, http, kind, requests) for kind in KINDS]


async def _send_all(server: Server, http: aiohttp.ClientSession, kind: str, requests: int) -> Load:
    cluster = f"/v2/databases/{server.cluster_id}"
    numbers = iter(range(requests))
    cpu, wall = server.cpu(), time.perf_counter()
    await asyncio.gather(*(_send(http, kind, cluster, numbers) for _ in range(IN_FLIGHT)))
    wall = time.perf_counter() - wall
    return Load(kind=kind, requests=requests, cpu=server.cpu() - cpu, wall=wall)


async def _send(http: aiohttp.ClientSession, kind: str, cluster: str, numbers: Iterator[int]) -> None:
    """Send one request after another while there are numbers left."""
    for number in numbers:
        topic: dict[str, Any] = {"name": f"topic-{number}"}
        request = {
            "create a topic": ("POST", f"{cluster}/topics", topic),
            "get a topic": ("GET", f"{cluster}/topics/topic-{number}", None),
            "get a cluster": ("GET", cluster, None),
        }[kind]
        async with http.request(*request[:2], json=request[2], raise_for_status=True) as answer:
            await answer.read()


def _run_tenant() -> float:
    """Run the guide's test with pytest, and return the seconds of its call, without setup and teardown."""
    blocks = re.findall(
        r"^```python\n(.*?)^```",
        (ROOT / "asyncdbaas" / "guides" / "testing.md").read_text(),
        flags=re.DOTALL | re.MULTILINE,
    )
    with tempfile.TemporaryDirectory() as folder:
        script, found = Path(folder, "test_tenant.py"), Path(folder, "found.xml")
        script.write_text(next(block for block in blocks if "def test_a_tenant" in block))
        plain = ["-q", "-p", "no:cacheprovider", "-o", "asyncio_default_fixture_loop_scope=function"]
        timed = ["-o", "junit_duration_report=call", f"--junitxml={found}"]
        command = [sys.executable, "-m", "pytest", *plain, *timed, str(script)]
        subprocess.run(command, check=True, capture_output=True, cwd=folder)
        return float(next(ET.parse(found).iter("testcase")).attrib["time"])


def _times(found: dict[str, list[float]]) -> Table:
    rows = [
        [name, *(f"{1000 * of(times):.1f}" for of in (min, statistics.median, max)), str(len(times))]
        for name, times in found.items()
    ]
    notes = ["each in a fresh process; the test's time is that of its call, with the wait before its one retry"]
    return Table(title="the emulator's times", columns=["", "min ms", "median", "max", "runs"], rows=rows, notes=notes)


def _rates(loads: list[Load]) -> Table:
    rows = [
        [
            load.kind,
            str(load.requests),
            f"{load.each_us:.0f}",
            f"{1e6 / load.each_us:.0f}",
            f"{load.cpu / load.wall:.0%}",
        ]
        for load in loads
    ]
    columns = ["request", "requests", "server CPU us", "requests/s on a core", "server busy"]
    notes = [f"{IN_FLIGHT} in flight, over HTTP; a core's requests/s: requests over the CPU seconds of the server"]
    return Table(title="the emulator under load", columns=columns, rows=rows, notes=notes)


@contextmanager
def _serving() -> Generator[Server]:
    with serving_process("emulator", "--serve") as process:
        yield Server(process)


async def _serve() -> None:
    """Say how long the start took and where it listens, then answer each line with the CPU seconds used."""
    loop = asyncio.get_running_loop()
    start = time.perf_counter()
    async with Emulator(per_minute=NO_LIMIT, per_hour=NO_LIMIT) as emulator:
        started = time.perf_counter() - start
        cluster_id: str = emulator.add_cluster(engine="kafka")["id"]
        print(json.dumps([started, emulator.url, emulator.token, cluster_id]), flush=True)
        while await loop.run_in_executor(None, sys.stdin.readline):
            print(time.process_time(), flush=True)


def main() -> None:
    """Serve, or measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.emulator", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it runs; figures mean little")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(_serve())
    else:
        print_report(run(quick=options.quick))


if __name__ == "__main__":
    main()
