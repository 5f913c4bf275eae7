"""Database users."""

from __future__ import annotations

import re
from typing import Final

from asyncdbaas.emulator import certificates, fields
from asyncdbaas.emulator.engines import ENGINES
from asyncdbaas.emulator.errors import not_found, not_yet, unprocessable
from asyncdbaas.emulator.records import Record
from asyncdbaas.emulator.resources.ca import authority
from asyncdbaas.emulator.routing import Answer, Call, Route
from asyncdbaas.emulator.state import Actions, State

ENGINES_WITH_USERS: Final = ("pg", "advanced_pg", "mysql", "advanced_mysql", "mongodb", "kafka", "opensearch")

_NAME: Final = re.compile(r"[^\x00-\x1f\x7f]{1,63}")
_PLUGINS: Final = ("mysql_native_password", "caching_sha2_password")
_TOPIC_PERMISSIONS: Final = ("admin", "consume", "produce", "produceconsume")
_INDEX_PERMISSIONS: Final = ("deny", "admin", "read", "readwrite", "write")
_MONGO_ROLES: Final = ("readOnly", "readWrite", "dbAdmin")


def list_users(state: State, call: Call, cluster_id: str) -> Answer:
    """Answer GET /v2/databases/{id}/users."""
    cluster, now = state.source(state.cluster(cluster_id, *ENGINES_WITH_USERS)), state.clock.now()
    visible = [user for user in state.listed(cluster["users"].values()) if user["visible_at"] <= now]
    return Answer(200, {"users": [view(cluster, user, call) for user in visible]})


def get_user(state: State, call: Call, cluster_id: str, name: str) -> Answer:
    """Answer GET /v2/databases/{id}/users/{name}."""
    cluster = state.source(state.cluster(cluster_id, *ENGINES_WITH_USERS))
    user = _user(cluster, name)
    if user["visible_at"] > state.clock.now():
        raise not_found("user")
    return Answer(200, {"user": view(cluster, user, call)})


def create_user(state: State, call: Call, cluster_id: str) -> Answer:
    """Answer POST /v2/databases/{id}/users; a MongoDB password is shown here only."""
    cluster = state.writable(cluster_id, "create user", *ENGINES_WITH_USERS)
    name = fields.required(call.body, "name")
    if not _NAME.fullmatch(name):
        raise unprocessable("invalid user name")
    if name in cluster["users"]:
        raise unprocessable("user name is not available")
    settings = _settings(state, cluster, fields.record(call.body, "settings"), name)
    if fields.boolean(call.body, "readonly"):
        _only(cluster, "readonly", "mongodb")
        settings.setdefault("mongo_user_settings", {"databases": list[str](), "role": "readOnly"})
    plugin = _plugin(cluster, call.body, "caching_sha2_password")
    _take_turn(state, cluster, "create user")
    user = _new_user(state, cluster["id"], name)
    user |= {"settings": settings, "plugin": plugin, "visible_at": state.clock.now() + state.delays.user_visible}
    user["listed_at"] = state.listed_at()
    if cluster["engine"] == "kafka":
        user["access_cert"], user["access_key"] = certificates.issue(authority(cluster), name)
    cluster["users"][name] = user
    return Answer(201, {"user": view(cluster, user, call, created=True)}, state.delays.user_write)


def update_user(state: State, call: Call, cluster_id: str, name: str) -> Answer:
    """Answer PUT /v2/databases/{id}/users/{name}: only the settings can change, and are replaced."""
    cluster = state.writable(cluster_id, "update user", *ENGINES_WITH_USERS)
    user = _user(cluster, name)
    if call.body.get("settings") is None:
        raise unprocessable("settings is required")
    user["settings"] = _settings(state, cluster, fields.record(call.body, "settings"), name)
    return Answer(201, {"user": view(cluster, user, call)})


def delete_user(state: State, call: Call, cluster_id: str, name: str) -> Answer:
    """Answer DELETE /v2/databases/{id}/users/{name}; a default user stays."""
    cluster = state.writable(cluster_id, "delete user", *ENGINES_WITH_USERS)
    if _user(cluster, name)["role"] == "primary":
        raise unprocessable("the default user cannot be deleted")
    _take_turn(state, cluster, "delete user")
    del cluster["users"][name]
    return Answer(204, None, state.delays.user_write)


def reset_user_auth(state: State, call: Call, cluster_id: str, name: str) -> Answer:
    """Answer POST /v2/databases/{id}/users/{name}/reset_auth: a new password, and for MySQL maybe another plugin."""
    cluster = state.writable(cluster_id, "reset user auth", *ENGINES_WITH_USERS)
    user = _user(cluster, name)
    user["plugin"] = _plugin(cluster, call.body, user["plugin"])
    user["password"] = state.ids.password("user", cluster["id"], name)
    return Answer(200, {"user": view(cluster, user, call, created=True)})


