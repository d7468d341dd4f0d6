#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A BMC that speaks HTTP as oddly as real ones have been seen to: one way a run.

The port is printed on standard output; the server ends when its standard input does. The log file
gets each request, one a line."""
import argparse
import gzip
import json
import socket
import socketserver
import struct
import sys
import threading
import time

ROOT = {"@odata.id": "/redfish/v1", "@odata.type": "#ServiceRoot.v1_15_0.ServiceRoot", "RedfishVersion": "1.15.0",
        "UUID": "0badcafe-0000-1111-2222-333344445555", "Chassis": {"@odata.id": "/redfish/v1/Chassis"},
        "Links": {"Sessions": {"@odata.id": "/redfish/v1/SessionService/Sessions"}},
        "ProtocolFeaturesSupported": {"ExpandQuery": {"NoLinks": True, "MaxLevels": 6}}}
TREE = {
    "/redfish/v1": ROOT,
    "/redfish/v1/Chassis": {"@odata.type": "#ChassisCollection.ChassisCollection",
                            "Members": [{"@odata.id": "/redfish/v1/Chassis/1"}]},
    "/redfish/v1/Chassis/1": {"@odata.id": "/redfish/v1/Chassis/1", "@odata.type": "#Chassis.v1_2_0.Chassis",
                              "Sensors": {"@odata.id": "/redfish/v1/Chassis/1/Sensors"},
                              "EnvironmentMetrics": {"@odata.id": "/redfish/v1/Chassis/1/EnvironmentMetrics"},
                              "Power": {"@odata.id": "/redfish/v1/Chassis/1/Gone"}},
    "/redfish/v1/Chassis/1/Sensors": {"@odata.type": "#SensorCollection.SensorCollection",
                                      "Members": [{"@odata.id": "/redfish/v1/Chassis/1/Sensors/a#b c"},
                                                  {"@odata.id": "/redfish/v1/Chassis/1/Sensors/P"}]},
    "/redfish/v1/Chassis/1/Sensors/P": {"@odata.id": "/redfish/v1/Chassis/1/Sensors/P", "@odata.type": "#Sensor.v1_2_0.Sensor",
                                        "Reading": 512.5, "ReadingType": "Power", "ReadingUnits": "W"},
    "/redfish/v1/Chassis/1/EnvironmentMetrics": {
        "@odata.id": "/redfish/v1/Chassis/1/EnvironmentMetrics", "@odata.type": "#EnvironmentMetrics.v1_3_0.EnvironmentMetrics",
        "PowerLimitWatts": {"SetPoint": 700, "AllowableMin": 200, "AllowableMax": 1200, "ControlMode": "Automatic"}},
}
DOOR = "/redfish/v1/Door/Sessions/"
SENSOR = "/redfish/v1/Chassis/1/Sensors/P"
METRICS = "/redfish/v1/Chassis/1/EnvironmentMetrics"


class Odd(socketserver.BaseRequestHandler):
    def send(self, code, body=b"", headers=(), length=True, version="HTTP/1.1"):
        head = [f"{version} {code} X"] + [f"{k}: {v}" for k, v in headers]
        if length:
            head.append(f"Content-Length: {len(body)}")
        self.request.sendall(("\r\n".join(head) + "\r\n\r\n").encode() + body)

    def request_of(self):
        data = b""
        while b"\r\n\r\n" not in data:
            more = self.request.recv(65536)
            if not more:
                return None
            data += more
        head, rest = data.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        fields = dict((k.strip().lower(), v.strip()) for k, v in (line.split(":", 1) for line in lines[1:]))
        while len(rest) < int(fields.get("content-length", 0)):
            rest += self.request.recv(65536)
        method, path, _ = lines[0].split(" ")
        return method, path, fields, rest

    def handle(self):
        server = self.server
        if server.mode == "reset" and server.count("connections") <= 2:
            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return
        while True:
            try:
                request = self.request_of()
                if request is None:
                    return
                server.log.write(f"{request[0]} {request[1]}\n")
                server.log.flush()
                if not self.answer(*request):
                    return
            except OSError:
                return

    def answer(self, method, path, fields, body):
        mode, server = self.server.mode, self.server
        path = path.split("#")[0]
        resource = TREE.get(path.rstrip("/"))
        if mode == "login-refused" and (method == "POST" or path.rstrip("/") != "/redfish/v1"):
            self.send(401, json.dumps({"error": {"code": "Base.1.8.GeneralError", "message": "Invalid user name or password"}}).encode())
            return True
        if mode in ("slash", "slash-login") and not path.endswith("/") and (mode == "slash" or method != "GET"):
            self.send(308, b"", [("Location", (f"http://{fields['host']}" if mode == "slash" else "") + path + "/")])
            return True
        path = path.rstrip("/") if mode.startswith("slash") else path
        if mode == "login-elsewhere":
            ROOT["Links"]["Sessions"]["@odata.id"] = DOOR
            if path.rstrip("/") != "/redfish/v1" and path != DOOR and fields.get("x-auth-token") != "token":
                self.send(401)
                return True
        if method == "POST" and path == ROOT["Links"]["Sessions"]["@odata.id"]:
            return self.login(fields)
        if method == "DELETE":
            self.send(204, length=False)
            return True
        if method == "PATCH":
            if mode == "read-only":
                self.send(405, b"", [("Allow", "GET")])
                return True
            if mode.startswith("etag-") and fields.get("if-match") != {"etag-weak": 'W/"1"', "etag-strong": '"1"'}[mode]:
                self.send(412)
                return True
            change = json.loads(body)["PowerLimitWatts"]
            if mode != "control-lags":
                TREE[METRICS]["PowerLimitWatts"].update(change)
            self.send(200, json.dumps(TREE[METRICS]).encode())
            return True
        if resource is None:
            return self.missing(path)
        data = json.dumps(resource).encode()
        if path == SENSOR and not self.sensor(data):
            return False
        if path == SENSOR and mode.startswith(("busy", "chunked", "gzip", "endless", "redirect", "drip", "once-401")):
            return True
        return self.good(data)

    def good(self, data):
        mode = self.server.mode
        if mode == "http10":
            self.send(200, data, version="HTTP/1.0")
            return False
        if mode == "no-length":
            self.send(200, data, [("Connection", "close")], length=False)
            return False
        headers = [("Allow", "GET, HEAD")] if mode == "read-only" else [("ETag", 'W/"1"')] if mode.startswith("etag-") else []
        self.send(200, data, headers)
        return True

    def missing(self, path):
        mode = self.server.mode
        if mode == "html":
            self.send(404, b"<html><body>Not Found</body></html>", [("Content-Type", "text/html")])
        elif mode == "string-404":
            self.send(404, b'""')
        elif mode in ("empty-404", "http10"):
            self.send(404, b"", length=False, version="HTTP/1.0")
            return False
        else:
            self.send(404, b"{}")
        return True

    def sensor(self, data):
        """False: the connection is closed now."""
        mode, first = self.server.mode, self.server.count("sensor") == 1
        if mode.startswith("busy") and first:
            body, headers, code = b"", [], 503
            if mode == "busy-header":
                headers = [("Retry-After", "1")]
            elif mode == "busy-args":
                body = json.dumps({"error": {"@Message.ExtendedInfo": [
                    {"MessageId": "Base.1.18.ServiceTemporarilyUnavailable", "MessageArgs": ["1"]}]}}).encode()
            elif mode == "busy-url":
                headers = [("Retry-After", "https://example.com/later")]
            elif mode == "busy-429":
                code = 429
            self.send(code, body, headers)
        elif mode == "once-401" and first:
            self.send(401, b"", [("WWW-Authenticate", "Basic")])
        elif mode == "chunked-cut" or (mode == "chunked-cut-once" and first):
            self.request.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n" + data[:20])
            return False
        elif mode == "gzip":
            self.send(200, gzip.compress(b"[" * 10_000_000), [("Content-Encoding", "gzip")])
        elif mode == "endless":
            self.request.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                self.request.sendall(b"{" * 65536)
        elif mode == "redirect":
            self.send(302, b"", [("Location", SENSOR)])
        elif mode == "drip":
            self.request.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            for _ in range(1000):
                self.request.sendall(b" ")
                time.sleep(0.1)
        elif mode.startswith(("busy", "once-401", "chunked")):
            self.send(200, data)
        return True

    def login(self, fields):
        mode = self.server.mode
        headers = [("X-Auth-Token", "token"), ("Location", "/redfish/v1/SessionService/Sessions/1")]
        if mode == "login-basic" and not fields.get("authorization", "").startswith("Basic "):
            self.send(401, b"", [("WWW-Authenticate", "Basic")])
        elif mode == "login-204":
            self.send(204, headers=headers, length=False)
        elif mode == "login-200":
            self.send(200, b'{"@odata.id":"/redfish/v1/SessionService/Sessions/1"}', headers[:1])
        elif mode == "login-none":
            self.send(201, b"{}", headers[:1])
        else:
            self.send(201, b"{}", headers)
        return True


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    lock = threading.Lock()
    counts = {}

    def count(self, what):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1
            return self.counts[what]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mode")
    parser.add_argument("log", type=argparse.FileType("w"))
    options = parser.parse_args()
    server = Server(("127.0.0.1", 0), Odd)
    server.mode, server.log = options.mode, options.log
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
