# SPDX-License-Identifier: Apache-2.0
"""Modbus under load: devices behind a gateway, read by busbard and by Debian's collectd.

The gateway is written here and knows neither: it answers reads of holding registers from the maps of
tests/peers/modbus_maps.py, and counts what was asked for. busbard reads what lies together in one piece; collectd's
modbus plugin asks for each value by itself."""
import os
import re
import socketserver
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peers"))
import modbus_maps  # noqa: E402: of the peers
import redfish  # noqa: E402: beside this file

MODBUS = "/usr/lib/collectd/modbus.so"
PROFILES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "config", "profiles")
HZ = 5  # of every value that is polled at all
# What is read: the profile, whose registers, how many units.
SETS = {"modbus_cpu_register": ("hpr-psu", modbus_maps.hpr_psu(), 24, "supplies, each by itself"),
        "modbus_cpu_register_mirror": ("hpr-pmm-bbu", modbus_maps.pmm("BBU", True), 8, "shelves of batteries, each through its controller's mirror")}


def polled(profile):
    """Registers of one word that busbard polls."""
    with open(os.path.join(PROFILES, profile + ".yaml"), encoding="utf-8") as file:
        rows = re.findall(r"\{address: (0x[0-9A-Fa-f]+), type: ([us]16)[^}]*?poll: (?:fast|slow)", file.read())
    return {int(at, 16): kind for at, kind in rows}


class Answerer(socketserver.BaseRequestHandler):
    def piece(self, size):
        data = b""
        while len(data) < size:
            more = self.request.recv(size - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def handle(self):
        words = self.server.words
        try:
            while True:
                head = self.piece(7)
                pdu = self.piece(int.from_bytes(head[4:6], "big") - 1)
                at, count = int.from_bytes(pdu[1:3], "big"), int.from_bytes(pdu[3:5], "big")
                if pdu[0] == 3 and all(a in words for a in range(at, at + count)):
                    answer = bytes([3, 2 * count]) + b"".join(words[a] for a in range(at, at + count))
                    self.server.registers += count
                else:
                    answer = bytes([pdu[0] | 0x80, 2])
                self.server.transactions += 1
                self.request.sendall(head[:4] + (len(answer) + 1).to_bytes(2, "big") + head[6:] + answer)
        except (EOFError, ConnectionError):
            pass


class Gateway(socketserver.ThreadingTCPServer):
    daemon_threads = allow_reuse_address = True

    def __init__(self, blocks):
        super().__init__(("127.0.0.1", 0), Answerer)
        self.words = {at + i: word.to_bytes(2, "big") for at, values in blocks.items() for i, word in enumerate(values)}
        self.registers = self.transactions = 0
        self.port = self.server_address[1]

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class Daemon(redfish.Daemon):
    """busbard on the gateway, only watching."""

    def __init__(self, gateway, profile, units):
        self.folder = tempfile.mkdtemp(prefix="busbar-load-")
        self.conf = os.path.join(self.folder, "busbar.yaml")
        devices = "\n".join(f"  - {{name: unit-{u}, bus: gateway, address: {u}, profile: {profile}, node: rack}}" for u in units)
        with open(self.conf, "w", encoding="utf-8") as file:
            file.write(f"""rack: {{name: load}}
state_dir: {self.folder}
socket: {self.folder}/busbar.sock
record: {{ring_mib: 8}}
control: {{period_ms: 100, mode: observe}}
tree:
  - {{name: rack, kind: rack, limits: [{{window_ms: 1000, limit_w: 10000000}}]}}
buses:
  - {{name: gateway, kind: modbus-tcp, host: 127.0.0.1, port: {gateway.port}, fast_ms: {1000 // HZ}, slow_ms: {1000 // HZ}}}
devices:
{devices}
""")


class Collectd(redfish.Collectd):
    """collectd with its modbus plugin, on the same registers of the same units."""

    def __init__(self, gateway, profile, units):
        self.folder = tempfile.mkdtemp(prefix="busbar-collectd-")
        self.conf = os.path.join(self.folder, "collectd.conf")
        rows = polled(profile)
        data = "\n".join(f"""  <Data "r{at:x}">
    RegisterBase {at}
    RegisterType {"Int16" if kind == "s16" else "Uint16"}
    RegisterCmd ReadHolding
    Type "gauge"
    Instance "r{at:x}"
  </Data>""" for at, kind in rows.items())
        slaves = "\n".join(f"    <Slave {u}>\n      Instance \"unit-{u}\"\n" + "".join(f"      Collect \"r{at:x}\"\n" for at in rows) + "    </Slave>"
                           for u in units)
        with open(self.conf, "w", encoding="utf-8") as file:
            file.write(f"""BaseDir "{self.folder}"
PIDFile "{self.folder}/pid"
PluginDir "/usr/lib/collectd"
TypesDB "/usr/share/collectd/types.db"
Interval {1.0 / HZ}
ReadThreads 1
LoadPlugin modbus
<Plugin modbus>
{data}
  <Host "shelf">
    Address "127.0.0.1"
    Port "{gateway.port}"
    Interval {1.0 / HZ}
{slaves}
  </Host>
</Plugin>
""")


def measured(peer, gateway, seconds):
    """CPU seconds a register, and registers and transactions a second, once everything is known."""
    with peer:
        before = {}

        def begin():
            before.update(registers=gateway.registers, transactions=gateway.transactions)
        cpu = peer.used(8.0, seconds, begin)
        registers, transactions = gateway.registers - before["registers"], gateway.transactions - before["transactions"]
    if not registers:
        raise RuntimeError(f"{type(peer).__name__} reads nothing")
    return cpu / registers, registers / seconds, transactions / seconds


def run(bench, say):
    if not bench.wanted(*SETS):
        return
    if not os.path.exists(redfish.COLLECTD) or "not found" in subprocess.run(["ldd", MODBUS], capture_output=True, text=True).stdout:
        say("bench: modbus_cpu_* need collectd with its modbus plugin (packages collectd-core, libmodbus5): skipped")
        bench.skipped = True
        return
    for name, (profile, blocks, count, what) in SETS.items():
        if not bench.wanted(name):
            continue
        units = range(1, count + 1)
        with Gateway(blocks) as gateway:
            theirs, their_rate, their_asked = measured(Collectd(gateway, profile, units), gateway, bench.seconds)
            ours, our_rate, our_asked = measured(Daemon(gateway, profile, units), gateway, bench.seconds)
        say(f"bench: {name}: busbard {our_rate:.0f} registers a second in {our_asked:.0f} reads, {1e6 * ours:.2f} us of CPU each; "
            f"collectd {their_rate:.0f} in {their_asked:.0f}, {1e6 * theirs:.1f} us")
        bench.add(name, 1e6 * ours, "us", f"collectd's modbus, a register a read; {count} {what}, {HZ} a second; limit a tenth", 1e6 * theirs)
