"""Walmart, as a kind of channel."""

from connectors.kind import ChannelKind
from connectors.walmart.client import WalmartChannel
from connectors.walmart.format import WalmartFormat

CHANNEL = ChannelKind(WalmartFormat(), WalmartChannel)
