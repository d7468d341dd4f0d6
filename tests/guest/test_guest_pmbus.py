#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The PMBus side on a real Linux /dev/i2c-N: guest_pmbus, guest_chips, busbard and busbarctl in a small guest with emulated
supplies.

Needs the bench `pmbus-qemu` ($BUSBAR_BENCH, else ../shared/bench beside the repository), QEMU and, the first
time, a network for the guest's kernel. Skipped without them. The bus's own record of every transaction is
checked afterwards, so what is proven does not rest on what the programs say of themselves."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.environ.get("BUSBAR_SOURCE") or os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get("BUSBAR_BUILD") or os.path.join(SOURCE, "build", "release")
BIN = os.environ.get("BUSBAR_BIN") or os.path.join(BUILD, "bin")
BENCH = os.path.join(os.environ.get("BUSBAR_BENCH") or os.path.join(SOURCE, "..", "shared", "bench"), "pmbus-qemu")
PROGRAM = os.path.join(BUILD, "tests", "guest_pmbus")
CHIPS = os.path.join(BUILD, "tests", "guest_chips")
PROFILE = os.path.join(SOURCE, "config", "profiles", "pmbus-generic.yaml")
NEEDS = {"qemu-system-x86_64": "qemu-system-x86", "qemu-system-arm": "qemu-system-arm", "busybox": "busybox-static",
         "dash": "dash", "i2cget": "i2c-tools"}
BENCH_FAILED = 125
PREPARE_S = 400
RUN_S = 400

WRITABLE = {0x6A, 0x6B}              # what the profile allows
PROCESS = {0x06, 0x1A, 0x30}         # a question that carries data: PAGE_PLUS_READ, QUERY, COEFFICIENTS
TEST_WRITES = {0x02, 0x03}           # and what guest_pmbus writes beside: ON_OFF_CONFIG, CLEAR_FAULTS
OURS = (0x58, 0x59, 0x5A, 0x5C, 0x5D)  # 0x5B is the kernel driver's for a while
ORIGINAL_WARN_RAW = 0x1339           # 3300 W
SHARE_OF_LIMIT_W = 1472              # busbard.yaml: a quarter of 6000 W, in steps of 32 W
READINGS = {"psu_input_v": 230, "psu_input_a": 4.5, "psu_input_w": 1036, "psu_output_v": 53.5, "psu_output_a": 18.25,
            "psu_output_w": 976, "psu_inlet_c": 38.5, "psu_input_warn_w": SHARE_OF_LIMIT_W}

# busbard and busbarctl on the same bus; the kernel's i2cget looks at the part past them.
DAEMON = """
mkdir -p /tmp/busbard.state
./busbard --config busbard.yaml 2>/out/busbard.log & daemon=$!
n=0
until [ "$(i2cget -y $I2C_BUS 0x58 0x6b wp)" != 0x1339 ] && [ "$(i2cget -y $I2C_BUS 0x59 0x6b w)" != 0x1339 ]; do
    n=$((n+1)); [ $n -lt 200 ] || break; sleep 0.2
done
for d in psu-1 psu-2; do
    n=0 # what it lacks is known after a few polls, and then the limit has been read again
    until ./busbarctl --socket /tmp/busbard.sock devices $d --json >/out/$d.json && grep -q 'fan_rpm[^}]*absent' /out/$d.json &&
          grep -q 'input_warn_w[^}]*1472' /out/$d.json; do
        n=$((n+1)); [ $n -lt 100 ] || break; sleep 0.3
    done
done
for a in 0x58 0x59; do i2cget -y $I2C_BUS $a 0x6b w; done >/out/held
kill $daemon; wait $daemon; echo $? >/out/daemon.rc
./busbard --config busbard.yaml --restore --json >/out/restore.json 2>/out/restore.log; echo $? >/out/restore.rc
for a in 0x58 0x59; do i2cget -y $I2C_BUS $a 0x6b w; done >/out/restored
"""


# busbarctl alone on the bus, as an engineer has it: each answer with its exit status, and the kernel's i2cget beside it.
BY_HAND = """
link=i2c:/dev/i2c-$I2C_BUS
mkdir -p /tmp/hand
hand() {
    name=$1; shift
    ./busbarctl device "$@" --json >/out/$name.json 2>/out/$name.err; echo $? >/out/$name.rc
}
hand scan scan --link $link@0x57-0x5a --profile pmbus-generic
hand read read --link $link@0x58 --profile pmbus-generic
hand one read --link $link@0x58 --profile pmbus-generic --signal psu_output_w
hand watch watch --link $link@0x58 --profile pmbus-generic --signal psu_output_v --every 100 --seconds 2
hand nobody read --link $link@0x57 --profile pmbus-generic
hand above write psu_input_warn_w 100000 --link $link@0x58 --profile pmbus-generic --state-dir /tmp/hand --yes
i2cget -y $I2C_BUS 0x58 0x6b w >/out/before
hand write write psu_input_warn_w 2048 --link $link@0x58 --profile pmbus-generic --state-dir /tmp/hand --yes
i2cget -y $I2C_BUS 0x58 0x6b w >/out/written
hand again read --link $link@0x58 --profile pmbus-generic --signal psu_input_warn_w
hand back write psu_input_warn_w original --link $link@0x58 --profile pmbus-generic --state-dir /tmp/hand --yes
i2cget -y $I2C_BUS 0x58 0x6b w >/out/back
hand twice write psu_input_warn_w original --link $link@0x58 --profile pmbus-generic --state-dir /tmp/hand --yes
"""


