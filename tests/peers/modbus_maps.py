# SPDX-License-Identifier: Apache-2.0
"""The register maps of a rack's devices, for modbus_peer.py: written from the books of the
devices, not from config/profiles, so that one mistake cannot hide in both.

MAPS[unit] = {address: [words]}; what is not listed does not exist (exception 2). Values are
chosen so that a wrong scale, sign, order or address shows."""
import struct


def text(value, size):
    raw = value.encode().ljust(size, b"\0")
    return [raw[i] << 8 | raw[i + 1] for i in range(0, size, 2)]


def u32(value):
    return [value >> 16, value & 0xFFFF]


def f32(*values):
    return [w for v in values for w in struct.unpack(">HH", struct.pack(">f", v))]


def q(value, bits):
    return round(value * 2 ** bits) & 0xFFFF


def kelvin(celsius):
    return round((celsius + 273.15) * 10)


def psu_identity(maker, model, serial):
    return {0x00: text(maker, 16), 0x08: text(model, 16), 0x10: text("2025-11-03", 16), 0x18: text(serial, 32),
            0x28: text("WO42", 8), 0x2C: text("A7", 8), 0x30: text("02.10", 8), 0x34: u32(7200000), 0x36: u32(3600),
            0x38: [12], 0x39: [3]}


def electrical():  # 0x4F to 0x59: Q10 V, Q6 A, Q6 A, Q3 W, Q6 V, Hz, Q9, Q9, Q3 W, Q6 V, Q10 A
    return [q(50.75, 10), q(41.5, 6), q(41.25, 6), q(2106.0, 3), q(401.5, 6), 60, q(4.5, 9), q(0.984375, 9),
            q(2192.5, 3), q(239.5, 6), q(9.25, 10)]


def orv3_psu():
    m = psu_identity("FB-1", "PEER-3000", "ORV3-PSU-7")
    m.update({0x3C: [0x0100, 0x0200, 0x0001, 0x0020, 0x0100], 0x43: [9100, 9200, q(24.5, 7), q(41.25, 7), q(60, 7), q(-5.5, 7)],
              0x49: u32(4), 0x4B: u32(70000), 0x4D: u32(5), 0x4F: electrical(), 0x5A: [9], 0x5C: u32(0),
              0x5E: [0x0A00, 1, 55, 0x0021], 0x62: u32(1780000000), 0x64: [120, q(180, 6), q(305, 6), q(51, 10), q(48, 10), 7],
              0x6A: text("BL3", 8)})
    return m


def hpr_psu():
    m = psu_identity("FB-2", "PEER-5500", "HPR-PSU-7")
    m.update({0x3C: [0x0200, 0x1000, 0x0002, 0x00C0, 0x0002], 0x41: [q(2500.5, 3), q(10.5, 10)],
              0x43: [9300, 9400, q(25.5, 7), q(42.25, 7), q(61, 7), q(-4.5, 7)],
              0x49: u32(2), 0x4B: u32(1), 0x4D: u32(2), 0x4F: electrical(), 0x5A: u32(1780000001), 0x5C: u32(0),
              0x5E: [0x0802, 4, 0, 0], 0x62: [11, 30], 0x65: [q(181, 6), q(304, 6), q(50, 10)], 0x69: text("BL4", 8),
              0x6D: u32(0), 0x6F: [q(55.5, 7), q(56.5, 7), q(50.25, 10), q(46.5, 10), q(50.125, 10), q(49.5, 10), 1, q(50.875, 10), 2,
                                   0x00C5, 17, 18], 0x7C: [3, 0x7D]})
    return m


def bbu_identity(model, serial):
    return {0x00: text("PEER", 16), 0x08: text(model, 16), 0x10: text("2025-10-01", 16), 0x18: text("03-000123", 16),
            0x30: text("B1", 4), 0x34: text("A2", 8), 0x38: text("1.2.3", 8), 0x3C: text("WO43", 8), 0x40: text(serial, 32), 0x50: [77]}


def bbu_pack(amps):  # four temperatures, two states of charge, mV, 10 mA twice, mAh twice
    return [kelvin(25.05), kelvin(26.05), kelvin(27.05), kelvin(28.05), 97, 96, 43850, round(amps * 100) & 0xFFFF,
            round((amps - 0.5) * 100) & 0xFFFF, 4500, 5000]


def bbu_words(service):  # 0x85 to 0xA8
    return [12, 13, 41, 5200, 44000, 0xFFFE, 14, 15, 1, 98, 2, 2500, 45100, 1250, 50750, kelvin(24.05), kelvin(34.05), kelvin(35.05),
            kelvin(36.05), 8200, 0x0010, 0x0001, 0x0008, 0x0002, 0x0004, 0x0001, 48100, 1800, service, 0x8000, 6, 0x4000, 0x0001, 0x0001,
            21, 0x0400]


def bbu_chemistry():
    return [1, 2, 3, 0x0102, 0x0304, 0x5A21, 4711] + text("LION", 4) + text("PACKDATA", 8) + text("CELLMAKER", 32) + text("PACK-11S6P", 32)


def orv3_bbu():
    m = bbu_identity("PEER-BBU-3", "ORV3-BBU-9")
    m.update({0x68: [0x0080, 0x0001, 5, 0x8401, 0x00A0] + [3980 + i for i in range(11)], 0x79: [6],
              0x7A: bbu_pack(-12.5), 0x85: bbu_words(900), 0xB3: bbu_chemistry(),
              0x120: [1, 240, 60, 5700, 0, 0, 95, 8, 30], 0x12A: u32(1770000000) + u32(0) + u32(1780000002),
              0x130: [90, 0, 0, 0, 30], 0x136: [0, 0, 15, 0]})
    return m


