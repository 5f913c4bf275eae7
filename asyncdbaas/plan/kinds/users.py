"""Users and their rights: the rights of a user are one set, which an update replaces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

from asyncdbaas.catalogue import CatalogueUser
from asyncdbaas.errors import NotFoundError
from asyncdbaas.plan.kinds.base import Assessment, Kind, Write
from asyncdbaas.plan.model import Action
from asyncdbaas.session import AsyncSession
from asyncdbaas.types import UNSET
from asyncdbaas.users import (
    KafkaACL,
    KafkaPermission,
    User,
    UserCreate,
    UserRole,
    UserSettings,
    create_user,
    delete_user,
    get_user,
    list_users,
    update_user,
)

__all__ = ["USERS"]

_DEFAULT_USER: Final = "doadmin"


class _Users(Kind[CatalogueUser, User]):
    """Users of a Kafka cluster."""

    name = "user"
    field = "users"
    is_reread = True
    one_at_a_time = True

    def values(self, entry: CatalogueUser) -> dict[str, Any]:
        return {} if entry.acl is None else {"acl": _rights(entry.acl)}

    async def fetch(self, session: AsyncSession, cluster_id: str) -> dict[str, User]:
        return {user.name: user for user in await list_users(session, cluster_id)}

    def is_incomplete(self, entry: CatalogueUser, live: User) -> bool:
        """Return whether the list lacks rights that the entry declares: the service has been seen to leave them out."""
        return entry.acl is not None and live.settings is None

    async def read(
        self, session: AsyncSession, cluster_id: str, live: User, entry: CatalogueUser | None
    ) -> User | None:
        try:
            found = await get_user(session, cluster_id, live.name)
        except NotFoundError:
            return None
        if found.settings is None and entry is not None and not entry.acl:
            return attrs.evolve(found, settings=UserSettings())  # no rights, which is what the entry declares
        return found

    def is_protected(self, name: str, live: User) -> bool:
        """Return whether the user came with the cluster. The service may leave its role out."""
        return live.role is UserRole.PRIMARY or name == _DEFAULT_USER

    def differences(self, entry: CatalogueUser, live: User) -> dict[str, tuple[Any, Any]]:
        if entry.acl is None:
            return {}
        there, declared = _rights(_acl(live)), _rights(entry.acl)
        return {} if there == declared else {"acl": (there, declared)}

    def assess(self, changed: Mapping[str, tuple[Any, Any]]) -> Assessment:
        there, declared = changed.get("acl", ((), ()))
        return Assessment(losses=tuple(right for right in there if right not in declared))

    def entry_of(self, live: User, cluster: str) -> CatalogueUser:
        """Return the entry of a live user, each right once and without its id.

        It declares no rights if the service shows one that a catalogue cannot hold: the rights are one set.
        """
        acl = {_right(each): KafkaACL(topic=each.topic, permission=each.permission) for each in _acl(live)}
        is_known = all(KafkaPermission(right.permission).is_known for right in acl.values())
        return CatalogueUser(name=live.name, acl=tuple(acl.values()) if is_known else None, cluster=cluster)

    async def send(self, session: AsyncSession, cluster_id: str, write: Write) -> User | None:
        """Create a user, whose answer has the password; replace a user's rights; or delete a user."""
        if write.action is Action.DELETE:
            await delete_user(session, cluster_id, write.name)
            return None
        entry: CatalogueUser = write.entry
        if write.action is Action.CREATE:
            settings = UNSET if entry.acl is None else UserSettings(acl=list(entry.acl))
            return await create_user(session, cluster_id, UserCreate(name=entry.name, settings=settings))
        there = {_right(acl): acl for acl in _acl(write.live)}  # those that stay keep their ids
        acl = [there.get(_right(wanted), wanted) for wanted in entry.acl or ()]
        settings = attrs.evolve(write.live.settings or UserSettings(), acl=acl)
        return await update_user(session, cluster_id, entry.name, settings)


USERS: Final = _Users()


def _acl(user: User) -> list[KafkaACL]:
    found = UNSET if user.settings is None else user.settings.acl
    return [] if found is UNSET or not found else found


def _right(acl: KafkaACL) -> str:
    return f"{acl.permission} {acl.topic}"


def _rights(acl: Any) -> list[str]:
    return sorted({_right(each) for each in acl})
