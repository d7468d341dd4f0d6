#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""busbarctl verify bmc-health on saved Redfish trees: a task that runs by itself, is seen, cut off and gone on with; its
report; limits written and put back, and what a BMC that lies about it leads to."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SOURCE = os.environ.get("BUSBAR_SOURCE") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("BUSBAR_BIN") or os.path.join(SOURCE, "build", "release", "bin")
DATA = os.environ.get("BUSBAR_DATA") or os.path.join(SOURCE, "..", "shared", "data")
TREES = os.path.join(DATA, "redfish")
PATIENCE = 120
SETS = ("endpoint", "telemetry", "power_get", "power_set", "edpp_get", "wpps_get")


def check(condition, text):
    if not condition:
        print(f"FAILED: {text}", flush=True)
        sys.exit(1)
    print(f"ok: {text}", flush=True)


def health(folder, *words):
    done = subprocess.run([os.path.join(BIN, "busbarctl"), "--socket", "/nonexistent/socket", "verify", "bmc-health", *words,
                           "--json", "--state-dir", folder], capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL)
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


def fnv(text):
    value = 2166136261
    for byte in text.encode():
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return value


class Mockup:
    def __init__(self, name, *options):
        self.server = subprocess.Popen(["/usr/bin/python3", os.path.join(SOURCE, "tests", "peers", "mockup_server.py"),
                                        os.path.join(TREES, name), *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = f"http://127.0.0.1:{self.server.stdout.readline().split()[-1]}"

    def end(self):
        self.server.stdin.close()
        self.server.wait(PATIENCE)


def config(folder, bmcs):
    path = os.path.join(folder, "busbar.yaml")
    rows = "\n".join(f"  - {{name: {name}, url: \"{url}\", node: rack, gpus: {{count: 1, path: /redfish/v1/x, min_w: 200, max_w: 700}}}}"
                     for name, url in bmcs)
    open(path, "w").write("rack: {name: r}\ntree:\n  - {name: rack, kind: rack, limits: [{window_ms: 1000, limit_w: 9000}]}\n"
                          f"state_dir: {folder}\nbmcs:\n{rows}\n")
    return path


def wait(folder, state, *words):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        code, status, _ = health(folder, "status", *words)
        if status and status["state"] == state:
            return code, status
        time.sleep(0.1)
    check(False, f"the task became {state}")


def whole(folder):
    """Two BMCs that are well and one that is not there."""
    first, second = Mockup("nvidia-gh200"), Mockup("hpe-dl380a-gen12")
    path = config(folder, [("gh-1", first.url), ("hpe-1", second.url), ("gone-1", "http://127.0.0.1:9")])
    code, _, err = health(folder, "status", "--config", path)
    check(code == 2 and "ever started" in err and "/var/lib/busbar" in err, f"before the first start there is nothing to see, and it says where else one may be {err}")
    code, started, err = health(folder, "start", "--config", path, "--samples", "12", "--every", "100", "--timeout", "5000")
    check(code == 0 and started["nodes_total"] == 3 and started["state"] == "running" and started["state_dir"] == folder, f"a task starts and is left alone {err}")
    code, _, err = health(folder, "start", "--config", path)
    check(code == 2 and "runs already" in err and started["task_id"] in err, f"a second one is refused while it runs, and says which {err}")
    code, status = wait(folder, "done", "--config", path)
    check(code == 1 and status["nodes_completed"] == 3 and status["task_id"] == started["task_id"], "it ends, and the status says how")
    code, report, err = health(folder, "report", "--config", path)
    check(code == 1 and report["status"] == {"ok": False, "state": "done"}, f"the report outlives it {err}")
    check(report["cluster_summary"] == {"total_nodes": 3, "nodes_completed": 3, "failed": 1, "nodes_unreachable": 1}, "with its sums")
    nodes = {n["node"]: n for n in report["nodes"]}
    check(any(i["node"] == "gone-1" and i["code"] == "UNREACHABLE" and i["severity"] == "SEVERITY_ERROR" for i in report["issues"]),
          "the one that is not there is an error")
    check(all({"node", "resource", "code", "observed", "threshold", "severity", "message"} == set(i) for i in report["issues"]),
          "every issue has its seven keys")
    for name in ("gh-1", "hpe-1"):
        check(all(set(nodes[name][s + "_latency_ms"]) == {"count", "p50", "p95", "p99", "max"} for s in SETS), f"{name}: six sets of latencies")
        check(nodes[name]["telemetry_latency_ms"]["count"] >= 12, "telemetry was sampled")
        check(len(nodes[name]["endpoints"]) > 20 and any(e["present"] for e in nodes[name]["endpoints"]), "a Day-0 report of endpoints")
        check(nodes[name]["bmc_kind"] and nodes[name]["firmware"] and nodes[name]["redfish_version"], "and of what it is")
        check(nodes[name]["power_settings"] and nodes[name]["power_writes"] == [], "its limits were read, and not written")
    code, report, _ = health(folder, "report", "--config", path, "--summary-only")
    check(report["nodes"] == [] and report["cluster_summary"]["failed"] == 1, "a summary leaves the nodes out")
    code, _, err = health(folder, "start", "--config", path, "--nodes", "gh-1,gh-2", "--wait")
    check(code == 2 and "no BMC 'gh-2'" in err, f"a node that is not there is no node less {err}")
    code, report, err = health(folder, "start", "--config", path, "--nodes", "gh-1", "--wait", "--samples", "1", "--every", "1",
                               "--expected-edpp-pct", "1", "--firmware-floor", "99.0", "--redfish-floor", "1.0")
    codes = {i["code"] for i in report["issues"]}
    check(code == 1 and report["cluster_summary"]["total_nodes"] == 1 and "FIRMWARE_VALIDATION_FAILED" in codes
          and "REDFISH_VERSION_FAILED" not in codes, f"floors are held against {err}")
    check(not report["nodes"][0]["edpp"] or "EDPP_MISMATCH" in codes, "and the expected EDPp")
    first.end()
    second.end()


def cut_off(folder):
    """A task that is killed goes on with what is missing."""
    server = Mockup("dmtf-rackmount1")
    path = config(folder, [(f"node-{i}", server.url) for i in range(6)])
    runner = subprocess.Popen([os.path.join(BIN, "busbarctl"), "verify", "bmc-health", "start", "--config", path, "--wait", "--concurrency",
                               "1", "--samples", "4", "--every", "100"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + PATIENCE
    status = None
    while time.monotonic() < deadline and (not status or status["nodes_completed"] < 2):
        status = health(folder, "status", "--config", path)[1]
        time.sleep(0.05)
    runner.send_signal(signal.SIGKILL)
    runner.wait(PATIENCE)
    code, status = wait(folder, "interrupted", "--config", path)
    check(code == 1 and 2 <= status["nodes_completed"] < 6, f"killed, it is interrupted with {status['nodes_completed']} of 6 nodes")
    task = json.load(open(os.path.join(folder, "health", "task.json")))
    check({"expected_edpp_pct", "firmware_floor", "redfish_floor", "write_resolution_timeout_ms"} <= set(task), "what it checks is told")
    shutil.copytree(os.path.join(folder, "health"), os.path.join(folder, "stricter", "health"))
    code, started, err = health(os.path.join(folder, "stricter"), "start", "--config", path, "--samples", "4", "--every", "100", "--wait",
                                "--firmware-floor", "99.0")
    check(code == 1 and started["task_id"] != status["task_id"] and started["cluster_summary"]["failed"] == 6,
          f"one that holds them against something else begins anew {started and started['cluster_summary']} {err}")
    code, started, err = health(folder, "start", "--config", path, "--concurrency", "1", "--samples", "4", "--every", "100")
    check(code == 0 and started["resumed"] and started["task_id"] == status["task_id"], f"the next start goes on with it {err}")
    code, done = wait(folder, "done", "--config", path)
    check(code == 0 and done["ok"], "to its end")
    server.end()


def writes(folder):
    server, liar = Mockup("dmtf-rackmount1"), Mockup("dmtf-rackmount1", "--liar")
    password = os.path.join(folder, "password")
    open(password, "w").write("secret\n")
    words = ("start", "--wait", "--samples", "1", "--every", "1", "--force-writes", "--for", "300", "--user", "root", "--password-file", password)
    code, report, err = health(folder, "start", "--wait", "--samples", "1", "--force-writes", "--link", f"redfish:{server.url}")
    check(code == 1 and any(i["code"] == "INVALID_OPERATION" for i in report["issues"]), "without a user nothing is written")
    code, report, err = health(folder, *words, "--link", f"redfish:{server.url}")
    node = report["nodes"][0]
    written = [w for w in node["power_writes"] if w["lower"]["status"] == "ok"]
    check(written and all(w["restore"]["readback"] == w["original"] for w in written),
          f"{len(written)} limits go one watt down and back {[i for i in report['issues'] if i['severity'].endswith('ERROR')]} {err}")
    check(node["power_set_latency_ms"]["count"] >= 2 * len(written), "and what a write takes is counted")
    left = [f for f in os.listdir(os.path.join(folder, "health")) if f.startswith("restore-")]
    check(not left, "what they were is forgotten once they are back")

    # A check that died between down and back: its record is there, and the limit is a watt low.
    first = written[0]
    record = os.path.join(folder, "health", "restore-%08x.json" % fnv(server.url))
    json.dump({"limits": [{"path": first["path"], "value": first["original"] + 1}]}, open(record, "w"))
    code, report, err = health(folder, "start", "--wait", "--samples", "1", "--link", f"redfish:{server.url}")
    check(code == 1 and any(i["code"] == "RESTORE_PENDING" for i in report["issues"]) and os.path.exists(record),
          "what an earlier check left low is told, and not touched without being asked")
    code, report, err = health(folder, *words, "--link", f"redfish:{server.url}")
    check(report["nodes"][0]["restored"][0]["restore"]["readback"] == first["original"] + 1 and not os.path.exists(record),
          "asked, it is put back first")
    for left, word in (({"limits": [{"path": "/redfish/v1/Gone", "value": 500.0}]}, "not read"),
                       ({"uuid": "00000000-0000-4000-8000-000000000000", "limits": [{"path": first["path"], "value": 123.0}]}, "another machine")):
        json.dump(left, open(record, "w"))
        code, report, err = health(folder, *words, "--link", f"redfish:{server.url}")
        check(code == 1 and os.path.exists(record) and report["nodes"][0]["power_writes"] == []
              and any(i["code"] == "RESTORE_FAILED" and word in i["message"] for i in report["issues"]),
              f"what cannot be put back stays on record: {word} {[i for i in report['issues'] if i['severity'].endswith('ERROR')]} {err}")
    os.remove(record)

    place = os.path.join(folder, "by-link")
    done = subprocess.run([os.path.join(BIN, "busbarctl"), "--socket", "/nonexistent/socket", "verify", "bmc-health", "start", "--samples", "1", "--link",
                           f"redfish:{liar.url}", "--state-dir", place], capture_output=True, text=True, timeout=PATIENCE)
    check(done.returncode == 0 and f"bmc-health status --state-dir {place}" in done.stdout, f"a task without a configuration says where it is found {done.stdout} {done.stderr}")
    wait(place, "done")
    code, report, err = health(folder, *words, "--link", f"redfish:{liar.url}")
    check(code == 1 and any(i["code"] == "WRITE_FAILED" for i in report["issues"]), "a BMC that accepts and does nothing is found out")
    server.end()
    liar.end()


def shut_out(folder):
    """A BMC that does not take the login: said as that, not as so many resources that failed."""
    server = subprocess.Popen(["/usr/bin/python3", os.path.join(SOURCE, "tests", "peers", "odd_bmc.py"), "login-refused",
                               os.path.join(folder, "requests")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    link = f"redfish:http://127.0.0.1:{server.stdout.readline().strip()}"
    password = os.path.join(folder, "password")
    open(password, "w").write("wrong\n")
    code, report, err = health(folder, "start", "--wait", "--samples", "1", "--link", link, "--user", "root", "--password-file", password)
    check(code == 1 and [i["code"] for i in report["issues"]] == ["AUTHENTICATION_FAILED"]
          and "Invalid user name or password" in report["issues"][0]["message"], f"a login that is not taken is that issue {[i['message'] for i in report['issues']]} {err}")
    server.stdin.close()
    server.wait(PATIENCE)


def main():
    if not os.path.isdir(os.path.join(TREES, "nvidia-gh200")):
        print("skip: no saved Redfish trees here")
        sys.exit(77)
    for part in (whole, cut_off, writes, shut_out):
        folder = tempfile.mkdtemp(prefix="busbar-health-")
        try:
            part(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    print("all held")


main()
