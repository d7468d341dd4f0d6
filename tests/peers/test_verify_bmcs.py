#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""busbarctl verify on BMCs that are not as the configuration says: each is named with what is wrong and why. And a session
is given back by whoever is told to end."""
import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

SOURCE = os.environ.get("BUSBAR_SOURCE") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("BUSBAR_BIN") or os.path.join(SOURCE, "build", "release", "bin")
PATIENCE = 120
V1 = "/redfish/v1"
GPU = V1 + "/Systems/S/Processors/GPU_{n}/EnvironmentMetrics"


def check(condition, text):
    if not condition:
        print(f"FAILED: {text}", flush=True)
        sys.exit(1)
    print(f"ok: {text}", flush=True)


def tree(clock="Z", door=V1 + "/SessionService/Sessions"):
    """Two GPUs, and a manager ten minutes late, who tells it in a zone of the maker's spelling."""
    zone = clock.replace(":", "")
    off_s = (int(zone[1:3]) * 3600 + int(zone[3:5]) * 60) * (-1 if zone[0] == "-" else 1) if len(zone) == 5 else 0
    tree = {V1: {"@odata.type": "#ServiceRoot.v1_15_0.ServiceRoot", "RedfishVersion": "1.15.0", "Systems": {"@odata.id": V1 + "/Systems"},
                 "Managers": {"@odata.id": V1 + "/Caretakers"}, "Links": {"Sessions": {"@odata.id": door}}},
            V1 + "/Systems": {"@odata.type": "#ComputerSystemCollection.ComputerSystemCollection", "Members": [{"@odata.id": V1 + "/Systems/S"}]},
            V1 + "/Systems/S": {"@odata.type": "#ComputerSystem.v1_15_0.ComputerSystem", "Processors": {"@odata.id": V1 + "/Systems/S/Processors"}},
            V1 + "/Systems/S/Processors": {"@odata.type": "#ProcessorCollection.ProcessorCollection", "Members": []},
            V1 + "/Caretakers": {"@odata.type": "#ManagerCollection.ManagerCollection", "Members": [{"@odata.id": V1 + "/Caretakers/1"}]},
            V1 + "/Caretakers/1": {"@odata.type": "#Manager.v1_10_0.Manager",
                                   "DateTime": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + off_s - 600)) + clock}}
    for n in range(2):
        metrics, gpu = GPU.replace("{n}", str(n)), f"{V1}/Systems/S/Processors/GPU_{n}"
        tree[V1 + "/Systems/S/Processors"]["Members"].append({"@odata.id": gpu})
        tree[gpu] = {"@odata.type": "#Processor.v1_15_0.Processor", "ProcessorType": "GPU", "EnvironmentMetrics": {"@odata.id": metrics}}
        tree[metrics] = {"@odata.type": "#EnvironmentMetrics.v1_3_0.EnvironmentMetrics",
                         "PowerWatts": {"Reading": 300}, "PowerLimitWatts": {"SetPoint": 700, "AllowableMin": 200, "AllowableMax": 1000}}
    return tree


served = []


class Bmc(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def log_message(self, *_):
        pass

    def answer(self, code, body=None, headers=()):
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(code)
        for header in (*headers, ("Content-Length", str(len(data)))):
            self.send_header(*header)
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        path = self.path.rstrip("/")
        if path == self.server.slow:
            time.sleep(1)
        if path != V1 and self.headers.get("X-Auth-Token") != "token":
            self.answer(401)
        elif path not in self.server.tree or self.path == self.server.closed:
            self.answer(404)
        else:
            self.answer(200, self.server.tree[path])

    def do_POST(self):
        login = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != self.server.tree[V1]["Links"]["Sessions"]["@odata.id"]:
            self.answer(404)
        elif login["Password"] != "secret":
            self.answer(401, {"error": {"message": "who are you?"}})
        else:
            self.server.logins += 1
            self.answer(201, {}, [("X-Auth-Token", "token"), ("Location", self.path + "/1")])

    def do_DELETE(self):
        self.server.logouts += 1
        self.answer(204)


def serve(tree, closed=None):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Bmc)
    server.daemon_threads = True
    server.tree, server.closed, server.slow, server.logins, server.logouts = tree, closed, None, 0, 0
    threading.Thread(target=server.serve_forever, daemon=True).start()
    served.append(server)
    return f"http://127.0.0.1:{server.server_address[1]}"


