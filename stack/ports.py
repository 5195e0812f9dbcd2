"""Choice of TCP ports on the loopback interface: the usual one unless it is taken."""

import json
import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"


def is_free(port: int) -> bool:
    """Nobody listens there. A port that is only in TIME_WAIT counts as free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def free_port(usual: int | None = None) -> int:
    """`usual` when nobody listens there, else one that the system picks at random."""
    if usual and is_free(usual):
        return usual
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    """Somebody accepts connections there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


class PortBook:
    """Remembers which port each service used, so that a restart finds its old address when it is still free."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def choose(self, name: str, usual: int | None = None) -> int:
        book = self._read()
        port = free_port(book.get(name) or usual)
        if port in (other for service, other in book.items() if service != name):
            port = free_port()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps({**book, name: port}, indent=2) + "\n")
        return port

    def _read(self) -> dict[str, int]:
        if not self._path.exists():
            return {}
        book: dict[str, int] = json.loads(self._path.read_text())
        return book