class Failed(Exception):
    pass


def check(condition, text):
    if not condition:
        raise Failed(text)
    print(f"ok: {text}", flush=True)


def skip(reason):
    print(f"skip: {reason}", flush=True)
    sys.exit(77)


def find_bench():
    runner = os.path.join(BENCH, "run.sh")
    if not os.access(runner, os.X_OK):
        skip("no PMBus bench (BUSBAR_BENCH)")
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    missing = sorted({package for program, package in NEEDS.items() if not shutil.which(program, path=path)})
    if missing:
        skip("not installed: " + " ".join(missing))
    for program in (PROGRAM, CHIPS, os.path.join(BIN, "busbard")):
        if not os.access(program, os.X_OK):
            skip(f"{os.path.basename(program)} is not built")
    try:
        ready = subprocess.run([runner, "--prepare", "x86"], capture_output=True, text=True, timeout=PREPARE_S,
                               stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        skip("the guest's kernel could not be fetched in time")
    if ready.returncode:
        lines = (ready.stderr or ready.stdout).strip().splitlines()
        skip("the guest's kernel could not be fetched: " + (lines[-1] if lines else "no word why"))
    return runner


def linear11(raw):
    mantissa, exponent = raw & 0x7FF, raw >> 11
    return (mantissa - (mantissa >> 10 << 11)) * 2.0 ** (exponent - (exponent >> 4 << 5))


class Guest:
    """One boot: a folder with programs goes in, output, /out and the bus's record come back."""

    def __init__(self, runner, folder):
        self.runner, self.folder = runner, folder
        self.program, self.out = os.path.join(folder, "prog"), os.path.join(folder, "out")
        self.trace_file = os.path.join(folder, "trace")
        os.makedirs(os.path.join(self.program, "config", "profiles"))
        shutil.copy(PROFILE, os.path.join(self.program, "config", "profiles"))
        shutil.copy(os.path.join(SOURCE, "config", "profiles", "adm1272.yaml"), os.path.join(self.program, "config", "profiles"))
        shutil.copy(os.path.join(HERE, "busbard.yaml"), self.program)

    def run(self, programs, command):
        for program in programs:
            shutil.copy(program, self.program)
        began = [self.runner, "--bus", os.path.join(HERE, "bus.json"), "--trace", self.trace_file, "--out", self.out,
                 "--add", f"{PROFILE}:/etc/busbar/profiles/pmbus-generic.yaml", "--timeout", str(RUN_S), self.program,
                 command]
        done = subprocess.run(began, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=RUN_S + 60)
        if done.returncode == BENCH_FAILED:
            print(done.stderr[-3000:])
            raise Failed("the bench did not come up")
        with open(self.trace_file) as lines:
            self.trace = [json.loads(line) for line in lines]
        return done

    def text(self, name):
        with open(os.path.join(self.out, name)) as file:
            return file.read()

    def json(self, name):
        return json.loads(self.text(name))


def commands_written(trace, address):
    """The command of every write that carries data. A read starts again, with the address and a 1."""
    for line in trace:
        wire = bytes.fromhex(line["wire"])
        if int(line["addr"], 16) == address and not line["nak"] and len(wire) > 2 and wire[0] == address << 1 and \
                wire[2] != address << 1 | 1:
            if wire[1] not in PROCESS:
                yield wire[1]


def check_record(trace, extra):
    """What no program can say of itself."""
    for address in OURS:
        written = set(commands_written(trace, address))
        if written - WRITABLE - extra:
            raise Failed(f"0x{address:02x} was written to at " + " ".join(f"0x{c:02x}" for c in sorted(written)))
    check(True, f"in {len(trace)} transactions nothing was written but what may be, and PAGE never")


def transport_and_adapter(guest):
    done = guest.run([PROGRAM, CHIPS], "export BUSBAR_SOURCE=/prog; guest_pmbus && guest_chips")
    print(done.stdout, end="")
    if done.returncode:
        print(done.stderr)
        raise Failed(f"guest_pmbus or guest_chips ended with {done.returncode}")
    check_record(guest.trace, TEST_WRITES)
    flags = {}
    for line in guest.trace:
        if "nack-command" in line.get("flags", []):
            continue # the adapter clocks the rest of the message out all the same: no packet
        for flag in line.get("flags", []):
            flags.setdefault(flag, set()).add(int(line["addr"], 16))
    check(0x58 in flags.get("pec-in", ()) and 0x58 in flags.get("pec-out", ()), "packets had their code in both directions")
    check("bad-pec-in" not in flags, "the code of no write was wrong")
    check(0x58 in flags.get("bad-pec-out", ()), "wrong codes were on the wire, and were found")
    check(any(line["nak"] for line in guest.trace), "unacknowledged addresses were on the wire")


def daemon(guest):
    done = guest.run([os.path.join(BIN, name) for name in ("busbard", "busbarctl")], DAEMON)
    if done.returncode:
        print(done.stderr)
        raise Failed(f"the daemon's script ended with {done.returncode}")
    try:
        check_daemon(guest)
    except Failed:
        print(guest.text("busbard.log")[-4000:], guest.text("restore.log")[-2000:], sep="\n")
        raise
    check_record(guest.trace, set())


def check_daemon(guest):
    for number in (1, 2):
        device = guest.json(f"psu-{number}.json")["devices"][0]
        read = {r["signal"]: (r["status"], r["value"]) for r in device["readings"]}
        check((device["reachable"], device["identified"], device["model"], device["serial"]) ==
              (True, True, "QEMU-RAA228000", f"SN000{number}"), f"busbard knows psu-{number} by model and serial number")
        check(all(read[signal] == ("ok", value) for signal, value in READINGS.items()),
              f"psu-{number} reads " + ", ".join(f"{signal} {read[signal][1]}" for signal in READINGS))
        check(read["psu_fan_rpm"][0] == "absent", f"the fan that psu-{number} has not is known as absent")
    held = [int(word, 16) for word in guest.text("held").split()]
    check([linear11(raw) for raw in held] == [SHARE_OF_LIMIT_W] * 2, f"busbard holds both limits at {SHARE_OF_LIMIT_W} W")
    check(guest.text("daemon.rc").strip() == "0", "busbard ended well")
    check(guest.text("restore.rc").strip() == "0", "busbard --restore left nothing standing")
    restored = [int(word, 16) for word in guest.text("restored").split()]
    check(restored == [ORIGINAL_WARN_RAW] * 2, "both limits are what they were before busbard, bit for bit")


def by_hand(guest):
    done = guest.run([os.path.join(BIN, "busbarctl")], BY_HAND)
    if done.returncode:
        print(done.stderr)
        raise Failed(f"busbarctl's script ended with {done.returncode}")
    try:
        check_by_hand(guest)
    except (Failed, KeyError, ValueError):
        for name in sorted(os.listdir(guest.out)):
            print(f"---- {name}", guest.text(name)[:2000], sep="\n")
        raise
    check_record(guest.trace, set())


def check_by_hand(guest):
    status = {name[:-3]: int(guest.text(name)) for name in os.listdir(guest.out) if name.endswith(".rc")}
    found = {one["address"]: one["model"] for one in guest.json("scan.json")["found"]}
    check(status["scan"] == 0 and 0x57 not in found and found.get(0x58) == "QEMU-RAA228000" and 0x59 in found,
          f"a scan of an i2c-dev node finds who is there {found}")
    answer = guest.json("read.json")
    read = {r["signal"]: r["value"] for r in answer["readings"] if r["status"] == "ok"}
    expected = {**READINGS, "psu_input_warn_w": linear11(ORIGINAL_WARN_RAW)}
    check(status["read"] == 0 and answer["serial"] == "SN0001" and all(read[s] == value for s, value in expected.items()),
          "every row is read by hand " + ", ".join(f"{s} {read.get(s)}" for s in expected))
    check("psu_fan_rpm" in answer["absent"], "what the part has not is absent")
    check([r["signal"] for r in guest.json("one.json")["readings"]] == ["psu_output_w"], "one signal alone")
    samples = guest.json("watch.json")["samples"]
    check(status["watch"] == 0 and len(samples) >= 2, f"it is watched: {len(samples)} samples")
    check(status["nobody"] == 1 and guest.json("nobody.json")["errors"] > 0, "an address with nobody has no readings")
    check(status["above"] == 2 and guest.text("above.err").count("\n") == 1, "a value outside the row's limits is refused in one line")
    before, written, back = (int(guest.text(name), 16) for name in ("before", "written", "back"))
    answer = guest.json("write.json")
    check(status["write"] == 0 and answer["readback"] == 2048 and linear11(written) == 2048, "a write arrives, and is read back")
    check(guest.json("again.json")["readings"][0]["value"] == 2048, "and read again")
    check(status["back"] == 0 and back == before == ORIGINAL_WARN_RAW, "the original is put back, bit for bit")
    check(status["twice"] == 2 and "no original" in guest.text("twice.err"), "and forgotten then")


def main():
    runner = find_bench()
    for part in (transport_and_adapter, daemon, by_hand):
        folder = tempfile.mkdtemp(prefix="busbar-guest-")
        try:
            part(Guest(runner, folder))
        except Failed as failure:
            print(f"FAILED: {failure}")
            return 1
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
