"""The commands about one order, and about all of them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer

from cli import options, order_view, orders, wishes
from cli.deployment import find
from cli.options import ChannelName
from cli.output import as_json, console, fail
from models.case import Action
from models.channel import CancelReason
from models.messages import CancelRequest, ChangeRequest, HoldRequest, OrderState

app = typer.Typer(no_args_is_help=True, help="Orders: list, show, cancel, hold, change.")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Key = Annotated[str, typer.Argument(help="channel/account/external-id")]
Actor = Annotated[str, typer.Option(help="Who decides; recorded with the decision.")]


@app.command("list")
def list_orders(
    state: Annotated[OrderState | None, typer.Option()] = None,
    channel: Annotated[ChannelName | None, typer.Option()] = None,
    limit: Annotated[int, typer.Option(min=1)] = 50,
    json_output: AsJson = False,
) -> None:
    """Orders, newest first."""
    found = asyncio.run(orders.listed(find(), state, channel.value if channel else None, limit))
    if json_output:
        as_json(found)
    else:
        order_view.print_list(found)


@app.command()
def show(key: Key, json_output: AsJson = False) -> None:
    """State, quantities, deadlines, cases, parcels, returns and money of one order."""
    found = asyncio.run(orders.shown(find(), options.key(key)))
    if json_output:
        as_json(found)
    else:
        order_view.print_order(found)


@app.command()
def cancel(
    key: Key,
    line: Annotated[
        list[str] | None, typer.Option(help="LINE=UNITS; may be repeated. Without: all that is left.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Recorded, and told to the systems.")] = "cancelled by the operator",
    why: Annotated[CancelReason, typer.Option(help="What the channel is told.")] = CancelReason.OTHER,
    actor: Actor = "operator",
    json_output: AsJson = False,
) -> None:
    """Cancel an order or units of it, with compensations. Exit code 1 when it is too late, 3 while it is in doubt."""
    order_key, units = options.key(key), options.units(line or [], least=1)
    request = CancelRequest(reason=reason, actor=actor, why=why, units=units)
    outcome = asyncio.run(wishes.cancel(find(), order_key, request))
    if json_output:
        as_json(outcome.model_dump(mode="json"))
    else:
        for told in wishes.in_words(order_key, outcome):
            console.print(told, soft_wrap=True)
    raise typer.Exit(wishes.exit_code(outcome))


@app.command()
def hold(
    key: Key,
    reason: Annotated[str, typer.Option(help="Why; shown with the case.")],
    expires: Annotated[str | None, typer.Option(help="30m, 2h, 3d, or a time. Without: until it is decided.")] = None,
    on_expiry: Annotated[Action, typer.Option(help="skip: the order goes on; cancel: it ends.")] = Action.SKIP,
    actor: Actor = "operator",
) -> None:
    """Keep an order from being released. `exceptions resolve CASE skip` lets it go on."""
    order_key, now = options.key(key), datetime.now(UTC)
    if not reason.strip():
        fail("--reason '': say why the order is held", 2)
    if on_expiry not in (Action.SKIP, Action.CANCEL):
        fail(f"--on-expiry {on_expiry}: a hold ends by itself in skip or cancel", 2)
    ends = options.moment(expires, "--expires", now)
    asyncio.run(
        wishes.hold(find(), order_key, HoldRequest(reason=reason, actor=actor, expires_at=ends, on_expiry=on_expiry))
    )
    until = f"until {ends:%Y-%m-%d %H:%M} UTC, then {on_expiry}" if ends else "until somebody decides its case"
    console.print(f"{order_key}: held {until}")


@app.command()
def change(
    key: Key,
    ship_to: Annotated[str | None, typer.Option(help="The whole address as JSON.")] = None,
    service: Annotated[str | None, typer.Option(help="The service level.")] = None,
    sku: Annotated[list[str] | None, typer.Option(help="LINE=SKU to ship instead; may be repeated.")] = None,
    quantity: Annotated[list[str] | None, typer.Option(help="LINE=UNITS, fewer than now; may be repeated.")] = None,
    reason: Annotated[str, typer.Option(help="Why; recorded.")] = "",
    actor: Actor = "operator",
) -> None:
    """Change an order before its release. Exit code 1 with the reason when it is refused."""
    request = ChangeRequest(
        actor=actor,
        reason=reason,
        ship_to=options.address(ship_to),
        service_level=service,
        sku=options.pairs(sku or []),
        quantity=options.units(quantity or [], "--quantity"),
    )
    if not (request.ship_to or request.service_level or request.sku or request.quantity):
        fail("say what changes: --ship-to, --service, --sku or --quantity", 2)
    order_key = options.key(key)
    asyncio.run(wishes.change(find(), order_key, request))
    console.print(f"{order_key}: changed")
