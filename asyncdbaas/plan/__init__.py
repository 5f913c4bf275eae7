"""Bring clusters in sync with catalogues: make a plan, review it, apply it.

    plan = await make_plan(session, read_catalogue("topics.yaml"))
    report = await apply(session, plan)

A plan is plain data: print it, save it, drop it. Nothing is deleted unless a `Prune` allows it. `apply` works on all
clusters at once, as fast as the rate limit allows, and reports the outcome of each change.
"""

from asyncdbaas.plan.applying import OnConflict, apply
from asyncdbaas.plan.comparing import compare
from asyncdbaas.plan.diffing import Difference, differences
from asyncdbaas.plan.events import (
    Forecast,
    Outcome,
    PlanEvent,
    Report,
    Result,
    Retrying,
    Sent,
    Times,
    Waiting,
    forecast,
)
from asyncdbaas.plan.exporting import export, export_into
from asyncdbaas.plan.fetching import Reading, fetch, make_plan
from asyncdbaas.plan.memory import Memory, load_memory
from asyncdbaas.plan.model import Action, Change, ClusterRef, LiveState, Plan, PlanError, Prune, Source, Target
from asyncdbaas.plan.names import Names
from asyncdbaas.plan.resolving import find_cluster, resolve
from asyncdbaas.plan.saving import SavedPlan, fingerprint, load_plan, refresh, save_plan, saved_plan

__all__ = [
    "Action",
    "Change",
    "ClusterRef",
    "Difference",
    "Forecast",
    "LiveState",
    "Memory",
    "Names",
    "OnConflict",
    "Outcome",
    "Plan",
    "PlanError",
    "PlanEvent",
    "Prune",
    "Reading",
    "Report",
    "Result",
    "Retrying",
    "SavedPlan",
    "Sent",
    "Source",
    "Target",
    "Times",
    "Waiting",
    "apply",
    "compare",
    "differences",
    "export",
    "export_into",
    "fetch",
    "find_cluster",
    "fingerprint",
    "forecast",
    "load_memory",
    "load_plan",
    "make_plan",
    "refresh",
    "resolve",
    "save_plan",
    "saved_plan",
]
