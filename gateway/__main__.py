"""`python -m gateway`: the gateway as a service; `python -m gateway relay`: one more relay, without a gateway.

What each of them needs is imported when it begins: a relay gives way before it does that work.
"""

import argparse
import asyncio
import os
import sys

import logs
from settings import Settings
from stack.exit import finish

GIVES_WAY = 10
"""Niceness of a gateway's own relay: where processors are short, answers to webhooks come before deliveries."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m gateway", description=__doc__)
    parser.add_argument("what", nargs="?", choices=["serve", "relay"], default="serve")
    parser.add_argument("--attached", action="store_true", help="relay: end when standard input does")
    options = parser.parse_args()
    settings = Settings()
    logs.configure(settings.log_format, settings.log_level)
    return relay(settings, attached=options.attached) if options.what == "relay" else serve(settings)


def serve(settings: Settings) -> int:
    import uvicorn

    from connectors.registry import Connections, ConnectionsError
    from gateway.app import create_app

    if not (settings.database_url and settings.temporal_address and settings.connections_file):
        return _incomplete(settings.missing)
    try:
        connections = Connections.load(settings.connections_file)
    except ConnectionsError as error:
        print(f"gateway: {error}", file=sys.stderr)
        return 2
    app = create_app(settings.database_url, connections, settings.temporal_address, settings.temporal_namespace)
    uvicorn.run(
        app,
        host=settings.gateway_host,
        port=settings.gateway_port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=5,
    )
    return 0


def relay(settings: Settings, *, attached: bool) -> int:
    if attached:
        os.nice(GIVES_WAY)
    from gateway.relay import relay_until_stopped

    if not (settings.database_url and settings.temporal_address):
        return _incomplete([name for name in settings.missing if name != "ORDERYARD_CONNECTIONS_FILE"])
    asyncio.run(
        relay_until_stopped(
            settings.database_url, settings.temporal_address, settings.temporal_namespace, attached=attached
        )
    )
    return 0


def _incomplete(missing: list[str]) -> int:
    print(f"gateway: set {', '.join(missing)} (python starter.py up does it for a local stack)", file=sys.stderr)
    return 2


if __name__ == "__main__":
    finish(main())
