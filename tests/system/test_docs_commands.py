#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every command shown in README and docs/ is run, long ones shortened by their own options.

A command that is shown and that this test does not know fails it. What they write goes
to a temporary folder; what plays in virtual time gives way to tests in real time."""
import glob
import os
import re
import shutil
import signal
import socket
import subprocess

from rack import BIN, PATIENCE, SANITIZED, SOURCE, Rack, check, main, skip, wait_for

PROGRAMS = ("./dev", "busbarctl", "busbarsim", "busbard", "curl", "socat", "sudo", "cmake", "journalctl", "promtool")
# Shown, and run by another test: what a package or a running systemd is needed for.
ELSEWHERE = {
    "cmake --preset release && cmake --build build/release": "tests/run.py builds with these presets",
    "sudo cmake --install build/release": "test_install.py, test_systemd_boot.py",
    "sudo systemd-sysusers && sudo systemd-tmpfiles --create": "test_systemd_boot.py boots with both",
    "sudo cp /usr/share/doc/busbar/examples/busbar.yaml /etc/busbar/busbar.yaml": "test_install.py finds the example",
    "sudo systemctl enable --now busbard": "test_systemd_boot.py",
    "journalctl -u busbard EVENT=mode_changed": "test_systemd_boot.py",
    "busbarctl hint start --nodes node-3": "test_forecast_live.py",
    "busbarctl hint follow FILE": "test_forecast_live.py",
    "busbarctl hint scrape http://localhost:8000/metrics --every 50": "test_forecast_live.py has a page to read",
    "./dev test": "this is it",
}


def shown():
    """Commands of code blocks and of inline code, without comments."""
    found = {}
    for path in [os.path.join(SOURCE, "README.md")] + sorted(glob.glob(os.path.join(SOURCE, "docs", "*.md"))):
        for number, line in enumerate(open(path, encoding="utf-8"), 1):
            texts = [line.strip()] if line.startswith("    ") else re.findall(r"`([^`]+)`", line)
            for text in texts:
                command = re.sub(r"\s+#.*$", "", text).strip()
                if command.split(" ")[0] in PROGRAMS and " " in command:
                    found.setdefault(command, f"{os.path.basename(path)}:{number}")
    return found


VIRTUAL = ("busbarsim run", "busbarsim compare", "busbarsim sweep", "busbarsim ride-through", "busbarsim campaign", "busbarsim forecast", "busbarsim load",
           "./dev campaign", "./dev results")


def run_shell(command, seconds=60, nice=()):
    return subprocess.run([*nice, "bash", "-c", command], cwd=SOURCE, capture_output=True, text=True, timeout=seconds * PATIENCE,
                          stdin=subprocess.DEVNULL)


BY_HAND = ("busbarctl device", "busbarctl profile", "busbarctl verify bmc-health")


def by_hand(command, rack):
    """Tools that talk to a bus themselves: to the simulator's, once no daemon holds it."""
    text = open(rack.config).read()
    psu = re.search(r"name: psu-1-1\n(?:    .*\n)*?    address: (0x[0-9a-f]+)", text).group(1)
    baud = re.search(r"baud: (\d+)", text).group(1)
    smbus = f"smbus:{rack.run_dir}/smbus-1"
    command = command.replace("i2c:/dev/i2c-0@0x40", f"{smbus}@0x58")
    command = re.sub(r"i2c:/dev/i2c-0$", f"{smbus}@0x58-0x5a", command)
    command = command.replace("rtu:/dev/ttyUSB0,115200,8E1@0x90", f"rtu:{rack.run_dir}/line-1,{baud},8N1@{psu}")
    command = command.replace("rtu:/dev/ttyUSB0@0x90-0x95", f"rtu:{rack.run_dir}/line-1@{psu}-{int(psu, 16) + 1}")
    command = command.replace("hpr-psu", "orv3-psu").replace("check FILE", f"check {SOURCE}/config/profiles/orv3-psu.yaml")
    command = command.replace("https://bmc-1", re.search(r"url: \"?(http[^\"\s,}]+)", text).group(1))
    if command.startswith("busbarctl device write"):
        command += f" --state-dir {rack.folder}"
    if "bmc-health start" in command:  # one that lets nobody in without a name answers soon
        command += " --link redfish:" + re.search(r"url: \"?(http[^\"\s,}]+)", text).group(1)
    return command


