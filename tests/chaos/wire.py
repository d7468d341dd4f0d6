# SPDX-License-Identifier: Apache-2.0
"""What every link between busbard and the simulator has: a trouble now and then, places for devices, somebody to tell."""
import asyncio
import socket
import struct


def reset(writer):
    """Cuts a connection the hard way: what was not sent is lost, and the peer sees a reset."""
    if writer.transport.is_closing():
        return
    sock = writer.get_extra_info("socket")
    if sock is not None and sock.family != socket.AF_UNIX:
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
    writer.transport.abort()


def keep_port():
    """A socket that holds a port of the loopback, and does not listen: what is refused for a while is nobody else's meanwhile.
    Listen with `reuse_port`."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind(("127.0.0.1", 0))
    return sock


class Wire:
    """`places`: the devices behind it, by what a frame calls them; `report`: called with a violation."""

    def __init__(self, name, rng, places, report):
        self.name, self.rng, self.places, self.report = name, rng, places, report
        self.trouble = None
        self.struck = 0

    def strike(self, *kinds):
        """The kind of trouble that this frame meets, if it is one of these; else None."""
        trouble = self.trouble
        if not trouble or trouble.kind not in kinds or self.rng.random() >= trouble.share:
            return None
        self.struck += 1
        return trouble.kind

    def hushed(self):
        """Nothing gets through, and nobody is told."""
        if self.trouble and self.trouble.kind in ("half_open", "stall"):
            self.struck += 1
            return True
        return False

    def later(self, seconds, call):
        return asyncio.get_running_loop().call_later(seconds, call)

    async def break_it(self, trouble):
        self.trouble, self.struck = trouble, 0
        self.on_trouble()

    async def mend(self):
        was, self.trouble = self.trouble, None
        if was:
            await self.on_clear(was)

    def on_trouble(self):
        """A trouble begins."""

    async def on_clear(self, was):
        """It is over."""
