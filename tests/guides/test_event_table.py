"""The table of events in the guide names every event and fields that it has."""

from __future__ import annotations

import re
from typing import get_args

import attrs
from pages import GUIDES

from asyncdbaas import hooks


def test_the_table_has_every_event_with_its_own_fields() -> None:
    guide = GUIDES.joinpath("observability.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([A-Z]\w+)` \|[^|]*\| (.*) \|$", guide, re.MULTILINE)
    events = {event.__name__: event for event in get_args(hooks.CallEvent)}
    assert {name for name, _ in rows} == events.keys()
    for name, fields in rows:
        assert set(re.findall(r"`(\w+)`", fields)) <= {field.name for field in attrs.fields(events[name])}, name
