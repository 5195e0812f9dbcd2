"""The connections file: each secret is found, or missed by name, and never shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from connectors.registry import ChannelConnection, Connections, ConnectionsError, SystemConnection, resolve

SECRET = "shpss_5f2d0c7a"
SYSTEMS = ("erp", "wms", "tax", "fraud", "notify")


def document(**changes: Any) -> dict[str, Any]:
    system = {"provider": "rest", "base_url": "http://erp.test", "credentials": {"token": SECRET}}
    channel = {
        "provider": "shopify",
        "account": "main",
        "base_url": "http://shop.test",
        "credentials": {"access_token": SECRET},
        "webhook_secrets": [SECRET],
    }
    return {"channels": [channel], **dict.fromkeys(SYSTEMS, system), **changes}


def load(folder: Path, content: object) -> Connections:
    path = folder / "connections.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return Connections.load(path)


def erp(**credentials: str) -> SystemConnection:
    return SystemConnection(provider="rest", base_url="http://erp.test", credentials=credentials)


def test_a_channel_is_found_by_its_name_and_account(tmp_path: Path) -> None:
    connections = load(tmp_path, document())
    found = connections.channel("shopify", "main")
    assert found is connections.channels[0]
    assert connections.channel("shopify", "other") is None
    assert connections.channel("amazon", "main") is None


def test_a_literal_secret_is_taken_as_it_is() -> None:
    assert erp(token="a:b:c").secret("token") == "a:b:c"


def test_a_secret_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ERP_TOKEN", SECRET)
    assert erp(token="env:ERP_TOKEN").secret("token") == SECRET


def test_a_secret_is_read_from_a_file_without_its_last_line_break(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{SECRET}\n")
    assert erp(token=f"file:{tmp_path / 'token'}").secret("token") == SECRET


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff\xfe\x00"])
def test_a_secret_file_that_holds_none_is_missed_by_name(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConnectionsError, match=r"rest: credential 'token'.*/token"):
        erp(token=f"file:{path}").secret("token")


@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_not_set_is_missed_by_name(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv("ERP_TOKEN", raising=False)
    if value is not None:
        monkeypatch.setenv("ERP_TOKEN", value)
    with pytest.raises(ConnectionsError, match="rest: credential 'token': environment variable ERP_TOKEN is not set"):
        erp(token="env:ERP_TOKEN").secret("token")


@pytest.mark.parametrize("value", [None, ""])
def test_a_secret_that_is_not_given_is_missed_by_name(value: str | None) -> None:
    with pytest.raises(ConnectionsError, match="acme token is not set"):
        resolve(value, "acme token")


def test_current_and_former_webhook_secrets_are_resolved_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEW", "new-secret")
    entry = {**document()["channels"][0], "webhook_secrets": ["env:NEW", "old-secret"]}
    assert ChannelConnection.model_validate(entry).resolved_webhook_secrets == ("new-secret", "old-secret")


def test_an_empty_webhook_secret_with_which_anybody_could_sign_is_refused() -> None:
    channel = ChannelConnection.model_validate({**document()["channels"][0], "webhook_secrets": [""]})
    with pytest.raises(ConnectionsError, match="shopify/main: webhook secret is not set"):
        _ = channel.resolved_webhook_secrets


def test_a_connections_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConnectionsError, match=r"none\.json"):
        Connections.load(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("", "Invalid JSON"),
        ("{", "Invalid JSON"),
        ("\0", "Invalid JSON"),
        ([], "should be an object"),
        ({name: value for name, value in document().items() if name != "wms"}, "wms"),
        (document(carrier={}), "carrier"),
        (document(erp={"provider": "rest"}), r"erp\.base_url"),
        (document(erp={"provider": "rest", "base_url": "http://erp.test", "pasword": SECRET}), r"erp\.pasword"),
        (document(erp={"provider": "rest", "base_url": "x", "credentials": {"token": 7}}), r"erp\.credentials\.token"),
        (document(channels=[{"provider": "shopify", "base_url": "x"}]), r"channels\.0\.account"),
        (document(channels=[{"provider": "shopify", "base_url": "x", "account": "a/b"}]), r"channels\.0\.account"),
        (document(channels=document()["channels"] * 2), "connected twice: shopify/main"),
    ],
)
def test_a_connections_file_that_is_wrong_is_refused_with_the_place(
    tmp_path: Path, content: object, named: str
) -> None:
    with pytest.raises(ConnectionsError, match=rf"connections\.json: [\s\S]*({named})"):
        load(tmp_path, content)


def test_printing_connections_shows_no_secret(tmp_path: Path) -> None:
    connections = load(tmp_path, document())
    for shown in (connections, connections.erp, connections.channels[0], [connections.erp]):
        assert SECRET not in f"{shown} {shown!r}"
    assert "http://erp.test" in repr(connections)


@pytest.mark.parametrize("field", ["provider", "base_url", "credentials", "options", "more"])
@pytest.mark.parametrize("section", ["erp", "channels"])
def test_an_error_in_the_file_shows_no_secret(section: str, field: str) -> None:
    wrong = document()
    entry = wrong["channels"][0] if section == "channels" else dict(wrong["erp"])
    entry[field] = [SECRET]
    wrong[section] = [entry] if section == "channels" else entry
    with pytest.raises(ValueError, match=field) as told:
        Connections.model_validate(wrong)
    assert SECRET not in str(told.value)


def test_an_entry_that_is_wrong_by_itself_shows_no_secret() -> None:
    with pytest.raises(ValueError, match="base_url") as told:
        ChannelConnection.model_validate({"provider": "shopify", "account": "main", "credentials": {"token": SECRET}})
    assert SECRET not in str(told.value)


def test_webhook_secrets_rotate_in_their_file_without_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("old-secret\n")
    entry = {**document()["channels"][0], "webhook_secrets": [f"file:{file}"]}
    channel = ChannelConnection.model_validate(entry)
    assert list(channel.resolved_webhook_secrets) == ["old-secret"]
    file.write_text("new-secret\n\nold-secret\n")
    assert list(channel.resolved_webhook_secrets) == ["new-secret", "old-secret"]


def test_an_accounts_policies_have_defaults_and_unknown_ones_are_refused() -> None:
    entry = document()["channels"][0]
    policies = ChannelConnection.model_validate({**entry, "policies": {"safety_buffer": 3}}).policies
    assert (policies.safety_buffer, policies.publish_stock, policies.poll_seconds) == (3, True, 180)
    with pytest.raises(ValueError, match=r"policies\.saftey_buffer"):
        ChannelConnection.model_validate({**entry, "policies": {"saftey_buffer": 3}})


def test_several_accounts_of_a_channel_each_have_their_entity(tmp_path: Path) -> None:
    entry = document()["channels"][0]
    accounts = [
        {**entry, "account": "de", "legal_entity": "Camp GmbH", "currency": "EUR"},
        {**entry, "account": "us", "legal_entity": "Camp Inc.", "currency": "USD", "quota_scale": 2.0},
    ]
    connections = load(tmp_path, document(channels=accounts))
    german = connections.channel("shopify", "de")
    assert german is not None
    assert (german.legal_entity, german.currency) == ("Camp GmbH", "EUR")
