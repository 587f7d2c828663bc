#!/bin/sh
# Installs hello-server for the current user, as many tools' installers do.
set -eu
bin=$HOME/.local/bin
mkdir -p "$bin"
cat >"$bin/hello-server" <<'PY'
#!/usr/bin/env python3
import http.server
import os
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"hello from a tool in {os.path.dirname(os.path.abspath(__file__))}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


http.server.HTTPServer(("", int(sys.argv[2])), Handler).serve_forever()
PY
chmod 755 "$bin/hello-server"
echo "installed $bin/hello-server"