def hpr_bbu():
    m = bbu_identity("PEER-BBU-5", "HPR-BBU-9")
    m.update({0x5A: bbu_pack(-123.25), 0x65: u32(1780000003), 0x68: [0x0080, 0x0001, 5, 0x8401, 0x00A0] + [3980 + i for i in range(12)],
              0x79: [6], 0x7B: [0x150], 0x85: bbu_words(900), 0xA9: [6, 1], 0xB3: bbu_chemistry(),
              0xE0: [50500, 46900, 50400, 49800, 31, 32, 33, 1500, 34], 0xEA: [5, kelvin(29.05), 0x21] + u32(0),
              0x100: u32(1234) + u32(5678) + [2, 3, 4],
              0x120: [4, 90, 60, 5700], 0x125: [0, 95, 8, 30], 0x12A: u32(1770000000) + u32(0), 0x130: [90, 0, 0, 0, 30], 0x136: [0, 0, 15, 0]})
    return m


def pmm(kind, holes):
    m = {0x00: text("03-000200", 16), 0x08: text("PEER", 16), 0x10: text("PEER-PMM-" + kind, 16), 0x18: text("2025-09-01", 16),
         0x20: text("PMM-" + kind + "-3", 32), 0x30: text("WO44", 8), 0x34: text("A1", 8), 0x38: text("1.0.9", 8),
         0x4C: u32(9000), 0x4E: u32(8000) + u32(1780000004) + [0x7D, 1, 2, 3, 1, 0x3F, 0x04, 0x0100, 0x3F], 0x5C: [1, 0, 4, 5],
         0x60: list(range(101, 107)) + list(range(201, 207)), 0x70: [9, 0x20, 1, 10, 11, 12, 13] + u32(0) + [4, 0, 0, 0],
         0x188: text("Delta", 16) + text("03-000201", 16) + text("ECDSHELF", 16), 0x1A8: text("SHELF-77", 32), 0x1B8: text("2025-08-01", 16)}
    for n in range(6):
        at = 0x100 + 16 * n
        if kind == "PSU":
            m[at + 1] = [q(231.5 + n, 6), q(5.5 + n, 10)]
        else:
            m[at + 1] = bbu_pack(-1.25 - n)[:9] + [100 + n, 200 + n]
        if holes:  # it answers for registers that are in no book
            m[at] = [0]
            used = 3 if kind == "PSU" else 12
            m[at + used] = [0] * (16 - used)
    return m


def cbu():
    m = bbu_identity("ECD27010006", "CBU-5")
    for at in (0x30, 0x34, 0x3C, 0x50):
        del m[at]
    m.update({0x00: text("Delta", 16), 0x65: u32(1780000005), 0x68: [0x8000], 0x99: [0x0008], 0x9A: [0x0002], 0x9B: [0x0001], 0x9D: [0x0010],
              0xA4: [0x0400]})
    return m


def tether():
    m = psu_identity("FB-3", "PEER-TETHER", "TETHER-2")
    del m[0x39]
    m.update({0x3C: [0x0100, 0x0400, 0x0001, 0x0020, 0x0300], 0x43: [4100, 4200, q(23.5, 7), q(33.5, 7), q(50, 7), q(1.5, 7)],
              0x49: u32(1), 0x4B: u32(0), 0x4D: u32(0), 0x4F: [q(50.5, 10), q(20.5, 6), q(20.25, 6), q(1035.25, 3)],
              0x56: [q(50.625, 10), q(1050.125, 3), q(51.5, 10), q(21.5, 6)] + u32(70001), 0x5E: [0x0801, 1], 0x62: u32(1780000006)})
    return m


def rpu():
    return {0x9000: [255, 321, 254, 1520, 0xFFF6, 9000, 12000, 500, 245, 63, 3100, 3200, 3300, 3400, 3, 2100, 2200, 65000],
            0x9400: [300, 350, 24, 60, 55], 0x9410: [0x0009, 0x003F], 0xA401: [0x0C, 50, 51, 52, 53], 0xA480: [1]}


def meter():  # SunSpec: the mark, a common block of 65 registers, model 213
    values = [30.5, 10.25, 10.5, 9.75, 230.0, 229.0, 230.5, 230.5, 398.0, 397.0, 398.5, 398.5, 50.02, 6900.0, 2300.0, 2350.0, 2250.0,
              7000.0, 2330.0, 2380.0, 2290.0, -800.0, -250.0, -300.0, -250.0, 0.985, 0.98, 0.99, float("nan"),
              1000.0, 300.0, 350.0, 350.0, 2000.0, 600.0, 700.0, 700.0] + [float("nan")] * 24
    return {40000: [0x5375, 0x6E53, 1, 65] + text("Fronius", 32) + text("Smart Meter", 32) + text("opt", 16) + text("1.3", 16) +
            text("METER-1", 32) + [1], 40069: [213, 124] + f32(*values) + u32(0x0000000C), 40195: [0xFFFF, 0]}


MAPS = {0xC8: orv3_psu(), 0x40: orv3_bbu(), 0x90: hpr_psu(), 0x30: hpr_bbu(), 0x20: pmm("PSU", False), 0x21: pmm("PSU", True),
        0x10: pmm("BBU", False), 0x36: cbu(), 0x08: tether(), 0x0C: rpu(), 0x01: meter(), 0xFF: hpr_psu()}

# Black boxes: FILES[unit][(file, record)] = words.
FILES = {0x90: {(1, 0): [0x0001, 0x6A1F, 0x4142, 0x4344], (1, 1): [0x0002, 0x6A20, 0x4546, 0x4700]}}
