"""Faults that tests inject between a client and the service."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from itertools import count
from types import MappingProxyType, NoneType
from typing import Any, Final

import attrs

from asyncdbaas.emulator import fields
from asyncdbaas.emulator.errors import EmulatorError, require_known
from asyncdbaas.emulator.records import Record
from asyncdbaas.emulator.routing import Call
from asyncdbaas.emulator.validators import number, one_of, switch

_BEFORE: Final = {
    "precondition": "412: the object is not ready for this",
    "rate_limit": "429 by the burst limit, with retry-after (`retry_after` virtual seconds)",
    "hourly_limit": "429 by the hourly limit, without retry-after",
    "unavailable": "503 from the gateway, which did not forward the request; no rate-limit headers",
    "not_found": "404, as on a read just after the create",
    "no_route": "404 from the gateway, as plain text, as if the path did not exist",
    "misdirected": "421 from the gateway, an HTML page",
    "too_early": "425 from the gateway, an HTML page",
}
"""Faults that are always injected before the change is applied."""
_EITHER: Final = {
    "server_error": "500 from the service; with `applied`, after the change was made",
    "bad_gateway": "502, an HTML page; with `applied`, after the change was made",
    "gateway_timeout": "504, an HTML page; with `applied`, after the change was made",
    "request_timeout": "408 from the gateway, an HTML page; with `applied`, after the change was made",
    "reset": "the connection is reset instead of a response; with `applied`, after the change was made",
    "silence": "no response ever comes; with `applied`, after the change was made",
}
"""Faults that are injected before the change unless `applied` says otherwise."""
_AFTER: Final = {
    "delay": "the response is delayed by `delay` virtual seconds; nothing else is wrong",
    "accepted": "202 with an error-shaped body; the topic is created",
    "null_list": "the right status with null in place of every list",
    "reset_after": "the connection is reset right after the response",
    "half_body": "the connection is closed in the middle of the response's body",
    "endless_body": "the response's body continues with spaces and never ends",
    "empty_body": "the right status with no body",
    "wrong_shape": "the right status with JSON of another shape (`body`)",
    "not_json": "the right status with a body that is not JSON",
}
"""Faults of the response only."""
KINDS: Final = MappingProxyType(_BEFORE | _EITHER | _AFTER)
"""Each kind of fault, with its effect."""

_MANY: Final = 10**9


@attrs.define(kw_only=True, eq=False)
class Fault:
    """A pending fault.

    It applies to requests of `operation` (`"create_topic"`, ...; `"*"` is any) for which `when` is true, with
    `probability`, after the first `skip` ones, `times` times (None: always). `injected` counts. `Faults.check` reports
    it if it was never injected, unless it is `optional`.
    """

    id: int = 0
    """Unique in an emulator."""
    operation: str
    kind: str = attrs.field(validator=one_of(KINDS))
    times: int | None = attrs.field(default=1, validator=number(1, _MANY, int, NoneType))
    skip: int = attrs.field(default=0, validator=number(0, _MANY, int))
    probability: float = attrs.field(default=1.0, validator=number(0, 1, int, float))
    when: Callable[[Call], bool] | None = None
    applied: bool = attrs.field(default=False, validator=switch)
    delay: float = attrs.field(default=0.0, validator=number(0, _MANY, int, float))
    retry_after: float = attrs.field(default=29.0, validator=number(0, _MANY, int, float))
    body: Any = attrs.field(factory=lambda: ["unexpected"])
    optional: bool = attrs.field(default=False, validator=switch)
    injected: int = attrs.field(default=0, init=False)

    @property
    def exhausted(self) -> bool:
        """Whether it has been injected `times` times."""
        return self.times is not None and self.injected >= self.times

    @property
    def is_before_change(self) -> bool:
        """Whether the change is not applied."""
        return self.kind in _BEFORE or (self.kind in _EITHER and not self.applied)

    def dump(self) -> Record:
        """Return the fault as plain data for the admin path, without its predicate."""
        return attrs.asdict(self, recurse=False, filter=lambda field, _: field.name != "when")


_OPTIONS: Final = [
    field.name
    for field in attrs.fields(Fault)
    if field.name not in ("id", "operation", "kind", "when", "injected")  # set by `Faults.add`
]


class UnusedFaultError(EmulatorError, AssertionError):
    """Faults were added and never injected, so a test did not test what it should."""


class Faults:
    """Hold the pending faults; the first that applies to a request is injected, after all pure delays that apply.

    `operations` are the names that a fault may have.
    """

    def __init__(self, seed: int, operations: Collection[str]) -> None:
        self._random = random.Random(seed)  # seeded, so that a test gets the same faults each time
        self._operations = operations
        self._ids = count(1)
        self._waiting: list[Fault] = []

    def add(self, operation: str, kind: str, /, *, when: Callable[[Call], bool] | None = None, **options: Any) -> Fault:
        """Add a fault: `faults.add("create_topic", "server_error", applied=True, times=2)`.

        `options` are the fields of `Fault`; `KINDS` names the faults. By default a "delay" is always injected, all
        others once. Raise EmulatorError for an operation that does not exist.
        """
        self._check(operation, kind, options)
        if kind == "delay":
            options.setdefault("times", None)
        fault = Fault(id=next(self._ids), operation=operation, kind=kind, when=when, **options)
        self._waiting.append(fault)
        return fault

    def add_from(self, data: Record) -> Fault:
        """Add a fault from plain data; a predicate exists in code only, so `when` is ignored."""
        options = {name: value for name, value in data.items() if name not in ("operation", "kind", "when")}
        return self.add(fields.string(data, "operation", "*"), fields.required(data, "kind"), **options)

    def remove(self, fault_id: int) -> bool:
        """Remove one fault and return True, or return False if it is not pending."""
        before = len(self._waiting)
        self._waiting = [fault for fault in self._waiting if fault.id != fault_id]
        return len(self._waiting) < before

    def check(self) -> None:
        """Raise `UnusedFaultError` if a fault was never injected and is not `optional`."""
        unused = [fault for fault in self._waiting if not fault.injected and not fault.optional]
        if unused:
            names = ", ".join(f"{fault.kind!r} for {fault.operation!r}" for fault in unused)
            raise UnusedFaultError(
                f"never injected: {names}; no request was one that the fault applies to. "
                "Remove the fault, or add it with optional=True"
            )

    def _check(self, operation: str, kind: str, options: Collection[str]) -> None:
        require_known(operation, ["*", *self._operations], "operation")
        require_known(kind, KINDS, "kind of fault")
        for name in options:
            require_known(name, _OPTIONS, "option of a fault")

    def clear(self) -> None:
        """Remove all faults."""
        self._waiting.clear()

    def dump(self) -> list[Record]:
        """Return the pending faults as plain data."""
        return [fault.dump() for fault in self._waiting]

    def inject(self, call: Call) -> tuple[Fault | None, float]:
        """Return the fault to inject into a request, if there is one, and the sum of all delays that apply."""
        delay = 0.0
        for fault in tuple(self._waiting):
            if not self._matches(fault, call):
                continue
            delay += fault.delay
            if fault.kind != "delay":
                return fault, delay
        return None, delay

    def _matches(self, fault: Fault, call: Call) -> bool:
        if fault.operation not in ("*", call.operation) or (fault.when is not None and not fault.when(call)):
            return False
        if fault.probability < 1 and self._random.random() >= fault.probability:
            return False
        if fault.skip:
            fault.skip -= 1
            return False
        fault.injected += 1
        if fault.exhausted:
            self._waiting.remove(fault)
        return True
