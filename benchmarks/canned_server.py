"""A loopback server that answers canned bytes and does nothing else, so that it is never what is measured.

It runs in a process of its own and ends when its standard input does. `GET /_cpu` answers the CPU seconds it has used.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, cast

from benchmarks.child import serving_process
from benchmarks.payloads import CLUSTER_ID, cluster_list, created, topic_list

__all__ = ["serving"]

_HEADERS = (
    "content-type: application/json; charset=utf-8\r\n"
    "ratelimit-limit: 5000\r\n"
    "ratelimit-remaining: 4816\r\n"
    "ratelimit-reset: 1788268800\r\n"
    "x-request-id: 5d2a8a4e-6b58-4d0e-9b3c-1f6f0f0c2f11\r\n"
    "x-gateway: Edge-Gateway\r\n"
    "x-response-from: service\r\n"
    "server: cloudflare\r\n"
    "cf-ray: 8c1f0e2a7b3c4d5e-FRA\r\n"
)


class _Canned(asyncio.Protocol):
    def __init__(self, answers: dict[bytes, bytes]) -> None:
        self._answers = answers
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            size = end + 4 + _content_length(self._buffer[:end])
            if len(self._buffer) < size:
                return
            line = self._buffer[: self._buffer.find(b" HTTP/1.1")]
            self._buffer = self._buffer[size:]
            self._transport.write(_answer(b"%f" % time.process_time()) if line == b"GET /_cpu" else self._answers[line])


def _content_length(head: bytes) -> int:
    at = head.lower().find(b"content-length:")
    return 0 if at < 0 else int(head[at + 15 :].split(b"\r\n", 1)[0])


def _answer(body: bytes, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\n{_HEADERS}content-length: {len(body)}\r\n\r\n".encode() + body


def _answers() -> dict[bytes, bytes]:
    topics = f"/v2/databases/{CLUSTER_ID}/topics".encode()
    return {
        b"POST " + topics: _answer(created(), "201 Created"),
        b"GET " + topics: _answer(topic_list(10_000)),
        b"GET /v2/databases": _answer(cluster_list(200)),
    }


async def _serve() -> None:
    answers = _answers()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Canned(answers), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


@contextmanager
def serving() -> Generator[str]:
    """Run the server in a process of its own and give its address."""
    with serving_process("canned_server") as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"


if __name__ == "__main__":
    try:
        uvloop: Any = import_module("uvloop")  # by name: type checkers run where it is not installed
    except ImportError:
        asyncio.run(_serve())
    else:
        uvloop.run(_serve())
