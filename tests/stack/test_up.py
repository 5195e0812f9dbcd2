"""The whole local stack: started in order, found by others, and gone without a trace."""

import json
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from stack.errors import StackError
from stack.postgres import LocalPg
from stack.running import StackInfo, running_stack
from stack.temporal import LocalTemporal
from stack.up import LocalStack, StackOptions
from tests.stack.product import write_product
from tests.stack.waiting import execute, is_running, next_line, one_value, parent_process, until

PARENT = """
    import asyncio, sys
    from pathlib import Path
    from stack import services
    from stack.exit import finish
    from stack.up import LocalStack, StackOptions

    async def main():
        services.ROOT = Path(sys.argv[2])
        options = StackOptions(Path(sys.argv[1]), fast=True, keep_ports=False)
        async with LocalStack(options, lambda line: print(line, flush=True)) as stack:
            print("up", flush=True)
            death = await stack.until_stopped()
            print("died:", death.name if death else "nobody", flush=True)

    asyncio.run(main())
    finish(0)
"""
NAMES = ["postgres", "temporal", "sandbox", "worker", "gateway"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    product = tmp_path / "product"
    write_product(product)
    return product


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A directory that PostgreSQL's account can reach."""
    with tempfile.TemporaryDirectory(prefix="orderyard-tests-") as directory:
        Path(directory).chmod(0o755)
        yield Path(directory) / "var"


@pytest.fixture
def parent(data_dir: Path, root: Path) -> Iterator["subprocess.Popen[str]"]:
    """`up` in a process of its own."""
    with parent_process(PARENT, str(data_dir), str(root)) as process:
        yield process


@pytest.fixture
async def stack(
    data_dir: Path, root: Path, postgres: LocalPg, temporal_server: LocalTemporal, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[LocalStack]:
    """Our own processes, on servers that exist already."""
    monkeypatch.setattr("stack.services.ROOT", root)
    options = StackOptions(
        data_dir,
        sandbox_args=["--seed", "7"],
        keep_ports=False,
        database_url=postgres.create_database("up"),
        temporal_address=temporal_server.address,
        temporal_ui_url="http://127.0.0.1:1/ui",
        build_id="",  # No build may become current on a server that other tests use too.
    )
    async with LocalStack(options) as entered:
        yield entered
    postgres.drop_database("up")


def lines_until(parent: "subprocess.Popen[str]", last: str) -> list[str]:
    lines = [next_line(parent)]
    while lines[-1] != last:
        lines.append(next_line(parent))
    return lines


def found(data_dir: Path) -> StackInfo:
    info = running_stack(data_dir)
    assert info is not None
    return info


async def told(url: str | None) -> dict[str, dict[str, str]]:
    """What a stand-in says it was started with."""
    assert url is not None
    async with httpx.AsyncClient(trust_env=False) as client:
        answer: dict[str, dict[str, str]] = (await client.get(url)).json()
    return answer


def test_ctrl_c_ends_everything_in_the_reverse_order(parent: "subprocess.Popen[str]", data_dir: Path) -> None:
    started = lines_until(parent, "up")
    assert [line.removeprefix("starting ") for line in started if line.startswith("starting")] == NAMES
    info = found(data_dir)
    assert list(info.pids) == NAMES
    assert one_value(info.database_url, "SELECT current_database()") == "orderyard"
    parent.send_signal(signal.SIGINT)
    ended = parent.communicate(timeout=20)[0].splitlines()
    assert ended == ["died: nobody", *[f"stopping {name}" for name in reversed(NAMES)]]
    assert parent.returncode == 0
    assert not any(is_running(pid) for pid in info.pids.values())
    assert "worker was asked to end" in (data_dir / "logs" / "worker.log").read_text()
    assert running_stack(data_dir) is None
    assert not (data_dir / "stack.json").exists()


def test_nothing_is_left_when_the_stack_itself_is_killed_and_it_starts_again_on_the_same_data(
    parent: "subprocess.Popen[str]", data_dir: Path, root: Path
) -> None:
    lines_until(parent, "up")
    info = found(data_dir)
    execute(info.database_url, "CREATE TABLE kept AS SELECT 42 AS number")
    parent.kill()
    parent.wait()
    assert running_stack(data_dir) is None
    with parent_process(PARENT, str(data_dir), str(root)) as successor:
        lines_until(successor, "up")
        assert not any(is_running(pid) for pid in info.pids.values())
        assert one_value(found(data_dir).database_url, "SELECT number FROM kept") == 42
        pids = found(data_dir).pids.values()
    until(lambda: not any(is_running(pid) for pid in pids))


def test_a_child_that_dies_is_told_by_name_and_ends_the_wait(parent: "subprocess.Popen[str]", data_dir: Path) -> None:
    lines_until(parent, "up")
    subprocess.run(["kill", "-9", str(found(data_dir).pids["worker"])], check=True)
    said = parent.communicate(timeout=20)[0]
    assert "worker ended unexpectedly with code 137" in said
    assert "died: worker" in said


async def test_each_process_is_told_where_the_others_are(stack: LocalStack) -> None:
    environment = (await told(stack.gateway_url))["environment"]
    assert environment["ORDERYARD_DATABASE_URL"] == stack.database_url
    assert environment["ORDERYARD_TEMPORAL_ADDRESS"] == stack.temporal_address
    assert environment["ORDERYARD_TEMPORAL_NAMESPACE"] == "orderyard"
    assert environment["ORDERYARD_TEMPORAL_UI_URL"] == "http://127.0.0.1:1/ui"
    assert environment["ORDERYARD_DATA_DIR"] == str(stack.data_dir)
    assert environment["ORDERYARD_LOG_FORMAT"] == "json"
    assert (await told(stack.metrics_url))["environment"]["ORDERYARD_CONNECTIONS_FILE"] == str(stack.connections_file)


async def test_the_sandbox_sends_its_webhooks_to_the_gateway_and_names_the_connections(stack: LocalStack) -> None:
    assert stack.connections_file is not None
    connections = json.loads(stack.connections_file.read_text())
    arguments = connections["arguments"]
    assert arguments[arguments.index("--webhooks-to") + 1] == stack.gateway_url
    assert arguments[-2:] == ["--seed", "7"]
    assert stack.connections_file.stat().st_mode & 0o777 == 0o600


async def test_other_commands_find_the_running_stack(stack: LocalStack) -> None:
    assert found(stack.data_dir) == stack.info
    assert (stack.data_dir / "stack.json").stat().st_mode & 0o777 == 0o600


async def test_a_second_stack_on_the_same_data_is_refused(stack: LocalStack) -> None:
    with pytest.raises(StackError, match="a stack already runs in"):
        await LocalStack(stack.options).__aenter__()
    assert running_stack(stack.data_dir) is not None


async def test_a_killed_process_comes_back_at_its_old_address(stack: LocalStack) -> None:
    before = found(stack.data_dir)
    await stack.kill("gateway")
    with pytest.raises(httpx.TransportError):
        await told(stack.gateway_url)
    await stack.restart("gateway")
    assert await told(stack.gateway_url)
    after = found(stack.data_dir)
    assert after.gateway_url == before.gateway_url
    assert after.pids["gateway"] != before.pids["gateway"]


async def test_a_part_that_fails_to_start_takes_the_others_down_and_says_why(
    data_dir: Path, root: Path, postgres: LocalPg, temporal_server: LocalTemporal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stack.services.ROOT", root)
    (root / "worker.py").write_text("raise SystemExit('the connections file is unreadable')")
    url = postgres.create_database("broken")
    address = temporal_server.address
    options = StackOptions(data_dir, keep_ports=False, database_url=url, temporal_address=address, build_id="")
    stack = LocalStack(options)
    with pytest.raises(StackError, match="the connections file is unreadable"):
        await stack.__aenter__()
    assert not any(is_running(pid) for pid in stack.info.pids.values())
    assert running_stack(data_dir) is None
    postgres.drop_database("broken")
