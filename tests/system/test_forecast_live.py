#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""control.forecast.learn in the daemon: forecasters are shown and arm set-points, a reload switches them off and on, hints are taken
while there are any."""
import http.client
import http.server
import json
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time

from rack import BIN, SANITIZED, SOURCE, Rack, check, main, wait_for


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


LEARN = "  forecast: {learn: true, arm_ratio: 2, arm_hold_s: 1}\n"
# From never to whatever is foreseen, for as long as the test looks: a forecaster that has no vote for a moment foresees nothing.
ANY_PEAK = ("arm_ratio: 2, arm_hold_s: 1", "arm_ratio: 0.1, arm_hold_s: 600")
HOLD, ARMED = 50.9, 51.2  # a supply's set-point, which is for nothing else here
SMOOTHING = "    settings: [{signal: gpu_smoothing, index: 0, value: 0, armed: 1, interval_min_ms: 1000}]\n"
PSU_LEVER = f"use: hold, value: {HOLD}, ride: output}}"


def learn(text):
    check(PSU_LEVER in text, "there is a supply whose set-point can be armed")
    text = text.replace("control:\n", "control:\n" + LEARN, 1)
    text = text.replace(PSU_LEVER, f"use: hold, value: {HOLD}, armed: {ARMED}}}", 1)
    return text.replace("    gpus: {count", SMOOTHING + "    gpus: {count", 1)


def smoothing(rack):
    """What a GPU's smoothing is to be: over Redfish it waits its turn behind limits, of which a load that jumps makes many."""
    return next(row["wanted"] for row in rack.ask("levers")["levers"] if "gpu_smoothing" in row["lever"])


def setpoint(rack):
    return round(rack.ctl("read psu-1-1")["setpoint_v"], 1)


def goes(rack, value, smooth):
    wait_for(f"a set-point of {value} V", lambda: setpoint(rack) == value and smoothing(rack) == smooth, 60)


def armed_ahead(rack, on):
    """Armed while a peak is foreseen and a while longer; a daemon that dies leaves it standing, the next one goes back, and the
    original is that of before both. That it comes before the peak is shown in virtual time (unit.test_arm)."""
    check(setpoint(rack) == HOLD, "no peak, nothing is armed")
    reload(rack, on.replace(*ANY_PEAK, 1))
    goes(rack, ARMED, 1)
    reload(rack, on)
    goes(rack, HOLD, 0)
    wait_for("the log has it", lambda: rack.log_lines("peak_armed") and rack.log_lines("peak_over"), 20)
    reload(rack, on.replace(*ANY_PEAK, 1))
    goes(rack, ARMED, 1)
    said, why = rack.run("status")[1], rack.run("why", "psu-1-1.psu_output_setpoint_v")[1]
    check("armed for a peak for" in said and "a peak is foreseen" in why, f"busbarctl status and why say so {said} {why}")
    check("\nbusbar_forecast_armed 1\n" in ask(rack, "GET", "/metrics")[1], "metrics too")
    rack.stop(signal.SIGKILL)
    open(rack.config, "w").write(on)
    check(setpoint(rack) == ARMED, "it stands as it was")
    rack.start()
    goes(rack, HOLD, 0)
    originals = os.path.join(os.path.dirname(rack.socket), "state", "originals", "psu-1-1")
    check("51" in open(originals).read() and str(ARMED) not in open(originals).read(), "the original on record is neither of ours")


def reload(rack, text):
    new = rack.config + ".new"
    open(new, "w").write(text)
    os.rename(new, rack.config)
    rack.daemon.send_signal(signal.SIGHUP)


def extras(folder):
    """The rack of the demo, whose BMCs have settings as well."""
    plain = open(os.path.join(SOURCE, "config", "racks", "orv3.yaml")).read()
    open(os.path.join(folder, "rack.yaml"), "w").write(plain.replace("links:\n", "links:\n  redfish_extras: 1\n", 1))
    return os.path.join(folder, "rack")


def test():
    with tempfile.TemporaryDirectory() as folder:
        with Rack(extras(folder), serve=["--envelope-w", "11000", "--load", "trace"], edit=learn) as rack:
            run(rack)


def run(rack):
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
    check("\nbusbar_forecast_armed 0\n" in text, "metrics show that nothing is armed ahead")
    check('busbar_forecast_coverage_ratio{node="' in text, "metrics show the coverage")
    check(ask(rack, "POST", "/v1/hints", {"mark": "step"})[0] == 200, "a hint is taken")
    check(ask(rack, "POST", "/v1/hints", {"mark": "sometime"})[0] == 400, "nonsense is not")
    hints(rack)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "forecast.rec")
        check(rack.run("record", "save", path)[0] == 0, "a recording is saved")
        done = subprocess.run([os.path.join(BIN, "busbarsim"), "replay", path, "--json"], capture_output=True, text=True)
        check(done.returncode == 0, f"and gives the same orders again {done.stderr.strip()}")
    readings = rows(rack)[0]["readings"]
    reload(rack, on.replace("period_ms: 10\n", "period_ms: 20\n", 1))
    wait_for("the new period", lambda: rack.ask("stats")["period_us"] == 20000, 40)
    # A gap of more than a second begins anew, as it should: a sanitized daemon on a busy machine has such gaps.
    check(SANITIZED or rows(rack)[0]["readings"] >= readings, "a reload keeps what was learned")
    armed_ahead(rack, on)
    reload(rack, on.replace(LEARN, "", 1))
    wait_for("what is armed needs a forecaster", lambda: rack.log_lines("armed: nothing is foreseen while control.forecast.learn is off"), 40)
    check(rack.ask("status")["forecast"]["forecasters"] > 0, "the old configuration stays")
    reload(rack, on.replace(LEARN, "", 1).replace(f", armed: {ARMED}", "", 1).replace(", armed: 1", "", 1))
    wait_for("forecasters are gone", lambda: rack.ask("status")["forecast"]["forecasters"] == 0, 40)
    check(ask(rack, "POST", "/v1/hints", {"mark": "step"})[0] == 409, "then hints are refused")
    code, _, err = rack.run("hint", "step")
    check(code == 2 and "learn is off" in err, "busbarctl hint says why")
    check(rack.ask("status")["mode_wanted"] == "control", "and control goes on")
    check(all(row["violations"] == 0 for row in rack.envelope_rows()), "the envelope held all the time")
    reload(rack, on)
    wait_for("forecasters are back", lambda: rack.ask("status")["forecast"]["forecasters"] > 0, 40)
    restarted(rack)


