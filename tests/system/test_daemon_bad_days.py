#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A second daemon, a stop step after a crash, a disk that takes nothing, a recording run again: busbard says so and stays safe."""
import fcntl
import http.client
import json
import os
import re
import signal
import socket
import subprocess

from rack import BIN, PATIENCE, Rack, check, main, tied, wait_for


def originals(rack):
    folder = os.path.join(os.path.dirname(rack.socket), "state", "originals")
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []


def busbard(rack, *options, env=None):
    done = subprocess.run([os.path.join(BIN, "busbard"), "--config", rack.config, *options], capture_output=True,
                          text=True, timeout=300, env=dict(os.environ, **(env or {})))
    return done.returncode, done.stdout, done.stderr


def one_owner(rack):
    code, out, err = busbard(rack)
    check(code == 2 and "another busbard" in err, "a second busbard on the same configuration is refused with status 2")
    code, out, err = busbard(rack, "--restore")
    check(code == 2 and "running" in err and out == "", "--restore is refused while a daemon runs")
    check(rack.ask("status")["mode_wanted"] == "control", "and the daemon goes on")


class Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("busbar")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def flooded(rack):
    """A client that asks for what it cannot have, over and over, does not drive out what matters."""
    client, lever = Unix(rack.socket), next(name for name in rack.limits())
    for _ in range(3000):
        client.request("PUT", f"/v1/levers/{lever}", '{"value": 1}')
        answer = client.getresponse()
        answer.read()
        if answer.status != 409:
            check(answer.status == 409, f"refused each time: {answer.status}")
    events = [event["id"] for event in rack.ask("events")["events"]]
    check("started" in events and 1 <= events.count("plan_refused") < 1000,
          f"3000 refusals are {events.count('plan_refused')} events")


