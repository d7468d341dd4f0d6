# SPDX-License-Identifier: Apache-2.0
"""One rack with a wire of each kind between busbard and its devices: made, asked, watched, ended."""
import asyncio
import json
import os
import random
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "system"))
import rack as racks  # noqa: E402  (the tests' own, found by the line above)

import frames  # noqa: E402
import truth as truths  # noqa: E402
import troubles  # noqa: E402
import web  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
SENSE_S, LOOK_S = 0.04, 0.15
# The longest that one transaction of a link takes, by the time-outs that are configured below.
LONGEST_S = {"rtu": 0.5, "tcp": 0.5, "smbus": 0.5, "http": 1.7, "https": 1.7}
# Registers and commands that say who a device is, from the profiles: (first, words).
MODULES = {"psu": {"model": (0x08, 8), "serial": (0x18, 16)}, "bbu": {"model": (0x08, 8), "serial": (0x40, 16)}}
MODELS = {"psu": "ORV3-PSU-3000", "bbu": "ORV3-BBU-3000"}
SMBUS = {"model": 0x9A, "serial": 0x9E}


class ControlSocket:
    """The simulator's, without blocking; one line at a time."""

    def __init__(self, path):
        self.path, self.turn = path, asyncio.Lock()
        self.reader = self.writer = None

    async def ask(self, *lines):
        async with self.turn:
            if self.writer is None:
                self.reader, self.writer = await asyncio.open_unix_connection(self.path, limit=1 << 20)
            self.writer.write("".join(line + "\n" for line in lines).encode())
            answers = [self.read(await self.reader.readline()) for _ in lines]
        for line, answer in zip(lines, answers):
            if answer.get("ok") is False:
                raise RuntimeError(f"the simulator refused {line!r}: {answer['error']}")
        return answers

    @staticmethod
    def read(line):
        if not line.endswith(b"\n"):
            raise racks.Failed("the simulator has hung up its control socket")
        return json.loads(line)

    def close(self):
        if self.writer:
            self.writer.close()


async def http(path, method, target, body=""):
    """One exchange with busbard on its socket; the document, or None: it says not yet, or had enough of waiting for us."""
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        writer.write(f"{method} {target} HTTP/1.1\r\nHost: busbar\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n{body}"
                     .encode())
        head, _, text = (await reader.read()).partition(b"\r\n\r\n")
    finally:
        writer.close()
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    if b" 200 " not in head.split(b"\r\n", 1)[0] or (length and len(text) < int(length.group(1))):
        return None
    return json.loads(text)