def verify(folder, url, password="secret", path=GPU, count=2, more=""):
    word, config = os.path.join(folder, "password"), os.path.join(folder, "busbar.yaml")
    open(word, "w").write(password + "\n")
    path = f'path: "{path}", ' if path else ""
    open(config, "w").write(f"""rack: {{name: r}}
state_dir: {folder}
tree:
  - {{name: rack, kind: rack, limits: [{{window_ms: 1000, limit_w: 9000}}]}}
bmcs:
  - {{name: b, url: "{url}", node: rack, username: root, password_file: "{word}", gpus: {{count: {count}, {path}min_w: 200, max_w: 700}}{more}}}
""")
    done = subprocess.run([os.path.join(BIN, "busbarctl"), "--socket", "/nonexistent/socket", "verify", "--json", "--config", config],
                          capture_output=True, text=True, timeout=PATIENCE)
    check(done.stdout, f"a document comes {done.stderr}")
    parts = {c["component"]: c for c in json.loads(done.stdout)["components"]}
    return parts["bmcs"], parts["clocks"]


def test(folder):
    url = serve(tree())
    bmcs, clocks = verify(folder, url)
    check(bmcs["healthy"] and len(clocks["clocks"]) == 1, f"one that is as configured is well {bmcs}")
    for clock in ("-0600", "+0530", "+02:00", "Z", ""):
        clocks = verify(folder, serve(tree(clock)))[1]
        check(any("-60" in d for d in clocks["details"]) and abs(clocks["clocks"][0]["offset_s"] + 600) < 30,
              f"ten minutes late, told in {clock} {clocks}")
    bmcs = verify(folder, url, password="wrong")[0]
    check(not bmcs["healthy"] and "login: who are you?" in bmcs["details"][0], f"a login that is not taken {bmcs['details']}")
    bmcs = verify(folder, "http://127.0.0.1:9")[0]
    check(not bmcs["healthy"] and "connect" in bmcs["details"][0], f"nobody there {bmcs['details']}")
    for door in ("/redfish/v1/Door", V1 + "/SessionService/Sessions/"):
        bmcs = verify(folder, serve(tree(door=door)))[0]
        check(bmcs["healthy"], f"logs in at {door} {bmcs['details']}")
    for closed in (V1, V1 + "/"):
        bmcs = verify(folder, serve(tree(), closed))[0]
        check(bmcs["healthy"], f"a root that is not at {closed} {bmcs['details']}")
    bmcs = verify(folder, url, path="", count=3)[0]
    check("shows 2 GPUs with EnvironmentMetrics, configured are 3" in bmcs["details"][0], f"GPUs that are to be found {bmcs['details']}")
    bmcs = verify(folder, url, path="")[0]
    check(bmcs["healthy"], f"and are {bmcs['details']}")
    more = ", settings: [{signal: node_power_limit_w, path: /redfish/v1/Gone, value: 5000}]"
    bmcs = verify(folder, url, more=more)[0]
    check(len(bmcs["details"]) == 1 and "/redfish/v1/Gone: HTTP 404" in bmcs["details"][0], f"what else is held {bmcs['details']}")


def ended(folder):
    """Slots for sessions are few: none is left behind by a Ctrl-C, and a watch takes one."""
    word = os.path.join(folder, "password")
    open(word, "w").write("secret\n")
    for words in (("device", "read"), ("device", "watch", "--every", "50"),
                  ("verify", "bmc-health", "start", "--wait", "--state-dir", folder, "--samples", "1000", "--every", "50")):
        for number in (signal.SIGINT, signal.SIGTERM):
            url = serve(tree())
            served[-1].slow = V1 + "/Systems/S/Processors/GPU_0" if words[1] == "read" else None
            run = subprocess.Popen([os.path.join(BIN, "busbarctl"), "--socket", "/nonexistent/socket", *words, "--link", "redfish:" + url,
                                    "--user", "root", "--password-file", word], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   start_new_session=True)
            deadline = time.monotonic() + PATIENCE
            while time.monotonic() < deadline and not served[-1].logins:
                time.sleep(0.01)
            time.sleep(0.5)
            os.killpg(run.pid, number)
            code = run.wait(PATIENCE)
            while time.monotonic() < deadline and not served[-1].logouts:
                time.sleep(0.01)
            check((served[-1].logins, served[-1].logouts) == (1, 1) and code == (0 if words[1] == "watch" else -number),
                  f"{words[1]} and {number.name}: {served[-1].logins} session, {served[-1].logouts} given back, status {code}")


def main():
    folder = tempfile.mkdtemp(prefix="busbar-verify-")
    try:
        test(folder)
        ended(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("all held")


main()
