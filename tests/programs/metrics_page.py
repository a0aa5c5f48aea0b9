"""Shows a page of metrics by hand on a port of its own. argv[1]: how.

page: by http.server. hung: accepts, and never answers. forked: the parent listens, a child that shares the socket
answers. plain: another protocol on a first port, and the page on a second one. Each request is told on stdout.
"""

import os
import signal
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

PAGE = (
    "# HELP shop_orders_total Orders.\n# TYPE shop_orders_total counter\n"
    'shop_orders_total{kind="paper",job="theirs"} %d\n'
    "# TYPE shop_depth gauge\nshop_depth NaN\n"
    "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total 12345\n"
)


class Shop(BaseHTTPRequestHandler):
    asked = 0

    def do_GET(self):
        Shop.asked += 1
        print("asked", self.path, self.headers.get("User-Agent"))
        body = (PAGE % Shop.asked).encode()
        self.send_response(200 if self.path == "/metrics" else 404)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def listen():
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(16)
    return listener


def accept_only(listener, answer):
    kept = []
    while True:
        connection, _ = listener.accept()
        print("connected")
        if answer:
            connection.recv(1)
            connection.sendall(answer)
            connection.close()
        else:
            kept.append(connection)


how = sys.argv[1]
if how in ("page", "forked", "plain"):
    ports = []
    if how == "plain":
        other = listen()
        ports.append(other.getsockname()[1])
        threading.Thread(target=accept_only, args=(other, b"-ERR what?\r\n"), daemon=True).start()
    server = HTTPServer(("127.0.0.1", 0), Shop)
    ports.append(server.server_port)
    child = os.fork() if how == "forked" else None
    if child:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that it always ends its child
        print("child", child, "ports", *ports)
        try:
            time.sleep(300)
        finally:
            os.kill(child, 9)
    else:
        if child is None:
            print("ports", *ports)
        server.serve_forever()
else:
    listener = listen()
    print("ports", listener.getsockname()[1])
    accept_only(listener, b"")