class World:
    """`report` is called with each violation. The wires are in `wires`, by name."""

    def __init__(self, seed, seconds, report, prefix=(), period_ms=10):
        self.seed, self.report = seed, report
        self.rng = random.Random(f"{seed}/world")
        self.rack = racks.Rack(os.path.join(HERE, "rack"), edit=None, control_period_ms=period_ms)
        self.folder, self.rack.prefix = self.rack.folder, list(prefix)
        self.rack.serve_options = ["--modbus-tcp", "--json", "--load", "trace", "--trace", self.made("load.csv", self.load(seconds)),
                                   "--seed", str(seed), "--envelope-w", "3000", "--discharged", "--charge-timeout-s", "10"]
        self.truth = truths.Truth()
        self.wires, self.places, self.names = {}, {}, {}
        self.control = self.decoy = None

    def load(self, seconds):
        return truths.zigzag(seconds + 120, random.Random(f"{self.seed}/load"), 1200, 6000)

    def made(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w") as file:
            file.write(text)
        return path

    # ---- start ----

    async def start(self):
        await asyncio.get_running_loop().run_in_executor(None, self.rack.serve)
        self.control = ControlSocket(self.rack.ctl_path)
        served = json.loads(open(self.rack.sim_log.name).readline())
        self.decoy = web.Decoy(self.report)
        await self.decoy.start()
        self.make_places()
        self.make_wires(served)
        for wire in self.wires.values():
            await wire.start()
        self.make_profiles()
        text = self.edit(open(self.rack.config).read())
        with open(self.rack.config, "w") as file:
            file.write(text)

    def place(self, name, asks=("serial", "model")):
        self.places[name] = troubles.Place(name, asks)
        return self.places[name]

    def make_places(self):
        """Which devices are behind which wire. A supply of shelf 1 has two sides: one device, two places to be careful."""
        self.names = {"tcp": ["psu-1-1", "psu-1-2", "bbu-1-1"], "rtu": ["psu-2-1", "psu-2-2", "bbu-2-1"],
                      "smbus": ["psu-1-1-smbus", "psu-1-2-smbus"], "http": ["bmc-1"], "https": ["bmc-2"]}
        for link, names in self.names.items():
            for name in names:
                self.place(name, ("serial",) if name.startswith("bmc") else ("serial", "model"))

    def make_wires(self, served):
        def rng(name):
            return random.Random(f"{self.seed}/{name}")

        def units(link):
            return {self.address(name): self.places[name] for name in self.names[link]}

        def identity(link):
            return {self.address(name): MODULES[name[:3]] for name in self.names[link]}

        run = self.rack.run_dir
        self.wires["rtu"] = frames.RtuWire("rtu", rng("rtu"), os.path.join(run, "line-2"), os.path.join(self.folder, "line"),
                                           identity=identity("rtu"), places=units("rtu"), report=self.report)
        self.wires["tcp"] = frames.TcpWire("tcp", rng("tcp"), served["modbus_tcp_port"], identity=identity("tcp"),
                                           places=units("tcp"), report=self.report)
        self.wires["smbus"] = frames.SmbusWire("smbus", rng("smbus"), served["smbus"], os.path.join(self.folder, "segment"), SMBUS,
                                               places=units("smbus"), report=self.report)
        contexts = web.certificates(self.folder)
        for i, (name, bmc) in enumerate((("http", "bmc-1"), ("https", "bmc-2"))):
            port = int(served["bmcs"][i]["url"].rsplit(":", 1)[1])
            self.wires[name] = web.WebWire(name, rng(name), port, self.places[bmc], contexts if i else None, self.decoy.port,
                                           report=self.report)

    def address(self, name):
        """A unit or address, from the configuration that the simulator wrote."""
        text = open(self.rack.config).read()
        return int(re.search(rf"name: {name}\n\s+bus: \S+\n\s+address: (0x[0-9a-f]+)", text).group(1), 16)

    def make_profiles(self):
        """The shipped ones, but for one maker's model alone, and with packet checks: another model must be a stranger."""
        for name, model in (("orv3-psu", "ORV3-PSU-*"), ("orv3-bbu", "ORV3-BBU-*"), ("pmbus-generic", "ORV3-PSU-*")):
            text = open(os.path.join(racks.SOURCE, "config", "profiles", name + ".yaml")).read()
            text = re.sub(r'(?m)^(match: \{.*text: )"[^"]*"', rf'\1"{model}"', text, count=1)
            text = re.sub(r"(?m)^pec: \w+", "pec: true", text, count=1)
            os.makedirs(os.path.join(self.folder, "profiles"), exist_ok=True)
            self.made(os.path.join("profiles", name + ".yaml"), text)

    def edit(self, text):
        wires, run = self.wires, self.rack.run_dir
        text = re.sub(r"    kind: modbus-rtu\n    path: \S+/line-1\n    baud: \d+\n    parity: [^\n]*\n",
                      f"    kind: modbus-tcp\n    host: 127.0.0.1\n    port: {wires['tcp'].port}\n", text, count=1)
        text = text.replace(f"path: {run}/line-2\n", f"path: {wires['rtu'].path}\n", 1)
        text = text.replace(f"path: {run}/smbus-1\n", f"path: {wires['smbus'].path}\n", 1)
        text = re.sub(r"(fast_ms: )\d+(\n\s+slow_ms: )\d+(\n\s+stale_ms: )\d+", r"\g<1>300\g<2>2000\g<3>3000", text)
        for name, bmc, scheme in (("http", "bmc-1", "http"), ("https", "bmc-2", "https")):
            more = f"\n    ca_file: {self.folder}/ca.pem" if scheme == "https" else ""
            more += "\n    timeout_ms: 1500\n    fast_ms: 300\n    slow_ms: 2000\n    stale_ms: 4000"
            text = re.sub(rf"(- name: {bmc}\n    url: )\S+", rf"\g<1>{scheme}://127.0.0.1:{wires[name].port}{more}", text, count=1)
        return text + f"\nprofiles: [{self.folder}/profiles]\nrecord: {{ring_mib: 1}}\n"

    async def start_daemon(self):
        await asyncio.get_running_loop().run_in_executor(None, self.rack.start)

    # ---- asking ----

    async def api(self, method, target, body=""):
        return await http(self.rack.socket, method, target, body)

    async def sense(self):
        """For ever: what every sensor holds."""
        while True:
            began = time.monotonic()
            answer, = await self.control.ask("spans")
            self.truth.add(began, time.monotonic(), answer)
            await asyncio.sleep(SENSE_S)

    def link_of(self, device):
        return next((link for link, names in self.names.items() if device in names), None)

    # ---- the end ----

    async def stop_wires(self):
        for wire in self.wires.values():
            await wire.stop()
        if self.decoy:
            await self.decoy.stop()
        if self.control:
            self.control.close()

    def clear_away(self):
        self.rack.__exit__(None, None, None)
