#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Python's own HTTP client against the simulated BMCs: walks every link, logs in, sets limits, logs out."""
import base64
import http.client
import json
import os
import subprocess
import sys

SERVER = os.path.join(os.environ.get("BUSBAR_BUILD", "build"), "tests", "test_serve_redfish")
if not os.access(SERVER, os.X_OK):
    print(f"skip: {SERVER} is not built")
    sys.exit(77)

SESSIONS = "/redfish/v1/SessionService/Sessions"
METRICS = "/redfish/v1/Systems/HGX_Baseboard_0/Processors/GPU_2/EnvironmentMetrics"


class Bmc:
    """One keep-alive connection."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.headers = {}

    def ask(self, method, path, body=None, **headers):
        text = None if body is None else json.dumps(body)
        self.connection.request(method, path, text, {**self.headers, **headers, "Content-Type": "application/json"})
        answer = self.connection.getresponse()
        data = answer.read()
        return answer, json.loads(data) if data else None


def links(value):
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in ("@odata.id", "DataSourceUri"):
                yield inner
            else:
                yield from links(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from links(inner)


def walk(bmc):
    seen, waiting = set(), ["/redfish/v1"]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        answer, body = bmc.ask("GET", path)
        assert answer.status == 200, (path, answer.status)
        assert answer.getheader("Content-Type") == "application/json", path
        assert answer.getheader("ETag"), path
        assert body["@odata.id"] == path and body["@odata.type"].startswith("#"), path
        if "Members" in body:
            assert body["Members@odata.count"] == len(body["Members"]), path
        waiting.extend(links(body))
    return seen


def session(bmc):
    answer, body = bmc.ask("POST", SESSIONS, {"UserName": "busbar", "Password": "rack"})
    assert answer.status == 201 and body["UserName"] == "busbar"
    location = answer.getheader("Location")
    bmc.headers = {"X-Auth-Token": answer.getheader("X-Auth-Token")}
    seen = walk(bmc)
    assert METRICS in seen and location in seen
    assert len([path for path in seen if path.endswith("/EnvironmentMetrics")]) == 6, seen
    limits(bmc)
    answer, _ = bmc.ask("DELETE", location)
    assert answer.status == 204
    answer, body = bmc.ask("GET", METRICS)
    assert answer.status == 401 and "error" in body
    assert answer.getheader("WWW-Authenticate").startswith("Basic")


def limits(bmc):
    _, body = bmc.ask("GET", METRICS)
    limit = body["PowerLimitWatts"]
    assert (limit["AllowableMin"], limit["AllowableMax"], limit["ControlMode"]) == (200, 1200, "Automatic")
    assert isinstance(limit["SetPoint"], int) and body["PowerWatts"]["Reading"] == 502.0
    answer, _ = bmc.ask("PATCH", METRICS, {"PowerLimitWatts": {"SetPoint": 640}})
    assert answer.status == 204
    answer, body = bmc.ask("GET", METRICS)
    assert body["PowerLimitWatts"]["SetPoint"] == 640
    etag = answer.getheader("ETag")
    answer, _ = bmc.ask("GET", METRICS, **{"If-None-Match": etag})
    assert answer.status == 304
    answer, _ = bmc.ask("PATCH", METRICS, {"PowerLimitWatts": {"SetPoint": 650}}, **{"If-Match": '"0"'})
    assert answer.status == 412
    for wrong, message in ((640.5, "PropertyValueTypeError"), (100, "PropertyValueOutOfRange")):
        answer, body = bmc.ask("PATCH", METRICS, {"PowerLimitWatts": {"SetPoint": wrong}})
        assert answer.status == 400 and body["error"]["code"].endswith(message), body
    answer, body = bmc.ask("GET", "/redfish/v1/Nothing")
    assert answer.status == 404 and "error" in body


def basic(bmc):
    answer, _ = bmc.ask("GET", "/redfish/v1")  # open to all
    assert answer.status == 200
    answer, _ = bmc.ask("GET", "/redfish/v1/Systems")
    assert answer.status == 401
    bmc.headers = {"Authorization": "Basic " + base64.b64encode(b"busbar:rack").decode()}
    answer, body = bmc.ask("GET", METRICS)
    assert answer.status == 200 and body["PowerLimitWatts"]["SetPoint"] == 1200  # the other node's limit is its own


def main():
    server = subprocess.Popen([SERVER, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        first, second = json.loads(server.stdout.readline())["ports"]
        session(Bmc(first))
        basic(Bmc(second))
    finally:
        server.stdin.close()
        status = server.wait(timeout=30)
    assert status == 0, status
    print("ok")


if __name__ == "__main__":
    main()
