"""Mirakl, as a kind of channel."""

from connectors.kind import ChannelKind
from connectors.mirakl.client import MiraklChannel
from connectors.mirakl.format import MiraklFormat

CHANNEL = ChannelKind(MiraklFormat(), MiraklChannel)
