"""The connections file: every outside system of a deployment, and where its secrets are.

A secret is written `env:NAME` or `file:PATH`; a literal value is taken as it is (for the local sandbox only).
"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator

from models.money import Currency
from models.terms import SalesTerms


class ConnectionsError(Exception):
    """The connections file is absent, unreadable, or names a secret that is not there."""


class SystemConnection(BaseModel):
    """An ERP, WMS, tax engine, fraud service or notifier."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    provider: str
    base_url: str
    credentials: dict[str, str] = Field(default_factory=dict, repr=False)
    options: dict[str, Any] = Field(default_factory=dict)

    def secret(self, name: str) -> str:
        """The value of a credential. Raises `ConnectionsError` naming the credential when it is missing."""
        return resolve(self.credentials.get(name), f"{self.provider}: credential {name!r}")


class ChannelPolicies(BaseModel):
    """What an account may be treated differently in."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    poll_seconds: int = Field(default=180, ge=1)
    """Amazon's order search refills one call in three minutes."""
    publish_stock: bool = True
    """Tell the channel what it may sell."""
    stock_seconds: int = Field(default=60, ge=1)
    """How often it is told what has changed."""
    safety_buffer: int = Field(default=0, ge=0)
    """Units that are kept back from the channel, of each SKU."""
    audit_seconds: int = Field(default=3600, ge=60)
    audit_hours: int = Field(default=24, ge=1)
    """How far back the channel audit looks."""
    cancel_window_minutes: int = Field(default=0, ge=0)
    """Nothing is released for so long after the purchase; until then the buyer may cancel."""
    hold_hours: int = Field(default=72, ge=1)
    """A hold that nobody decides on ends after so long, as its kind says."""
    promise_hours: int = Field(default=72, ge=1)
    """How long goods may be back-ordered, where the order states no ship-by date."""
    partial_shipments: bool = False
    """Ship what is there, and the rest later; otherwise an order waits until it is complete."""
    node_patience_hours: int = Field(default=24, ge=1)
    """A node that ships nothing for so long loses the goods to another, if one has them."""
    confirm_within_hours: int = Field(default=24, ge=1)
    return_window_days: int = Field(default=30, ge=0)
    price_floors: bool = True
    """Hold orders that sell below an item's floor price."""


class ChannelConnection(SystemConnection):
    """An account on a channel; `provider` is the channel's name (`amazon`, `shopify`)."""

    account: str = Field(pattern="^[^/]+$")
    legal_entity: str = ""
    """Who sells: the company that the account belongs to."""
    currency: str | None = None
    """Of the company's books. The currency of an order is what the order says."""
    region: str = ""
    """The account's marketplace or country, where its orders do not say."""
    policies: ChannelPolicies = ChannelPolicies()
    quota_scale: float = Field(default=1.0, gt=0)
    """How many times the published quota this account was granted."""
    credential_expires: AwareDatetime | None = None
    """When a credential has to be renewed at the vendor's; shown by `channels status`."""
    webhook_secrets: tuple[str, ...] = Field(default=(), repr=False)
    """Current secret first, then former ones that may still sign during a rotation."""

    @property
    def resolved_webhook_secrets(self) -> tuple[str, ...]:
        """As they are now: a file may hold several, a line each, so that a rotation needs no restart."""
        what = f"{self.provider}/{self.account}: webhook secret"
        found = (line for value in self.webhook_secrets for line in resolve(value, what).splitlines())
        return tuple(line.strip() for line in found if line.strip())


class Connections(BaseModel):
    # A value that is wrong may be a secret that stands in the wrong place: the error names its path alone.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    channels: tuple[ChannelConnection, ...] = ()
    entities: dict[str, Currency] = Field(default_factory=dict)
    """Legal entity -> currency of its books."""
    erp: SystemConnection
    wms: SystemConnection
    tax: SystemConnection
    fraud: SystemConnection
    notify: SystemConnection

    @field_validator("channels")
    @classmethod
    def _one_an_account(cls, channels: tuple[ChannelConnection, ...]) -> tuple[ChannelConnection, ...]:
        accounts = [f"{channel.provider}/{channel.account}" for channel in channels]
        twice = sorted({account for account in accounts if accounts.count(account) > 1})
        if twice:
            raise ValueError(f"connected twice: {', '.join(twice)}; leave one entry for each account")
        return channels

    @classmethod
    def load(cls, path: Path) -> Connections:
        try:
            return cls.model_validate_json(path.read_bytes())
        except (OSError, ValueError) as error:
            raise ConnectionsError(f"connections file {path}: {error}") from error

    def terms(self, channel: ChannelConnection) -> SalesTerms:
        """The terms on which an account sells."""
        policies = channel.policies
        return SalesTerms(
            entity=channel.legal_entity,
            books_currency=self.entities.get(channel.legal_entity, ""),
            cancel_window=timedelta(minutes=policies.cancel_window_minutes),
            hold_window=timedelta(hours=policies.hold_hours),
            promise=timedelta(hours=policies.promise_hours),
            partial_shipments=policies.partial_shipments,
            node_patience=timedelta(hours=policies.node_patience_hours),
            confirm_within=timedelta(hours=policies.confirm_within_hours),
            return_window=timedelta(days=policies.return_window_days),
            price_floors=policies.price_floors,
        )

    def channel(self, name: str, account: str) -> ChannelConnection | None:
        return next((c for c in self.channels if (c.provider, c.account) == (name, account)), None)


def resolve(value: str | None, what: str) -> str:
    """Follow `env:` and `file:`; raises `ConnectionsError` when the secret is empty or not where it should be."""
    if not value:
        raise ConnectionsError(f"{what} is not set")
    kind, _, name = value.partition(":")
    if kind == "env":
        return _given(os.environ.get(name), f"{what}: environment variable {name} is not set")
    if kind == "file":
        return _given(_content(Path(name), what), f"{what}: file {name} is empty")
    return value


def _content(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConnectionsError(f"{what}: {path}: {error}") from error


def _given(secret: str | None, problem: str) -> str:
    if not secret:
        raise ConnectionsError(problem)
    return secret
