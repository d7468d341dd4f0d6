#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An ORv3-HPR supply (unit 0x90) and battery (unit 0x30) on pymodbus, RTU and TCP at once; with
--maps every device of modbus_maps.py instead.

Framing, CRC, exceptions and TCP are pymodbus's; the registers are laid out as the profiles
hpr-psu and hpr-bbu expect. Prints "ready TCP_PORT RTU_OVER_TCP_PORT", then answers each command
line on standard input with one line; ends when that input ends.
"""
import argparse
import asyncio
import logging
import random
import socket
import sys

from pymodbus.datastore import ModbusServerContext
from pymodbus.factory import ServerDecoder
from pymodbus.file_message import ReadFileRecordRequest, ReadFileRecordResponse
from pymodbus.framer.rtu_framer import ModbusRtuFramer
from pymodbus.framer.socket_framer import ModbusSocketFramer
from pymodbus.server.async_io import ModbusSerialServer, ModbusTcpServer

import modbus_maps

PSU, BBU = 0x90, 0x30
GATE = 0x5E                    # bit 0 lets the set-points be written
GATED = range(0x5F, 0x70)


def text(value, size):
    raw = value.encode().ljust(size, b"\0")
    return [raw[i] << 8 | raw[i + 1] for i in range(0, size, 2)]


class Unit:
    """The registers of one device, and what was written to them."""

    def __init__(self, gated, *blocks):
        self.registers = {}
        for address, values in (item for block in blocks for item in block.items()):
            for i, value in enumerate(values):
                self.registers[address + i] = value
        self.gated, self.writes, self.mute = gated, [], False

    def validate(self, _function, address, count=1):
        return all(a in self.registers for a in range(address, address + count))

    def getValues(self, _function, address, count=1):
        return [self.registers[a] for a in range(address, address + count)]

    def setValues(self, _function, address, values):
        if self.gated and address in GATED and not self.registers[GATE] & 1:
            raise ValueError("the gate is closed")  # becomes exception 4
        for i, value in enumerate(values):
            self.registers[address + i] = value
        self.writes.append("%x=%s" % (address, ",".join("%x" % v for v in values)))


def psu():
    return Unit(True, modbus_maps.hpr_psu(), {
        0x00: text("FB-PSU", 16), 0x08: text("PEER-PSU-5500", 16), 0x18: text("PSU-SN-1", 32),
        0x30: text("01.02", 8), 0x34: [0, 5000, 0, 4000, 3, 1], 0x3C: [0, 0, 0, 0, 0],
        0x41: [24000, 15000, 9000, 9100, 25 * 128, 41 * 128, 50 * 128, 20 * 128],
        0x4F: [51200 - 512, 50 * 64, 50 * 64, 2475 * 8, 400 * 64, 50, 1024, 511, 2560 * 8, 240 * 64, 10900],
        0x5A: [0x6738, 0x1234, 0, 0, 0x1800, 4, 0, 0, 0, 0], 0x65: [0, 0, 51200, 0],
    })


class Records(ReadFileRecordResponse):
    """pymodbus has the two bytes before the data the wrong way round, and no store behind them."""

    def __init__(self, words=(), **kwargs):
        super().__init__(**kwargs)
        self.words = words

    def encode(self):
        size = 2 * len(self.words)
        return bytes([size + 2, size + 1, 6]) + b"".join(w.to_bytes(2, "big") for w in self.words)


class ReadRecords(ReadFileRecordRequest):
    files = {}

    def execute(self, context):
        asked = self.records[0]
        words = self.files.get(self.unit_id, {}).get((asked.file_number, asked.record_number))
        if words is None or asked.record_length > len(words):
            return self.doException(2)
        return Records(words[:asked.record_length])


def bbu():
    cells = [4000] * 12
    return Unit(False, modbus_maps.hpr_bbu(), {
        0x00: text("PEER", 16), 0x08: text("PEER-BBU", 16), 0x38: text("02.01", 8), 0x40: text("BBU-SN-1", 32),
        0x5A: [2981, 2982, 2983, 2984, 97, 96, 47800, 0xFFF6, 0xFFF6, 19000, 20000, 0x6738, 0x1234, 0],
        0x68: [0, 0, 0, 0x0003, 0x80] + cells + [1, 1],
        0x85: [600, 600, 12, 21000, 44000, 0, 0, 0, 0, 99, 1, 5700, 49000, 0, 49500, 2981, 2991, 3001, 3001, 3000,
               0, 0, 0, 0, 0, 0, 49400, 0, 0, 0, 6, 0, 0, 0, 0, 0, 6, 2],
        0xE0: [50500, 47000, 50500, 47000, 0, 0, 0, 0, 0, 0, 1, 2984, 1, 0, 0],
        0x120: [4, 90, 0, 5700, 0, 0, 90, 0, 0, 0, 0, 0, 0, 0, 0, 0], 0x130: [90, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    })


class Line:
    """Faults of the next answers."""

    def __init__(self, units):
        self.units, self.silent, self.badcrc = units, 0, 0

    def answer(self, framer):
        def change(response):
            unit = self.units.get(response.unit_id)
            if (unit and unit.mute) or self.silent > 0:
                self.silent -= self.silent > 0
                return b"", True
            if self.badcrc > 0 and framer:
                self.badcrc -= 1
                frame = bytearray(framer.buildPacket(response))
                frame[-1] ^= 0x5A
                return bytes(frame), True
            return response, False
        return change


def command(line, units):
    word, *rest = line.split()
    numbers = [int(x, 16) for x in rest]
    if word == "silent":
        command.line.silent = numbers[0]
    elif word == "badcrc":
        command.line.badcrc = numbers[0]
    elif word == "mute":
        units[numbers[0]].mute = numbers[1] != 0
    elif word == "remove":
        del units[numbers[0]].registers[numbers[1]]
    elif word == "get":
        return "%x" % units[numbers[0]].registers[numbers[1]]
    elif word == "set":
        units[numbers[0]].registers[numbers[1]] = numbers[2]
    elif word == "writes":
        done, units[numbers[0]].writes = units[numbers[0]].writes, []
        return " ".join(done) or "none"
    else:
        return "unknown"
    return "ok"


def free_port():
    """Below the ports that the kernel gives to whoever asks for any: nobody takes it while this server is away."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as free:
            try:
                free.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def map_units():
    ReadRecords.files = modbus_maps.FILES
    return {unit: Unit(False, blocks) for unit, blocks in modbus_maps.MAPS.items()}


