#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The upstream Modbus server against pymodbus as its client, over TCP and as RTU on a pty: the mirror is read, a budget is
leased, refreshed, left to lapse and given back, and what is not allowed is refused."""
import os
import re
import shutil
import subprocess
import sys

SOURCE = os.environ.get("BUSBAR_SOURCE") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(SOURCE, "tests", "system"))
from rack import Rack, check, main, skip, wait_for  # noqa: E402

try:
    from pymodbus.client import ModbusSerialClient, ModbusTcpClient
except ImportError:
    skip("python3-pymodbus is missing")
if not shutil.which("socat"):
    skip("socat is missing")

UNIT_PSU, UNIT_BBU, KEY, OTHER = 0x20, 0x10, "1122334455667788", "8877665544332211"
STANDING, LEASED = 10000, 9000


def words(*values, size=2):
    """Numbers as registers, high word first."""
    return [w for v in values for w in [(v >> 16 * (size - 1 - i)) & 0xFFFF for i in range(size)]]


def key(text):
    return words(int(text, 16), size=4)


class Client:
    def __init__(self, modbus):
        self.modbus = modbus
        check(modbus.connect(), f"{type(modbus).__name__} connects")

    def read(self, address, count=1, unit=UNIT_PSU, table="holding"):
        call = self.modbus.read_holding_registers if table == "holding" else self.modbus.read_input_registers
        answer = call(address, count, slave=unit)
        return answer.exception_code if answer.isError() and hasattr(answer, "exception_code") else \
            None if answer.isError() else answer.registers

    def u32(self, address):
        high, low = self.read(address, 2)
        return high << 16 | low

    def write(self, address, values, unit=UNIT_PSU):
        """0, or the exception."""
        answer = self.modbus.write_registers(address, values, slave=unit)
        return answer.exception_code if answer.isError() else 0


def edit(port_path, serial_path):
    def change(text):
        folder = os.path.dirname(port_path)
        for name, value in (("ems.key", KEY), ("line.key", OTHER)):
            with open(os.path.join(folder, name), "w") as file:
                file.write(value + "\n")
        head, rest = text.split("    limits:\n", 1)
        rest = re.sub(r"(limit_w: [\d.]+)\}", r"\1, standing_w: %d}" % STANDING, rest, count=3)
        psus = ", ".join(re.findall(r"name: (psu-1-\d+)\n", text))
        bbus = ", ".join(re.findall(r"name: (bbu-1-\d+)\n", text))
        return head + "    limits:\n" + rest + f"""
pmi:
  enabled: true
  host: 127.0.0.1
  port: {os.environ["PMI_PORT"]}
  serial_path: {serial_path}
  parity: none
  readers: [127.0.0.0/8]
  writers:
    - {{name: ems, from: 127.0.0.1, key_file: {folder}/ems.key}}
    - {{name: line, from: serial, key_file: {folder}/line.key}}
  may_budget: true
  may_mode: true
  may_ride: true
  may_tokens: true
  budget_node: rack
  budget_min_w: 3000
  token_nodes: [rack]
  shelves:
    - {{name: shelf-1, unit: {UNIT_PSU}, kind: psu, maker: Delta, modules: [{psus}]}}
    - {{name: bbu-shelf-1, unit: {UNIT_BBU}, kind: bbu, modules: [{bbus}]}}