def restarted(rack):
    """Who follows a job's log outlives a restart of the daemon."""
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "job.csv")
        open(log, "w").close()
        follow = subprocess.Popen([os.path.join(BIN, "busbarctl"), "--socket", rack.socket, "hint", "follow", log, "--json"],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

        def write(line):
            """Given as well when this returns: it reads on, here over a header, when it has done with what it had read."""
            for part in (line, "t_s,event,value\n"):
                with open(log, "a") as file:
                    file.write(part)
                wait_for("it has read on, or has ended", lambda: follow.poll() is not None or place(follow.pid, log) == os.path.getsize(log), 30)

        wait_for("it has the log open", lambda: place(follow.pid, log) == 0, 30)
        write("1,step\n")
        rack.stop()
        write("2,step\n")
        rack.start()
        write("3,step\n")
        with open(log, "a") as file:
            file.write("4,step\n")
            os.rename(log, log + ".1")
            file.write("5,step\n6,st")
            file.flush()
            time.sleep(0.2) # nothing has the name for some looks
            file.write("ep\n")
        write("7,step\n")
        follow.send_signal(signal.SIGINT)
        out, err = follow.communicate(timeout=60)
        check(follow.returncode == 0 and json.loads(out) == {"given": 6, "too_many": 0, "not_understood": 0, "no_daemon": 1},
              f"a log is followed on when the daemon is back, and by its name when it is rotated {out} {err}")


class Page(http.server.BaseHTTPRequestHandler):
    """A serving stack's metrics, of two engines."""
    read = 0

    def log_message(self, *_):
        pass

    def do_GET(self):
        Page.read += 1
        text = ('# TYPE vllm:num_requests_running gauge\nvllm:num_requests_running{engine="0",model_name="a}b"} 3.0\n'
                'vllm:num_requests_running{engine="1"} 2\nvllm:num_requests_waiting{engine="0"} 1.0\n').encode()
        self.send_response(200 if self.path == "/metrics" else 404)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


def place(pid, path):
    """Where in a file a process stands; None: it has not opened it."""
    for fd in os.listdir(f"/proc/{pid}/fd"):
        if os.path.realpath(f"/proc/{pid}/fd/{fd}") == os.path.realpath(path):
            return int(open(f"/proc/{pid}/fdinfo/{fd}").readline().split()[1])
    return None


def hints(rack):
    """By hand, from a job's log, from a serving stack's page."""
    code, out, err = rack.run("hint", "start", "--nodes", "node-1", "--json")
    check(code == 0 and json.loads(out)["given"] == 1, f"busbarctl hint gives one {err}")
    for words, wrong in ((("hint", "sometime"), "must be step"), (("hint", "queue", "many"), "no number"), (("hint", "queue"), "number of requests"), (("hint", "follow"), "it is:"),
                         (("hint", "step", "--nodes", "nowhere"), "must name a node"), (("hint", "follow", "/nonexistent/log"), "No such file"),
                         (("hint", "scrape", "http://127.0.0.1:9/metrics"), "cannot be read")):
        code, _, err = rack.run(*words)
        check(code == 2 and wrong in err and err.count("\n") == 1, f"{' '.join(words)}: {err.strip()}")
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "job.csv")
        open(log, "w").write("t_s,event,value\n0,start,\n")
        command = [os.path.join(BIN, "busbarctl"), "--socket", rack.socket, "hint"]
        follow = subprocess.Popen([*command, "follow", log, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        wait_for("it has the log open, at its end", lambda: place(follow.pid, log) == os.path.getsize(log), 30)
        for more in ("1,step,\n2,ste", "p,\nnonsense\n3,queue,7\n", "-0.1,run_start,\n4,throughput,2e12\n5,queue\n6,queue,many\n7,queue,2e12\n"):
            with open(log, "a") as file:
                file.write(more)
            wait_for("it has read on", lambda: place(follow.pid, log) == os.path.getsize(log), 30)
        follow.send_signal(signal.SIGINT)
        out, err = follow.communicate(timeout=60)
        check(follow.returncode == 0 and json.loads(out) == {"given": 5, "too_many": 0, "not_understood": 4, "no_daemon": 0},
              f"what is appended to a job's log is given, and nothing from before {out} {err}")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    code, out, err = rack.run("hint", "scrape", url + "/metrics", "--every", "100", "--seconds", "1", "--json")
    check(code == 0 and json.loads(out)["given"] == 2 * Page.read and Page.read >= 1, f"a serving stack's page is read again and again {out} {err}")
    code, _, err = rack.run("hint", "scrape", url + "/none")
    check(code == 2 and "404" in err, "what is not there is said")
    server.shutdown()


def rows(rack):
    return json.loads(ask(rack, "GET", "/v1/forecast")[1])["forecasts"]


main(test)
