#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""busbarctl device on a simulated rack: read, scanned, written and watched without a daemon, and through one."""
import json
import os
import re
import select
import subprocess
import threading
import time
import tty

from rack import BIN, PATIENCE, Rack, SANITIZED, SOURCE, check, main, wait_for


SCAN_MS = "2000" if SANITIZED else "500"  # each address where nobody is costs so long


def device(rack, *words):
    """With patience for a busy machine, unless a test is about what is not there."""
    patience = () if "--timeout" in words else ("--timeout", "2000")
    code, out, err = rack.run("device", *words, *patience, "--json")
    return code, json.loads(out) if code in (0, 1) and out else None, err


def vendor_profiles(rack):
    """A folder of profiles that name their model, as a vendor would deliver them."""
    folder = os.path.join(rack.folder, "profiles")
    os.makedirs(folder)
    for name, model in (("orv3-psu", "ORV3-PSU*"), ("orv3-bbu", "ORV3-BBU*")):
        text = open(os.path.join(SOURCE, "config", "profiles", name + ".yaml")).read()
        text, count = re.subn(r'match: \{(.*), text: "[^"]*"\}', r'match: {\1, text: "' + model + '"}', text)
        check(count == 1, f"{name} has a match")
        open(os.path.join(folder, name + ".yaml"), "w").write(text)
    return folder


