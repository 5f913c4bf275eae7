"""Firewall rules of a cluster."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from canned import Canned, Sent

from asyncdbaas import AsyncSession, InvalidInputError, firewall
from asyncdbaas.emulator import Emulator
from asyncdbaas.firewall import FirewallRule, FirewallRuleType

CLUSTER = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"
PATH = f"/v2/databases/{CLUSTER}/firewall"
OFFICE = FirewallRule(type=FirewallRuleType.IP_ADDR, value="192.0.2.1", description="the office")
DROPLET = FirewallRule(type=FirewallRuleType.DROPLET, value="163973392")
RULES = (
    '{"rules":[{"uuid":"adfe81a8-0fa1-4e2d-973f-06aa5af19b44","cluster_uuid":"9cc10173-e9ea-4176-9dbc-a4cee4c4ff30",'
    '"type":"ip_addr","description":"the office","value":"192.0.2.1","created_at":"2019-11-14T20:30:28Z"},'
    '{"uuid":"b9b42276-8295-4313-b40f-74173a7f46e6","type":"droplet","value":"163973392"}]}'
)


def _names(rules: list[FirewallRule]) -> list[tuple[str, str]]:
    return [(rule.type, rule.value) for rule in rules]


async def test_rules_that_were_set_replace_all_others(emulator: Emulator, session: AsyncSession) -> None:
    cluster_id = emulator.add_cluster()["id"]
    await firewall.replace_firewall_rules(session, cluster_id, [OFFICE, DROPLET])
    assert _names(await firewall.list_firewall_rules(session, cluster_id)) == _names([OFFICE, DROPLET])
    await firewall.replace_firewall_rules(session, cluster_id, [])
    assert await firewall.list_firewall_rules(session, cluster_id) == []


async def test_a_rule_has_all_fields_of_the_description(canned: Canned) -> None:
    canned(200, RULES)
    assert (await firewall.list_firewall_rules(canned.session, CLUSTER))[0] == FirewallRule(
        uuid="adfe81a8-0fa1-4e2d-973f-06aa5af19b44",
        cluster_uuid=CLUSTER,
        type=FirewallRuleType.IP_ADDR,
        value="192.0.2.1",
        description="the office",
        created_at=datetime(2019, 11, 14, 20, 30, 28, tzinfo=UTC),
    )


async def test_a_rule_that_was_read_can_be_sent_again(emulator: Emulator, session: AsyncSession) -> None:
    cluster_id = emulator.add_cluster()["id"]
    await firewall.replace_firewall_rules(session, cluster_id, [OFFICE])
    (read,) = await firewall.list_firewall_rules(session, cluster_id)
    await firewall.replace_firewall_rules(session, cluster_id, [read, DROPLET])
    assert (await firewall.list_firewall_rules(session, cluster_id))[0] == read


async def test_a_new_rule_is_sent_with_what_is_set_only(canned: Canned) -> None:
    await firewall.replace_firewall_rules(canned.session, CLUSTER, iter([OFFICE, DROPLET]))
    office = {"type": "ip_addr", "value": "192.0.2.1", "description": "the office"}
    assert canned.sent == Sent("PUT", PATH, {"rules": [office, {"type": "droplet", "value": "163973392"}]})


async def test_a_droplet_id_given_as_a_number_is_rejected_by_its_field(canned: Canned) -> None:
    droplet: Any = 163973392
    with pytest.raises(InvalidInputError, match=r"\$\.value"):
        await firewall.replace_firewall_rules(
            canned.session, CLUSTER, [FirewallRule(type=FirewallRuleType.DROPLET, value=droplet)]
        )
    assert canned.requests == []


@pytest.mark.parametrize("rules", ["192.0.2.1", ["192.0.2.1"], {"rules": []}])
async def test_what_is_no_list_of_rules_is_rejected_by_name(canned: Canned, rules: Any) -> None:
    with pytest.raises(InvalidInputError, match="rules must be a list of FirewallRule, but contains str"):
        await firewall.replace_firewall_rules(canned.session, CLUSTER, rules)
    with pytest.raises(InvalidInputError, match="add must be a list of FirewallRule, but contains str"):
        await firewall.edit_firewall_rules(canned.session, CLUSTER, add=rules)
    with pytest.raises(InvalidInputError, match="remove must be a list of FirewallRule, but contains str"):
        await firewall.edit_firewall_rules(canned.session, CLUSTER, remove=rules)
    assert canned.requests == []


async def test_an_edit_keeps_the_rules_it_does_not_name(emulator: Emulator, session: AsyncSession) -> None:
    cluster_id = emulator.add_cluster()["id"]
    await firewall.replace_firewall_rules(session, cluster_id, [OFFICE, DROPLET])
    tag = FirewallRule(type=FirewallRuleType.TAG, value="backend")
    edited = await firewall.edit_firewall_rules(session, cluster_id, add=[tag], remove=[OFFICE])
    assert _names(edited) == _names([DROPLET, tag])
    assert _names(await firewall.list_firewall_rules(session, cluster_id)) == _names([DROPLET, tag])


async def test_rules_of_the_same_value_but_another_type_are_not_the_same(
    emulator: Emulator, session: AsyncSession
) -> None:
    cluster_id = emulator.add_cluster()["id"]
    droplet, tag = (FirewallRule(type=kind, value="7") for kind in (FirewallRuleType.DROPLET, FirewallRuleType.TAG))
    await firewall.replace_firewall_rules(session, cluster_id, [droplet])
    assert _names(await firewall.edit_firewall_rules(session, cluster_id, add=[tag])) == _names([droplet, tag])
    assert _names(await firewall.edit_firewall_rules(session, cluster_id, remove=[droplet])) == _names([tag])


async def test_an_edit_that_changes_nothing_writes_nothing(canned: Canned) -> None:
    canned(200, RULES)
    absent = FirewallRule(type=FirewallRuleType.TAG, value="backend")
    edited = await firewall.edit_firewall_rules(canned.session, CLUSTER, add=[DROPLET], remove=[absent])
    assert edited == await firewall.list_firewall_rules(canned.session, CLUSTER)
    assert [request.method for request in canned.requests] == ["GET", "GET"]


async def test_an_edit_that_removes_and_adds_a_rule_replaces_it(emulator: Emulator, session: AsyncSession) -> None:
    cluster_id = emulator.add_cluster()["id"]
    await firewall.replace_firewall_rules(session, cluster_id, [OFFICE])
    renamed = FirewallRule(type=FirewallRuleType.IP_ADDR, value="192.0.2.1", description="the new office")
    await firewall.edit_firewall_rules(session, cluster_id, add=[renamed], remove=[OFFICE])
    (rule,) = await firewall.list_firewall_rules(session, cluster_id)
    assert rule.description == "the new office"


async def test_edits_at_the_same_time_do_not_lose_each_other(emulator: Emulator, session: AsyncSession) -> None:
    cluster_id = emulator.add_cluster()["id"]
    rules = [FirewallRule(type=FirewallRuleType.IP_ADDR, value=f"192.0.2.{n}") for n in range(20)]
    await asyncio.gather(*(firewall.edit_firewall_rules(session, cluster_id, add=[rule]) for rule in rules))
    assert sorted(_names(await firewall.list_firewall_rules(session, cluster_id))) == sorted(_names(rules))


async def test_a_replacement_does_not_fall_between_an_edits_read_and_write(
    emulator: Emulator, session: AsyncSession
) -> None:
    cluster_id = emulator.add_cluster()["id"]
    await asyncio.gather(
        firewall.edit_firewall_rules(session, cluster_id, add=[OFFICE]),
        firewall.replace_firewall_rules(session, cluster_id, [DROPLET]),
    )
    assert _names(await firewall.list_firewall_rules(session, cluster_id)) == _names([DROPLET])


async def test_one_null_in_place_of_the_rules_makes_no_edit_drop_them(
    emulator: Emulator, session: AsyncSession
) -> None:
    cluster_id = emulator.add_cluster()["id"]
    await firewall.replace_firewall_rules(session, cluster_id, [OFFICE])
    emulator.faults.add("list_firewall_rules", "null_list")
    assert _names(await firewall.edit_firewall_rules(session, cluster_id, add=[DROPLET])) == _names([OFFICE, DROPLET])
