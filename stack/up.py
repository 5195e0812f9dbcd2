"""The whole stack: started in the order things need each other, ended in the reverse order."""

import asyncio
import json
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx

from stack.build import VERSION
from stack.locks import held_lock
from stack.ports import LOOPBACK, PortBook
from stack.postgres import USUAL_PORT as USUAL_POSTGRES_PORT
from stack.postgres import LocalPg
from stack.processes import STEPS_BACK, Death
from stack.rollout import adopt, begin
from stack.running import StackInfo, info_file, lock_file, write_private
from stack.services import (
    USUAL_GATEWAY_PORT,
    USUAL_METRICS_PORT,
    USUAL_SANDBOX_PORT,
    Service,
    gateway_service,
    sandbox_service,
    worker_service,
)
from stack.temporal import NAMESPACE, LocalTemporal, ensure_namespace, find_temporal

DATABASE = "orderyard"


@dataclass(frozen=True)
class StackOptions:
    """What to run. An address that is given here is used instead of a server of our own."""

    data_dir: Path
    sandbox: bool = True
    worker: bool = True
    gateway: bool = True
    sandbox_args: Sequence[str] = ()
    fast: bool = False
    """Give up safety against a crash of the machine; for tests and benchmarks."""
    keep_ports: bool = True
    """Prefer the usual ports, or those of the last run. Off: any free ports, for stacks side by side."""
    database_url: str | None = None
    temporal_address: str | None = None
    temporal_namespace: str = NAMESPACE
    temporal_ui_url: str | None = None
    build_id: str = VERSION
    """Of the worker. A Temporal server of our own gets no other; elsewhere it becomes current only where none is."""
    connections_file: Path | None = None
    erp_connection: Mapping[str, Any] | None = None
    """Instead of the sandbox's ERP."""
    gateway_port: int = USUAL_GATEWAY_PORT
    metrics_port: int = USUAL_METRICS_PORT
    sandbox_port: int = USUAL_SANDBOX_PORT