def bridge(line):
    """Another pty that leads to the line, and what pulls it out."""
    near, far = os.openpty()
    tty.setraw(far)
    behind = os.open(line, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(behind)
    pulled = threading.Event()

    def carry():
        while not pulled.is_set():
            for fd in select.select([near, behind], [], [], 0.05)[0]:
                os.write(behind if fd == near else near, os.read(fd, 512))
        for fd in (near, far, behind):
            os.close(fd)
    thread = threading.Thread(target=carry, daemon=True)
    thread.start()

    def pull():
        pulled.set()
        thread.join()
    return os.ttyname(far), pull


def test():
    with Rack("orv3", serve=["--load", "idle"]) as rack:
        text = open(rack.config).read()
        line = os.path.join(rack.run_dir, "line-1")
        smbus = os.path.join(rack.run_dir, "smbus-1")
        baud = re.search(r"baud: (\d+)", text).group(1)
        psu = int(re.search(r"name: psu-1-1\n(?:.*\n)*? *address: (0x[0-9a-f]+)", text).group(1), 16)
        bbu = int(re.search(r"name: bbu-1-1\n(?:.*\n)*? *address: (0x[0-9a-f]+)", text).group(1), 16)
        bus, link = f"rtu:{line},{baud},8N1", f"rtu:{line},{baud},8N1@{psu}"

        code, answer, err = device(rack, "read", "--link", link, "--profile", "orv3-psu")
        check(code == 0 and answer["errors"] == 0 and answer["profile"] == "orv3-psu", f"a supply is read without a daemon {err}")
        values = {r["signal"]: r for r in answer["readings"]}
        true = rack.ctl("read psu-1-1")
        check(abs(values["psu_output_setpoint_v"]["value"] - true["setpoint_v"]) < 0.01, "with the set-point it has")
        check(all(r["status"] == "ok" and r["age_ms"] >= 0 and r["unit"] is not None for r in answer["readings"]),
              "every reading has a status, a unit and an age")
        check(values["device_serial"]["value"] == answer["serial"], "texts are texts")

        profile = os.path.join(rack.folder, "mine.yaml")
        open(profile, "w").write("model: Mine\nrows:\n  - {address: 0x4F, type: u16, signal: psu_output_v, scale: 0.0009765625, "
                                 "poll: fast, source: \"mine\"}\n  - {address: 0x7FFF, type: u16, signal: psu_fan_rpm, poll: slow, "
                                 "source: \"not there\"}\n")
        code, answer, err = device(rack, "read", "--link", link, "--profile", profile)
        check(code == 0 and answer["absent"] == ["psu_fan_rpm"] and answer["errors"] == 0,
              f"what the device does not implement is absent, and no failure; a file without a match will do {err}")
        code, _, err = device(rack, "write", "--link", link, "--profile", profile, "psu_output_v", "48")
        check(code == 2 and "not writable" in err, "a row without limits is not written to")

        code, answer, err = device(rack, "read", "--link", f"smbus:{smbus}@0x58", "--profile", "pmbus-generic")
        check(code == 0 and any(r["signal"] == "psu_output_v" for r in answer["readings"]), f"a PMBus side is read {err}")
        code, answer, err = device(rack, "read", "--link", f"smbus:{smbus}@0x58")
        check(code == 0 and answer["profile"] == "pmbus-generic" and answer["errors"] == 0 and "is in no profile" in answer["notes"][0],
              f"so is one that no profile names, and a note says how {answer and answer['notes']} {err}")
        code, _, err = device(rack, "write", "--link", f"smbus:{smbus}@0x58", "psu_input_warn_w", "3000", "--yes")
        check(code == 2 and "name one with --profile" in err, f"to write to it takes a profile by name {err}")
        code, answer, err = device(rack, "read", "--link", f"{bus}@0x77", "--profile", "orv3-psu", "--timeout", "30")
        check(code == 1 and answer["errors"] == len(answer["readings"]), "where nobody is every reading failed, and the status says 1")
        code, _, err = device(rack, "read", "--link", f"rtu:{rack.folder}/none,19200,8N1@1", "--profile", "orv3-psu")
        check(code == 2 and err.count("\n") == 1 and "No such file" in err, "a bus that is not there is one line and 2")

        folder = vendor_profiles(rack)
        code, answer, err = device(rack, "read", "--link", link, "--profiles", folder, "--signal", "psu_output_w")
        check(code == 0 and answer["profile"] == "orv3-psu" and len(answer["readings"]) == 1, f"a profile is chosen by the model {err}")
        code, answer, err = device(rack, "scan", "--link", f"{bus}@{psu - 1}-{psu + 1}", "--profiles", folder, "--timeout", SCAN_MS)
        found = {f["address"]: f for f in answer["found"]}
        check(code == 0 and found[psu]["profile"] == "orv3-psu" and psu - 1 not in found, f"a scan finds it, and names it {err}")
        code, answer, err = device(rack, "scan", "--link", f"rtu:{line}@{psu - 1}-{psu}", "--speeds", "19200N,19200E,115200N", "--profiles",
                                   folder, "--timeout", SCAN_MS)
        links = [f["link"] for f in answer["found"]]
        check(code == 0 and links == [f"rtu:{line},19200,8N1@0x{psu:02x}", f"rtu:{line},115200,8N1@0x{psu:02x}"],
              f"at each of several speeds it is asked, and the link says at which it answers (a pty at all) {links} {err}")
        check(all(f["profile"] == "orv3-psu" and f["status"] == "ok" for f in answer["found"]), "and it is named")
        check(answer["asked"] == 4 and any("1 of 3 speeds" in note for note in answer["notes"]), "a speed that the line has not is left out")
        for speeds in ("19200", "19200E,", "E", "19200X", "9" * 40 + "N"):
            code, _, err = device(rack, "scan", "--link", f"rtu:{line}@{psu}", "--speeds", speeds)
            check(code == 2 and err.count("\n") == 1, f"--speeds {speeds[:9]} is one line and 2")
        check(rack.ctl("read psu-1-1")["write_enable"] == true["write_enable"], "nothing was written to it")

        # ---- wrong words ----
        for words, word in ((("--profiles", rack.folder + "/none"), "--profiles"),
                            (("--profile", "orv3-psu", "--signal", "psu_outpu_w"), "psu_outpu_w")):
            code, _, err = device(rack, "read", "--link", link, *words)
            check(code == 2 and err.count("\n") == 1 and word in err, f"{words[-1]} is one line and 2 {err}")
        code, _, err = device(rack, "read", "--link", "tcp:no-such-host.invalid:502@1", "--profile", "orv3-psu")
        check(code == 2 and "cannot find the host no-such-host.invalid" in err, f"a name that nobody knows is not a refusal {err}")
        code, _, err = device(rack, "write", "--link", link, "--profile", "orv3-psu", "psu_output_setpoint_v", "-5", "--yes")
        check(code == 2 and "'-5'" in err, f"a number below 0 is no option, and the line says so {err}")
        broken = os.path.join(rack.folder, "broken")
        os.makedirs(broken)
        open(os.path.join(broken, "vendor.yaml"), "w").write("model: Vendor\nmatch: {register: 8, text: \"ORV3-PSU*\"}\nrows: []\n")
        code, _, err = device(rack, "read", "--link", link, "--profiles", broken)
        check(code == 2 and err.count("\n") == 1 and "vendor.yaml" in err, f"a profile with errors is named where none can be chosen {err}")
        code, answer, err = device(rack, "scan", "--link", link, "--profiles", broken)
        check(code == 0 and any("vendor.yaml" in note for note in answer["notes"]), "and where a scan goes on without it")

        # ---- its black box ----
        code, answer, err = device(rack, "file", "1", "--link", link, "--words", "12")
        check(code == 0 and answer["end"] == "absent" and answer["exception"] == 2, f"records are read until the device refuses one {err}")
        first = answer["records"][0]
        check(first["record"] == 0 and len(first["words"]) == 12 and first["words"][2] == 1, "the first says that the module started")
        check(abs(first["words"][7] / 64 - values["psu_input_v"]["value"]) < 20, "and what its input was")
        before = len(answer["records"])
        rack.ctl("fault psu-1-1 reset")
        wait_for("a new record of a module that was reset", lambda: len(device(rack, "file", "1", "--link", link)[1]["records"]) > before)
        code, answer, err = device(rack, "file", "1", "--link", link, "--records", "0", "--words", "3")
        check(code == 0 and len(answer["records"]) == 1 and answer["end"] == "ok", "one of them alone")
        code, answer, err = device(rack, "file", "2", "--link", link)
        check(code == 1 and answer["records"] == [] and answer["exception"] == 2, "a file that is not there has none")
        code, _, err = device(rack, "file", "0", "--link", link)
        check(code == 2 and "no file's number" in err, "and there is no file 0")
        code, _, err = device(rack, "file", "1", "--link", f"smbus:{smbus}@0x58")
        check(code == 2 and "only Modbus" in err, "SMBus has no files")
        code, answer, err = device(rack, "read", "--link", f"smbus:{smbus}@0x58", "--profile", "murata-mwocp67", "--signal", "device_record")
        check(code == 0 and len(answer["readings"]) == 1 and sum(bytes.fromhex(answer["readings"][0]["value"])) % 256 == 0 and
              answer["model"], f"a PMBus side has a record of 151 bytes, with its sum {err}")
        code, out, err = rack.run("device", "read", "--link", f"smbus:{smbus}@0x58", "--profile", "murata-mwocp67", "--signal", "device_record")
        lines = [line.strip() for line in out.split("device_record:\n")[1].splitlines() if line.startswith("  ")]
        check("".join(lines) == answer["readings"][0]["value"], f"and people see all of it {out} {err}")
        code, answer, err = device(rack, "read", "--link", f"smbus:{smbus}@0x58", "--profile", "ina233", "--signal", "monitor_status_cml")
        check(code == 0 and answer["readings"][0]["faults"] == ["invalid_command"],
              f"what a status says has a name: here that another chip's register was asked for {answer} {err}")
        code, answer, err = device(rack, "read", "--link", f"smbus:{smbus}@0x20", "--profile", "pmbus-generic", "--timeout", "30")
        ages = [r["age_ms"] for r in answer["readings"]]
        check(code == 1 and None in ages and all(a is None or a < 60000 for a in ages), "rows that were not asked for any more have no age")

        code, _, err = device(rack, "read", "--link", link)
        check(code == 2 and "--profile" in err, "profiles that fit any model are never chosen for one")

        # ---- writing ----
        state = os.path.join(rack.folder, "hand")
        os.makedirs(state)
        write = ["write", "--link", link, "--profile", "orv3-psu", "--state-dir", state]
        before = true["setpoint_v"]
        code, _, err = device(rack, *write, "psu_output_setpoint_v", "51")
        check(code == 2 and "--yes" in err, "a supply's setting asks for a word")
        code, _, err = device(rack, *write, "psu_output_setpoint_v", "70", "--yes")
        check(code == 2 and "outside" in err, "a value outside the row's limits is refused")
        wanted = 51.0 if abs(before - 51.0) > 0.1 else 50.5
        code, answer, err = device(rack, *write, "psu_output_setpoint_v", str(wanted), "--yes")
        check(code == 0 and answer["status"] == "ok" and abs(answer["readback"] - wanted) < 0.01, f"a write is read back {err}")
        check(abs(answer["original"]["value"] - before) < 0.01 and os.listdir(os.path.join(state, "originals")), "its original is kept")
        check(abs(rack.ctl("read psu-1-1")["setpoint_v"] - wanted) < 0.01, "the supply holds it")
        code, answer, err = device(rack, *write, "psu_output_setpoint_v", "original", "--yes")
        check(code == 0 and abs(rack.ctl("read psu-1-1")["setpoint_v"] - before) < 0.01, f"the original is put back {err}")
        check(rack.ctl("read psu-1-1")["write_enable"] == true["write_enable"], "and the gate is as it was")
        code, _, err = device(rack, *write, "psu_output_setpoint_v", "original", "--yes")
        check(code == 2 and "no original" in err, "what was put back is forgotten")
        code, answer, err = device(rack, "write", "--link", f"{bus}@{bbu}", "--profile", "orv3-bbu", "--config", rack.config,
                                   "bbu_charge_limit_a", "2", "--for", "20000")
        check(code == 0 and answer["device"] == "bbu-1-1", f"with a configuration the original has the daemon's name {err}")
        check(0 < rack.ctl("read bbu-1-1")["override_timeout_s"] <= 20, "the device's own time-out was written with it")
        bit = ["write", "--link", f"{bus}@{bbu}", "--profile", "orv3-bbu", "--state-dir", state]
        for value, held in (("1", 1), ("0", 0), ("1", 1), ("original", 0)):
            code, answer, err = device(rack, *bit, "bbu_recharge_override", value)
            check(code == 0 and answer["status"] == "ok" and answer["readback"] == held, f"one bit of a word is written and read back: {value} {err}")
        for name in ("../evil", "", ".x", "a b", "x" * 48):
            code, _, err = device(rack, *bit, "bbu_recharge_override", "1", "--name", name)
            check(code == 2 and "1 to 47 letters" in err, f"--name '{name[:8]}' is none of a file of originals {err}")
        for words, word in ((("bbu_charge_limit_a", "2", "--for", "1"), "1000 to 86400000 ms"),
                            (("bbu_discharge_time_s", "240", "--for", "5000"), "no time-out of its own")):
            code, _, err = device(rack, *bit, *words)
            check(code == 2 and err.count("\n") == 1 and word in err, f"--for {words[-1]}: {word} {err}")
        code, answer, err = device(rack, "watch", "--link", link, "--profile", "orv3-psu", "--signal", "psu_output_w", "--every",
                                   "100", "--seconds", "1")
        check(code == 0 and 1 <= len(answer["samples"]) <= 10, f"a watch is one document of samples {err}")

        with open("/dev/full", "w") as full:
            done = subprocess.run([os.path.join(BIN, "busbarctl"), "device", "watch", "--link", link, "--profile", "orv3-psu", "--seconds", "600"],
                                  stdout=full, stderr=subprocess.PIPE, text=True, timeout=60 * PATIENCE)
        check(done.returncode == 2 and "could not be written" in done.stderr, f"a watch whose screen takes nothing ends {done.stderr}")
        watched = ("watch", "--profile", "orv3-psu", "--signal", "psu_output_w", "--every", "100", "--seconds", "600", "--timeout", "2000", "--json")
        for how, end in (("a signal", lambda p, pull: p.terminate()), ("a line that is pulled", lambda p, pull: pull())):
            path, pull = bridge(line)
            process = subprocess.Popen([os.path.join(BIN, "busbarctl"), "device", *watched, "--link", f"rtu:{path},{baud},8N1@{psu}"],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            time.sleep(1.5 * PATIENCE)
            end(process, pull)
            out, err = process.communicate(timeout=60 * PATIENCE)
            samples = json.loads(out)["samples"] if out else []
            check(process.returncode == (2 if "line" in how else 0) and len(samples) > 1 and samples[0]["readings"][0]["status"] == "ok",
                  f"a watch that {how} ends gives what it has {process.returncode} {err}")
            pull()

        # ---- with a daemon ----
        rack.start()
        rack.wait_good()
        read = ("read", "--link", link, "--profile", "orv3-psu")
        wait_for("the daemon has read every row of it", lambda: device(rack, *read)[0] == 0, 20)
        code, answer, err = device(rack, *read)
        check(answer["through"] == "daemon" and answer["profile"] == "orv3-psu", f"with a daemon: through it {err}")
        check({r["signal"] for r in answer["readings"]} >= {"psu_output_w", "psu_input_v", "device_serial"}, "with its readings")
        for what in (("read",), ("watch", "--seconds", "1")):
            code, _, err = device(rack, *what, "--link", link, "--signal", "psu_outpu_w")
            check(code == 2 and "psu_outpu_w" in err, f"{what[0]}: a signal that the daemon does not read is an error, no empty answer {err}")
        code, _, err = device(rack, "read", "--link", f"{bus}@0x77")
        check(code == 2 and "knows no device" in err, "an address the daemon does not know is not read behind its back")
        code, _, err = device(rack, "scan", "--link", bus)
        check(code == 2 and "daemon holds" in err, "nor is its bus scanned")
        code, _, err = device(rack, "write", "--link", link, "psu_output_setpoint_v", "51", "--yes")
        check(code == 2 and "mode is control" in err, f"in observe the daemon writes for nobody {err}")
        code, _, err = device(rack, "write", "--link", link, "psu_start_delay_s", "1", "--yes")
        check(code == 2 and "no lever" in err, "what is no lever is refused with a reason")
        rack.control()
        code, _, err = device(rack, "write", "--link", f"{bus}@{bbu}", "bbu_charge_limit_a", "2")
        check(code == 2 and "control loop" in err, f"a lever that the loop works out is refused with a reason {err}")
        levers = [lever["lever"] for lever in rack.ask("levers")["levers"]]
        held = [name for name in levers if name.endswith("psu_output_setpoint_v")]
        if held:
            code, answer, err = device(rack, "write", "--link", link, "psu_output_setpoint_v", "50.5", "--yes")
            check(code == 0 and abs(rack.ctl("read psu-1-1")["setpoint_v"] - 50.5) < 0.01, f"a held lever holds another value {err}")
            wait_for("the event says who", lambda: "plan_changed" in rack.run("events", "--json")[1], 10)


main(test)
