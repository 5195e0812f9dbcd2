"""`python -m gateway`: the gateway as a service."""

import sys

import uvicorn

import logs
from connectors.registry import Connections, ConnectionsError
from gateway.app import create_app
from settings import Settings
from stack.exit import finish


def main() -> int:
    settings = Settings()
    logs.configure(settings.log_format, settings.log_level)
    if not (settings.database_url and settings.temporal_address and settings.connections_file):
        missing = ", ".join(settings.missing)
        print(f"gateway: set {missing} (python starter.py up does it for a local stack)", file=sys.stderr)
        return 2
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


if __name__ == "__main__":
    finish(main())
