"""What a channel's folder offers to the rest: one `CHANNEL` in its `channel.py`, and nothing else to register."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from connectors.ports import Channel, ChannelFormat
from connectors.registry import ChannelConnection


@dataclass(frozen=True)
class ChannelKind:
    format: ChannelFormat
    connect: Callable[[ChannelConnection], Channel]
