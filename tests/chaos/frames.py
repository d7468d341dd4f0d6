# SPDX-License-Identifier: Apache-2.0
"""Links that carry frames: a Modbus line (RTU), a Modbus gateway (TCP), an SMBus segment (socket).

Each stands between busbard and the simulator, passes frames on, and does to them what its trouble says. Every byte that
is changed is one that the link's own checks can see: what no check can find proves nothing."""
import asyncio
import os
import termios
import time
import tty

from wire import Wire, keep_port, reset

RTU_QUIET_S = 0.006


class FrameWire(Wire):
    """What is common to links of frames; a subclass cuts bytes into them."""

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.due = {}  # when a lane's last late answer comes
        self.late = {}  # how much of a lane has not come yet: a loop that had to wait is past `due`, and has it still to send

    def lane(self, frame):
        """What answers in order: a device of a line, all of a stream."""
        return None

    def on_request(self, frame, back, on):
        """A whole frame from busbard. `on` sends to the device, `back` to busbard."""
        place = self.places.get(self.unit(frame))
        if self.hushed():
            return
        if place and place.away:
            place.miss()
            away = self.away_answer(frame)
            if away:
                back(away)
            return
        kind = self.strike("drop_request", "duplicate_request", "corrupt_request", "reset")
        if kind == "drop_request":
            return
        if kind == "reset":
            self.hang_up()
            return
        if kind == "corrupt_request":
            frame = self.damage(frame, True)
        if place and kind != "corrupt_request" and self.is_write(frame):
            wrong = place.write(self.describe(frame))
            if wrong:
                self.report(wrong)
        on(frame)
        if kind == "duplicate_request":
            self.double(frame, on)

    def in_order(self, unit, seconds, call):
        """What is late keeps what comes after it waiting: a device, and a stream, answers in order."""
        loop = asyncio.get_running_loop()
        self.due[unit] = max(self.due.get(unit, 0.0) + 1e-5, loop.time() + seconds)
        self.late[unit] = self.late.get(unit, 0) + 1

        def come():
            self.late[unit] -= 1
            call()
        loop.call_at(self.due[unit], come)

    def on_answer(self, frame, request, back):
        """A whole frame from the device; `request`: what it answers, as far as is known."""
        lane = self.lane(frame)
        if self.late.get(lane):
            self.in_order(lane, 0.0, lambda: self.answer(frame, request, back, True))
        else:
            self.answer(frame, request, back)

    def answer(self, frame, request, back, queued=False):
        """`queued`: it had to wait for one before it, and others may wait for it: it is not made later still."""
        self.surplus_answer(frame)
        kind = self.strike("drop_answer", "duplicate_answer", "corrupt_answer", "cut", "noise", *(() if queued else ("delay", "trickle")))
        if self.hushed() or kind == "drop_answer":
            return
        if kind == "delay":
            self.in_order(self.lane(frame), self.trouble.late_s * self.rng.uniform(0.5, 1.5),
                          lambda: self.deliver(frame, request, lambda: back(frame)))
        elif kind == "corrupt_answer":
            back(self.damage(frame, False))
        elif kind == "cut":
            back(frame[:self.rng.randrange(1, max(2, len(frame)))])
        elif kind == "trickle":
            for i in range(len(frame) - 1):
                self.in_order(self.lane(frame), i * self.trouble.late_s / len(frame), lambda byte=frame[i:i + 1]: back(byte))
            self.in_order(self.lane(frame), (len(frame) - 1) * self.trouble.late_s / len(frame),
                          lambda: self.deliver(frame, request, lambda: back(frame[-1:])))
        elif kind == "noise":
            noise = self.rng.randbytes(self.rng.randrange(1, 12))
            self.deliver(frame, request, lambda: back(noise + frame))
        else:
            # In one piece: had this process to wait between two, the second would answer the next question of that form.
            self.deliver(frame, request, lambda: back(frame + frame if kind == "duplicate_answer" else frame))

    def deliver(self, frame, request, send):
        """All of an answer is there with this, however late: busbard may have taken it."""
        send()
        place = self.places.get(self.unit(frame if request is None else request))
        if place and request is not None:
            for what in self.tells(request, frame):
                place.told(what)

    def double(self, frame, on):
        self.later(self.rng.uniform(0.0, 0.02), lambda: on(frame))

    def surplus_answer(self, frame):
        """An answer is on its way, perhaps one to a question that the device got twice."""

    def away_answer(self, frame):
        return None


# ---- Modbus ----

class ModbusWire(FrameWire):
    """`identity`: {what: (register, count)} by unit. PDUs are (unit, function, ...)."""

    def __init__(self, *arguments, identity, **named):
        super().__init__(*arguments, **named)
        self.identity = identity

    def is_write(self, frame):
        return self.pdu(frame)[0] in (5, 6, 15, 16, 22, 23)

    def describe(self, frame):
        pdu = self.pdu(frame)
        return f"register 0x{int.from_bytes(pdu[1:3], 'big'):04x}"

    def tells(self, request, answer):
        asked, got = self.pdu(request), self.pdu(answer)
        if asked[0] not in (3, 4) or got[0] != asked[0]:
            return
        first, count = int.from_bytes(asked[1:3], "big"), int.from_bytes(asked[3:5], "big")
        for what, (register, words) in self.identity.get(self.unit(request), {}).items():
            if first <= register and register + words <= first + count:
                yield what


