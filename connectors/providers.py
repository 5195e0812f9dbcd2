"""Which code speaks to which system: from the words of the connections file to connectors.

A channel is a folder here with a `channel.py` that says `CHANNEL = ChannelKind(…)`; there is nothing else to register.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import TypeVar

import connectors
from connectors.erp.odoo.provider import OdooErp
from connectors.erp.rest import RestErp
from connectors.erp.rest_ledger import RestLedger
from connectors.erp.tryton.provider import TrytonErp
from connectors.fraud.rest import RestFraud
from connectors.kind import ChannelKind
from connectors.notify.rest import RestNotifier
from connectors.ports import BankBook, Channel, ChannelFormat, Erp, Fraud, Notifier, StockBook, Tax, Watched, Wms
from connectors.registry import ChannelConnection, ChannelPolicies, Connections, ConnectionsError, SystemConnection
from connectors.tax.avatax import AvaTax
from connectors.wms.rest import RestWms
from connectors.wms.tryton.provider import TrytonWms
from models.terms import SalesTerms

T = TypeVar("T")


def _channels() -> dict[str, ChannelKind]:
    """Channel name -> its kind, of every folder here that has one."""
    folders = [f"connectors.{found.name}" for found in pkgutil.iter_modules(connectors.__path__) if found.ispkg]
    kinds = [import_module(f"{folder}.channel").CHANNEL for folder in folders if find_spec(f"{folder}.channel")]
    return {kind.format.channel: kind for kind in kinds}


CHANNELS: Mapping[str, ChannelKind] = _channels()
FORMATS: Mapping[str, ChannelFormat] = {name: kind.format for name, kind in CHANNELS.items()}
_CHANNELS: Mapping[str, Callable[[ChannelConnection], Channel]] = {n: kind.connect for n, kind in CHANNELS.items()}
_ERPS: Mapping[str, Callable[[SystemConnection], Erp]] = {"odoo": OdooErp, "rest": RestErp, "tryton": TrytonErp}
_JOURNALS: Mapping[str, Callable[[SystemConnection], BankBook]] = {
    "odoo": OdooErp,
    "rest": RestLedger,
    "tryton": TrytonErp,
}
_WMSS: Mapping[str, type[RestWms] | type[TrytonWms]] = {"rest": RestWms, "tryton": TrytonWms}
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
    policies: Mapping[tuple[str, str], ChannelPolicies] = field(default_factory=dict)
    """Channel and account -> what is particular about it."""
    terms: Mapping[tuple[str, str], SalesTerms] = field(default_factory=dict)
    """Channel and account -> the terms on which it sells."""
    journals: BankBook | None = None
    """Where settlements are booked; None when the ERP keeps no books that we may write in."""

    @property
    def watched(self) -> Watched | None:
        """The warehouse as one that is watched; None when it reports by itself."""
        return self.wms if isinstance(self.wms, Watched) else None

    def stock_book(self, system: Erp | Wms) -> StockBook | None:
        """The system as one that says what it has on hand; None when it cannot."""
        return system if isinstance(system, StockBook) else None


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
        policies={(c.provider, c.account): c.policies for c in connections.channels},
        terms={(c.provider, c.account): connections.terms(c) for c in connections.channels},
        journals=journals(connections.erp) if (journals := _JOURNALS.get(connections.erp.provider)) else None,
    )


def is_watched(wms: SystemConnection) -> bool:
    """True for a warehouse that reports nothing by itself. Raises `ConnectionsError` for an unknown provider."""
    return issubclass(_provider("wms", _WMSS, wms.provider), Watched)


def _provider(kind: str, known: Mapping[str, T], name: str) -> T:
    try:
        return known[name]
    except KeyError:
        raise ConnectionsError(f"unknown {kind} provider {name!r}: use one of {', '.join(sorted(known))}") from None
