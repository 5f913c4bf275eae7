"""Read what `kafka-topics --describe` prints."""

from __future__ import annotations

import re
from typing import Final

from asyncdbaas.catalogue.importing.collecting import Collector, Found

__all__ = ["matches", "read"]

_TOPIC: Final = re.compile(
    r"^Topic:[ \t]*(?P<name>\S+)(?:[ \t]+TopicId:[ \t]*\S+)?[ \t]+PartitionCount:[ \t]*(?P<partitions>\d+)"
    r"[ \t]+ReplicationFactor:[ \t]*(?P<replicas>\d+)(?:[ \t]+Configs:[ \t]*(?P<configs>[^\r\n]*))?",
    re.MULTILINE,
)
# A value may hold commas, as in cleanup.policy=compact,delete.
_NEXT_SETTING: Final = re.compile(r",(?=[A-Za-z][A-Za-z0-9.]*=)")


def matches(text: str) -> bool:
    """Return whether a text is such an output."""
    return _TOPIC.search(text) is not None


def read(text: str, collector: Collector) -> None:
    """Read all topics of an output."""
    line, at = 1, 0
    for match in _TOPIC.finditer(text):
        line += text.count("\n", at, match.start())
        at = match.start()
        pairs = [part.partition("=") for part in _NEXT_SETTING.split(match["configs"] or "") if "=" in part]
        collector.add_topic(
            Found(
                name=match["name"],
                line=line,
                partitions=match["partitions"],
                replicas=match["replicas"],
                settings=tuple((key.strip(), value.strip(), line) for key, _, value in pairs),
            )
        )