def crc(data):
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return value.to_bytes(2, "little")


class RtuWire(ModbusWire):
    """A pty to the simulator's line and one of its own, that busbard opens by a link in the folder."""

    def __init__(self, name, rng, device, path, **named):
        super().__init__(name, rng, **named)
        self.path = path
        self.device_fd = os.open(device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self.device_fd, termios.TCSANOW)
        self.master_fd = self.slave_fd = -1
        self.asked, self.told, self.waiting = b"", b"", []
        self.quiet = {}
        self.twice = {}  # how many answers are still to come of a unit that got a question twice

    async def start(self):
        self.open()
        asyncio.get_running_loop().add_reader(self.device_fd, self.readable, self.device_fd, False)

    def open(self):
        self.master_fd, self.slave_fd = os.openpty()
        os.set_blocking(self.master_fd, False)
        tty.setraw(self.slave_fd, termios.TCSANOW)
        link = self.path + ".new"
        os.symlink(os.ttyname(self.slave_fd), link)
        os.rename(link, self.path)
        asyncio.get_running_loop().add_reader(self.master_fd, self.readable, self.master_fd, True)

    def close(self):
        asyncio.get_running_loop().remove_reader(self.master_fd)
        os.close(self.master_fd)
        os.close(self.slave_fd)

    def hang_up(self):
        """The adapter is pulled out and put in again: whoever had it open has nothing."""
        self.close()
        self.asked, self.told, self.waiting = b"", b"", []
        self.open()

    async def stop(self):
        asyncio.get_running_loop().remove_reader(self.device_fd)
        self.close()
        os.close(self.device_fd)

    def readable(self, fd, asked):
        try:
            data = os.read(fd, 4096)
        except OSError:
            return
        if asked:
            self.asked += data
        else:
            self.told += data
        self.take(asked)
        if asked in self.quiet:
            self.quiet.pop(asked).cancel()
        if self.asked if asked else self.told:
            self.quiet[asked] = self.later(RTU_QUIET_S, lambda: self.take(asked, True))

    def take(self, asked, all_of_it=False):
        while True:
            data = self.asked if asked else self.told
            size = self.size(data, asked) or (len(data) if all_of_it else 0)
            if not size or len(data) < size:
                size = len(data) if all_of_it else 0
            if not size:
                return
            frame, rest = data[:size], data[size:]
            if asked:
                self.asked = rest
                self.waiting = self.waiting[-3:] + [frame]
                self.on_request(frame, self.back, self.on)
            else:
                self.told = rest
                request = next((r for r in reversed(self.waiting) if r[0] == frame[0]), None)
                self.on_answer(frame, request, self.back)

    @staticmethod
    def size(data, asked):
        """Bytes of the frame at the front by its function code; 0: more is needed, or it is unknown."""
        if len(data) < 4:
            return 0
        function = data[1]
        if function & 0x80:
            return 5
        if function in (5, 6) or (function in (15, 16) and not asked) or (function in (1, 2, 3, 4) and asked):
            return 8
        if function in (15, 16):
            return 9 + data[6] if len(data) > 6 else 0
        return 5 + data[2]

    def back(self, data):
        self.put(self.master_fd, data)

    def on(self, data):
        self.put(self.device_fd, data)

    @staticmethod
    def put(fd, data):
        try:
            os.write(fd, data)
        except OSError:
            pass  # nobody reads: lost, as on a wire

    def double(self, frame, on):
        """Its second answer may come while another question of the same length stands, and nothing in it says to what it is."""
        self.twice[self.unit(frame)] = 2
        super().double(frame, on)

    def surplus_answer(self, frame):
        unit = self.unit(frame)
        if self.twice.get(unit) and unit in self.places:
            self.twice[unit] -= 1
            self.places[unit].unsure_s = time.monotonic()

    def unit(self, frame):
        return frame[0]

    def lane(self, frame):
        return frame[0]

    def pdu(self, frame):
        return frame[1:].ljust(6, b"\0")

    def damage(self, frame, asked):
        """One to three bits that stand close together: the checksum sees each such error."""
        at, mask = self.rng.randrange(len(frame)), self.rng.choice([0x01, 0x80, 0x18, 0x54, 0x10])
        return frame[:at] + bytes([frame[at] ^ mask]) + frame[at + 1:]