async def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rtu", help="a serial line or pty")
    options.add_argument("--maps", action="store_true", help="serve the devices of modbus_maps.py")
    options.add_argument("--port", type=int, default=0, help="for TCP; 0: a free one")
    options = options.parse_args()
    logging.disable(logging.CRITICAL)
    units = map_units() if options.maps else {PSU: psu(), BBU: bbu()}
    context = ModbusServerContext(slaves=units, single=False)
    command.line = Line(units)
    servers, tasks = [], []
    if options.rtu:
        servers.append(ModbusSerialServer(
            context, ModbusRtuFramer, port=options.rtu, baudrate=115200, parity="N", stopbits=1, bytesize=8, timeout=1,
            ignore_missing_slaves=True, response_manipulator=command.line.answer(ModbusRtuFramer(ServerDecoder()))))
        await servers[0].start()
    port, plain = options.port or free_port(), free_port()
    # The second port takes serial frames: the gateway that only passes bytes on.
    for number, framer in ((port, ModbusSocketFramer), (plain, ModbusRtuFramer)):
        manipulator = command.line.answer(framer(ServerDecoder()) if framer is ModbusRtuFramer else None)
        servers.append(ModbusTcpServer(context, framer, None, ("127.0.0.1", number), allow_reuse_address=True,
                                       ignore_missing_slaves=framer is ModbusRtuFramer, response_manipulator=manipulator))
    for server in servers:
        server.decoder.register(ReadRecords)
        tasks.append(asyncio.ensure_future(server.serve_forever()))
    for server in servers[-2:]:
        await server.serving
    lines = asyncio.StreamReader()
    await asyncio.get_event_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    print("ready %d %d" % (port, plain), flush=True)
    while line := await lines.readline():
        print(command(line.decode(), units), flush=True)
    for task in tasks:
        task.cancel()


if __name__ == "__main__":
    asyncio.run(main())
