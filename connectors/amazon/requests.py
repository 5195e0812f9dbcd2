"""What requests have in common here."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256

from models.channel import ChannelRequest

NOW = timedelta(0)


def identity(request: ChannelRequest) -> str:
    """The same for every attempt of a request, and another for another content under the same id."""
    content = request.model_dump_json(exclude={"correlation_id"})
    return f"{request.request_id} {sha256(content.encode()).hexdigest()[:16]}"