class StreamWire(FrameWire):
    """A stream socket in front of another: one connection there for each here."""

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.writers, self.server, self.tasks = set(), None, set()

    async def start(self):
        self.server = await self.listen()

    async def stop(self):
        self.server.close()
        self.hang_up()
        for task in list(self.tasks):
            task.cancel()

    def on_trouble(self):
        if self.trouble and self.trouble.kind == "refuse":
            self.server.close()
            self.hang_up()

    async def on_clear(self, was):
        if was.kind == "refuse":
            await self.start()
        elif was.kind in ("half_open", "stall"):
            self.hang_up()  # what was lost meanwhile does not come any more: the peer's timer has run out

    def hang_up(self):
        for writer in list(self.writers):
            reset(writer)

    async def serve(self, reader, writer):
        self.tasks.add(asyncio.current_task())
        self.writers.add(writer)
        try:
            while self.trouble and self.trouble.kind == "stall":
                await asyncio.sleep(0.05)  # taken, and not looked at
            there, on = await self.connect()
        except (OSError, asyncio.CancelledError):
            self.leave(writer)
            return
        self.writers.add(on)
        waiting = []

        def back(data):
            if not writer.is_closing():
                writer.write(data)

        def pass_on(data):
            if not on.is_closing():
                on.write(data)

        async def requests():
            while True:
                frame = await self.frame(reader)
                waiting[:] = waiting[-7:] + [frame]
                self.on_request(frame, back, pass_on)

        async def answers():
            while True:
                frame = await self.frame(there)
                self.on_answer(frame, self.question(waiting, frame), back)

        ways = [asyncio.create_task(requests()), asyncio.create_task(answers())]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            pass
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        self.leave(writer, on)

    def leave(self, *writers):
        for writer in writers:
            self.writers.discard(writer)
            writer.close()
        self.tasks.discard(asyncio.current_task())


class TcpWire(StreamWire, ModbusWire):
    def __init__(self, name, rng, port, **named):
        super().__init__(name, rng, **named)
        self.device_port, self.kept = port, keep_port()
        self.port = self.kept.getsockname()[1]

    def listen(self):
        return asyncio.start_server(self.serve, "127.0.0.1", self.port, reuse_port=True)

    async def stop(self):
        await super().stop()
        self.kept.close()

    def connect(self):
        return asyncio.open_connection("127.0.0.1", self.device_port)

    @staticmethod
    async def frame(reader):
        head = await reader.readexactly(6)
        return head + await reader.readexactly(int.from_bytes(head[4:6], "big"))

    @staticmethod
    def question(waiting, frame):
        return next((r for r in reversed(waiting) if r[:2] == frame[:2]), None)

    def unit(self, frame):
        return frame[6]

    def pdu(self, frame):
        return frame[7:].ljust(6, b"\0")

    def away_answer(self, frame):
        """A gateway says that nobody answers, or nothing either."""
        if self.rng.random() < 0.5:
            return None
        return frame[:4] + b"\0\3" + frame[6:7] + bytes([frame[7] | 0x80, 0x0B])

    def damage(self, frame, asked):
        """Of a stream that TCP has checked only a broken gateway damages the head: number, protocol, length, unit, function."""
        at = self.rng.choice([0, 1, 2, 3, 4] if asked else [0, 1, 2, 3, 4, 6, 7])  # a request to another unit is a good one
        return frame[:at] + bytes([frame[at] ^ self.rng.choice([0x01, 0x40, 0x10])]) + frame[at + 1:]


# ---- SMBus ----

class SmbusWire(StreamWire):
    """`identity`: {what: command}."""

    def __init__(self, name, rng, device, path, identity, **named):
        super().__init__(name, rng, **named)
        self.device, self.path, self.identity = device, path, identity
        self.surplus = self.answered = None  # a request that the device got twice; one that has had its answer

    def listen(self):
        return asyncio.start_unix_server(self.serve, self.path)

    def connect(self):
        return asyncio.open_unix_connection(self.device)

    @staticmethod
    async def frame(reader):
        head = await reader.readexactly(1)
        return head + await reader.readexactly(head[0])

    @staticmethod
    def question(waiting, frame):
        return waiting[-1] if waiting else None

    def double(self, frame, on):
        """The device acts twice; on a bus whose master gives the clock only one answer is read."""
        self.surplus = frame
        on(frame)

    def on_answer(self, frame, request, back):
        if request is not None and request is self.surplus and request is self.answered:
            self.surplus = None
            return
        self.answered = request
        super().on_answer(frame, request, back)

    def unit(self, frame):
        return frame[1]

    def is_write(self, frame):
        """Data for a command of its own; PAGE and the like are the master's business."""
        return frame[4] == 0 and frame[3] > 1 and frame[5] not in (0x00, 0x03)

    def describe(self, frame):
        return f"command 0x{frame[5]:02x}"

    def tells(self, request, answer):
        if request[3] == 1 and answer[1] == 0:
            for what, command in self.identity.items():
                if request[5] == command:
                    yield what

    def away_answer(self, frame):
        return b"\1\1"  # not acknowledged

    def damage(self, frame, asked):
        """What is on the wire, not the socket's own counts: the packet error code sees each such error."""
        if asked:
            if frame[3] == 0:
                return frame
            at = self.rng.randrange(5, len(frame))
        elif len(frame) > 2:
            at = self.rng.randrange(2, len(frame))
        else:
            return frame[:1] + bytes([2])
        return frame[:at] + bytes([frame[at] ^ self.rng.choice([0x01, 0x80, 0x18, 0x54])]) + frame[at + 1:]
