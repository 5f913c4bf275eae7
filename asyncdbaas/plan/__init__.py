"""Bring clusters in sync with catalogues: make a plan, review it, apply it.

    plan = await plan_topics(session, read_catalogue("topics.yaml"))
    report = await apply(session, plan)

A plan is plain data: print it, save it, drop it. Nothing is deleted unless a `Prune` allows it. `apply` works on all
clusters at once, as fast as the rate limit allows, and reports the outcome of each change.
"""

from asyncdbaas.plan.applying import OnConflict, apply
from asyncdbaas.plan.comparing import Live, compare, differences
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
from asyncdbaas.plan.looking import look, plan_topics
from asyncdbaas.plan.model import Action, Change, ClusterRef, Plan, PlanError, Prune, Target
from asyncdbaas.plan.resolving import find_cluster, resolve
from asyncdbaas.plan.saving import SavedPlan, load_plan, refresh, save_plan, saved_plan

__all__ = [
    "Action",
    "Change",
    "ClusterRef",
    "Forecast",
    "Live",
    "OnConflict",
    "Outcome",
    "Plan",
    "PlanError",
    "PlanEvent",
    "Prune",
    "Report",
    "Result",
    "Retrying",
    "SavedPlan",
    "Sent",
    "Target",
    "Times",
    "Waiting",
    "apply",
    "compare",
    "differences",
    "export",
    "export_into",
    "find_cluster",
    "forecast",
    "load_plan",
    "look",
    "plan_topics",
    "refresh",
    "resolve",
    "save_plan",
    "saved_plan",
]
