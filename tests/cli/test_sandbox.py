"""`sandbox`: the twins alone, and how to reach them."""

from __future__ import annotations

import signal
from pathlib import Path

import httpx
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from tests.cli.command import free_port, running, said_until

CHANNELS = ("amazon", "mirakl", "shopify", "storefront", "walmart")


def served(url: str) -> httpx.Response:
    patience = Retrying(
        retry=retry_if_exception_type(httpx.TransportError), stop=stop_after_delay(20), wait=wait_fixed(0.05)
    )
    return patience(httpx.get, url, trust_env=False).raise_for_status()


def told(lines: list[str]) -> dict[str, dict[str, str]]:
    """System -> name -> value, as they are printed."""
    systems: dict[str, dict[str, str]] = {}
    for line in lines:
        if line.startswith("  "):
            name, value = line.split(maxsplit=1)
            systems[next(reversed(systems))][name] = value
        else:
            systems[line] = {}
    return systems


def test_it_prints_every_address_and_credential_at_once_and_serves_them(tmp_path: Path) -> None:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    with running("starter.py", "sandbox", "--port", str(port), "--state", str(tmp_path / "state")) as child:
        systems = told(said_until(child, "operations"))
        served(f"{base}/_sandbox/health")
        credentials = httpx.get(f"{base}/_sandbox/credentials", trust_env=False).json()
        assert {name: systems[name] for name in credentials} == credentials
        assert set(credentials) == {*CHANNELS, "erp", "wms", "tax", "fraud", "notify"}
        assert systems["controls"]["faults"] == f"{base}/_sandbox/faults"
        shopify = credentials["shopify"]
        orders = f"{shopify['base_url']}/orders.json"
        assert httpx.get(orders, trust_env=False).status_code == 401
        token = {"X-Shopify-Access-Token": shopify["access_token"]}
        assert httpx.get(orders, headers=token, trust_env=False).status_code == 200
        buying = {"orders": {"amazon": 1}}
        assert httpx.post(f"{base}/_sandbox/orders", json=buying, trust_env=False).status_code == 202
        child.send_signal(signal.SIGTERM)
        assert child.wait(20) in (0, -signal.SIGTERM)
    with running("starter.py", "sandbox", "--port", str(port), "--state", str(tmp_path / "state")):
        assert served(f"{base}/_sandbox/orders").json()["numbers"] == dict.fromkeys(CHANNELS, 0) | {"amazon": 1}
