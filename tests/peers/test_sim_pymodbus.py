#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""pymodbus, a Modbus stack in another language, as the client of the simulator's RTU lines and TCP gateway."""
import json
import os
import struct
import subprocess
import sys
import tempfile

try:
    from pymodbus.client import ModbusSerialClient, ModbusTcpClient
    from pymodbus.file_message import FileRecord, ReadFileRecordRequest
    import serial  # noqa: F401  what its serial client stands on
except ImportError as missing:
    print(f"skip: {missing}")
    sys.exit(77)

SERVER = os.path.join(os.environ.get("BUSBAR_BUILD", "build"), "tests", "test_serve_modbus")
if not os.access(SERVER, os.X_OK):
    print(f"skip: {SERVER} is not built")
    sys.exit(77)


def text(words):
    return struct.pack(f">{len(words)}H", *words).rstrip(b"\0").decode()


def read(client, unit, address, count=1):
    answer = client.read_holding_registers(address, count, slave=unit)
    assert not answer.isError(), (hex(unit), hex(address), answer)
    assert len(answer.registers) == count
    return answer.registers


def refused(answer, code):
    assert answer.isError() and answer.exception_code == code, answer


def identities(client):
    assert text(read(client, 0x90, 0x08, 8)) == "HPR-PSU-5500"
    assert text(read(client, 0x95, 0x18, 16)) == "PSU00000006"
    assert text(read(client, 0x30, 0x08, 8)) == "HPR-BBU-5500"
    assert text(read(client, 0x20, 0x10, 8)) == "HPR-PMM-PSU"
    assert text(read(client, 0x10, 0x188, 8)) == "Busbar Sim"


def readings(client):
    volts, amperes, share, watts = read(client, 0x90, 0x4F, 4)
    assert (volts / 1024, amperes / 64, share / 64, watts / 8) == (49.5, 100, 100, 4950)
    assert read(client, 0x91, 0x58)[0] / 64 == 240
    charge, _, millivolts, current = read(client, 0x32, 0x5E, 4)
    assert (charge, millivolts, current) == (75, 43700, 570)
    # the longest spans that hold together, in one read each
    assert len(read(client, 0x90, 0x00, 0x3A)) == 58
    assert len(read(client, 0x90, 0x3C, 0x28)) == 40
    # six modules through the shelf controller
    for module in range(6):
        mirror = read(client, 0x10, 0x101 + 0x10 * module, 11)
        assert mirror[4] == 75 and mirror[6] == 43700
    answer = client.read_input_registers(0x4F, 1, slave=0x90)
    assert answer.registers == [0xC600]


def refusals(client):
    refused(client.read_holding_registers(0x68, 1, slave=0x90), 2)
    refused(client.read_holding_registers(0x100, 16, slave=0x10), 2)
    refused(client.write_register(0x4F, 0, slave=0x90), 2)
    refused(client.write_register(0x67, 51200, slave=0x94), 4)
    refused(client.read_coils(0, 1, slave=0x90), 1)


def records(client):
    """The black box, by another's idea of function 20."""
    def ask(unit, *groups):
        request = ReadFileRecordRequest([FileRecord(reference_type=6, file_number=f, record_number=r, record_length=n)
                                         for f, r, n in groups])
        request.unit_id = request.slave_id = unit
        return client.execute(request)

    answer = ask(0x90, (1, 0, 12))
    assert not answer.isError() and len(answer.records) == 1, answer
    words = struct.unpack(">12H", answer.records[0].record_data)
    assert words[2] == 1 and words[7] / 64 == 240 and words[8] / 1024 == 49.5, words
    answer = ask(0x30, (1, 0, 3), (1, 0, 12))
    assert [len(record.record_data) for record in answer.records] == [6, 24], answer
    refused(ask(0x90, (1, 0, 13)), 3)
    refused(ask(0x90, (2, 0, 1)), 2)
    refused(ask(0x90, (1, 9, 1)), 2)
    refused(ask(0x20, (1, 0, 1)), 1)


def settings(client):
    assert not client.write_register(0x5E, 0x0803, slave=0x90).isError()
    assert not client.write_register(0x67, int(50.25 * 1024), slave=0x90).isError()
    assert read(client, 0x90, 0x67) == [51456]
    refused(client.write_register(0x67, int(52 * 1024), slave=0x90), 3)
    assert not client.write_registers(0x12C, [0, 60], slave=0x30).isError()
    assert not client.write_register(0x123, 2000, slave=0x30).isError()
    assert not client.write_register(0x6B, 0x0400, slave=0x30).isError()
    assert read(client, 0x30, 0x6B)[0] & 0x0400
    assert read(client, 0x30, 0x12C, 2) == [0, 60]
    assert not client.write_registers(0x5A, [0x6800, 0x0000], slave=0x91).isError()
    assert read(client, 0x91, 0x5A)[0] == 0x6800
    # back to where it was, for whoever comes next
    assert not client.write_register(0x6B, 0, slave=0x30).isError()
    assert not client.write_register(0x5E, 0x0802, slave=0x90).isError()


def run(client):
    assert client.connect()
    try:
        for check in (identities, readings, refusals, records, settings):
            check(client)
    finally:
        client.close()


def main():
    with tempfile.TemporaryDirectory(prefix="busbar-peer-") as directory:
        server = subprocess.Popen([SERVER, "--serve", directory], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            place = json.loads(server.stdout.readline())
            # Linux gives a pty no parity bit: none is what a client asks for
            run(ModbusSerialClient(place["line"], baudrate=115200, parity="N", stopbits=1, timeout=3))
            run(ModbusTcpClient("127.0.0.1", port=place["tcp_port"], timeout=3))
        finally:
            server.stdin.close()
            status = server.wait(timeout=30)
        assert status == 0, status
    print("ok")


if __name__ == "__main__":
    main()