def recording(rack):
    path = os.path.join(rack.folder, "rec")
    before = rack.ask("stats")["ticks"]
    wait_for("some ticks more", lambda: rack.ask("stats")["ticks"] > before + 300, 30)
    code, out, err = rack.run("record", "save", path)
    check(code == 0, f"a recording is saved {err}")
    done = subprocess.run([os.path.join(BIN, "busbarsim"), "replay", path, "--runs", "2", "--json"], capture_output=True, text=True)
    print(done.stdout, done.stderr)
    result = json.loads(done.stdout)
    check(done.returncode == 0 and result["same_build"], "the recording is of this build")
    check(result["ticks"] > 300 and result["orders"] > 0 and result["different"] == 0 and result["gaps"] == 0,
          f"{result['orders']} orders of {result['ticks']} ticks are identical in replay")
    check(result["blocks_different"] == 0, f"{result['blocks']} copies of the core too")
    data = bytearray(open(path, "rb").read())
    data[len(data) // 2] ^= 1
    open(path, "wb").write(data)
    done = subprocess.run([os.path.join(BIN, "busbarsim"), "replay", path], capture_output=True, text=True)
    # the byte may lie in the head of a record, which its checksum does not cover
    check(done.returncode == 2 and len(done.stderr.splitlines()) == 1 and any(why in done.stderr for why in ("damaged", "no known type", "cut short", "missing")),
          f"a damaged recording is refused with status 2 {done.stderr[-200:]}")


def what_cannot_be_put_back_is_kept(rack, path, text):
    """`text` is the file of originals of a device that holds all of them again."""
    lines = text.splitlines()
    spare = "\t".join(lines[1].split("\t")[:6] + ["SPARE-1"])  # a device that was here before and lies on a shelf now
    open(path, "w").write("\n".join(lines + [spare]) + "\n")
    code, out, err = busbard(rack, "--restore", "--anyway", "--json")
    result = json.loads(out)
    check(code == 1 and len(result["left"]) == 1 and "SPARE-1" in result["left"][0]["reason"] and
          len(result["restored"]) == len(lines) - 1, f"another device's original is left: {result['left']}")
    check(open(path).read().splitlines()[1:] == [spare], "and is still recorded, alone")
    open(path, "w").write(text[:len(text) // 2])
    code, out, err = busbard(rack, "--restore", "--anyway", "--json")
    left = json.loads(out)["left"]
    check(code == 1 and [lever["lever"] for lever in left] == [os.path.basename(path)] and left[0]["original"] is None,
          f"a file that is cut off is left and named: {left}")
    code, out, err = busbard(rack, "--restore", "--anyway")
    check(code == 1 and "originals cannot be read" in out and "0 restored, 1 left" in out, f"in words too: {out}")
    os.unlink(path)


def holds_its_original(path, standing):
    """As if what stands had been there before us: then only the gate that we opened is to be put back."""
    lines = open(path).read().splitlines()
    rows = [row.split("\t") for row in lines[1:]]
    for row in rows:
        if row[0] == "psu_output_setpoint_v":
            row[2] = f"{standing}"
    open(path, "w").write("\n".join(lines[:1] + ["\t".join(row) for row in rows]) + "\n")


def restores(rack):
    kept = originals(rack)
    path = os.path.join(os.path.dirname(rack.socket), "state", "originals", kept[0])
    text = open(path).read()
    check(kept, "originals are recorded")
    for why in ("signal", "watchdog", "exit-code"):
        code, out, err = busbard(rack, "--restore", env={"SERVICE_RESULT": why})
        check(code == 0 and "left standing" in err and originals(rack) == kept, f"after '{why}' all is left standing")
    supply = rack.ctl("read psu-1-1")
    check(supply["write_enable"], "a supply is open for writing")
    holds_its_original(os.path.join(os.path.dirname(path), "psu-1-1"), supply["setpoint_v"])
    code, out, err = busbard(rack, "--restore", "--anyway", "--json", env={"SERVICE_RESULT": "success"})
    result = json.loads(out)
    check(code == 0 and result["left"] == [] and result["restored"], f"after an orderly stop all is restored {result['left']}")
    check(all(abs(lever["value"] - lever["original"]) <= 1e-3 * max(1.0, abs(lever["original"]))
              for lever in result["restored"]), "and every value was read back")
    check(not rack.ctl("read psu-1-1")["write_enable"], "the gate of a set-point that was at its original is closed again")
    code, out, err = busbard(rack, "--restore", "--json")
    check(code == 0 and json.loads(out) == {"restored": [], "left": []}, "a second time there is nothing to restore")
    what_cannot_be_put_back_is_kept(rack, path, text)


def a_line_is_in_use(rack):
    line = next(path for path in re.findall(r"path: *(\S+/line-\d+)", open(rack.config).read()))
    fd = os.open(line, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    fcntl.flock(fd, fcntl.LOCK_EX)
    code, out, err = busbard(rack)
    os.close(fd)
    check(code == 1 and "in use by another process" in err,
          f"a line in somebody's hands is no reason for systemd to give up (status 2): {code}")


def told_to_end_while_it_starts(rack):
    """In the moment its socket appears: before that the kernel's answer would do, as nothing of it would be left."""
    for number in (signal.SIGTERM, signal.SIGINT):
        for _ in range(2):
            daemon = subprocess.Popen(tied([os.path.join(BIN, "busbard"), "--config", rack.config]), stderr=subprocess.DEVNULL)
            while not os.path.exists(rack.socket) and daemon.poll() is None:
                pass
            daemon.send_signal(number)
            code = daemon.wait(60 * PATIENCE)
            if code or os.path.exists(rack.socket):
                check(False, f"a start that is called off is an orderly stop: {number.name}, status {code}, socket {os.path.exists(rack.socket)}")
    check(True, "a start that is called off is an orderly stop")


def a_disk_hangs(rack):
    """A pipe with no reader hangs whoever opens it to write, as a dying disk does."""
    state = os.path.join(os.path.dirname(rack.socket), "state", "state")
    rack.start()
    rack.wait_good()
    os.mkfifo(state + ".new")
    code, _, err = rack.run("mode", "emergency")
    check(code == 0 and rack.ask("status")["mode_wanted"] == "emergency", f"an emergency does not wait for a disk {err}")
    rack.wait_log("emergency is in force, and not on the disk yet")
    code, _, err = rack.run("mode", "control")
    check(code == 2 and rack.ask("status")["mode_wanted"] == "emergency", f"control does, and not for long {err}")
    ticks = rack.ask("stats")["ticks"]
    wait_for("the control loop goes on", lambda: rack.ask("stats")["ticks"] > ticks)
    check("mode_wanted control" in open(state).read(), "nothing new is on the disk")
    with open(state + ".new"):  # it goes on, and fails
        wait_for("what is in force is on the disk, not what was refused", lambda: "mode_wanted emergency" in open(state).read())
    check(not os.path.exists(state + ".new"), "nothing half-written is left")
    rack.control()
    check("mode_wanted control" in open(state).read(), "and all is well again")
    check(rack.stop() == 0, "it ends orderly")


def the_wanted_mode_is_lost(rack):
    state = os.path.join(os.path.dirname(rack.socket), "state", "state")
    check("mode_wanted control" in open(state).read(), "control was wanted")
    open(state, "w").close()
    rack.start()
    told = wait_for("an event", lambda: [e["message"] for e in rack.ask("events")["events"] if e["id"] == "mode_wanted"])
    check("cannot be read" in told[0] and "observe" in told[0] and rack.ask("status")["mode_wanted"] == "observe",
          f"who asks for events is told that the wish for control is lost: {told}")
    check(rack.stop() == 0, "it ends orderly")


def nothing_can_be_written(rack):
    block = os.path.join(rack.folder, "block")
    open(block, "w").close()
    lines = open(rack.config).read().splitlines()
    lines = [f"state_dir: {block}/state" if line.startswith("state_dir:") else line for line in lines]
    open(rack.config, "w").write("\n".join(lines) + "\n")
    rack.start()
    rack.wait_good()
    before = rack.ctl("read gpus")["gpus"]
    code, out, err = rack.run("mode", "control")
    check(code == 2, "control is refused where no original could be kept")
    check(rack.ask("status")["mode_wanted"] == "observe", "and the mode stays")
    code, out, err = rack.run("mode", "emergency")
    check(code == 0, "emergency is not")
    wait_for("orders are refused", lambda: rack.ask("stats")["orders_refused"] > 0, 30)
    after = rack.ctl("read gpus")["gpus"]
    check({n: g["limit_w"] for n, g in before.items()} == {n: g["limit_w"] for n, g in after.items()},
          "no record, no write: not a limit moved")
    check(rack.stop() == 0, "it ends orderly")


def test():
    with Rack("orv3", serve=["--envelope-w", "9000", "--load", "trace"]) as rack:
        rack.start()
        rack.wait_good()
        rack.control()
        one_owner(rack)
        flooded(rack)
        recording(rack)
        rack.ctl("load idle")
        rack.daemon.send_signal(signal.SIGINT)
        check(rack.daemon.wait(60 * PATIENCE) == 0, "SIGINT is an orderly stop")
        restores(rack)
        a_line_is_in_use(rack)
        told_to_end_while_it_starts(rack)
        a_disk_hangs(rack)
        the_wanted_mode_is_lost(rack)
        nothing_can_be_written(rack)


main(test)
