"""How other commands find the stack that runs in a data directory."""

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from stack.locks import is_held


class StackInfo(BaseModel):
    """Where everything is. A part that was not asked for has no URL."""

    model_config = ConfigDict(frozen=True)

    data_dir: Path
    pid: int
    pids: dict[str, int]
    database_url: str
    temporal_address: str
    temporal_namespace: str
    temporal_ui_url: str | None = None
    connections_file: Path | None = None
    sandbox_url: str | None = None
    gateway_url: str | None = None
    metrics_url: str | None = None


def lock_file(data_dir: Path) -> Path:
    return data_dir / "stack.lock"


def info_file(data_dir: Path) -> Path:
    return data_dir / "stack.json"


def running_stack(data_dir: Path) -> StackInfo | None:
    """The live stack of `data_dir`; None when there is none, or when it is not up yet."""
    described = info_file(data_dir)
    if not described.exists() or not is_held(lock_file(data_dir)):
        return None
    return StackInfo.model_validate_json(described.read_text())


def write_private(path: Path, text: str) -> None:
    """Replace the file in one step; it may name credentials, so nobody else may read it."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    unfinished.touch(mode=0o600)
    unfinished.write_text(text)
    unfinished.replace(path)
