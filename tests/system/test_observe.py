#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Observe writes nothing; the client's commands answer; strangers are refused; metrics pass promtool."""
import json
import os
import shutil
import socket
import subprocess

from rack import Rack, check, main, wait_for


def http_get(path, url):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(20)
        s.connect(path)
        s.sendall(f"GET {url} HTTP/1.1\r\nHost: busbar\r\nConnection: close\r\n\r\n".encode())
        text = b""
        while True:
            more = s.recv(65536)
            if not more:
                break
            text += more
    head, _, body = text.partition(b"\r\n\r\n")
    return head.decode(), body.decode()


def test():
    with Rack("orv3", serve=["--envelope-w", "9000", "--load", "trace"]) as rack:
        before = rack.writable()
        rack.start()
        rack.wait_good()
        status = rack.ask("status")
        check(status["mode"] == "observe" and status["mode_wanted"] == "observe", "the first mode is observe")
        stats = rack.ask("stats")
        wait_for("some hundred ticks", lambda: rack.ask("stats")["ticks"] > stats["ticks"] + 200, 20)
        check(rack.ask("stats")["orders_written"] == 0, "no order was written")
        check(rack.writable() == before, "no device was written")

        for command in (["status"], ["devices"], ["devices", "bmc-1"], ["events"], ["limits"], ["nodes"], ["levers"],
                        ["stats"], ["why", "bmc-1.gpu-0"], ["mode"]):
            code, out, err = rack.run(*command, "--json")
            check(code in (0, 1) and isinstance(json.loads(out), dict), f"busbarctl {' '.join(command)} --json is one document")
            code, out, err = rack.run(*command)
            check(code in (0, 1) and out.strip(), f"busbarctl {' '.join(command)} speaks to people")
        code, out, err = rack.run("top", "--once")
        check(code in (0, 1) and "rack" in out, "top --once prints one frame")
        for wrong in (["nonsense"], ["why", "no-such-lever"], ["mode", "sideways"], ["devices", "no-such-device"]):
            code, out, err = rack.run(*wrong)
            check(code == 2 and err.strip(), f"busbarctl {' '.join(wrong)}: status 2 and a reason")

        if os.getuid() == 0 and shutil.which("setpriv"):
            os.chmod(rack.folder, 0o755)
            os.chmod(rack.run_dir, 0o755)
            os.chmod(rack.socket, 0o666)  # so that only the daemon's own check stands in the way
            done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                                   os.path.join(os.environ["BUSBAR_BIN"], "busbarctl"), "--socket", rack.socket, "status"],
                                  capture_output=True, text=True)
            check(done.returncode == 2 and done.stderr.strip(), "a stranger is refused by his credentials")
        else:
            print("skip: refusing a stranger needs root and setpriv")

        head, body = http_get(rack.socket, "/metrics")
        check(" 200 " in head.splitlines()[0] and "busbar_" in body, "metrics are served")
        if shutil.which("promtool"):
            done = subprocess.run(["promtool", "check", "metrics"], input=body, capture_output=True, text=True)
            check(done.returncode == 0, f"promtool accepts the metrics {done.stdout}{done.stderr}")
        else:
            print("skip: promtool is not installed")
        code, out, err = rack.run("mode", "emergency")
        check(code == 0, "the operator may say emergency")
        wait_for("emergency", lambda: rack.ask("status")["mode"] == "emergency", 20)


main(test)
