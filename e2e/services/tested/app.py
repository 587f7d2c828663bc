"""Counts its visitors in a database beside the code."""

import http.server
import os
import sqlite3

os.makedirs("data", exist_ok=True)
db = sqlite3.connect("data/hits.db")
db.execute("create table if not exists hits (path text)")


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        db.execute("insert into hits values (?)", (self.path,))
        db.commit()
        (n,) = db.execute("select count(*) from hits").fetchone()
        body = f"hello {n}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


http.server.HTTPServer(("", 8000), Handler).serve_forever()
