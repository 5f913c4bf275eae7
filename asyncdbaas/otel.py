"""OpenTelemetry spans and metrics for the calls of a session (extra `otel`).

    async with AsyncSession(on_event=OpenTelemetryListener()) as session:

Each call has a span of kind INTERNAL, below the current span. Below it are a span of kind CLIENT for each attempt,
which follows the HTTP semantic conventions, and a span `quota wait` for each wait for the rate limit. The metrics are
`http.client.request.duration` (seconds, each attempt), `asyncdbaas.client.retries`, `asyncdbaas.client.refusals`
(responses 429) and `asyncdbaas.client.quota.wait.duration` (seconds).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

import attrs
from yarl import URL

from asyncdbaas import hooks
from asyncdbaas._version import __version__
from asyncdbaas.errors import APIError, QuotaWaitError

try:
    from opentelemetry import metrics, trace
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, SpanKind, StatusCode
except ModuleNotFoundError as error:
    raise ModuleNotFoundError("asyncdbaas.otel needs: pip install 'asyncdbaas[otel]'", name=error.name) from error

__all__ = ["OpenTelemetryListener"]

_Attributes = Mapping[str, str | int | float]
_Step = (
    hooks.CallJoined
    | hooks.QuotaWait
    | hooks.AttemptStarted
    | hooks.AttemptEnded
    | hooks.RetryScheduled
    | hooks.UnreadableValues
)

# Advised by the conventions for the duration of requests.
_REQUEST_BOUNDARIES: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
# The two rate limits cover a minute and an hour.
_WAIT_BOUNDARIES: Final = (0.1, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)


class OpenTelemetryListener:
    """Turn the events of calls into spans and metrics; pass it as `AsyncSession(on_event=...)`.

    One listener can serve any number of sessions. Without a tracer or meter provider it uses the global one.
    """

    def __init__(
        self,
        *,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
    ) -> None:
        self._tracer = trace.get_tracer("asyncdbaas", __version__, tracer_provider)
        meter = metrics.get_meter("asyncdbaas", __version__, meter_provider)
        self._durations = meter.create_histogram(
            "http.client.request.duration",
            "s",
            "Duration of HTTP client requests.",
            explicit_bucket_boundaries_advisory=_REQUEST_BOUNDARIES,
        )
        self._retries = meter.create_counter("asyncdbaas.client.retries", "{retry}", "Requests sent again.")
        self._refusals = meter.create_counter(
            "asyncdbaas.client.refusals", "{refusal}", "Requests refused by the service's rate limit."
        )
        self._waits = meter.create_histogram(
            "asyncdbaas.client.quota.wait.duration",
            "s",
            "Time that calls waited for the rate limit.",
            explicit_bucket_boundaries_advisory=_WAIT_BOUNDARIES,
        )
        self._open: dict[tuple[int, int], _Call] = {}

    def __call__(self, event: hooks.CallEvent) -> None:
        """Handle an event."""
        key = event.session, event.call
        if isinstance(event, hooks.CallStarted):
            self._open[key] = self._start(event)
        elif (call := self._open.get(key)) is None:
            return  # the call is older than the listener, or was cancelled while others wait for its request
        elif isinstance(event, hooks.CallEnded):
            self._end(self._open.pop(key), event)
        else:
            self._go_on(call, event)

    def _start(self, event: hooks.CallStarted) -> _Call:
        url, template = URL(event.url), _template(event.path)
        attributes: dict[str, str | int] = {
            "http.request.method": event.method,
            "server.address": url.host or "",
            "server.port": url.port or 0,
        }
        if template is not None:
            attributes["url.template"] = template
        name = event.method if template is None else f"{event.method} {template}"
        span = self._tracer.start_span(name, attributes={**attributes, "url.full": event.url})
        return _Call(name, event.url, attributes, span, trace.set_span_in_context(span))

    def _go_on(self, call: _Call, event: _Step) -> None:
        match event:
            case hooks.CallJoined():
                call.span.set_attribute("asyncdbaas.joined", event.leader)
            case hooks.QuotaWait():
                call.wait = _Timed(self._tracer.start_span("quota wait", call.context))
            case hooks.AttemptStarted():
                self._end_wait(call)
                call.attempt = self._start_attempt(call, event.attempt)
            case hooks.AttemptEnded():
                self._end_attempt(call, event.status, event.error)
            case hooks.RetryScheduled():
                self._end_wait(call)  # still running if no token could be obtained
                self._retries.add(1, {**call.attributes, "error.type": _kind(event.error)}, call.context)
            case hooks.UnreadableValues():
                call.span.add_event("asyncdbaas.unreadable_values", {"asyncdbaas.places": event.places})

    def _end(self, call: _Call, event: hooks.CallEnded) -> None:
        self._end_wait(call)
        self._end_attempt(call, None, event.error)  # only a span that was cut off is still running
        _finish(call.span, {"asyncdbaas.attempts": event.attempts, "asyncdbaas.waited": event.waited}, event.error)

    def _end_wait(self, call: _Call) -> None:
        if call.wait is not None:
            call.wait.span.end()
            self._waits.record(call.wait.seconds(), call.attributes, call.context)
            call.wait = None

    def _start_attempt(self, call: _Call, number: int) -> _Timed:
        attributes = {**call.attributes, "url.full": call.url}
        if number > 1:
            attributes["http.request.resend_count"] = number - 1
        return _Timed(self._tracer.start_span(call.name, call.context, SpanKind.CLIENT, attributes))

    def _end_attempt(self, call: _Call, status: int | None, error: BaseException | None) -> None:
        attempt, call.attempt = call.attempt, None
        if attempt is None:
            return
        outcome: dict[str, str | int] = {}
        if status is not None:
            outcome["http.response.status_code"] = status
        if status == 429:
            self._refusals.add(1, call.attributes, call.context)
        if error is not None:
            outcome["error.type"] = _kind(error)
        self._durations.record(attempt.seconds(), {**call.attributes, **outcome}, call.context)
        _finish(attempt.span, outcome, error)


@attrs.frozen
class _Timed:
    span: Span
    _began: float = attrs.field(factory=time.monotonic)

    def seconds(self) -> float:
        return time.monotonic() - self._began


@attrs.define
class _Call:
    """A running call."""

    name: str
    url: str
    attributes: Mapping[str, str | int]
    span: Span
    context: Context
    """Context for the spans below this one."""
    wait: _Timed | None = None
    attempt: _Timed | None = None


def _finish(span: Span, attributes: _Attributes, error: BaseException | None) -> None:
    span.set_attributes(attributes)
    if error is not None:
        span.set_attribute("error.type", _kind(error))
        # If there is a status, it is the reason.
        span.set_status(StatusCode.ERROR, None if "http.response.status_code" in attributes else str(error))
    span.end()


def _kind(error: BaseException) -> str:
    """Name the kind of an error: the status if the service gave one, else the class."""
    if isinstance(error, APIError) and not isinstance(error, QuotaWaitError):
        return str(error.status)
    return type(error).__qualname__


def _template(path: str) -> str | None:
    """Return the template of a path, such as /v2/databases/{cluster_id}/topics/{name}.

    None for other parts of the API: names of objects must not become names of spans.
    """
    start, _, rest = path.partition("/v2/databases")
    cluster, *parts = rest.removeprefix("/").split("/")
    if start or rest[:1] not in ("", "/"):
        return None
    if cluster in ("", "options", "metrics"):
        return path
    fixed = 2 if parts[:2] == ["schema-registry", "config"] else 1  # from there on, every second part is a name
    opened = ["{name}" if n >= fixed and (n - fixed) % 2 == 0 else part for n, part in enumerate(parts)]
    return "/".join(("/v2/databases/{cluster_id}", *opened))
