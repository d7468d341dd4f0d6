#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""busbarctl device against software nobody here wrote: pymodbus over TCP and on a pty, and every saved Redfish tree."""
import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

SOURCE = os.environ.get("BUSBAR_SOURCE") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("BUSBAR_BIN") or os.path.join(SOURCE, "build", "release", "bin")
DATA = os.environ.get("BUSBAR_DATA") or os.path.join(SOURCE, "..", "shared", "data")
PYTHON = "/usr/bin/python3"
PATIENCE = 120
PSU, BBU = 0x90, 0x30


def check(condition, text):
    if not condition:
        print(f"FAILED: {text}", flush=True)
        sys.exit(1)
    print(f"ok: {text}", flush=True)


def device(*words):
    done = subprocess.run([os.path.join(BIN, "busbarctl"), "--socket", "/nonexistent/socket", "device", *words, "--json"],
                          capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL)
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


class Peer:
    """pymodbus on one end of a pty pair and on TCP."""

    def __init__(self, folder):
        self.near, self.far = os.path.join(folder, "near"), os.path.join(folder, "far")
        self.socat = subprocess.Popen(["socat", f"pty,raw,echo=0,link={self.near}", f"pty,raw,echo=0,link={self.far}"])
        deadline = time.monotonic() + PATIENCE
        while not (os.path.exists(self.near) and os.path.exists(self.far)) and time.monotonic() < deadline:
            time.sleep(0.05)
        self.peer = subprocess.Popen([PYTHON, os.path.join(SOURCE, "tests", "peers", "modbus_peer.py"), "--rtu", self.far],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.peer.stdout.readline().split()[1])

    def tell(self, line):
        self.peer.stdin.write(line + "\n")
        self.peer.stdin.flush()
        return self.peer.stdout.readline().strip()

    def end(self):
        self.peer.stdin.close()
        self.peer.wait(PATIENCE)
        self.socat.terminate()
        self.socat.wait(PATIENCE)


def registers(folder):
    if not shutil.which("socat") or subprocess.run([PYTHON, "-c", "import pymodbus, serial, serial_asyncio"], capture_output=True).returncode:
        print("skip: python3-pymodbus or socat is missing")
        return False
    peer = Peer(folder)
    try:
        for link in (f"tcp:127.0.0.1:{peer.port}@{PSU}", f"rtu:{peer.near},115200,8N1@{PSU:#x}"):
            code, answer, err = device("read", "--link", link, "--profile", "hpr-psu", "--timeout", "2000")
            values = {r["signal"]: r["value"] for r in answer["readings"]}
            check(code == 0 and answer["errors"] == 0, f"{link.split(':')[0]}: every register of a pymodbus supply is read {err}")
            check(values["psu_output_w"] == 2475 and values["psu_input_v"] == 240 and values["device_serial"] == "PSU-SN-1",
                  "as the values it has")
        link = f"tcp:127.0.0.1:{peer.port}@{PSU}"
        check(peer.tell(f"remove {PSU:x} 45") == "ok", "a register is taken away")
        code, answer, err = device("read", "--link", link, "--profile", "hpr-psu", "--timeout", "2000")
        check(code == 0 and answer["absent"] == ["psu_inlet_c"], "exception 2 makes it absent, and no failure")
        code, answer, err = device("scan", "--link", f"tcp:127.0.0.1:{peer.port}@{PSU - 1}-{PSU + 1}", "--profile", "hpr-psu",
                                   "--timeout", "1000")
        check(code == 0 and [f["address"] for f in answer["found"]] == [PSU], f"a scan finds the one that is there {err}")
        peer.tell(f"writes {PSU:x}")
        state = os.path.join(folder, "state")
        os.makedirs(state)
        write = ("write", "--link", link, "--profile", "hpr-psu", "--timeout", "2000", "--state-dir", state)
        before = int(peer.tell(f"get {PSU:x} 67"), 16)
        code, answer, err = device(*write, "psu_output_setpoint_v", "50.5", "--yes")
        check(code == 0 and answer["readback"] == 50.5, f"a set-point is written and read back {err}")
        check(int(peer.tell(f"get {PSU:x} 67"), 16) == 50.5 * 1024, "and is there")
        check(peer.tell(f"writes {PSU:x}").split()[0].startswith("5e="), "the gate was opened first")
        code, answer, err = device(*write, "psu_output_setpoint_v", "original", "--yes")
        check(code == 0 and int(peer.tell(f"get {PSU:x} 67"), 16) == before, f"its original is put back {err}")
        peer.tell(f"mute {PSU:x} 1")
        code, answer, err = device("read", "--link", f"tcp:127.0.0.1:{peer.port}@{PSU + 5}", "--profile", "hpr-psu", "--timeout", "200")
        check(code == 1 and answer["errors"] == len(answer["readings"]) and not answer["absent"], "a unit that is not there fails")
    finally:
        peer.end()
    return True


