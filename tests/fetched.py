"""A settlement document as a test reads it: whole."""

from __future__ import annotations

import io

from connectors.ports import Channel, SettlementRef


async def fetched(channel: Channel, ref: SettlementRef) -> bytes:
    document = io.BytesIO()
    await channel.settlement(ref, document)
    return document.getvalue()