def default_user(state: State, cluster_id: str, engine: str) -> Record:
    """Make the user that every cluster has from the start."""
    user = _new_user(state, cluster_id, ENGINES[engine].default_user) | {"role": "primary"}
    user["plugin"] = "caching_sha2_password" if engine in ("mysql", "advanced_mysql") else ""
    return user


def view(cluster: Record, user: Record, call: Call | None, *, created: bool = False) -> Record:
    """Return a user as the caller's token may see it; `created` marks the one answer with a MongoDB password."""
    shown: Record = {"name": user["name"], "role": user["role"]}
    readable = created or cluster["engine"] != "mongodb"
    if call is None or (readable and call.may("database:view_credentials")):
        keys = ("password", "access_cert", "access_key")
        shown |= {key: user[key] for key in keys if user.get(key)}
    if user["plugin"]:
        shown["mysql_settings"] = {"auth_plugin": user["plugin"]}
    if user["settings"]:
        shown["settings"] = user["settings"]
    return shown


def _new_user(state: State, cluster_id: str, name: str) -> Record:
    password = state.ids.password("user", cluster_id, name)
    empty: Record = {"settings": {}, "plugin": "", "visible_at": 0.0, "listed_at": 0.0}
    return {"name": name, "role": "normal", "password": password} | empty


def _user(cluster: Record, name: str) -> Record:
    user: Record | None = cluster["users"].get(name)
    if user is None:
        raise not_found("user")
    return user


def _take_turn(state: State, cluster: Record, action: str) -> None:
    """Refuse a second change of users while the first one takes its time."""
    now = state.clock.now()
    if cluster.get("users_busy_until", 0.0) > now:
        raise not_yet(action, "another user of the cluster is being changed")
    cluster["users_busy_until"] = now + state.delays.user_write


def _plugin(cluster: Record, body: Record, default: str) -> str:
    """Read `mysql_settings.auth_plugin`; other engines have none."""
    mysql = cluster["engine"] in ("mysql", "advanced_mysql")
    if body.get("mysql_settings") is None:
        return default if mysql else ""
    _only(cluster, "mysql_settings", "mysql", "advanced_mysql")
    return fields.choice(fields.record(body, "mysql_settings"), "auth_plugin", _PLUGINS)


def _settings(state: State, cluster: Record, settings: Record, name: str) -> Record:
    """Check the settings of a user, each of which belongs to one engine."""
    checked: Record = {}
    if settings.get("pg_allow_replication") is not None:
        _only(cluster, "pg_allow_replication", "pg", "advanced_pg")
        checked["pg_allow_replication"] = fields.boolean(settings, "pg_allow_replication")
    if settings.get("acl") is not None:
        _only(cluster, "acl", "kafka")
        rules = fields.records(settings, "acl")
        checked["acl"] = [_topic_acl(state, cluster, name, rule) for rule in rules]
    if settings.get("opensearch_acl") is not None:
        _only(cluster, "opensearch_acl", "opensearch")
        checked["opensearch_acl"] = [_index_acl(rule) for rule in fields.records(settings, "opensearch_acl")]
    if settings.get("mongo_user_settings") is not None:
        _only(cluster, "mongo_user_settings", "mongodb")
        checked["mongo_user_settings"] = _mongo(fields.record(settings, "mongo_user_settings"))
    return checked


def _topic_acl(state: State, cluster: Record, name: str, rule: Record) -> Record:
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


def _mongo(settings: Record) -> Record:
    return {
        "databases": fields.strings(settings, "databases"),
        "role": fields.choice(settings, "role", _MONGO_ROLES, "readWrite"),
    }


def _only(cluster: Record, name: str, *engines: str) -> None:
    if cluster["engine"] not in engines:
        raise unprocessable(f"invalid {name}: not supported for this cluster type")


ROUTES: Final = (
    Route("GET", "/v2/databases/{}/users", "list_users", list_users),
    Route("POST", "/v2/databases/{}/users", "create_user", create_user, takes_body=True),
    Route("GET", "/v2/databases/{}/users/{}", "get_user", get_user),
    Route("PUT", "/v2/databases/{}/users/{}", "update_user", update_user, takes_body=True),
    Route("DELETE", "/v2/databases/{}/users/{}", "delete_user", delete_user),
    Route("POST", "/v2/databases/{}/users/{}/reset_auth", "reset_user_auth", reset_user_auth, takes_body=True),
)
ACTIONS: Final[Actions] = {}
