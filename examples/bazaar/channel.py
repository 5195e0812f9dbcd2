"""Bazaar, as a kind of channel."""

from connectors.kind import ChannelKind
from examples.bazaar.client import BazaarChannel
from examples.bazaar.format import BazaarFormat

CHANNEL = ChannelKind(BazaarFormat(), BazaarChannel)
