"""Database users."""

from __future__ import annotations

from typing import Final

from asyncdbaas.emulator import certificates, fields
from asyncdbaas.emulator.engines import ENGINES, Capability, can
from asyncdbaas.emulator.errors import not_found, not_yet, unprocessable
from asyncdbaas.emulator.records import Cluster, Record, User
from asyncdbaas.emulator.resources.ca import authority
from asyncdbaas.emulator.routing import Answer, Call, Resource
from asyncdbaas.emulator.state import State, found

resource: Final = Resource()

_PLUGINS: Final = ("mysql_native_password", "caching_sha2_password")
_TOPIC_PERMISSIONS: Final = ("admin", "consume", "produce", "produceconsume")
_INDEX_PERMISSIONS: Final = ("deny", "admin", "read", "readwrite", "write")
_SECRETS: Final = ("password", "access_cert", "access_key")
_MONGO_ROLES: Final = ("readOnly", "readWrite", "dbAdmin")


@resource.get("/{}/users")
def list_users(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle GET /v2/databases/{id}/users."""
    cluster = state.primary_of(state.cluster(cluster_id, "users"))
    return Answer(200, {"users": [view(cluster, user, call) for user in state.listed(cluster["users"].values())]})


@resource.get("/{}/users/{}")
def get_user(state: State, call: Call, cluster_id: str, name: str) -> Answer:
    """Handle GET /v2/databases/{id}/users/{name}."""
    cluster = state.primary_of(state.cluster(cluster_id, "users"))
    user = found(cluster["users"], name, "user")
    if user["visible_at"] > state.clock.now():
        raise not_found("user")
    return Answer(200, {"user": view(cluster, user, call)})


@resource.post("/{}/users")
def create_user(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle POST /v2/databases/{id}/users; a MongoDB password is shown here only."""
    cluster = _writable(state, cluster_id, "create user")
    name = fields.new_name(call.body, "user", cluster["users"])
    settings = _settings(state, cluster, fields.record(call.body, "settings"), name)
    if fields.boolean(call.body, "readonly"):
        _only(cluster, "readonly", "mongodb users")
        settings = _read_only() | settings
    plugin = _plugin(cluster, call.body, "caching_sha2_password")
    _begin_write(state, cluster, "create user")
    user = _new_user(state, cluster["id"], name, "normal", plugin)
    user["settings"] = settings
    user["visible_at"] = state.shown_after(state.delays.user_visible)
    user["listed_at"] = max(user["visible_at"], state.shown_after(state.delays.listed))
    if can(cluster["engine"], "kafka users"):
        user["access_cert"], user["access_key"] = certificates.issue(authority(cluster), name)
    cluster["users"][name] = user
    return Answer(201, {"user": view(cluster, user, call, created=True)}, state.delays.user_write)


@resource.put("/{}/users/{}")
def update_user(state: State, call: Call, cluster_id: str, name: str) -> Answer:
    """Handle PUT /v2/databases/{id}/users/{name}: only the settings can change, and are replaced."""
    cluster = _writable(state, cluster_id, "update user")
    user = found(cluster["users"], name, "user")
    user["settings"] = _settings(state, cluster, fields.required_record(call.body, "settings"), name)
    return Answer(201, {"user": view(cluster, user, call)})


@resource.delete("/{}/users/{}")
def delete_user(state: State, call: Call, cluster_id: str, name: str) -> Answer:
    """Handle DELETE /v2/databases/{id}/users/{name}; default users stay."""
    cluster = _writable(state, cluster_id, "delete user")
    if found(cluster["users"], name, "user")["role"] == "primary" or name == ENGINES[cluster["engine"]].read_only_user:
        raise unprocessable("a default user cannot be deleted")
    _begin_write(state, cluster, "delete user")
    del cluster["users"][name]
    return Answer(204, None, state.delays.user_write)


@resource.post("/{}/users/{}/reset_auth")
def reset_user_auth(state: State, call: Call, cluster_id: str, name: str) -> Answer:
    """Handle POST /v2/databases/{id}/users/{name}/reset_auth: a new password, and for MySQL maybe another plugin."""
    cluster = _writable(state, cluster_id, "reset user auth")
    user = found(cluster["users"], name, "user")
    user["plugin"] = _plugin(cluster, call.body, user["plugin"])
    user["password"] = state.ids.password("user", cluster["id"], name)
    return Answer(200, {"user": view(cluster, user, call, created=True)})


def default_users(state: State, cluster_id: str, engine: str) -> dict[str, User]:
    """Make the users that every cluster of an engine has from the start."""
    plugin, facts = "caching_sha2_password" if can(engine, "mysql users") else "", ENGINES[engine]
    users = {facts.default_user: _new_user(state, cluster_id, facts.default_user, "primary", plugin)}
    if facts.read_only_user:
        user = _new_user(state, cluster_id, facts.read_only_user, "normal", plugin)
        users[user["name"]] = {**user, "settings": _read_only()}
    return users


def view(cluster: Cluster, user: User, call: Call | None, *, created: bool = False) -> Record:
    """Return a user as the caller's token may see it. `created` marks the only response with a MongoDB password."""
    shown: Record = {"name": user["name"], "role": user["role"]}
    readable = created or not can(cluster["engine"], "mongodb users")
    if call is None or (readable and call.may("database:view_credentials")):
        shown |= {key: value for key, value in user.items() if key in _SECRETS and value}
    if user["plugin"]:
        shown["mysql_settings"] = {"auth_plugin": user["plugin"]}
    if user["settings"]:
        shown["settings"] = user["settings"]
    return shown


def _new_user(state: State, cluster_id: str, name: str, role: str, plugin: str) -> User:
    return {
        "name": name,
        "role": role,
        "password": state.ids.password("user", cluster_id, name),
        "settings": {},
        "plugin": plugin,
        "visible_at": 0.0,
        "listed_at": 0.0,
    }


def _writable(state: State, cluster_id: str, action: str) -> Cluster:
    """Return the cluster whose users change. For a replica it is its primary, as Terraform's documentation has it."""
    return state.primary_of(state.usable(cluster_id, action, "users"))


def _begin_write(state: State, cluster: Cluster, action: str) -> None:
    """Refuse a change of users while another one is in progress."""
    now = state.clock.now()
    if cluster["users_busy_until"] > now:
        raise not_yet(action, "another user of the cluster is being changed")
    cluster["users_busy_until"] = now + state.delays.user_write


def _plugin(cluster: Cluster, body: Record, default: str) -> str:
    """Read `mysql_settings.auth_plugin`, which only MySQL has."""
    if body.get("mysql_settings") is None:
        return default if can(cluster["engine"], "mysql users") else ""
    _only(cluster, "mysql_settings", "mysql users")
    return fields.choice(fields.record(body, "mysql_settings"), "auth_plugin", _PLUGINS)


def _settings(state: State, cluster: Cluster, settings: Record, name: str) -> Record:
    """Check the settings of a user. Each setting belongs to one engine."""
    checked: Record = {}
    if settings.get("pg_allow_replication") is not None:
        _only(cluster, "pg_allow_replication", "pg users")
        checked["pg_allow_replication"] = fields.boolean(settings, "pg_allow_replication")
    if settings.get("acl") is not None:
        _only(cluster, "acl", "kafka users")
        rules = fields.records(settings, "acl")
        checked["acl"] = [_topic_acl(state, cluster, name, rule) for rule in rules]
    if settings.get("opensearch_acl") is not None:
        _only(cluster, "opensearch_acl", "opensearch users")
        checked["opensearch_acl"] = [_index_acl(rule) for rule in fields.records(settings, "opensearch_acl")]
    if settings.get("mongo_user_settings") is not None:
        _only(cluster, "mongo_user_settings", "mongodb users")
        checked["mongo_user_settings"] = _mongo(fields.record(settings, "mongo_user_settings"))
    return checked


def _topic_acl(state: State, cluster: Cluster, name: str, rule: Record) -> Record:
    return {
        "id": fields.string(rule, "id") or "acl" + state.ids.hex(12, "acl", cluster["id"], name),
        "topic": fields.required(rule, "topic"),
        "permission": fields.choice(rule, "permission", _TOPIC_PERMISSIONS),
    }


def _index_acl(rule: Record) -> Record:
    return {
        "index": fields.required(rule, "index"),
        "permission": fields.choice(rule, "permission", _INDEX_PERMISSIONS),
    }


def _read_only() -> Record:
    return {"mongo_user_settings": {"databases": [], "role": "readOnly"}}


def _mongo(settings: Record) -> Record:
    return {
        "databases": fields.strings(settings, "databases"),
        "role": fields.choice(settings, "role", _MONGO_ROLES, "readWrite"),
    }


def _only(cluster: Cluster, name: str, capability: Capability) -> None:
    if not can(cluster["engine"], capability):
        raise unprocessable(f"invalid {name}: not supported for this cluster type")
