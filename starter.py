"""The command line of Orderyard. `python starter.py --help` lists the commands."""

import sys
from io import TextIOWrapper

from cli.app import app
from stack.exit import finish


def main() -> int:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A payload or a file name may hold what no terminal can show; it must not end the command.
            stream.reconfigure(errors="backslashreplace")
    try:
        app(standalone_mode=True)
    except SystemExit as end:
        if isinstance(end.code, str):
            sys.stderr.write(end.code + "\n")
            return 1
        return int(end.code or 0)
    return 0


if __name__ == "__main__":
    finish(main())
