"""Compare declared and live objects in both directions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

from asyncdbaas._documented import Documented
from asyncdbaas.plan.kinds import KINDS, Kind
from asyncdbaas.plan.model import LiveState, Target
from asyncdbaas.plan.names import ALL_NAMES, Names

__all__ = ["Difference", "differences"]


@attrs.frozen(kw_only=True)
class Difference(Documented):
    """An object that is only declared, only live, or both but not the same."""

    cluster: str
    kind: str
    name: str
    difference: str
    """`missing`, `extra` or `different`."""
    keys: dict[str, tuple[Any, Any]] = attrs.field(factory=dict[str, tuple[Any, Any]])
    """Live and declared value of what differs."""


def differences(targets: Iterable[Target], live: LiveState, *, names: Names = ALL_NAMES) -> list[Difference]:
    """Return all differences, by cluster, kind and name. Of each kind only what a catalogue declares is compared."""
    matches = names.matcher()
    return [
        difference
        for target in targets
        for kind in KINDS
        if kind.entries(target)
        for difference in _of_kind(target, kind, live)
        if matches(difference.name)
    ]


def _of_kind(target: Target, kind: Kind[Any, Any], live: LiveState) -> list[Difference]:
    declared = {entry.name: entry for entry in kind.entries(target)}
    there = live.of(target.cluster.id, kind.name)
    found: list[Difference] = []
    for name in sorted(declared.keys() | there.keys()):
        difference, keys = "different", {}
        if name not in there:
            difference = "missing"
        elif name in declared:
            keys = kind.differences(declared[name], there[name])
        elif not kind.is_protected(name, there[name]):
            difference = "extra"
        if keys or difference != "different":
            named = {"cluster": target.cluster.name, "kind": kind.name, "name": name}
            found.append(Difference(**named, difference=difference, keys=keys))
    return found
