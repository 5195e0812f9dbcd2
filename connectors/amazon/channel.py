"""Amazon, as a kind of channel."""

from connectors.amazon.client import AmazonChannel
from connectors.amazon.format import AmazonFormat
from connectors.kind import ChannelKind

CHANNEL = ChannelKind(AmazonFormat(), AmazonChannel)
