"""The channel that has long settlements: Amazon's twin in a process of its own, `python -m … FILE…`.

Its first line of output is the account's entry in a connections file.
"""

from __future__ import annotations

import json
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from sandbox.amazon import AmazonTwin
from sandbox.amazon_reports import REPORT_TYPE
from sandbox.core import Sandbox, SandboxOptions
from sandbox.scenario import Scenario

QUOTA_SCALE = 100_000
"""So large that nobody has to wait for a turn."""


def main() -> None:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()  # Before the address is told: who calls at once waits for the server instead of being refused.
    base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    sandbox = Sandbox(SandboxOptions(base_url=base_url, quota_scale=QUOTA_SCALE, scenario=Scenario()))
    twin = AmazonTwin(sandbox)
    for path in map(Path, sys.argv[1:]):
        publish(sandbox, path)
    print(json.dumps(twin.connection()), flush=True)
    config = uvicorn.Config(Starlette(routes=list(twin.routes())), log_level="critical", lifespan="off", ws="none")
    uvicorn.Server(config).run(sockets=[listener])


def publish(sandbox: Sandbox, path: Path) -> None:
    """Have a finished settlement report with the content of the file."""
    report = {
        "reportId": path.stem,
        "reportType": REPORT_TYPE,
        "createdTime": datetime.now(UTC).isoformat(timespec="seconds"),
        "processingStatus": "DONE",
        "reportDocumentId": f"amzn1.spdoc.1.4.na.{path.stem}",
    }
    text = path.read_text(encoding="utf-8")
    sandbox.shelf.collection("amazon_reports").put(path.stem, {"report": report, "text": text})


if __name__ == "__main__":
    main()
