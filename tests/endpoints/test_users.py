"""Users of a cluster's databases."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

import attrs
import pytest
from aiohttp import web
from canned import Canned, Sent, serve

from asyncdbaas import (
    AsyncSession,
    InvalidInputError,
    NotFoundError,
    RequestTimeoutError,
    SessionStateError,
    TransportError,
    users,
)
from asyncdbaas.emulator import Delays, Emulator
from asyncdbaas.users import (
    KafkaACL,
    KafkaPermission,
    MongoRole,
    MongoUserSettings,
    MySQLAuthPlugin,
    MySQLSettings,
    OpenSearchACL,
    OpenSearchPermission,
    User,
    UserCreate,
    UserRole,
    UserSettings,
)

CLUSTER = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"
USERS = f"/v2/databases/{CLUSTER}/users"
REPLICATION = UserSettings(pg_allow_replication=True)


@pytest.mark.parametrize("mongo", [MongoUserSettings(databases=["a"]), MongoUserSettings(role=MongoRole.READ_ONLY)])
async def test_an_update_that_would_take_away_half_of_a_mongodb_users_rights_is_refused(
    canned: Canned, mongo: MongoUserSettings
) -> None:
    with pytest.raises(InvalidInputError, match="mongo_user_settings needs databases and role"):
        await users.update_user(canned.session, CLUSTER, "app", UserSettings(mongo_user_settings=mongo))
    assert canned.requests == []


async def test_a_created_user_can_be_read_listed_and_deleted(emulator: Emulator, session: AsyncSession) -> None:
    cluster_id = emulator.add_cluster(engine="pg")["id"]
    created = await users.create_user(session, cluster_id, UserCreate(name="app"))
    assert created.password
    assert created.role is UserRole.NORMAL
    assert await users.get_user(session, cluster_id, "app") == created
    assert [each.name for each in await users.list_users(session, cluster_id)] == ["doadmin", "app"]
    await users.delete_user(session, cluster_id, "app")
    with pytest.raises(NotFoundError):
        await users.get_user(session, cluster_id, "app")


@pytest.mark.parametrize(
    ("engine", "settings"),
    [
        ("pg", REPLICATION),
        (
            "opensearch",
            UserSettings(opensearch_acl=[OpenSearchACL(index="logs.*", permission=OpenSearchPermission.READ)]),
        ),
        (
            "mongodb",
            UserSettings(mongo_user_settings=MongoUserSettings(databases=["admin"], role=MongoRole.READ_ONLY)),
        ),
    ],
)
async def test_each_engine_has_its_own_settings(
    emulator: Emulator, session: AsyncSession, engine: str, settings: UserSettings
) -> None:
    cluster_id = emulator.add_cluster(engine=engine)["id"]
    assert (
        await users.create_user(session, cluster_id, UserCreate(name="app", settings=settings))
    ).settings == settings
    assert (await users.get_user(session, cluster_id, "app")).settings == settings
    assert (await users.update_user(session, cluster_id, "app", settings)).settings == settings


async def test_kafka_acls_come_back_with_ids_and_can_be_sent_with_them(
    emulator: Emulator, session: AsyncSession
) -> None:
    cluster_id = emulator.add_cluster(engine="kafka")["id"]
    acl = [
        KafkaACL(topic="orders", permission=KafkaPermission.PRODUCE),
        KafkaACL(topic="orders", permission=KafkaPermission.CONSUME),
    ]
    user = await users.create_user(session, cluster_id, UserCreate(name="app", settings=UserSettings(acl=acl)))
    assert user.settings
    assert user.settings.acl
    first, second = user.settings.acl
    assert first.id != second.id
    assert attrs.evolve(first, id=acl[0].id) == acl[0]
    updated = await users.update_user(session, cluster_id, "app", UserSettings(acl=[second]))
    assert updated.settings == UserSettings(acl=[second])


async def test_a_kafka_user_has_a_certificate_and_a_key_that_does_not_show(
    emulator: Emulator, session: AsyncSession
) -> None:
    cluster_id = emulator.add_cluster(engine="kafka")["id"]
    user = await users.create_user(session, cluster_id, UserCreate(name="app"))
    assert "BEGIN CERTIFICATE" in (user.access_cert or "")
    assert "PRIVATE KEY" in (user.access_key or "")
    for secret in (user.password, user.access_key):
        assert secret
        assert secret not in repr(user)
    assert "PRIVATE KEY" not in repr(user)


async def test_a_mongodb_password_shows_at_the_creation_only(emulator: Emulator, session: AsyncSession) -> None:
    cluster_id = emulator.add_cluster(engine="mongodb")["id"]
    assert (await users.create_user(session, cluster_id, UserCreate(name="app"))).password
    assert (await users.get_user(session, cluster_id, "app")).password is None


async def test_a_token_that_may_not_see_credentials_gets_users_without_password(emulator: Emulator) -> None:
    cluster_id = emulator.add_cluster(engine="pg")["id"]
    reader = emulator.add_token(scopes=["database:read"])
    async with AsyncSession(reader, base_url=emulator.url) as session:
        assert (await users.get_user(session, cluster_id, "doadmin")).password is None


@pytest.mark.parametrize("role", [{"role": ""}, {"role": None}, {}, {"role": "normal"}])
async def test_an_empty_role_reads_as_normal(canned: Canned, role: dict[str, Any]) -> None:
    canned(200, {"user": {"name": "app", **role}})
    assert (await users.get_user(canned.session, CLUSTER, "app")).role is UserRole.NORMAL


async def test_an_update_is_answered_by_201_and_sends_the_settings_only(canned: Canned) -> None:
    canned(201, '{"user":{"name":"app","settings":{"pg_allow_replication":true}}}')
    assert await users.update_user(canned.session, CLUSTER, "app", REPLICATION) == User(
        name="app", settings=REPLICATION
    )
    assert canned.sent == Sent("PUT", f"{USERS}/app", {"settings": {"pg_allow_replication": True}})


async def test_false_and_an_empty_list_are_settings_that_are_sent(canned: Canned) -> None:
    canned(201, '{"user":{"name":"app"}}')
    await users.update_user(canned.session, CLUSTER, "app", UserSettings(pg_allow_replication=False, acl=[]))
    assert canned.sent.body == {"settings": {"pg_allow_replication": False, "acl": []}}


async def test_an_update_without_any_setting_is_refused(canned: Canned) -> None:
    with pytest.raises(InvalidInputError, match="UserSettings: nothing is set"):
        await users.update_user(canned.session, CLUSTER, "app", UserSettings())
    assert canned.requests == []


async def test_mysql_users_have_an_authentication_plugin(canned: Canned) -> None:
    canned(201, '{"user":{"name":"app","role":"normal","mysql_settings":{"auth_plugin":"mysql_native_password"}}}')
    settings = MySQLSettings(auth_plugin=MySQLAuthPlugin.MYSQL_NATIVE_PASSWORD)
    user = await users.create_user(canned.session, CLUSTER, UserCreate(name="app", mysql_settings=settings))
    assert user.mysql_settings == settings
    sent = {"name": "app", "mysql_settings": {"auth_plugin": "mysql_native_password"}}
    assert canned.sent == Sent("POST", USERS, sent)


async def test_the_deprecated_readonly_flag_of_mongodb_is_sent(canned: Canned) -> None:
    canned(201, '{"user":{"name":"app"}}')
    await users.create_user(canned.session, CLUSTER, UserCreate(name="app", readonly=False))
    assert canned.sent.body == {"name": "app", "readonly": False}


async def test_a_reset_sends_an_empty_object_where_there_is_no_plugin(canned: Canned) -> None:
    canned(200, '{"user":{"name":"app","password":"new"}}')
    assert (await users.reset_user_auth(canned.session, CLUSTER, "app")).password == "new"
    assert canned.sent == Sent("POST", f"{USERS}/app/reset_auth", {})


@pytest.mark.parametrize("plugin", ["caching_sha2_password", MySQLAuthPlugin.CACHING_SHA2_PASSWORD])
async def test_a_reset_can_change_the_plugin(canned: Canned, plugin: str) -> None:
    canned(200, '{"user":{"name":"app","password":"new"}}')
    await users.reset_user_auth(canned.session, CLUSTER, "app", auth_plugin=plugin)
    assert canned.sent.body == {"mysql_settings": {"auth_plugin": "caching_sha2_password"}}


async def test_a_reset_makes_a_new_password(emulator: Emulator, session: AsyncSession) -> None:
    cluster_id = emulator.add_cluster(engine="mysql")["id"]
    before = await users.create_user(session, cluster_id, UserCreate(name="app"))
    after = await users.reset_user_auth(session, cluster_id, "app", auth_plugin="mysql_native_password")
    assert after.password not in (None, "", before.password)
    assert after.mysql_settings == MySQLSettings(auth_plugin=MySQLAuthPlugin.MYSQL_NATIVE_PASSWORD)


async def test_names_are_percent_encoded(canned: Canned) -> None:
    await users.delete_user(canned.session, CLUSTER, "a/b c")
    assert canned.sent == Sent("DELETE", f"{USERS}/a%2Fb%20c")


def test_an_empty_name_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="UserCreate: name must not be empty"):
        UserCreate(name="")


async def test_values_of_the_wrong_type_are_rejected_by_their_fields(canned: Canned) -> None:
    topics: Any = "orders"
    with pytest.raises(InvalidInputError, match=r"UserSettings: .*\$\.acl"):
        await users.update_user(canned.session, CLUSTER, "app", UserSettings(acl=topics))
    with pytest.raises(InvalidInputError, match=r"UserCreate: .*\$\.settings\.acl"):
        await users.create_user(canned.session, CLUSTER, UserCreate(name="app", settings=UserSettings(acl=topics)))
    plugin: Any = MySQLSettings()
    with pytest.raises(InvalidInputError, match="auth_plugin must be a string"):
        await users.reset_user_auth(canned.session, CLUSTER, "app", auth_plugin=plugin)
    assert canned.requests == []


class Gate(Canned):
    """Answers nothing until it is open."""

    def __init__(self) -> None:
        super().__init__()
        self(201, '{"user":{"name":"app"}}')
        self.open = asyncio.Event()
        self._arrivals = asyncio.Semaphore(0)

    async def arrived(self, count: int = 1) -> None:
        """Wait for a number of further requests."""
        async with asyncio.timeout(10):
            for _ in range(count):
                await self._arrivals.acquire()

    async def answer(self, request: web.Request) -> web.Response:
        """Handle a request, once the gate is open."""
        await request.read()
        self._arrivals.release()
        await self.open.wait()
        return await super().answer(request)


def _create(session: AsyncSession, name: str, cluster_id: str = CLUSTER) -> asyncio.Task[User]:
    return asyncio.create_task(users.create_user(session, cluster_id, UserCreate(name=name)))


async def test_users_of_one_cluster_can_be_written_all_at_once() -> None:
    # An emulator that refuses a change of users while another one is under way.
    async with (
        Emulator(time_scale=100, delays=Delays(user_write=1.0)) as emulator,
        AsyncSession(emulator.token, base_url=emulator.url) as session,
    ):
        cluster_id = emulator.add_cluster(engine="mongodb")["id"]
        names = [f"app-{n}" for n in range(4)]
        await asyncio.gather(*(_create(session, name, cluster_id) for name in names))
        await asyncio.gather(*(users.delete_user(session, cluster_id, name) for name in names))
        assert emulator.requests.statuses[412] == 0


WRITES: dict[str, Callable[[AsyncSession], Coroutine[Any, Any, object]]] = {
    "create": lambda session: users.create_user(session, CLUSTER.upper(), UserCreate(name="second")),
    "update": lambda session: users.update_user(session, UUID(CLUSTER), "second", REPLICATION),
    "delete": lambda session: users.delete_user(session, CLUSTER, "second"),
    "reset": lambda session: users.reset_user_auth(session, CLUSTER, "second"),
}


@pytest.mark.parametrize("write", WRITES)
async def test_a_write_waits_for_the_one_before_but_a_read_does_not(write: str) -> None:
    gate = Gate()
    async with serve(gate):
        first = _create(gate.session, "first")
        await gate.arrived()
        second = asyncio.create_task(WRITES[write](gate.session))
        reading = asyncio.create_task(users.get_user(gate.session, CLUSTER, "third"))
        await gate.arrived()
        gate.open.set()
        await asyncio.gather(first, second, reading)
        assert gate.requests[:2] == [Sent("POST", USERS, {"name": "first"}), Sent("GET", f"{USERS}/third")]
        assert len(gate.requests) == 3
        assert not gate.session._locks


async def test_users_of_different_clusters_are_written_side_by_side() -> None:
    gate = Gate()
    async with serve(gate):
        both = [_create(gate.session, "app"), _create(gate.session, "app", CLUSTER.replace("9", "8"))]
        await gate.arrived(2)
        gate.open.set()
        await asyncio.gather(*both)


async def test_a_cancelled_write_lets_the_next_one_go() -> None:
    gate = Gate()
    async with serve(gate):
        on_the_wire, waiting, last = (_create(gate.session, name) for name in ("on-the-wire", "waiting", "last"))
        await gate.arrived()
        waiting.cancel()
        on_the_wire.cancel()
        await gate.arrived()
        gate.open.set()
        await last
        assert waiting.cancelled()
        assert on_the_wire.cancelled()
        assert "waiting" not in [request.body["name"] for request in gate.requests]


async def test_a_write_that_hangs_lets_the_next_one_go_at_its_timeout() -> None:
    gate = Gate()
    async with serve(gate), AsyncSession("token", base_url=gate.session._base, timeout=0.05) as session:
        writes = [_create(session, name) for name in ("hanging", "following")]
        await gate.arrived(2)
        gate.open.set()
        outcomes = await asyncio.gather(*writes, return_exceptions=True)
        assert isinstance(outcomes[0], RequestTimeoutError)


async def test_closing_the_session_ends_the_writes_that_wait() -> None:
    gate = Gate()
    async with serve(gate):
        writes = [_create(gate.session, name) for name in ("on-the-wire", "waiting", "last")]
        await gate.arrived()
        await gate.session.close()
        gate.open.set()
        outcomes = await asyncio.gather(*writes, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [TransportError, SessionStateError, SessionStateError]
