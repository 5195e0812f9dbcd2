"""Storefront, as a kind of channel."""

from connectors.kind import ChannelKind
from connectors.storefront.client import StorefrontChannel
from connectors.storefront.format import StorefrontFormat

CHANNEL = ChannelKind(StorefrontFormat(), StorefrontChannel)