def adapt(command, rack):
    """The same command on this test's rack, its placeholders filled."""
    saved = os.path.join(rack.folder, "saved.rec")
    command = command.replace("/run/busbar/busbar.sock", rack.socket).replace("/etc/busbar/busbar.yaml", rack.config)
    command = command.replace("LEVER", "bmc-1.gpu-0")
    if command == "busbarctl hint":
        command += " --help"  # said of the command as such
    if command.startswith(BY_HAND):
        command = by_hand(command, rack) + (" --help" if command in BY_HAND else "")  # said of the command as such
    if command.startswith("busbarctl"):
        command = command.replace("FILE", saved)
        if command.rstrip().endswith((" why", " top")):
            command += " bmc-1.gpu-0" if command.endswith("why") else " --once"
        command = command.replace("busbarctl", f"{BIN}/busbarctl --socket {rack.socket}", 1)
        if "--follow" in command:
            command = f"timeout 2 {command}"
    if command.startswith("busbard --check"):
        command = command.replace("FILE", rack.config)
    if command.startswith("busbarsim replay"):
        command = command.replace("FILE", saved) if "FILE" in command else command + " " + saved
    if command.startswith("busbarsim serve"):
        rest = command[len("busbarsim serve"):].replace("RACK.yaml", rack.rack).replace("DIR", rack.folder + "/docs")
        command = "busbarsim serve" + (rest or f" {rack.rack} --run-dir {rack.folder}/docs") + " --seconds 1"
    if command.startswith("busbarsim demo"):
        command = f"busbarsim demo {rack.rack} --busbard {BIN}/busbard --seconds 4"
    if command.startswith(("busbarsim", "./dev campaign", "./dev results")):
        command = short(command, rack.folder)
    if command.startswith(("busbard", "busbarsim")):
        command = f"{BIN}/" + command
        if command.startswith(f"{BIN}/busbard --restore"):
            command += f" --config {rack.config}"
    if command == "./dev bench":
        command += " rss_rack"  # one figure proves that it runs; all of them take minutes even at --seconds 1
    if command.startswith("./dev bench"):
        command = re.sub(r" --seconds \d+", "", command) + " --seconds 1"
    if command.startswith("./dev demo"):
        command = re.sub(r" --seconds \d+", "", command) + " --seconds 4"
    return command


def short(command, folder):
    """What plays in virtual time: the later of two equal options counts, so a small one is put at the end."""
    command = re.sub(r"--(svg|csv|map) [^ ]+", rf"--\1 {folder}/shown.\1", command)
    command = command.replace("SCENARIO...", "e-1 e-4").replace("SCENARIO", "e-4").replace("baud=N", "baud=19200")
    command = re.sub(r" --(racks|runs|seed|points) N\b", r" --\1 2", command)
    command = re.sub(r" --(racks|runs) \d{3,}\b", "", command)
    if command in ("busbarsim run", "busbarsim compare", "busbarsim sweep"):
        command += " e-4"  # said of the command as such
    if command.startswith("busbarsim sweep"):
        command += " --racks 5"
    if command.startswith("busbarsim ride-through"):
        command += " --points 2" if "--map" in command else " --scenario e-1 --nominal 240"
    if command.startswith("busbarsim campaign") and "--runs 1 " not in command:
        command += " --runs 20" + (f" --state {folder}" if "--state" in command else "")
    if command.startswith("./dev campaign --mutants"):
        first = sorted(glob.glob(os.path.join(SOURCE, "tests", "mutants", "*.patch")))[:1]
        name = os.path.basename(first[0])[:-len(".patch")] if first else "none-is-there"
        command += f" --only {name} --auto 0 --runs 20"
    elif command.startswith("./dev campaign --links"):
        command += " --minutes 0.05"
    elif command.startswith("./dev campaign"):
        command += f" --runs 20 --state {folder}"
    if command.startswith("busbarsim forecast"):
        command = command.replace("TRACE.csv", made_up_trace(folder)).replace("load", made_up_requests(folder))
    if command.startswith("busbarsim load"):
        command = re.sub(r"--events \S+", f"--events {folder}/shown_events.csv", command)
        command += "" if "--csv" in command else f" --csv {folder}/shown.csv"  # said of the command as such
    if command.startswith("./dev results --only"):
        command += f" --quick --to {folder}"
    elif command.startswith("./dev results"):
        command += f" --quick --only speed --to {folder}"
    return command


