"""Serves the test's page on a free port, and tells what the page reports, as lines of standard error.

Called with the directory of page.html. The first line is `port N`; each POST /report becomes a line `report CONTENT`.
"""

import http.server
import pathlib
import sys

directory = pathlib.Path(sys.argv[1])


def tell(line):
    # In one piece: print() writes a line and its end apart, and another thread's line may come between them.
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path = self.path.split("?")[0].lstrip("/")
        if path not in ("page.html", "page.mjs"):
            self.send_error(404)
            return
        content = (directory / path).read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", "text/html" if path.endswith("html") else "text/javascript")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self):
        content = self.rfile.read(int(self.headers["Content-Length"]))
        tell("report " + content.decode())
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
tell(f"port {server.server_address[1]}")
server.serve_forever()
