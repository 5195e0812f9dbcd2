"""Entry point of a deployment's one-time job: database schema, Temporal namespace, and the first current build.

Safe to repeat: a build that is current stays so.

ORDERYARD_DATABASE_URL=... ORDERYARD_TEMPORAL_ADDRESS=... python -m stack.prepare
"""

import asyncio
import os
import sys
from collections.abc import Mapping

from stack.build import VERSION
from stack.exit import finish
from stack.rollout import begin
from stack.temporal import NAMESPACE, ensure_namespace
from store.migrate import upgrade

NEEDED = ("ORDERYARD_DATABASE_URL", "ORDERYARD_TEMPORAL_ADDRESS")


async def prepare(environment: Mapping[str, str]) -> None:
    await upgrade(environment["ORDERYARD_DATABASE_URL"])
    namespace = environment.get("ORDERYARD_TEMPORAL_NAMESPACE", NAMESPACE)
    address = environment["ORDERYARD_TEMPORAL_ADDRESS"]
    await ensure_namespace(address, namespace)
    await begin(address, namespace, environment.get("ORDERYARD_BUILD_ID", VERSION))


def main() -> int:
    if missing := [name for name in NEEDED if not os.environ.get(name)]:
        sys.stderr.write(f"not set: {', '.join(missing)}\n")
        return 2
    asyncio.run(prepare(os.environ))
    return 0


if __name__ == "__main__":
    finish(main())
