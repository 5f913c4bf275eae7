"""Large response bodies: what one may cost, and reading it with pauses for the event loop."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final, TypeVar

import msgspec

from asyncdbaas._core.decoding import MismatchError, Reader, Steps, count_objects, malformed

T = TypeVar("T")

# Up to this size the fast way is tried in one go, which takes 10 ms.
_FAST: Final = 2**20
# What one body may hold. A list of 10,000 topics with three partitions each holds 80,000 objects and arrays. In memory
# an object takes 0.5 KiB, a cluster 2.7 KiB.
_MOST_OBJECTS: Final = 150_000
_MOST_VALUES: Final = 2_000_000
# How long a large body is read before the event loop gets its turn.
_SLICE_SECONDS: Final = 0.01


async def read_in_slices(read: Reader[T], body: bytes, notes: list[str], seconds: float) -> T:
    """Read a large body with pauses for the event loop, within `seconds`; reject one that would take too much memory.

    A body of half a kilobyte on the wire can hold a hundred thousand empty objects.
    """
    loop = asyncio.get_running_loop()
    now = pause = loop.time()
    ends = now + seconds
    steps = _checked(read, body, notes)
    try:
        while True:
            if now >= pause:
                await asyncio.sleep(0)
                pause = loop.time() + _SLICE_SECONDS
            next(steps)
            now = loop.time()
            if now > ends:
                raise MismatchError(f"reading the body took longer than {seconds:g} s")
    except StopIteration as done:
        result: T = done.value
        return result
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise malformed(body, error) from None


def _checked(read: Reader[T], body: bytes, notes: list[str]) -> Steps[T]:
    yield from _check_cost(body)
    if len(body) <= _FAST:
        with suppress(msgspec.ValidationError, LookupError):
            return read.fast(body)
    return (yield from read.thorough(body, notes))


def _check_cost(body: bytes) -> Steps[None]:
    """Reject a body that holds more objects or values than one response may.

    Text may hold the same characters as its structure, so a body that looks too expensive is counted again without its
    strings.
    """
    if not _is_costly(body):
        return
    yield
    bare = body.replace(b"\\\\", b"")
    yield
    bare = bare.replace(b'\\"', b"")
    yield
    # An empty string costs as much as a value, and splitting at its quotes costs more.
    if bare.count(b'"') <= 4 * _MOST_VALUES:
        outside_strings = b"".join(bare.split(b'"')[::2])
        yield
        if not _is_costly(outside_strings):
            return
    raise MismatchError(f"it holds more than {_MOST_OBJECTS} objects or {_MOST_VALUES} values")


def _is_costly(body: bytes) -> bool:
    # The length shows most bodies to be cheap: an object takes two bytes at least, and a value one. Counting takes 8 %
    # of the time of decoding.
    size = len(body)
    return (size > 2 * _MOST_OBJECTS and count_objects(body) > _MOST_OBJECTS) or (
        size > _MOST_VALUES and body.count(b",") > _MOST_VALUES
    )
