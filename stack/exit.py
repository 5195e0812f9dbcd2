"""The one way an entry point ends."""

import logging
import os
import sys
from typing import NoReturn


def finish(code: int) -> NoReturn:
    """Flush what was written and leave at once.

    A short-lived process that used the Temporal SDK may abort while the interpreter is torn down, after its
    work succeeded (temporalio/sdk-python#300). Leaving without the teardown keeps the exit code honest.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
