"""Carries an order's correlation id from its workflow to every activity, and onto every log line there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from structlog.contextvars import bound_contextvars
from temporalio import activity, workflow
from temporalio.api.common.v1 import Payload
from temporalio.converter import default
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    ExecuteWorkflowInput,
    Interceptor,
    StartActivityInput,
    StartLocalActivityInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

HEADER = "correlation-id"


class CorrelationInterceptor(Interceptor):
    """For `Worker(interceptors=[…])`. A workflow without a correlation id (a poll) sends none."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Activities(next)

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:
        return _Workflows


class _Activities(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        info = activity.info()
        with bound_contextvars(
            **_read(input.headers),
            workflow_id=info.workflow_id,
            activity=info.activity_type,
            attempt=info.attempt,
        ):
            return await super().execute_activity(input)


class _Workflows(WorkflowInboundInterceptor):
    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        self._outbound = _Calls(outbound)
        super().init(self._outbound)

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:
        subject = input.args[0] if input.args else None
        correlation_id = getattr(subject, "correlation_id", None)
        self._outbound.correlation_id = str(correlation_id) if correlation_id else None
        return await super().execute_workflow(input)


class _Calls(WorkflowOutboundInterceptor):
    correlation_id: str | None = None

    def start_activity(self, input: StartActivityInput) -> workflow.ActivityHandle[Any]:
        input.headers = self._with_id(input.headers)
        return super().start_activity(input)

    def start_local_activity(self, input: StartLocalActivityInput) -> workflow.ActivityHandle[Any]:
        input.headers = self._with_id(input.headers)
        return super().start_local_activity(input)

    def _with_id(self, headers: Mapping[str, Payload]) -> Mapping[str, Payload]:
        if self.correlation_id is None:
            return headers
        return {**headers, HEADER: default().payload_converter.to_payload(self.correlation_id)}


def _read(headers: Mapping[str, Payload]) -> dict[str, str]:
    if HEADER not in headers:
        return {}
    return {"correlation_id": str(default().payload_converter.from_payload(headers[HEADER], str))}
