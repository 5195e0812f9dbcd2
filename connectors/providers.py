"""Which code speaks to which system: from the words of the connections file to connectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from connectors.amazon.client import AmazonChannel
from connectors.amazon.format import AmazonFormat
from connectors.erp.rest import RestErp
from connectors.fraud.rest import RestFraud
from connectors.notify.rest import RestNotifier
from connectors.ports import Channel, ChannelFormat, Erp, Fraud, Notifier, Tax, Wms
from connectors.registry import ChannelConnection, Connections, ConnectionsError, SystemConnection
from connectors.shopify.client import ShopifyChannel
from connectors.shopify.format import ShopifyFormat
from connectors.tax.avatax import AvaTax
from connectors.wms.rest import RestWms

T = TypeVar("T")

FORMATS: Mapping[str, ChannelFormat] = {"amazon": AmazonFormat(), "shopify": ShopifyFormat()}
_CHANNELS: Mapping[str, Callable[[ChannelConnection], Channel]] = {"amazon": AmazonChannel, "shopify": ShopifyChannel}
_ERPS: Mapping[str, Callable[[SystemConnection], Erp]] = {"rest": RestErp}
_WMSS: Mapping[str, Callable[[SystemConnection], Wms]] = {"rest": RestWms}
_TAXES: Mapping[str, Callable[[SystemConnection], Tax]] = {"avatax": AvaTax}
_FRAUDS: Mapping[str, Callable[[SystemConnection], Fraud]] = {"rest": RestFraud}
_NOTIFIERS: Mapping[str, Callable[[SystemConnection], Notifier]] = {"rest": RestNotifier}


@dataclass(frozen=True)
class Connectors:
    """All outside systems of a deployment, ready to be called."""

    channels: Mapping[tuple[str, str], Channel]
    erp: Erp
    wms: Wms
    tax: Tax
    fraud: Fraud
    notifier: Notifier


def connect(connections: Connections) -> Connectors:
    """Build every connector. Raises `ConnectionsError` for an unknown provider or a missing secret."""
    return Connectors(
        channels={
            (c.provider, c.account): _provider("channel", _CHANNELS, c.provider)(c) for c in connections.channels
        },
        erp=_provider("erp", _ERPS, connections.erp.provider)(connections.erp),
        wms=_provider("wms", _WMSS, connections.wms.provider)(connections.wms),
        tax=_provider("tax", _TAXES, connections.tax.provider)(connections.tax),
        fraud=_provider("fraud", _FRAUDS, connections.fraud.provider)(connections.fraud),
        notifier=_provider("notify", _NOTIFIERS, connections.notify.provider)(connections.notify),
    )


def _provider(kind: str, known: Mapping[str, T], name: str) -> T:
    try:
        return known[name]
    except KeyError:
        raise ConnectionsError(f"unknown {kind} provider {name!r}: use one of {', '.join(sorted(known))}") from None
