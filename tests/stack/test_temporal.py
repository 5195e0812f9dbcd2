"""The local Temporal server: the namespace Orderyard needs, kept over restarts, nothing left behind."""

import socket
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from google.protobuf.duration_pb2 import Duration
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from stack.errors import StackError
from stack.ports import LOOPBACK
from stack.temporal import NAMESPACE, SEARCH_ATTRIBUTES, LocalTemporal, ensure_namespace, find_temporal
from tests.stack.waiting import is_running, next_line, parent_process, until

PARENT = """
    import asyncio, signal, sys
    from pathlib import Path
    from stack.temporal import LocalTemporal, find_temporal

    home = Path(sys.argv[1])
    server = LocalTemporal(home, program=asyncio.run(find_temporal(home)), in_memory=True, usual_ports=False).start()
    print(server.child.pid, flush=True)
    signal.pause()
"""


async def local_temporal(home: Path, *, in_memory: bool = True) -> LocalTemporal:
    return LocalTemporal(home, program=await find_temporal(home / "bin"), in_memory=in_memory, usual_ports=False)


async def test_the_namespace_keeps_histories_for_thirty_days(temporal_client: Client) -> None:
    described = await temporal_client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=NAMESPACE))
    assert described.config.workflow_execution_retention_ttl == Duration(seconds=30 * 24 * 3600)


async def test_every_search_attribute_can_be_searched(temporal_client: Client) -> None:
    known = await temporal_client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=NAMESPACE)
    )
    assert set(SEARCH_ATTRIBUTES) <= set(known.custom_attributes)
    assert (await temporal_client.count_workflows("Channel = 'amazon' AND ShipBy < '2030-01-01T00:00:00Z'")).count == 0


async def test_a_namespace_on_a_running_server_is_made_and_made_again_without_harm(
    temporal_server: LocalTemporal,
) -> None:
    for _ in range(2):
        await ensure_namespace(temporal_server.address, "another-shop")
    client = await Client.connect(temporal_server.address, namespace="another-shop")
    keys = TypedSearchAttributes([SearchAttributePair(SearchAttributeKey.for_keyword("Channel"), "amazon")])
    await client.start_workflow("Anything", id="order/1", task_queue="nobody", search_attributes=keys)
    assert (await client.get_workflow_handle("order/1").describe()).typed_search_attributes == keys


async def test_the_user_interface_is_served(temporal_server: LocalTemporal) -> None:
    async with httpx.AsyncClient(trust_env=False) as browser:
        assert (await browser.get(temporal_server.ui_url, follow_redirects=True)).is_success


async def test_a_workflow_survives_kill_9_and_a_restart_at_the_same_address(tmp_path: Path) -> None:
    server = await local_temporal(tmp_path, in_memory=False)
    with server:
        await ensure_namespace(server.address)
        client = await Client.connect(server.address, namespace=NAMESPACE)
        await client.start_workflow("Anything", id="order/1", task_queue="nobody")
        server.child.kill()
        server.start()
        await ensure_namespace(server.address)
        assert (await client.get_workflow_handle("order/1").describe()).id == "order/1"
    again = await local_temporal(tmp_path, in_memory=False)
    assert again.address == server.address


async def test_occupied_ports_are_left_to_their_owners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as owner:
        owner.bind((LOOPBACK, 0))
        owner.listen()
        monkeypatch.setattr("stack.temporal.USUAL_PORT", owner.getsockname()[1])
        server = LocalTemporal(tmp_path, program=await find_temporal(tmp_path), in_memory=True)
        assert server.port != owner.getsockname()[1]
        with server:
            await ensure_namespace(server.address)


def test_the_server_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    with parent_process(PARENT, str(tmp_path)) as parent:
        pid = int(next_line(parent))
        assert is_running(pid)
    until(lambda: not is_running(pid), seconds=4)


async def test_without_a_program_the_sdk_is_asked_and_a_failure_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(**_: object) -> None:
        raise RuntimeError("no route to the download server")

    said: list[str] = []
    say: Callable[[str], None] = said.append
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("stack.temporal.WorkflowEnvironment.start_local", refuse)
    with pytest.raises(StackError, match=r"install requirements/local.lock.*no route"):
        await find_temporal(tmp_path / "bin", say)
    assert "downloads it" in said[0]