def made_up_trace(folder):
    """Milliseconds of a load that goes on and off."""
    path = os.path.join(folder, "trace.csv")
    with open(path, "w", encoding="utf-8") as out:
        out.write("t_ms,w\n" + "".join(f"{ms},{200 if ms % 100 < 50 else 60 + ms % 3}\n" for ms in range(3000)))
    return path


def made_up_requests(folder):
    """Power and metrics of a model that serves requests: what their names begin with."""
    path = os.path.join(folder, "requests")
    subprocess.run([os.path.join(BIN, "busbarsim"), "load", "inference", "--seconds", "100", "--csv", path + ".csv", "--events", path + "_events.csv"],
                   check=True)
    return path


def figures():
    """What a command could overwrite by mistake: the page of figures and its pictures."""
    paths = [os.path.join(SOURCE, "docs", "results.md"), os.path.join(SOURCE, "docs", "forecast-results.md")] + glob.glob(os.path.join(SOURCE, "docs", "pictures", "*"))
    return {path: os.stat(path).st_mtime_ns for path in paths if os.path.exists(path)}


def allowed(command, code):
    """1 is an answer too: done, and something does not hold. `--follow --json` is shown as refused."""
    if "timeout 2" in command:
        return code in (0, 2, 124)
    return code in (0, 1)


def through_socat(command, rack):
    """A server that the docs show: started, asked once, ended."""
    if not shutil.which("socat"):
        print("skip: socat is not installed")
        return
    with socket.socket() as free:  # the shown port may be somebody's here
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = re.sub(r"TCP-LISTEN:\d+", f"TCP-LISTEN:{port}", command)
    server = subprocess.Popen(command.split(" "), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        def metrics():
            asked = run_shell(f"exec 3<>/dev/tcp/127.0.0.1/{port}; printf 'GET /metrics HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3", 10)
            return "busbar_" in asked.stdout
        wait_for("metrics through socat", metrics, 10)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()


def test():
    if SANITIZED:
        skip("shown commands are run with the release build")
    commands, before = shown(), figures()
    check(len(commands) >= 15, f"{len(commands)} commands are shown")
    later = []
    with Rack("orv3", serve=["--load", "trace"]) as rack:
        rack.start()
        rack.wait_good()
        check(rack.run("record", "save", os.path.join(rack.folder, "saved.rec"))[0] == 0, "a recording to show things with")
        for command, where in sorted(commands.items()):
            if command in ELSEWHERE:
                print(f"elsewhere: {where}: {command}: {ELSEWHERE[command]}")
            elif command.startswith(("busbard --restore", "./dev demo", "./dev bench", "busbarsim demo", *VIRTUAL, *BY_HAND)):
                later.append((command, where))
            elif command.startswith("socat"):
                through_socat(adapt(command, rack), rack)
                print(f"ok: {where}: {command}")
            elif command.startswith("curl") and not shutil.which("curl"):
                print("skip: curl is not installed")
            else:
                done = run_shell(adapt(command, rack))
                check(allowed(adapt(command, rack), done.returncode), f"{where}: {command} {done.stderr[-300:]}")
        rack.stop()
        ran = set()
        # A check is started before its report is asked for, an original recorded before it is put back.
        for command, where in sorted(later, key=lambda one: ("original" in one[0], "bmc-health" in one[0] and "start" not in one[0])):
            words = adapt(command, rack)
            if words in ran:
                print(f"ok: {where}: {command}: the same as before, shortened")
                continue
            ran.add(words)
            done = run_shell(words, 150, ["nice", "-n", "19"] if command.startswith(VIRTUAL) else ())
            # Four seconds of load prove that the command runs; test_demo.py holds the demo to its word.
            check(done.returncode in (0, 1) and "Traceback" not in done.stderr, f"{where}: {command} {done.stderr[-300:]}")
    check(figures() == before, "no command wrote figures or pictures into the tree")


main(test)
