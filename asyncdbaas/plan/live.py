"""The live state of clusters, as a plan compares it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import attrs

from asyncdbaas.plan.model import Source
from asyncdbaas.topics import Topic

__all__ = ["LiveState"]


@attrs.frozen(kw_only=True)
class LiveState:
    """Live objects by cluster, kind and name, and where their settings come from."""

    objects: Mapping[tuple[str, str], Mapping[str, Any]]
    """By the cluster's id and the name of the kind."""
    sources: Mapping[tuple[str, str], Source] = attrs.field(factory=dict[tuple[str, str], Source])
    """By the cluster's id and the topic's name, for topics whose settings were not read."""
    oldest: float | None = None
    """Age in seconds of the oldest settings that came from a memory."""

    @classmethod
    def of_topics(cls, topics: Mapping[str, Mapping[str, Topic]]) -> Self:
        """Return the state of topics only, given by the cluster's id, by name."""
        return cls(objects={(cluster_id, "topic"): found for cluster_id, found in topics.items()})

    def of(self, cluster_id: str, kind: str) -> Mapping[str, Any]:
        """Return the objects of one kind by name; none if they were not fetched."""
        return self.objects.get((cluster_id, kind), {})
