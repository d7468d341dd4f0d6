#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Serves a Redfish mock-up (a folder of index.json files) over HTTP/1.1 on a free loopback port.

The port is printed on standard output; the server ends when its standard input does.
PATCH is kept in memory; with --liar it is accepted (204) and changes nothing.
"""
import argparse
import http.server
import json
import os
import ssl
import sys
import threading

SESSIONS = "/redfish/v1/SessionService/Sessions"
TOKEN = "mock-up-token"


def merge(target, changes):
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(target.get(key), dict):
            merge(target[key], value)
        else:
            target[key] = value


class Mockup(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one write
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def log_request(self, *_):
        if self.server.log:
            self.server.log.write(f"{self.command} {self.path}\n")
            self.server.log.flush()

    def answer(self, code, body=None, headers=()):
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(code)
        for name, value in headers:
            self.send_header(name, value)
        if data:
            self.send_header("Content-Type", "application/json")
        if code != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def resource(self):
        path = self.path.rstrip("/")
        with self.server.lock:
            if path not in self.server.resources:
                name = os.path.join(self.server.root, path.lstrip("/"), "index.json")
                if ".." in path or not os.path.isfile(name):
                    return None
                with open(name, encoding="utf-8") as file:
                    self.server.resources[path] = json.load(file)
            return self.server.resources[path]

    def body(self):
        return json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")

    def do_GET(self):
        resource = self.resource()
        if resource is None:
            self.answer(404)
        else:
            self.answer(200, resource)

    def do_PATCH(self):
        changes, resource = self.body(), self.resource()
        if self.headers.get("X-Auth-Token") != TOKEN:
            self.answer(401)
        elif resource is None:
            self.answer(404)
        else:
            if not self.server.liar:
                with self.server.lock:
                    merge(resource, changes)
            self.answer(204)

    def do_POST(self):
        login = self.body()
        if self.path != SESSIONS or not {"UserName", "Password"} <= set(login):
            self.answer(400)
        else:
            self.answer(201, {"@odata.id": SESSIONS + "/1"}, [("X-Auth-Token", TOKEN), ("Location", SESSIONS + "/1")])

    def do_DELETE(self):
        self.answer(204)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", help="the folder that holds redfish/v1")
    parser.add_argument("--liar", action="store_true", help="accept every PATCH and change nothing")
    parser.add_argument("--log", metavar="FILE", type=argparse.FileType("w"), help="write each request there, one a line")
    parser.add_argument("--tls", metavar="PEM", help="serve HTTPS with the certificate and key of this file")
    options = parser.parse_args()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mockup)
    server.daemon_threads = True
    if options.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.tls)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.root, server.liar, server.log = options.root, options.liar, options.log
    server.resources, server.lock = {}, threading.Lock()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
