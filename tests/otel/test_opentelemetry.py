"""OpenTelemetry: spans of calls, attempts and waits, and metrics, as an SDK sees them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import attrs
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader, NumberDataPoint
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from asyncdbaas import (
    AsyncSession,
    NotFoundError,
    QuotaWaitError,
    RateLimiter,
    RequestTimeoutError,
    RetryPolicy,
    clusters,
    hooks,
    topics,
)
from asyncdbaas.emulator import Delays, Emulator
from asyncdbaas.emulator.operations import ROUTES
from asyncdbaas.otel import OpenTelemetryListener, _template

UNKNOWN = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"
DURATION = "http.client.request.duration"
WAITS = "asyncdbaas.client.quota.wait.duration"
RETRIES = "asyncdbaas.client.retries"
REFUSALS = "asyncdbaas.client.refusals"
AT_ONCE = RetryPolicy(base_delay=0.0)


@attrs.define
class Telemetry:
    """A listener, and what an SDK gets from it."""

    exporter: InMemorySpanExporter = attrs.field(factory=InMemorySpanExporter)
    reader: InMemoryMetricReader = attrs.field(factory=InMemoryMetricReader)
    traces: TracerProvider = attrs.field(factory=TracerProvider)
    meters: MeterProvider = attrs.field(init=False)
    listener: OpenTelemetryListener = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.traces.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.meters = MeterProvider([self.reader])
        self.listener = OpenTelemetryListener(tracer_provider=self.traces, meter_provider=self.meters)

    def spans(self, kind: SpanKind, name: str | None = None) -> list[ReadableSpan]:
        spans = self.exporter.get_finished_spans()
        return [span for span in spans if span.kind is kind and name in (None, span.name)]

    def points(self, metric: str) -> list[Any]:
        data = self.reader.get_metrics_data()
        if data is None:
            return []
        scopes = [scope for resource in data.resource_metrics for scope in resource.scope_metrics]
        return [
            point
            for scope in scopes
            for each in scope.metrics
            if each.name == metric
            for point in each.data.data_points
        ]

    def count(self, metric: str) -> float:
        return sum(point.value if isinstance(point, NumberDataPoint) else point.count for point in self.points(metric))


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry()


@pytest.fixture
async def emulator() -> AsyncGenerator[Emulator]:
    async with Emulator(delays=Delays.none(), time_scale=100) as server:
        yield server


def session(emulator: Emulator, telemetry: Telemetry, **options: Any) -> AsyncSession:
    options = {"retry": AT_ONCE, **options}
    return AsyncSession(emulator.token, base_url=emulator.url, on_event=telemetry.listener, **options)


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def parent_id(span: ReadableSpan) -> int | None:
    return None if span.parent is None else span.parent.span_id


def span_id(span: ReadableSpan) -> int:
    context = span.get_span_context()
    assert context is not None
    return int(context.span_id)


async def test_a_call_is_a_span_with_its_attempts_below_it_and_the_callers_span_above(
    emulator: Emulator, telemetry: Telemetry
) -> None:
    emulator.faults.add("get_cluster", "unavailable", times=2)
    cluster = emulator.add_cluster(engine="pg")
    tracer = telemetry.traces.get_tracer("application")
    async with session(emulator, telemetry) as opened:
        with tracer.start_as_current_span("provision") as above:
            await clusters.get_cluster(opened, cluster["id"])
    (call,) = telemetry.spans(SpanKind.INTERNAL, "GET /v2/databases/{cluster_id}")
    attempts = telemetry.spans(SpanKind.CLIENT)
    assert parent_id(call) == above.get_span_context().span_id
    assert [parent_id(attempt) for attempt in attempts] == [span_id(call)] * 3
    assert [attempt.name for attempt in attempts] == ["GET /v2/databases/{cluster_id}"] * 3
    assert [attributes(attempt).get("http.request.resend_count") for attempt in attempts] == [None, 1, 2]
    assert [attributes(attempt)["http.response.status_code"] for attempt in attempts] == [503, 503, 200]
    assert [attempt.status.status_code for attempt in attempts] == [
        StatusCode.ERROR,
        StatusCode.ERROR,
        StatusCode.UNSET,
    ]
    assert call.status.status_code is StatusCode.UNSET
    assert attributes(call)["asyncdbaas.attempts"] == 3


async def test_an_attempt_has_the_attributes_of_the_conventions(emulator: Emulator, telemetry: Telemetry) -> None:
    async with session(emulator, telemetry) as opened:
        await clusters.list_clusters(opened, tag_name="a b")
    (attempt,) = telemetry.spans(SpanKind.CLIENT)
    assert attributes(attempt) == {
        "http.request.method": "GET",
        "url.full": f"{emulator.url}/v2/databases?tag_name=a+b",
        "url.template": "/v2/databases",
        "server.address": "127.0.0.1",
        "server.port": int(emulator.url.rpartition(":")[2]),
        "http.response.status_code": 200,
    }


@pytest.mark.parametrize(
    ("base_url", "port"), [("https://api.example.com", 443), ("https://api.example.com:8443/v1", 8443)]
)
async def test_the_port_is_the_schemes_unless_the_address_has_one(
    base_url: str, port: int, telemetry: Telemetry
) -> None:
    telemetry.listener(hooks.CallStarted(call=1, method="GET", path="/v2/databases", url=f"{base_url}/v2/databases"))
    telemetry.listener(
        hooks.CallEnded(call=1, method="GET", path="/v2/databases", attempts=0, seconds=0.0, waited=0.0, error=None)
    )
    (call,) = telemetry.spans(SpanKind.INTERNAL)
    assert attributes(call)["server.address"] == "api.example.com"
    assert attributes(call)["server.port"] == port


async def test_a_status_other_than_2xx_is_an_error_of_both_spans(emulator: Emulator, telemetry: Telemetry) -> None:
    async with session(emulator, telemetry) as opened:
        with pytest.raises(NotFoundError):
            await clusters.get_cluster(opened, UNKNOWN)
    (call,), (attempt,) = telemetry.spans(SpanKind.INTERNAL), telemetry.spans(SpanKind.CLIENT)
    for span in (call, attempt):
        assert span.status.status_code is StatusCode.ERROR
        assert attributes(span)["error.type"] == "404"
    assert attempt.status.description is None, "the status code says it"
    assert "not_found" in (call.status.description or "")


async def test_a_failure_without_a_response_has_its_class_as_the_type(emulator: Emulator, telemetry: Telemetry) -> None:
    emulator.faults.add("list_clusters", "silence")
    async with session(emulator, telemetry, timeout=0.1, retry=RetryPolicy(max_attempts=1)) as opened:
        with pytest.raises(RequestTimeoutError):
            await clusters.list_clusters(opened)
    (attempt,) = telemetry.spans(SpanKind.CLIENT)
    assert attributes(attempt)["error.type"] == "RequestTimeoutError"
    assert "http.response.status_code" not in attributes(attempt)
    assert "no complete response" in (attempt.status.description or "")


async def test_a_cancelled_call_leaves_no_span_open(emulator: Emulator, telemetry: Telemetry) -> None:
    emulator.faults.add("list_clusters", "silence")
    on_the_wire = asyncio.Event()

    def on_event(event: hooks.CallEvent) -> None:
        if isinstance(event, hooks.AttemptStarted):
            on_the_wire.set()

    async with session(emulator, telemetry) as opened:
        with opened.listening(on_event):
            call = asyncio.create_task(clusters.list_clusters(opened))
            await on_the_wire.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
    kinds = [span.kind for span in telemetry.exporter.get_finished_spans()]
    assert kinds == [SpanKind.CLIENT, SpanKind.INTERNAL]
    for span in telemetry.exporter.get_finished_spans():
        assert attributes(span)["error.type"] == "CancelledError"
    assert telemetry.count(DURATION) == 1
    assert not telemetry.listener._open


async def test_a_wait_for_the_quota_is_a_span_and_a_measured_time(emulator: Emulator, telemetry: Telemetry) -> None:
    limiter = RateLimiter(per_minute=2, minute=0.2)
    async with session(emulator, telemetry, rate_limiter=limiter, coalesce_reads=False) as opened:
        await asyncio.gather(*(clusters.list_clusters(opened) for _ in range(4)))
    calls = {span_id(span): attributes(span) for span in telemetry.spans(SpanKind.INTERNAL, "GET /v2/databases")}
    waits = telemetry.spans(SpanKind.INTERNAL, "quota wait")
    assert len(calls) == 4
    assert len(waits) == 2
    assert len({parent_id(wait) for wait in waits} & calls.keys()) == 2
    assert sum(call["asyncdbaas.waited"] > 0.1 for call in calls.values()) == 2
    (point,) = telemetry.points(WAITS)
    assert isinstance(point, HistogramDataPoint)
    assert point.count == 2
    assert point.sum > 0.2


async def test_a_call_cancelled_while_it_waits_for_the_quota_has_its_wait_measured(
    emulator: Emulator, telemetry: Telemetry
) -> None:
    limiter = RateLimiter(per_minute=1)
    waiting = asyncio.Event()

    def on_event(event: hooks.CallEvent) -> None:
        if isinstance(event, hooks.QuotaWait):
            waiting.set()

    async with session(emulator, telemetry, rate_limiter=limiter) as opened:
        await clusters.list_clusters(opened)
        with opened.listening(on_event):
            call = asyncio.create_task(clusters.list_clusters(opened))
            await waiting.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
    assert telemetry.count(WAITS) == 1
    assert len(telemetry.spans(SpanKind.INTERNAL, "quota wait")) == 1
    assert telemetry.count(DURATION) == 1


async def test_requests_retries_and_refusals_are_counted(emulator: Emulator, telemetry: Telemetry) -> None:
    cluster = emulator.add_cluster(engine="kafka")
    emulator.faults.add("create_topic", "unavailable", times=2)
    emulator.faults.add("create_topic", "rate_limit", retry_after=1, skip=2)
    async with session(emulator, telemetry, rate_limiter=RateLimiter(minute=0.6)) as opened:
        await asyncio.gather(
            *(topics.create_topic(opened, cluster["id"], topics.TopicCreate(name=f"t{n}")) for n in range(5))
        )
    assert telemetry.count(DURATION) == 8
    assert telemetry.count(RETRIES) == 3
    assert telemetry.count(REFUSALS) == 1
    series: list[Mapping[str, Any]] = [point.attributes for point in telemetry.points(DURATION)]
    assert sorted(each["http.response.status_code"] for each in series) == [201, 429, 503]
    assert {each["url.template"] for each in series} == {"/v2/databases/{cluster_id}/topics"}
    assert not [each for each in series if "url.full" in each], "an address would make a series for each topic"
    assert sorted(point.attributes["error.type"] for point in telemetry.points(RETRIES)) == ["429", "503"]


async def test_one_listener_serves_sessions_that_number_their_calls_alike(
    emulator: Emulator, telemetry: Telemetry
) -> None:
    async with session(emulator, telemetry) as inner:

        async def token() -> str:
            await clusters.list_clusters(inner)  # call 1 of the inner session, within call 1 of the outer
            return emulator.token

        async with AsyncSession(token, base_url=emulator.url, on_event=telemetry.listener) as outer:
            await asyncio.gather(clusters.list_clusters(outer), clusters.list_clusters(inner))
    calls = {span_id(span) for span in telemetry.spans(SpanKind.INTERNAL)}
    assert len(calls) == 3
    assert {parent_id(span) for span in telemetry.spans(SpanKind.CLIENT)} == calls
    assert not telemetry.listener._open


async def test_a_listener_that_comes_in_the_middle_of_a_call_leaves_it_alone(
    emulator: Emulator, telemetry: Telemetry
) -> None:
    def on_event(event: hooks.CallEvent) -> None:
        if not isinstance(event, hooks.CallStarted):
            telemetry.listener(event)

    async with AsyncSession(emulator.token, base_url=emulator.url, on_event=on_event) as opened:
        await clusters.list_clusters(opened)
    assert not telemetry.exporter.get_finished_spans()
    assert telemetry.count(DURATION) == 0


async def test_no_span_or_metric_holds_the_token_or_a_password(emulator: Emulator, telemetry: Telemetry) -> None:
    cluster = emulator.add_cluster(engine="pg")
    async with session(emulator, telemetry) as opened:
        await clusters.get_cluster(opened, cluster["id"])
        with pytest.raises(NotFoundError):
            await clusters.get_cluster(opened, UNKNOWN)
    shown = "".join(span.to_json() for span in telemetry.exporter.get_finished_spans())
    shown += repr(telemetry.reader.get_metrics_data())
    assert cluster["id"] in shown
    for secret in (emulator.token, cluster["connection"]["password"]):
        assert secret not in shown


@pytest.mark.parametrize("pattern", sorted({route.path for route in ROUTES if route.path.startswith("/v2/databases")}))
def test_the_template_of_a_path_is_that_of_its_route(pattern: str) -> None:
    wanted, path = list[str](), list[str]()
    for part in pattern.split("/"):
        is_open = part == "{}"
        first = "{cluster_id}" not in wanted
        wanted.append(("{cluster_id}" if first else "{name}") if is_open else part)
        path.append(f"x%2F{len(path)}" if is_open else part)
    assert _template("/".join(path)) == "/".join(wanted)


@pytest.mark.parametrize("path", ["/v2/account", "/v2/databases_of_mine", "/v1/v2/databases/x", "/"])
def test_other_paths_have_no_template(path: str) -> None:
    assert _template(path) is None


async def test_a_call_without_a_template_is_named_by_its_method_alone(emulator: Emulator, telemetry: Telemetry) -> None:
    async with session(emulator, telemetry) as opened:
        with pytest.raises(NotFoundError):
            await opened.request("GET", "/v2/account")
    assert [span.name for span in telemetry.exporter.get_finished_spans()] == ["GET", "GET"]


async def test_a_call_that_may_not_wait_is_no_refusal_by_the_service(emulator: Emulator, telemetry: Telemetry) -> None:
    async with session(emulator, telemetry, rate_limiter=RateLimiter(per_minute=1), max_wait=0.01) as opened:
        await clusters.list_clusters(opened)
        with pytest.raises(QuotaWaitError):
            await clusters.list_clusters(opened)
    error_types = [attributes(span).get("error.type") for span in telemetry.spans(SpanKind.INTERNAL)]
    assert error_types == [None, "QuotaWaitError"]
    assert telemetry.count(REFUSALS) == 0
    assert telemetry.count(DURATION) == 1


def test_without_the_package_the_import_says_what_to_install() -> None:
    script = "import sys; sys.modules['opentelemetry'] = None; import asyncdbaas.otel"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "pip install 'asyncdbaas[otel]'" in done.stderr.splitlines()[-1]
