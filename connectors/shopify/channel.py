"""Shopify, as a kind of channel."""

from connectors.kind import ChannelKind
from connectors.shopify.client import ShopifyChannel
from connectors.shopify.format import ShopifyFormat

CHANNEL = ChannelKind(ShopifyFormat(), ShopifyChannel)
