#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""control.forecast.learn in the daemon: forecasters are shown, a reload switches them off and on, hints are taken while there are any."""
import http.client
import json
import os
import signal
import socket
import subprocess
import tempfile

from rack import BIN, Rack, check, main, wait_for


class Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=20)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def ask(rack, method, path, body=None):
    connection = Unix(rack.socket)
    connection.request(method, path, json.dumps(body) if body is not None else None, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def learn(text):
    return text.replace("control:\n", "control:\n  forecast: {learn: true}\n", 1)


def reload(rack, text):
    new = rack.config + ".new"
    open(new, "w").write(text)
    os.rename(new, rack.config)
    rack.daemon.send_signal(signal.SIGHUP)


def test():
    with Rack("orv3", serve=["--envelope-w", "11000", "--load", "trace"], edit=learn) as rack:
        rack.start()
        rack.wait_good()
        rack.control()
        rack.ctl("meter reset")
        on = open(rack.config).read()
        gpus = len(rack.limits())
        check(rack.ask("status")["forecast"]["forecasters"] == 1 + gpus, f"the rack and {gpus} GPUs have a forecaster each")
        wait_for("the rack's forecaster is listened to", lambda: rows(rack)[0]["votes"], 120)
        check(0 < rows(rack)[0]["peak_w"] <= rows(rack)[0]["upper_w"]["p999"], "its bound is above its peak")
        check("forecasters are listened to" in rack.run("status")[1], "busbarctl status has a line of them")
        text = ask(rack, "GET", "/metrics")[1]
        check('busbar_forecast_coverage_ratio{node="' in text, "metrics show the coverage")
        check(ask(rack, "POST", "/v1/hints", {"mark": "step"})[0] == 200, "a hint is taken")
        check(ask(rack, "POST", "/v1/hints", {"mark": "sometime"})[0] == 400, "nonsense is not")
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "forecast.rec")
            check(rack.run("record", "save", path)[0] == 0, "a recording is saved")
            done = subprocess.run([os.path.join(BIN, "busbarsim"), "replay", path, "--json"], capture_output=True, text=True)
            check(done.returncode == 0, f"and gives the same orders again {done.stderr.strip()}")
        readings = rows(rack)[0]["readings"]
        reload(rack, on.replace("period_ms: 10\n", "period_ms: 20\n", 1))
        wait_for("the new period", lambda: rack.ask("stats")["period_us"] == 20000, 40)
        check(rows(rack)[0]["readings"] >= readings, "a reload keeps what was learned")
        reload(rack, on.replace("  forecast: {learn: true}\n", "", 1))
        wait_for("forecasters are gone", lambda: rack.ask("status")["forecast"]["forecasters"] == 0, 40)
        check(ask(rack, "POST", "/v1/hints", {"mark": "step"})[0] == 409, "then hints are refused")
        check(rack.ask("status")["mode_wanted"] == "control", "and control goes on")
        check(all(row["violations"] == 0 for row in rack.envelope_rows()), "the envelope held all the time")


def rows(rack):
    return json.loads(ask(rack, "GET", "/v1/forecast")[1])["forecasts"]


main(test)
