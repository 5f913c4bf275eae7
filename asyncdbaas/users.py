"""Database users of a cluster; not for Redis and Valkey, whose only user is `default`.

The service fails if users of one cluster are changed at the same time. So a session sends one such write per cluster at
a time; writes to different clusters run concurrently.
"""

from __future__ import annotations

import attrs

from asyncdbaas._checks import check_text
from asyncdbaas._core.codec import envelop
from asyncdbaas._core.model import Model
from asyncdbaas._endpoint import changes, cluster_path, created, delete, list_all, payload, write_lock
from asyncdbaas._models import (
    KafkaACL,
    KafkaPermission,
    MongoRole,
    MongoUserSettings,
    MySQLAuthPlugin,
    MySQLSettings,
    OpenSearchACL,
    OpenSearchPermission,
    User,
    UserRole,
    UserSettings,
    not_empty,
)
from asyncdbaas.errors import DBaaSError, InvalidInputError
from asyncdbaas.session import AsyncSession
from asyncdbaas.types import UNSET, Id, Unset

__all__ = [
    "KafkaACL",
    "KafkaPermission",
    "MongoRole",
    "MongoUserSettings",
    "MySQLAuthPlugin",
    "MySQLSettings",
    "OpenSearchACL",
    "OpenSearchPermission",
    "User",
    "UserCreate",
    "UserRole",
    "UserSettings",
    "create_user",
    "delete_user",
    "get_user",
    "list_users",
    "reset_user_auth",
    "update_user",
]


@attrs.frozen(kw_only=True, slots=False, repr=False)
class UserCreate(Model):
    """A user to create; the service makes the password."""

    name: str = attrs.field(validator=not_empty)
    mysql_settings: MySQLSettings | Unset = UNSET
    """MySQL."""
    settings: UserSettings | Unset = UNSET
    """PostgreSQL, Kafka, OpenSearch, MongoDB."""
    readonly: bool | Unset = UNSET
    """MongoDB: a user that may only read. Deprecated by the vendor in favour of `settings.mongo_user_settings.role`."""


async def list_users(session: AsyncSession, cluster_id: Id) -> list[User]:
    """List the users of a cluster.

    Passwords show only with the scope `database:view_credentials`; on MongoDB never. Scope `database:read`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_list_users
    """
    return await list_all(session, cluster_path(cluster_id, "users"), User, "users")


async def get_user(session: AsyncSession, cluster_id: Id, name: str) -> User:
    """Read one user.

    NotFoundError has been seen for a new user, and occasionally for an existing one. Passwords need
    the scope `database:view_credentials`; on MongoDB never. Scope `database:read`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_get_user
    """
    return await session.request("GET", cluster_path(cluster_id, "users", name), User, key="user")


async def create_user(session: AsyncSession, cluster_id: Id, user: UserCreate) -> User:
    """Create a user and return it with its password, which MongoDB shows only this once.

    Raise UnprocessableError if the name is taken; ServerError has been seen on Redis. Scope `database:create`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_add_user
    """
    path = cluster_path(cluster_id, "users")
    async with write_lock(session, cluster_id, "users"):
        made = await session.request("POST", path, User, key="user", body=payload(user, UserCreate, "user"))
    created(session, path, user.name)
    session.passwords.add(str(cluster_id), made.name, made.password)
    return made


async def update_user(session: AsyncSession, cluster_id: Id, name: str, settings: UserSettings) -> User:
    """Replace the settings of a user, and return the user, perhaps without its password.

    Nothing else of a user can be changed. Include every ACL that should stay, with its id, and on MongoDB both the
    databases and the role. Scope `database:update`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_update_user

    Args:
        session: An open session.
        cluster_id: Id of the cluster.
        name: Name of the user.
        settings: All settings that the user should have.
    """
    _check_whole(changes(settings, UserSettings, "settings"))
    path, body = cluster_path(cluster_id, "users", name), envelop("settings", settings)
    async with write_lock(session, cluster_id, "users"):
        return await session.request("PUT", path, User, key="user", body=body)


async def delete_user(session: AsyncSession, cluster_id: Id, name: str) -> None:
    """Delete a user; those that came with the cluster cannot be deleted.

    Raise NotFoundError if there is none. Scope `database:delete`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_delete_user
    """
    path = cluster_path(cluster_id, "users", name)
    async with write_lock(session, cluster_id, "users"):
        await delete(session, path)
    session.passwords.discard(str(cluster_id), name)


async def reset_user_auth(
    session: AsyncSession, cluster_id: Id, name: str, *, auth_plugin: MySQLAuthPlugin | str | None = None
) -> User:
    """Set a new password for a user and return the user with it.

    `auth_plugin`, for MySQL, also changes how the user authenticates. It is not known whether the password then
    changes, too, so use the one returned. Scope `database:update`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_reset_auth

    Args:
        session: An open session.
        cluster_id: Id of the cluster.
        name: Name of the user.
        auth_plugin: For MySQL, the new authentication plugin.
    """
    path = cluster_path(cluster_id, "users", name, "reset_auth")
    body = {} if auth_plugin is None else {"mysql_settings": {"auth_plugin": check_text(auth_plugin, "auth_plugin")}}
    before = session.passwords.get(str(cluster_id), name)
    async with write_lock(session, cluster_id, "users"):
        session.passwords.discard(str(cluster_id), name)  # it may change even if no response comes
        try:
            user = await session.request("POST", path, User, key="user", body=body)
        except DBaaSError as error:
            if not getattr(error, "may_have_applied", False):
                session.passwords.add(str(cluster_id), name, before)
            raise
    session.passwords.add(str(cluster_id), user.name, user.password)
    return user


def _check_whole(settings: UserSettings) -> None:
    """Reject settings that would remove what they do not name."""
    mongo = settings.mongo_user_settings
    if isinstance(mongo, MongoUserSettings) and UNSET in (mongo.databases, mongo.role):
        raise InvalidInputError("UserSettings: mongo_user_settings needs databases and role; an update replaces both")
