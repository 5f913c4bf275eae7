"""Tenants' clusters with Django's async views: `uvicorn django_app:app`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import path
from tenants import Tenants, open_tenants

from asyncdbaas import DBaaSError
from asyncdbaas.web import problem


class WithLifespan:
    """Give an ASGI application without a lifespan, such as Django's, the one that servers offer."""

    def __init__(self, application: Any, lifespan: Callable[[], AbstractAsyncContextManager[dict[str, Any]]]) -> None:
        self._application, self._lifespan = application, lifespan

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await self._application(scope, receive, send)
            return
        await receive()
        async with self._lifespan() as state:
            scope["state"].update(state)
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


class AnswerProblems:
    async_capable = True
    sync_capable = False

    def __init__(self, get_response: Callable[[ASGIRequest], Awaitable[HttpResponseBase]]) -> None:
        self._get_response = get_response

    async def __call__(self, request: ASGIRequest) -> HttpResponseBase:
        return await self._get_response(request)

    async def process_exception(self, _: ASGIRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, DBaaSError):
            return None
        status, headers, body = problem(error)
        return HttpResponse(body, status=status, headers=headers)


async def tenant(request: ASGIRequest, name: str) -> HttpResponse:
    tenants = tenants_of(request)
    if request.method == "PUT":
        return JsonResponse(await tenants.create(name), status=202)
    if request.method == "DELETE":
        await tenants.delete(name)
        return HttpResponse(status=204)
    return JsonResponse(tenants.progress(name))


async def cluster(request: ASGIRequest, cluster_id: str) -> HttpResponse:
    return JsonResponse(await tenants_of(request).look(cluster_id))


def tenants_of(request: ASGIRequest) -> Tenants:
    tenants: Tenants = request.scope["state"]["tenants"]
    return tenants


@asynccontextmanager
async def lifespan() -> AsyncGenerator[dict[str, Tenants]]:
    async with open_tenants() as tenants:
        yield {"tenants": tenants}


urlpatterns = [path("tenants/<name>", tenant), path("clusters/<cluster_id>", cluster)]
settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["127.0.0.1"], MIDDLEWARE=[f"{__name__}.AnswerProblems"])
app = WithLifespan(get_asgi_application(), lifespan)
