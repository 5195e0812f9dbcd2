"""A sandbox that was stopped goes on with what was under way: mail on its way, and buyers about to pay."""

from __future__ import annotations

import json
from pathlib import Path

from sandbox.core import SandboxOptions
from sandbox.shopify import ACCESS_TOKEN
from stack.ports import free_port
from tests.prove.postman import Postman
from tests.prove.waiting import until as until_true
from tests.sandbox.test_app import control, running, until
from tests.shopify import shop


def options(state_dir: Path, webhooks_to: str | None = None, orders_dir: Path | None = None) -> SandboxOptions:
    return SandboxOptions(
        base_url="http://sandbox.test",
        state_dir=state_dir,
        webhooks_to=webhooks_to,
        orders_dir=orders_dir,
        quota_scale=1000,
    )


async def test_webhooks_that_were_not_taken_are_sent_after_a_restart_as_they_were_signed(tmp_path: Path) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    async with running(options(tmp_path, nobody)) as http:
        await control(http, "orders", {"orders": {"shopify": 1}, "per_second": 1000})
        await until(lambda: control(http, "orders"), lambda seen: seen["numbers"]["shopify"] == 1)
    async with Postman() as postman:
        postman.holding = True
        async with running(options(tmp_path, postman.url)):
            # The first order of a shop is one whose webhook comes three times.
            await until_true(lambda: len(postman.held) == 3, "three copies of the webhook")
        async with running(options(tmp_path, postman.url)) as http:
            assert await control(http, "ledger/counts") == {}
    first = postman.held[0]
    assert json.loads(first.body)["number"] == 1
    assert all((each.body, each.headers) == (first.body, first.headers) for each in postman.held)
    assert first.headers["x-shopify-hmac-sha256"]


async def test_a_buyer_who_had_not_paid_pays_after_a_restart(tmp_path: Path) -> None:
    files = tmp_path / "files" / "shopify"
    files.mkdir(parents=True)
    (files / "order.json").write_text(json.dumps(shop.order(id=4711, financial_status="pending")))
    async with running(options(tmp_path, orders_dir=files.parent)):
        pass
    async with running(options(tmp_path)) as http:

        async def order() -> dict[str, str]:
            headers = {"X-Shopify-Access-Token": ACCESS_TOKEN}
            answer = await http.get("/admin/api/2026-10/orders/4711.json", headers=headers)
            found: dict[str, str] = answer.raise_for_status().json()["order"]
            return found

        assert (await order())["financial_status"] == "pending"
        await until(order, lambda seen: seen["financial_status"] == "paid")
