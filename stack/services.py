"""Orderyard's own processes as the local stack runs them: the sandbox, the worker, the gateway."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol, Self

import httpx

from stack.ports import LOOPBACK
from stack.processes import STEPS_BACK, Child, Command

ROOT = Path(__file__).resolve().parent.parent
USUAL_GATEWAY_PORT = 8080
USUAL_METRICS_PORT = 9464
USUAL_SANDBOX_PORT = 8090


class Service(Protocol):
    """A part of the stack that can be started, stopped and started again."""

    child: Child

    def start(self) -> object: ...

    def stop(self) -> None: ...


class HttpService:
    """A Python process of this repository that is ready when a URL answers without an error."""

    def __init__(self, command: Command, port: int, ready_path: str) -> None:
        self.url = f"http://{LOOPBACK}:{port}"
        self.child = Child(command)
        self._ready_url = self.url + ready_path

    def start(self) -> Self:
        self.child.start()
        self.child.wait_until(self._ready, self.child.command.name)
        return self

    def stop(self) -> None:
        self.child.stop()

    def _ready(self) -> bool:
        try:
            return httpx.get(self._ready_url, timeout=5, trust_env=False).is_success
        except httpx.TransportError:
            return False


def sandbox_service(data_dir: Path, port: int, webhooks_to: str, arguments: Sequence[str]) -> HttpService:
    argv = ["starter.py", "sandbox", "--port", str(port), "--state", str(data_dir / "sandbox")]
    command = _stepping_back(_python("sandbox", data_dir, [*argv, "--webhooks-to", webhooks_to, *arguments], {}))
    return HttpService(command, port, "/_sandbox/health")


def worker_service(data_dir: Path, metrics_port: int, env: Mapping[str, str]) -> HttpService:
    command = _stepping_back(_python("worker", data_dir, ["worker.py"], env))
    return HttpService(command, metrics_port, "/metrics")


def gateway_service(data_dir: Path, port: int, env: Mapping[str, str]) -> HttpService:
    return HttpService(_python("gateway", data_dir, ["-m", "gateway"], env), port, "/health/ready")


def _stepping_back(command: Command) -> Command:
    return replace(command, niceness=STEPS_BACK)


def _python(name: str, data_dir: Path, arguments: Sequence[str], env: Mapping[str, str]) -> Command:
    common = {"ORDERYARD_DATA_DIR": str(data_dir), "ORDERYARD_LOG_FORMAT": "json", "PYTHONUNBUFFERED": "1"}
    return Command(
        name=name,
        argv=[sys.executable, *arguments],
        log=data_dir / "logs" / f"{name}.log",
        cwd=ROOT,
        env={**os.environ, **common, **env},
        grace_seconds=10,
    )
