"""Where the machine's time goes: CPU seconds and memory of the stack's processes."""

from __future__ import annotations

from collections.abc import Mapping

import psutil


def seconds(pids: Mapping[str, int]) -> dict[str, float]:
    """CPU seconds so far of each named process and everything below it."""
    return {name: sum(_cpu(process) for process in _family(pid)) for name, pid in pids.items()}


def resident_mb(pid: int) -> float:
    """Memory of the largest process of a family: the worker itself, not its guard."""
    return float(max(process.memory_info().rss for process in _family(pid))) / 1024 / 1024


def _family(pid: int) -> list[psutil.Process]:
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
