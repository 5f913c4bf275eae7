"""Firewall rules of a cluster: the "trusted sources" that may connect to it."""

from __future__ import annotations

from collections.abc import Iterable

from asyncdbaas._checks import kind_of
from asyncdbaas._core.codec import encode
from asyncdbaas._endpoint import cluster_path, list_all, write_lock
from asyncdbaas._models import FirewallRule, FirewallRuleType
from asyncdbaas.errors import InvalidInputError
from asyncdbaas.session import AsyncSession
from asyncdbaas.types import Id

__all__ = [
    "FirewallRule",
    "FirewallRuleType",
    "edit_firewall_rules",
    "list_firewall_rules",
    "replace_firewall_rules",
]


async def list_firewall_rules(session: AsyncSession, cluster_id: Id) -> list[FirewallRule]:
    """List the firewall rules of a cluster.

    Scope `database:read`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_list_firewall_rules
    """
    return await list_all(session, cluster_path(cluster_id, "firewall"), FirewallRule, "rules")


async def replace_firewall_rules(session: AsyncSession, cluster_id: Id, rules: Iterable[FirewallRule]) -> None:
    """Replace all firewall rules of a cluster.

    Without rules, every address may connect. At most 100 addresses are allowed, where a droplet counts as two; no IPv6.
    Changes that others made since you read the rules are lost; `edit_firewall_rules` keeps that window short.
    Scope `database:update`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_update_firewall_rules
    """
    wanted = _check_rules(rules, "rules")
    async with write_lock(session, cluster_id, "firewall"):
        await _replace(session, cluster_id, wanted)


async def edit_firewall_rules(
    session: AsyncSession,
    cluster_id: Id,
    *,
    add: Iterable[FirewallRule] = (),
    remove: Iterable[FirewallRule] = (),
) -> list[FirewallRule]:
    """Remove some rules, then add others, and return the rules as the service then has them.

    Two rules are the same if their type and value are. Adding an existing rule, or removing a missing one, does
    nothing. In one session, changes to a cluster's rules wait for each other, so none is lost. Adding the first rule
    locks out all other addresses; removing the last one allows all. Scope `database:read` and `database:update`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_update_firewall_rules

    Args:
        session: An open session.
        cluster_id: Id of the cluster.
        add: Rules to add.
        remove: Rules to remove.
    """
    added = _check_rules(add, "add")
    removed = {_identity(rule) for rule in _check_rules(remove, "remove")}
    async with write_lock(session, cluster_id, "firewall"):
        rules = await list_firewall_rules(session, cluster_id)
        if added and not rules:  # null has been seen in place of a list, and what follows replaces all rules
            rules = await list_firewall_rules(session, cluster_id)
        kept = [rule for rule in rules if _identity(rule) not in removed]
        present = {_identity(rule) for rule in kept}
        wanted = kept + [rule for rule in added if _identity(rule) not in present]
        if wanted == rules:
            return rules
        await _replace(session, cluster_id, wanted)
        return await list_firewall_rules(session, cluster_id)


async def _replace(session: AsyncSession, cluster_id: Id, rules: list[FirewallRule]) -> None:
    await session.request("PUT", cluster_path(cluster_id, "firewall"), body={"rules": rules})


def _identity(rule: FirewallRule) -> tuple[str, str]:
    return rule.type, rule.value


def _check_rules(rules: Iterable[FirewallRule], what: str) -> list[FirewallRule]:
    if not isinstance(rules, Iterable):
        raise InvalidInputError(f"{what} must be a list of FirewallRule, not {kind_of(rules)}")
    checked = list(rules)
    for rule in checked:
        if not isinstance(rule, FirewallRule):
            raise InvalidInputError(f"{what} must be a list of FirewallRule, but contains {kind_of(rule)}")
        encode(rule)  # rejects values of the wrong type
    return checked
