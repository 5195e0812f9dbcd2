"""A stand-in for Orderyard's own processes: they answer where the real ones do, with what they were started with."""

import textwrap
from pathlib import Path

SERVER = """
    import http.server, json, os, signal, sys

    NAME = {name!r}
    PORT = int({port})
    KNOWN = {{key: value for key, value in os.environ.items() if key.startswith("ORDERYARD_")}}

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps({{"name": NAME, "arguments": sys.argv[1:], "environment": KNOWN}}).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    def leave(*_):
        print(NAME, "was asked to end", flush=True)
        os._exit(0)

    signal.signal(signal.SIGTERM, leave)
    http.server.HTTPServer(("127.0.0.1", PORT), Answer).serve_forever()
"""


def write_product(root: Path) -> None:
    (root / "gateway").mkdir(parents=True)
    (root / "gateway" / "__init__.py").touch()
    _write(root / "starter.py", "sandbox", 'sys.argv[sys.argv.index("--port") + 1]')
    _write(root / "worker.py", "worker", 'os.environ["ORDERYARD_METRICS_PORT"]')
    _write(root / "gateway" / "__main__.py", "gateway", 'os.environ["ORDERYARD_GATEWAY_PORT"]')


def _write(path: Path, name: str, port: str) -> None:
    path.write_text(textwrap.dedent(SERVER).format(name=name, port=port))
