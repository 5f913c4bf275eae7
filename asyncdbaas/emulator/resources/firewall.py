"""Firewall rules ("trusted sources"), which are replaced as a whole."""

from __future__ import annotations

import ipaddress
from typing import Final

from asyncdbaas.emulator import fields
from asyncdbaas.emulator.clock import rfc3339
from asyncdbaas.emulator.errors import unprocessable
from asyncdbaas.emulator.records import Cluster, Record, Rule
from asyncdbaas.emulator.routing import Answer, Call, Resource
from asyncdbaas.emulator.state import State

resource: Final = Resource()

_TYPES: Final = ("droplet", "k8s", "ip_addr", "tag", "app")
_MAX_ADDRESSES: Final = 2000  # a droplet has two


@resource.get("/{}/firewall")
def list_firewall_rules(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle GET /v2/databases/{id}/firewall."""
    return Answer(200, {"rules": state.cluster(cluster_id)["rules"]})


@resource.put("/{}/firewall")
def replace_firewall_rules(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle PUT /v2/databases/{id}/firewall."""
    cluster = state.usable(cluster_id, "update firewall rules")
    cluster["rules"] = checked_rules(state, cluster, call.body)
    return Answer(204)


def checked_rules(state: State, cluster: Cluster, body: Record) -> list[Rule]:
    """Check the rules of a body. An existing rule keeps its id and date; a rule without an id gets a new one."""
    rules = fields.records(body, "rules")
    if sum(2 if rule.get("type") == "droplet" else 1 for rule in rules) > _MAX_ADDRESSES:
        raise unprocessable(f"too many firewall rules: {_MAX_ADDRESSES} addresses are allowed")
    known = {rule["uuid"]: rule for rule in cluster["rules"]}
    return [_checked(state, cluster, rule, known) for rule in rules]


def _checked(state: State, cluster: Cluster, rule: Record, known: dict[str, Rule]) -> Rule:
    kind, value = fields.choice(rule, "type", _TYPES), fields.required(rule, "value")
    if kind == "ip_addr" and not _is_ipv4(value):
        raise unprocessable(f"invalid ip address: {value}")
    given = fields.uuid(rule, "uuid")
    before = known.get(given)
    checked: Rule = {
        "uuid": given or state.ids.uuid("rule", cluster["id"], kind, value),
        "cluster_uuid": cluster["id"],
        "type": kind,
        "value": value,
        "created_at": before["created_at"] if before else rfc3339(state.clock.now()),
    }
    description = fields.string(rule, "description")
    if description:
        checked["description"] = description
    return checked


def _is_ipv4(value: str) -> bool:
    try:
        ipaddress.IPv4Network(value, strict=False)
    except ValueError:
        return False
    return True