def mockups():
    trees = os.path.join(DATA, "redfish")
    if not os.path.isdir(trees):
        print("skip: no saved Redfish trees here")
        return False
    for name in sorted(os.listdir(trees)):
        root = os.path.join(trees, name)
        if not os.path.isfile(os.path.join(root, "redfish", "v1", "index.json")):
            continue
        server = subprocess.Popen([PYTHON, os.path.join(SOURCE, "tests", "peers", "mockup_server.py"), root],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        port = server.stdout.readline().split()[-1]
        code, answer, err = device("read", "--link", f"redfish:http://127.0.0.1:{port}")
        server.stdin.close()
        server.wait(PATIENCE)
        check(code == 0 and answer["profile"] is None and answer["errors"] == 0, f"{name} is read with nothing but its URL {err}")
        check(answer["properties_understood"] > 0 and answer["bmc_kind"] and answer["endpoints"], "and it is told what it is")
        for limit in answer["limits"]:
            check(set(limit) >= {"path", "min", "max", "value", "unit", "writable", "off"}, f"limit {limit['path']} has its range")
        check(all(r["status"] != "ok" or r["value"] is not None for r in answer["readings"]), "no reading without a value is ok")
    return True


def limits(folder):
    """A BMC's limit by hand: nothing without a user, the original on record, put back, and the same again and again."""
    root = os.path.join(DATA, "redfish", "nvidia-gh200")
    if not os.path.isdir(root):
        print("skip: no saved Redfish trees here")
        return False
    log = os.path.join(folder, "requests")
    server = subprocess.Popen([PYTHON, os.path.join(SOURCE, "tests", "peers", "mockup_server.py"), root, "--log", log],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        link = f"redfish:http://127.0.0.1:{server.stdout.readline().strip()}"
        state, word = os.path.join(folder, "bmc-state"), os.path.join(folder, "password")
        os.makedirs(state)
        with open(word, "w") as file:
            file.write("secret\n")
        gpu = "/redfish/v1/Systems/HGX_Baseboard_0/Processors/GPU_0/EnvironmentMetrics"
        code, _, err = device("write", "--link", link, gpu, "500")
        check(code == 2 and "--user" in err, "a BMC's limit is written for nobody unknown")
        write = ("write", "--link", link, "--user", "root", "--password-file", word, "--state-dir", state)
        for path, value, word in ((gpu, "99999", "outside 100 to 900 W"), (gpu, "500.5", "whole number"), ("/none", "500", "has no limit"),
                                  (gpu, "much", "no number"), (gpu, "original", "no original")):
            code, _, err = device(*write, path, value)
            check(code == 2 and word in err, f"{path} {value}: {word}")
        check("PATCH" not in open(log).read(), "and nothing of that was written")
        for value in (500, 600):
            code, answer, err = device(*write, gpu, str(value))
            check(code == 0 and answer["readback"] == value and answer["original"]["value"] == 900,
                  f"{value} W is written and read back; the original is that before the first write {err}")
        code, answer, err = device(*write, gpu, "original")
        check(code == 0 and answer["readback"] == 900 and answer["release"], f"the original is put back {err}")
        code, _, err = device(*write, gpu, "original")
        check(code == 2 and "no original" in err, "and forgotten")

        code, answer, err = device("watch", "--link", link, "--every", "100", "--seconds", "1", "--signal", "cpu_power_w")
        check(code == 0 and answer["samples"] and all(s["readings"] and {r["signal"] for r in s["readings"]} == {"cpu_power_w"}
              for s in answer["samples"]), f"a BMC is watched {err}")
        code, _, err = device("watch", "--link", link, "--seconds", "1", "--signal", "none")
        check(code == 2 and "shows no none" in err, "what it does not show is said")
    finally:
        server.stdin.close()
        server.wait(PATIENCE)
    return True


def who(folder):
    """A BMC that signed its own certificate, for no name: known by its key; and what a line may say of a login."""
    root = os.path.join(DATA, "redfish", "dmtf-rackmount1")
    if not os.path.isdir(root):
        print("skip: no saved Redfish trees here")
        return False
    pem, key, word = (os.path.join(folder, name) for name in ("bmc.pem", "bmc.key", "word"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", pem, "-days", "2", "-subj", "/CN=bmc"],
                   check=True, capture_output=True)
    public = subprocess.run(["openssl", "x509", "-in", pem, "-pubkey", "-noout"], check=True, capture_output=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "der"], input=public, check=True, capture_output=True).stdout
    pin = "sha256//" + base64.b64encode(hashlib.sha256(der).digest()).decode()
    with open(pem, "a") as file:
        file.write(open(key).read())
    server = subprocess.Popen([PYTHON, os.path.join(SOURCE, "tests", "peers", "mockup_server.py"), root, "--tls", pem],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        link = f"redfish:https://127.0.0.1:{server.stdout.readline().strip()}"
        code, _, err = device("read", "--link", link)
        check(code == 2 and "certificate" in err, f"a certificate that nobody knows is not taken {err}")
        code, answer, err = device("read", "--link", link, "--pin", pin)
        check(code == 0 and answer["readings"], f"with the pin of its key it is {err}")
        code, _, err = device("read", "--link", link, "--pin", "sha256//" + "A" * 43 + "=")
        check(code == 2 and "pinned" in err, f"with another's it is not {err}")
        for words, said in ((("--pin", pem), "sha256//"), (("--ca-file", "/nonexistent"), "No such file"),
                            (("--user", "u" * 48, "--password-file", word), "1 to 47 characters"),
                            (("--user", "root", "--password-file", word), "1 to 47 characters"),
                            (("--user", "root", "--password-file", "/nonexistent"), "No such file")):
            open(word, "w").write("p" * 48 + "\n")
            code, _, err = device("read", "--link", link, *words)
            check(code == 2 and said in err and err.count("\n") == 1, f"{words[0]} {words[1][:20]}: {said} {err}")
        for url in ("http://", "https:///x", "http://:80"):
            code, _, err = device("read", "--link", "redfish:" + url)
            check(code == 2 and "redfish:http://HOST" in err, f"{url} is no BMC {err}")
    finally:
        server.stdin.close()
        server.wait(PATIENCE)
    return True


def main():
    folder = tempfile.mkdtemp(prefix="busbar-peers-")
    try:
        done = [registers(folder), mockups(), limits(folder), who(folder)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(0 if any(done) else 77)


main()
