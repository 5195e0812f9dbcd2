"""From the words of the connections file to connectors."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.providers import FORMATS, connect
from connectors.registry import Connections, ConnectionsError

CREDENTIALS = {
    "amazon": {"client_id": "i", "client_secret": "s", "refresh_token": "r", "seller_id": "m"},
    "shopify": {"access_token": "t"},
    "erp": {"client_id": "i", "client_secret": "s"},
    "wms": {"api_key": "k"},
    "tax": {"account_id": "i", "license_key": "k"},
    "fraud": {"api_key": "k"},
    "notify": {"api_key": "k"},
}
SYSTEMS = {"erp": "rest", "wms": "rest", "tax": "avatax", "fraud": "rest", "notify": "rest"}


def entry(name: str, provider: str, **more: Any) -> dict[str, Any]:
    return {"provider": provider, "base_url": "http://acme.test", "credentials": CREDENTIALS[name], **more}


def document(**changes: Any) -> dict[str, Any]:
    channels = [entry("amazon", "amazon", account="EU-DE"), entry("shopify", "shopify", account="main")]
    systems = {name: entry(name, provider) for name, provider in SYSTEMS.items()}
    return {"channels": channels, **systems, **changes}


def test_every_system_of_the_file_is_connected_and_channels_are_known_by_account() -> None:
    connectors = connect(Connections.model_validate(document()))
    assert set(connectors.channels) == {("amazon", "EU-DE"), ("shopify", "main")}
    for (name, account), channel in connectors.channels.items():
        assert (channel.name, channel.account) == (name, account)
    assert {type(connectors.erp).__name__, type(connectors.tax).__name__} == {"RestErp", "AvaTax"}


@pytest.mark.parametrize(("name", "known"), SYSTEMS.items())
def test_an_unknown_provider_of_a_system_is_refused_with_those_that_are_known(name: str, known: str) -> None:
    connections = Connections.model_validate(document(**{name: entry(name, "sap")}))
    with pytest.raises(ConnectionsError, match=rf"^unknown {name} provider 'sap': use one of .*{known}"):
        connect(connections)


def test_an_unknown_channel_is_refused_with_those_that_are_known() -> None:
    channel = entry("amazon", "ebay", account="EU")
    with pytest.raises(ConnectionsError, match=f"unknown channel provider 'ebay': use one of {', '.join(FORMATS)}"):
        connect(Connections.model_validate(document(channels=[channel])))


@pytest.mark.parametrize(
    ("name", "credential"),
    [(name, credential) for name in SYSTEMS for credential in CREDENTIALS[name]],
)
def test_a_credential_that_is_missing_is_named_at_the_start_and_not_at_the_first_order(
    name: str, credential: str
) -> None:
    rest = {key: value for key, value in CREDENTIALS[name].items() if key != credential}
    connections = Connections.model_validate(document(**{name: {**entry(name, SYSTEMS[name]), "credentials": rest}}))
    with pytest.raises(ConnectionsError, match=f"{SYSTEMS[name]}: credential '{credential}' is not set"):
        connect(connections)


@pytest.mark.parametrize(("name", "credential"), [("amazon", key) for key in CREDENTIALS["amazon"]])
def test_a_channel_without_a_credential_is_refused_by_name(name: str, credential: str) -> None:
    rest = {key: value for key, value in CREDENTIALS[name].items() if key != credential}
    channel = entry(name, name, account="EU-DE", credentials=rest)
    with pytest.raises(ConnectionsError, match=f"amazon: credential '{credential}' is not set"):
        connect(Connections.model_validate(document(channels=[channel])))


def test_every_folder_with_a_channel_is_found() -> None:
    assert sorted(FORMATS) == ["amazon", "mirakl", "shopify", "storefront", "walmart"]
    assert all(each.channel == name and each.mapping_version >= 1 for name, each in FORMATS.items())


def test_an_account_brings_its_policies() -> None:
    connectors = connect(Connections.model_validate(document()))
    assert set(connectors.policies) == set(connectors.channels)
