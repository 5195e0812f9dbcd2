"""Clients that live in npm: Walmart's, Shopify's check of a webhook's signature, and Avalara's.

They run where Node.js is, and the packages are: `make clients` puts them into `var/clients`, or say another folder in
`ORDERYARD_NPM_CLIENTS`.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import Delivery, RunningSandbox

HERE = Path(__file__).parent
PACKAGES = Path(os.environ.get("ORDERYARD_NPM_CLIENTS") or HERE.parents[1] / "var" / "clients").resolve()
NODE = shutil.which("node")


def told_by(script: str, package: str, *arguments: str, given: str = "") -> Any:
    """What a script prints; skips where it cannot run."""
    if NODE is None:
        pytest.skip("Node.js is not installed")
    if not (PACKAGES / "node_modules" / package).is_dir():
        pytest.skip(f"{package} is not in {PACKAGES}: run `make clients`, or set ORDERYARD_NPM_CLIENTS")
    command = [NODE, str(HERE / script), str(PACKAGES), *arguments]
    ran = subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])


def test_walmarts_client_logs_in_lists_gets_acknowledges_and_ships(sandbox: RunningSandbox) -> None:
    told = sandbox.credentials("walmart")
    package = "@whitebox-co/walmart-marketplace-api"
    done = told_by("walmart.cjs", package, told["base_url"], told["client_id"], told["client_secret"])
    assert done["token"] == "Bearer"
    assert set(done["listed"]) <= set(sandbox.sold("walmart"))
    assert done["got"] in done["listed"]
    assert done["states"] == ["Created", "Acknowledged", "Shipped"]
    assert any(entry["key"].endswith(done["got"]) for entry in sandbox.effects("walmart", "shipped"))


def test_shopifys_own_library_takes_our_webhooks_for_its_own(sandbox: RunningSandbox) -> None:
    sandbox.buy(shopify=1)
    delivery = next(each for each in sandbox.deliveries() if each.path.startswith("/webhooks/shopify/"))
    secret = sandbox.credentials("shopify")["webhook_secret"]
    forged = Delivery(delivery.path, delivery.headers, delivery.body.replace(b":", b": ", 1))
    given = json.dumps([shown(delivery), shown(forged)])
    true, false = told_by("shopify_hmac.cjs", "@shopify/shopify-api", secret, given=given)
    assert true["valid"], true
    assert true["webhookId"] == delivery.headers["x-shopify-webhook-id"]
    assert (false["valid"], false["reason"]) == (False, "invalid_hmac")


def test_avalaras_client_pings_records_and_voids(sandbox: RunningSandbox) -> None:
    told = sandbox.credentials("tax")
    asked = (told["base_url"], told["account_id"], told["license_key"], told["company_code"])
    done = told_by("avatax.cjs", "avatax", *asked)
    assert done["authenticated"] is True
    assert (done["code"], done["status"]) == ("INDEPENDENT-2", "Cancelled")
    assert done["tax"] > 0


def shown(delivery: Delivery) -> dict[str, Any]:
    return {"headers": delivery.headers, "body": base64.b64encode(delivery.body).decode()}
