"""The stack on this machine: the sandbox alone, or everything."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import uvicorn

from capture.temporal import connect
from cli import routing, schedules
from cli.catalogue import load
from cli.output import errors, pairs
from connectors.registry import Connections
from sandbox.app import create_app
from sandbox.core import SandboxOptions
from settings import Settings
from stack.errors import StackError
from stack.up import LocalStack, StackOptions
from store.database import Database

EXAMPLE_ROUTING = Path(__file__).parents[1] / "examples" / "routing.yaml"
CONTROLS = ("ledger", "faults", "orders", "settlements", "operations")


def serve_sandbox(port: int, options: SandboxOptions) -> None:
    """Serve until a signal comes; says first where everything is and how to log in."""
    app = create_app(options)
    for name, values in app.state.twins.credentials().items():
        pairs(name, values)
    pairs("controls", {name: f"{options.base_url}/_sandbox/{name}" for name in CONTROLS})
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False, timeout_graceful_shutdown=2)


def stack_options(settings: Settings, data_dir: Path, sandbox_args: list[str]) -> StackOptions:
    return StackOptions(
        data_dir=data_dir,
        sandbox_args=sandbox_args,
        database_url=settings.database_url,
        temporal_address=settings.temporal_address,
        temporal_namespace=settings.temporal_namespace,
        temporal_ui_url=settings.temporal_ui_url,
        build_id=settings.build_id,
        connections_file=settings.connections_file,
        gateway_port=settings.gateway_port,
        metrics_port=settings.metrics_port,
    )


async def stay_up(quota_scale: float, poll_seconds: int | None) -> int:
    settings = Settings()
    options = stack_options(settings, settings.data_dir, ["--quota-scale", str(quota_scale)])
    try:
        async with LocalStack(options, lambda line: errors.print(line, style="dim")) as stack:
            await prepare(stack, poll_seconds)
            print_addresses(stack)
            death = await stack.until_stopped()
    except StackError as error:
        errors.print(str(error), style="red")
        return 1
    if death:
        errors.print(str(death), style="red")
    return 1 if death else 0


async def prepare(stack: LocalStack, poll_seconds: int | None) -> Connections:
    """Catalogue, stock, nodes, routing rules and schedules: what a retailer has before the first order comes."""
    assert stack.connections_file is not None
    connections = Connections.load(stack.connections_file)
    if stack.sandbox_url:
        async with httpx.AsyncClient(base_url=stack.sandbox_url) as sandbox:
            goods = (await sandbox.get("/_sandbox/catalogue")).json()
        database = Database(stack.database_url, pool_size=2)
        try:
            await load(database, goods, sorted({connection.provider for connection in connections.channels}))
            await routing.begin_with(database, EXAMPLE_ROUTING)
        finally:
            await database.aclose()
    client = await connect(stack.temporal_address, stack.options.temporal_namespace)
    await schedules.apply(client, connections, poll_seconds)
    await schedules.apply_warehouse(client, connections)
    await schedules.apply_inventory(client)
    return connections


def print_addresses(stack: LocalStack) -> None:
    addresses = {
        "Temporal UI": stack.ui_url,
        "gateway": stack.gateway_url,
        "sandbox": stack.sandbox_url,
        "worker metrics": stack.metrics_url,
        "database": stack.database_url,
        "logs": str(stack.data_dir / "logs"),
    }
    pairs("Orderyard is up; Ctrl-C ends it", {name: url for name, url in addresses.items() if url})
    if stack.sandbox_url:
        buying = json.dumps({"orders": dict.fromkeys(("amazon", "mirakl", "shopify", "storefront", "walmart"), 5)})
        print(f"Let buyers buy: curl -X POST {stack.sandbox_url}/_sandbox/orders -d '{buying}'", flush=True)
