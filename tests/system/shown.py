#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Commands shown in README and docs/, and how each is run by a test: long ones shortened by their own options.

test_docs_commands.py runs what needs a daemon or a rack, test_docs_demos.py what brings its own, test_docs_studies.py what plays in
virtual time: together every command that is shown, as kind() gives each to one of them. What they write goes to a temporary folder."""
import glob
import os
import re
import subprocess
import tempfile

from rack import BIN, PATIENCE, SANITIZED, SOURCE, check, skip

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
DEMOS = ("./dev demo", "./dev bench", "busbarsim demo", "./dev campaign --links")
STUDIES = ("busbarsim run", "busbarsim compare", "busbarsim sweep", "busbarsim ride-through", "busbarsim campaign", "busbarsim forecast", "busbarsim load",
           "./dev campaign", "./dev results")
BY_HAND = ("busbarctl device", "busbarctl profile", "busbarctl verify bmc-health")


def commands():
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


def kind(command):
    return "demo" if command.startswith(DEMOS) else "study" if command.startswith(STUDIES) else "daemon"


def run_shell(command, seconds=60):
    return subprocess.run(["bash", "-c", command], cwd=SOURCE, capture_output=True, text=True, timeout=seconds * PATIENCE,
                          stdin=subprocess.DEVNULL)


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


def alone(command, folder):
    """A command that brings its own rack, or needs none."""
    if command.startswith("busbarsim demo"):
        command = f"busbarsim demo {SOURCE}/config/racks/orv3.yaml --busbard {BIN}/busbard --seconds 4"
    elif command == "./dev bench":
        command += " rss_rack"  # one figure proves that it runs; all of them take minutes even at --seconds 1
    if command.startswith("./dev bench"):
        command = re.sub(r" --seconds \d+", "", command) + " --seconds 1"
    elif command.startswith("./dev demo"):
        command = re.sub(r" --seconds \d+", "", command) + " --seconds 4"
    else:
        command = short(command, folder)
    return f"{BIN}/{command}" if command.startswith("busbarsim") else command


def adapt(command, rack):
    """A command on this test's rack, its placeholders filled."""
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
    if command.startswith(("busbard", "busbarsim")):
        command = f"{BIN}/" + command
        if command.startswith(f"{BIN}/busbard --restore"):
            command += f" --config {rack.config}"
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


def test_alone(which):
    """Every command of a kind that needs no rack of ours, once."""
    if SANITIZED:
        skip("shown commands are run with the release build")
    with tempfile.TemporaryDirectory(prefix="busbar-test-") as folder:
        run_alone(which, folder)


def run_alone(which, folder):
    before, ran = figures(), set()
    for command, where in sorted(commands().items()):
        if command in ELSEWHERE or kind(command) != which:
            continue
        words = alone(command, folder)
        if words in ran:
            print(f"ok: {where}: {command}: the same as before, shortened")
            continue
        ran.add(words)
        done = run_shell(words, 150)
        # A few seconds of load prove that the command runs; test_demo.py holds the demo to its word.
        check(done.returncode in (0, 1) and "Traceback" not in done.stderr, f"{where}: {command} {done.stderr[-300:]}")
    check(ran, "there are commands of this kind")
    check(figures() == before, "no command wrote figures or pictures into the tree")