class LocalStack:
    """`async with LocalStack(options, say) as stack:`; the attributes hold once it is entered."""

    def __init__(self, options: StackOptions, say: Callable[[str], None] = lambda _: None) -> None:
        self.options = options
        self.data_dir = options.data_dir.resolve()
        self.database_url = options.database_url or ""
        self.temporal_address = options.temporal_address or ""
        self.ui_url = options.temporal_ui_url
        self.connections_file = options.connections_file
        self.sandbox_url: str | None = None
        self.gateway_url: str | None = None
        self.metrics_url: str | None = None
        self._say = say
        self._ports = PortBook(self.data_dir / "ports.json")
        self._services: dict[str, Service] = {}
        self._watches: set[asyncio.Task[None]] = set()
        self._deaths: asyncio.Queue[Death] = asyncio.Queue()
        self._undo = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        async with AsyncExitStack() as undo:
            undo.enter_context(self._only_one())
            undo.callback(info_file(self.data_dir).unlink, missing_ok=True)
            undo.push_async_callback(self._end_all)
            await self._start_all()
            self._undo = undo.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._undo.aclose()

    async def kill(self, name: str) -> None:
        """`kill -9` one of postgres, temporal, sandbox, worker, gateway."""
        await asyncio.to_thread(self._services[name].child.kill)

    async def restart(self, name: str) -> None:
        """Stop it if it still runs, start it again at its old address, and wait until it is ready."""
        service = self._services[name]
        await asyncio.to_thread(service.stop)
        await self._run(name, service)
        self._describe()

    async def died(self) -> Death:
        """The next child that ends although nobody asked it to."""
        return await self._deaths.get()

    async def until_stopped(self) -> Death | None:
        """Wait for SIGINT or SIGTERM (None), or for the unexpected end of a child."""
        loop, asked = asyncio.get_running_loop(), asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, asked.set)
        waits = {asyncio.create_task(asked.wait()), death := asyncio.create_task(self.died())}
        done, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in pending:
            wait.cancel()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
        return death.result() if death in done else None

    @property
    def info(self) -> StackInfo:
        return StackInfo(
            data_dir=self.data_dir,
            pid=os.getpid(),
            pids={name: pid for name, service in self._services.items() if (pid := service.child.pid) is not None},
            database_url=self.database_url,
            temporal_address=self.temporal_address,
            temporal_namespace=self.options.temporal_namespace,
            temporal_ui_url=self.ui_url,
            connections_file=self.connections_file,
            sandbox_url=self.sandbox_url,
            gateway_url=self.gateway_url,
            metrics_url=self.metrics_url,
        )

    async def _start_all(self) -> None:
        await self._start_database()
        await self._start_temporal()
        await self._migrate()
        gateway_port = self._port("gateway", self.options.gateway_port)
        if self.options.sandbox:
            await self._start_sandbox(gateway_port)
        if self.options.worker:
            await self._start_worker(gateway_port)
        if self.options.gateway:
            await self._start_gateway(gateway_port)
        self._describe()

    async def _start_database(self) -> None:
        if self.database_url:
            return
        server = LocalPg(
            self.data_dir / "postgres",
            fast=self.options.fast,
            usual_port=USUAL_POSTGRES_PORT if self.options.keep_ports else None,
        )
        await self._run("postgres", server)
        self.database_url = server.create_database(DATABASE)

    async def _start_temporal(self) -> None:
        if not self.temporal_address:
            server = LocalTemporal(
                self.data_dir / "temporal",
                program=await find_temporal(self.data_dir / "temporal" / "bin", self._say),
                namespace=self.options.temporal_namespace,
                usual_ports=self.options.keep_ports,
                niceness=STEPS_BACK,
            )
            await self._run("temporal", server)
            self.temporal_address, self.ui_url = server.address, self.ui_url or server.ui_url
        self._say(f"waiting for namespace {self.options.temporal_namespace} on {self.temporal_address}")
        await ensure_namespace(self.temporal_address, self.options.temporal_namespace)
        alone = not self.options.temporal_address
        await begin(self.temporal_address, self.options.temporal_namespace, self.options.build_id, alone=alone)

    async def _migrate(self) -> None:
        # Late: the stack's own tests need no schema, and nothing else here needs the store.
        from store.migrate import upgrade

        self._say("bringing the database schema up to date")
        await upgrade(self.database_url)

    async def _start_sandbox(self, gateway_port: int) -> None:
        port = self._port("sandbox", self.options.sandbox_port)
        webhooks_to = f"http://{LOOPBACK}:{gateway_port}"
        sandbox = sandbox_service(self.data_dir, port, webhooks_to, self.options.sandbox_args)
        await self._run("sandbox", sandbox)
        self.sandbox_url = sandbox.url
        if self.connections_file is None:
            self.connections_file = await self._fetch_connections(sandbox.url)

    async def _start_worker(self, gateway_port: int) -> None:
        metrics_port = self._port("metrics", self.options.metrics_port)
        worker = worker_service(self.data_dir, metrics_port, self._environment(gateway_port, metrics_port))
        await self._run("worker", worker)
        self.metrics_url = f"{worker.url}/metrics"
        if self.options.build_id and not self.options.temporal_address:
            moved = await adopt(self.temporal_address, self.options.temporal_namespace, self.options.build_id)
            if moved:
                self._say(f"{moved} processes of earlier builds go on with build {self.options.build_id}")

    async def _start_gateway(self, port: int) -> None:
        gateway = gateway_service(self.data_dir, port, self._environment(port, metrics_port=0))
        await self._run("gateway", gateway)
        self.gateway_url = gateway.url

    async def _fetch_connections(self, sandbox_url: str) -> Path:
        """The sandbox knows how its systems are reached; worker and gateway read that from a file."""
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"{sandbox_url}/_sandbox/connections", timeout=10)
        answer.raise_for_status()
        entries = answer.json()
        if self.options.erp_connection is not None:
            entries["erp"] = dict(self.options.erp_connection)
        connections = self.data_dir / "connections.json"
        write_private(connections, json.dumps(entries, indent=2))
        return connections

    def _environment(self, gateway_port: int, metrics_port: int) -> dict[str, str]:
        addresses = {
            "ORDERYARD_DATABASE_URL": self.database_url,
            "ORDERYARD_TEMPORAL_ADDRESS": self.temporal_address,
            "ORDERYARD_TEMPORAL_NAMESPACE": self.options.temporal_namespace,
            "ORDERYARD_BUILD_ID": self.options.build_id,
            "ORDERYARD_GATEWAY_PORT": str(gateway_port),
            "ORDERYARD_METRICS_PORT": str(metrics_port),
        }
        known = {"ORDERYARD_TEMPORAL_UI_URL": self.ui_url, "ORDERYARD_CONNECTIONS_FILE": self.connections_file}
        return addresses | {name: str(value) for name, value in known.items() if value is not None}

    async def _run(self, name: str, service: Service) -> None:
        self._say(f"starting {name}")
        self._services[name] = service
        await asyncio.to_thread(service.start)
        watch = asyncio.create_task(self._watch(service))
        self._watches.add(watch)
        watch.add_done_callback(self._watches.discard)

    async def _watch(self, service: Service) -> None:
        death = await service.child.ended()
        if not service.child.expected_to_end:
            self._say(str(death))
            self._deaths.put_nowait(death)

    async def _end_all(self) -> None:
        for watch in self._watches:
            watch.cancel()
        for name, service in reversed(self._services.items()):
            self._say(f"stopping {name}")
            await asyncio.to_thread(service.stop)

    def _only_one(self) -> AbstractContextManager[None]:
        refusal = f"a stack already runs in {self.data_dir}: stop it first, or choose another data directory"
        return held_lock(lock_file(self.data_dir), wait_seconds=0.5, refusal=refusal)

    def _port(self, name: str, usual: int) -> int:
        return self._ports.choose(name, usual if self.options.keep_ports else None)

    def _describe(self) -> None:
        write_private(info_file(self.data_dir), self.info.model_dump_json(indent=2) + "\n")