"""
    return change


def free_port():
    import socket
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def mirror(client, rack):
    regs = client.read(0x188, 8)
    check(bytes(b for r in regs for b in (r >> 8, r & 255)).rstrip(b"\0") == b"Delta", "a client finds the maker it chooses a map by")
    check(client.read(0x57)[0] == (1 << len(rack.names("psu-1-"))) - 1, "one bit a module that is there")
    for n in (1, 2):
        def module():
            """Read twice, a moment apart, while the load moves: both agree sooner or later."""
            volts, amps = client.read(0x101 + 0x10 * (n - 1), 2)
            reading = {r["signal"]: r["value"] for r in rack.device(f"psu-1-{n}")["readings"]}
            return abs(volts / 64 - reading["psu_input_v"]) < 1 and abs(amps / 1024 - reading["psu_input_a"]) < 0.5
        wait_for(f"module {n}'s input voltage and current are mirrored", module, 30)
    def battery():
        regs = client.read(0x101, 11, unit=UNIT_BBU)
        return 40 < regs[6] * 0.001 < 55 and 0 < regs[4] <= 100 and 270 < regs[0] / 10 < 340

    wait_for("a battery, eleven registers in one read, once its slow rows were read", battery, 30)
    check(client.read(0x101, 11, unit=UNIT_BBU, table="input")[6] > 0, "input registers are the same")
    check(client.read(0x103) == 2, "a register that no map has is exception 2")
    check(client.read(0x101, 96) == 2, "so is a read over holes")
    check(client.read(0x101, 1, unit=0x77) in (11, None), "another unit is nobody here")
    check(abs(client.u32(0x4025) - int(__import__("time").time())) < 30, "the clock is the head node's")


def window(client, rack):
    check(client.read(0x4000)[0] == 1 and client.read(0x4001)[0] == 0x10F, "the window says its version and what may be written")
    # Asked one after the other, while the load moves: both agree sooner or later.
    wait_for("it shows the rack's power", lambda: abs(client.u32(0x4002) - rack.ask("status")["envelope"]["power_w"]) < 2000, 30)
    check(client.u32(0x4006) == STANDING and client.u32(0x4004) == STANDING, "without a lease the standing budget applies")
    check(client.write(0x4046, words(LEASED)) == 1 and client.read(0x401C)[0] == 3, "without a key nothing is written")
    check(client.write(0x4040, key("1" * 16)) == 1, "a wrong key is refused")
    check(client.write(0x4040, key(KEY)) == 0 and client.read(0x400B)[0] == 1, "the right one gives the authority")
    check(client.write(0x4046, words(100)) == 3 and client.read(0x401C)[0] == 6, "a budget below the least is refused")
    check(client.write(0x4046, [0]) == 3, "half a number is refused")
    check(client.write(0x4000, [0]) == 2, "what may not be written is no such register")
    check(client.write(0x4044, [3, 1] + words(LEASED)) == 0, "a budget is leased for three seconds at a time")
    wait_for("it is in force", lambda: client.u32(0x4004) == LEASED, 10)
    check(0 < client.read(0x400A)[0] <= 3, "the lease runs")
    for _ in range(3):
        check(client.write(0x4045, [0]) == 0, "it is refreshed")
    check(client.u32(0x4008) == LEASED, "and stays")
    wait_for("left alone it ends, and the standing budget applies", lambda: client.u32(0x4004) == STANDING, 20)
    wait_for("the event says so", lambda: "lease_ended" in rack.run("events", "--json")[1], 10)

    check(client.write(0x4044, [60, 1] + words(LEASED)) == 0, "the same connection leases again")
    check(client.write(0x4048, [1]) == 0 and rack.ask("status")["mode_wanted"] == "control", "it asks for control")
    check(client.write(0x4049, [120, 500]) == 0 and client.read(0x4049, 2) == [120, 500], "it asks for more reserve")
    check(client.write(0x4049, [10]) == 3, "never for less than the configuration's")
    check(client.write(0x404C, [1] + words(300) + [60, 4]) == 0, "it asks for a token")
    wait_for("it is granted once the rack is in control",
             lambda: client.write(0x404C, [1] + words(300) + [60, 4]) == 0 and client.read(0x401D)[0] == 1 and client.u32(0x401F) == 300,
             60, every=0.5)
    check(any(t["client"] == "pmi-ems" and t["granted_w"] == 300 for t in rack.ask("token", "list")["tokens"]), "in the list as well")
    events = [e for e in rack.ask("events")["events"] if e["id"] in ("plan_changed", "plan_refused")]
    check(any(e["id"] == "plan_changed" and e["who"] == "ems" and f"{LEASED} W" in e["message"] for e in events), "every change is an event")
    check(any(e["id"] == "plan_refused" and "key" in e["message"] for e in events), "and every refusal")


def serial(client, first):
    check(client.read(0x57)[0] == first.read(0x57)[0], "RTU reads what TCP reads")
    check(client.read(0x101, 1, unit=0x77) is None, "on a line another unit's request is not answered")
    check(client.write(0x4040, key(KEY)) == 1, "TCP's key is not the line's")
    check(client.write(0x4040, key(OTHER)) == 6 and client.read(0x400B)[0] == 2, "the line's own is right, and the authority is another's")
    check(first.write(0x4040, [0, 0, 0, 0]) == 0, "which gives it back")
    check(client.write(0x4040, key(OTHER)) == 0 and client.write(0x4046, words(9500)) == 0, "now the line leases a budget")
    wait_for("it is in force", lambda: first.u32(0x4004) == 9500, 10)
    check(client.write(0x4046, words(0xFFFFFFFF)) == 0, "and gives it back")
    wait_for("the standing one applies", lambda: first.u32(0x4004) == STANDING, 10)


def test():
    if os.environ.get("BUSBAR_SANITIZE") == "thread":
        skip("minutes of a slow daemon; the server runs on the main thread alone, and the address sanitizer's build plays it")
    folder = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"busbar-pmi-{os.getpid()}")
    os.makedirs(folder)
    near, far = os.path.join(folder, "near"), os.path.join(folder, "far")
    line = subprocess.Popen(["socat", f"pty,raw,echo=0,link={near}", f"pty,raw,echo=0,link={far}"])
    os.environ["PMI_PORT"] = str(free_port())
    try:
        wait_for("a pty pair", lambda: os.path.exists(near) and os.path.exists(far), 10)
        with Rack("orv3", serve=["--envelope-w", "12000", "--load", "trace"], edit=edit(near, far)) as rack:
            rack.start()
            rack.wait_good()
            wait_for("the supplies were read", lambda: all(rack.device(n)["reachable"] for n in rack.names("psu-1-")), 20)
            tcp = Client(ModbusTcpClient("127.0.0.1", port=int(os.environ["PMI_PORT"]), timeout=10))
            mirror(tcp, rack)
            window(tcp, rack)
            rtu = Client(ModbusSerialClient(near, baudrate=115200, parity="N", timeout=1, retries=0))
            serial(rtu, tcp)
            code, _, err = rack.run("reload")
            check(code == 0, f"the configuration is loaded again {err}")
            wait_for("it is in force", lambda: "config_reloaded" in rack.run("events")[1], 20)
            check(tcp.read(0x57) != [] and tcp.u32(0x4004) == STANDING, "the connection outlives a reload")
            check(tcp.write(0x4046, words(LEASED)) == 1, "and gives its key again")
    finally:
        line.terminate()
        line.wait()
        shutil.rmtree(folder, ignore_errors=True)


main(test)
