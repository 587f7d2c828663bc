"""Pings the hosts in hosts.txt once a minute and shows which of them answer.

The history is kept in data/history.db.
"""

import http.server
import os
import sqlite3
import subprocess
import threading
import time

DATABASE = "data/history.db"


def answers(host):
    """Reports whether the host answers a ping within two seconds."""
    ping = ["ping", "-c", "1", "-W", "2", host]
    return subprocess.run(ping, stdout=subprocess.DEVNULL).returncode == 0


def connect():
    return sqlite3.connect(DATABASE, isolation_level=None)


def watch(hosts):
    db = connect()
    while True:
        for host in hosts:
            db.execute("insert into history values (?, ?, ?)", (time.time(), host, answers(host)))
        time.sleep(60)


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        rows = connect().execute("select host, up, max(at) from history group by host").fetchall()
        body = "".join(f"{host} {'up' if up else 'down'}\n" for host, up, _ in rows).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main():
    os.makedirs(os.path.dirname(DATABASE), exist_ok=True)
    connect().execute("create table if not exists history (at real, host text, up integer)")
    with open("hosts.txt") as f:
        hosts = f.read().split()
    threading.Thread(target=watch, args=(hosts,), daemon=True).start()
    http.server.ThreadingHTTPServer(("", 8000), Page).serve_forever()


main()
