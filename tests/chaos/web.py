# SPDX-License-Identifier: Apache-2.0
"""A link that carries HTTP or HTTPS: stands between busbard and a simulated BMC, and misbehaves as BMCs and networks do.

A body is never changed so that it is another good one: TCP's checksum and TLS see to that on the way, and nobody could tell."""
import asyncio
import os
import ssl
import subprocess
import time
import zlib

from wire import Wire, keep_port, reset

PIECE = 64 * 1024
PACE_S = 0.004       # 16 MB/s: an endless answer need not take the whole processor
MOST_PIECES = 4096


class Gone(Exception):
    """This connection has no further use."""


def certificates(folder):
    """An authority, what it signed for 127.0.0.1, the same run out, and one that nobody signed. {name: SSLContext}."""
    def run(*arguments):
        done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"openssl {' '.join(arguments)}: {done.stderr}")

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    run("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=links", "-days", "2")
    run("req", *key, "-keyout", "bmc.key", "-out", "bmc.csr", "-subj", "/CN=bmc", "-addext", "subjectAltName=IP:127.0.0.1")
    for name, days in (("good", "2"), ("expired", "-1")):
        run("x509", "-req", "-in", "bmc.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-copy_extensions", "copy", "-days", days,
            "-out", name + ".pem")
    run("x509", "-req", "-in", "bmc.csr", "-signkey", "bmc.key", "-copy_extensions", "copy", "-days", "2", "-out", "strange.pem")
    contexts = {}
    for name in ("good", "expired", "strange"):
        contexts[name] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        contexts[name].load_cert_chain(os.path.join(folder, name + ".pem"), os.path.join(folder, "bmc.key"))
    return contexts


class WebWire(Wire):
    """`device_port`: the simulated BMC. `contexts`: of HTTPS. `away_port`: where nobody must ever be sent to by us."""

    def __init__(self, name, rng, device_port, place, contexts=None, away_port=0, **named):
        super().__init__(name, rng, {None: place}, **named)
        self.device_port, self.place, self.contexts, self.away_port = device_port, place, contexts, away_port
        self.kept, self.server = keep_port(), None
        self.port = self.kept.getsockname()[1]
        self.writers, self.tasks = set(), set()
        self.ahead = {}  # the next request of a connection, where it is waited for already
        self.bomb = b""

    async def start(self):
        context, kind = None, self.trouble.kind if self.trouble else ""
        if self.contexts:
            context = self.contexts.get({"expired_certificate": "expired", "strange_certificate": "strange"}.get(kind, "good"))
            if kind == "no_tls":
                context = None

        # Whom busbard trusted is settled when it is connected, and serve() begins after the handshake: by then there may be
        # another trouble, and another certificate, that this connection never saw.
        def serve(reader, writer):
            return self.serve(reader, writer, kind)
        # A stranger that speaks no TLS is no error of this test.
        self.server = await asyncio.start_server(serve, "127.0.0.1", self.port, ssl=context, limit=256 * 1024, reuse_port=True)

    async def stop(self):
        self.server.close()
        self.hang_up()
        for task in list(self.tasks):
            task.cancel()
        self.kept.close()

    def hang_up(self):
        for writer in list(self.writers):
            reset(writer)

    async def restart(self):
        self.server.close()
        self.hang_up()
        await self.start()

    async def break_it(self, trouble):
        await super().break_it(trouble)
        if trouble.kind in ("expired_certificate", "strange_certificate", "no_tls"):
            await self.restart()
        elif trouble.kind == "refuse":
            await self.away()

    async def away(self):
        """Nobody listens."""
        self.server.close()
        self.hang_up()

    async def on_clear(self, was):
        if was.kind in ("expired_certificate", "strange_certificate", "no_tls", "refuse"):
            await self.restart()
        elif was.kind in ("half_open", "stall"):
            self.hang_up()

    # ---- one connection ----

    async def serve(self, reader, writer, born):
        """`born`: the trouble of the server that took it."""
        self.tasks.add(asyncio.current_task())
        self.writers.add(writer)
        upstream = None
        try:
            if self.place.away:
                self.place.miss()
                raise Gone
            if self.trouble and self.trouble.kind == "stall":
                await self.until_gone(reader)
            while True:
                request = await (self.ahead.pop(reader, None) or self.message(reader))
                if born in ("expired_certificate", "strange_certificate", "no_tls"):
                    self.report(f"{self.name}: a request was sent over a connection with trouble {born}")
                if self.place.away:
                    self.place.miss()
                    raise Gone
                if upstream is None:
                    upstream = await asyncio.open_connection("127.0.0.1", self.device_port)
                    self.writers.add(upstream[1])
                await self.exchange(request, reader, writer, *upstream)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError, Gone, ValueError):
            pass
        finally:
            for one in [writer] + ([upstream[1]] if upstream else []):
                self.writers.discard(one)
                one.close()
            if reader in self.ahead:
                self.ahead.pop(reader).cancel()
            if self.place.away:
                reset(writer)
            self.tasks.discard(asyncio.current_task())

    @staticmethod
    async def message(reader):
        """A whole request, or an answer, with a body whose length is said."""
        head = await reader.readuntil(b"\r\n\r\n")
        size = 0
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                size = int(value)
        return head, await reader.readexactly(size) if size else b""

    @staticmethod
    async def until_gone(reader):
        """Says nothing until the peer has had enough."""
        while await reader.read(4096):
            pass
        raise Gone

    async def exchange(self, request, reader, writer, there, on):
        head, body = request
        method, path = head.split(b" ", 2)[:2]
        kind = self.strike("drop_request", "duplicate_request", "reset", "redirect_loop", "redirect_away", "busy")
        if self.hushed() or kind == "drop_request":
            await self.until_gone(reader)
        if kind == "reset":
            reset(writer)
            raise Gone
        if kind:
            answer = self.instead(kind, path)
            if answer:
                writer.write(answer)
                return
        change = method in (b"PATCH", b"PUT") or (method == b"POST" and b"/Sessions" not in path)
        if change:
            wrong = self.place.write(f"{method.decode()} {path.decode()}")
            if wrong:
                self.report(wrong)
        for _ in range(2 if kind == "duplicate_request" and method == b"GET" else 1):
            on.write(head + body)
            answer = await self.message(there)
        if self.trouble and self.trouble.kind == "logged_out" and method != b"POST" and self.strike("logged_out"):
            answer = (b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", b"")
        if await self.answer(answer, reader, writer) and method == b"GET" and path.rstrip(b"/") == b"/redfish/v1":
            self.place.told("serial")

    def instead(self, kind, path):
        """An answer that is made up before the BMC hears of the question."""
        if kind == "busy":
            return (b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 2\r\n\r\n{}")
        if kind == "redirect_loop":
            return b"HTTP/1.1 302 Found\r\nLocation: " + path + b"\r\nContent-Length: 0\r\n\r\n"
        if kind == "redirect_away":
            return (b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:%d/redfish/v1/\r\nContent-Length: 0\r\n\r\n"
                    % self.away_port)
        return None

    async def answer(self, answer, reader, writer):
        """Sends it as the trouble says. True: it arrives as it is."""
        head, body = answer
        kind = self.strike("drop_answer", "delay", "duplicate_answer", "corrupt_answer", "cut", "slow_header", "slow_body",
                           "endless_header", "endless_body", "endless_continue", "huge_length", "wrong_length", "gzip_bomb",
                           "no_http")
        if kind is None:
            writer.write(head + body)
            return True
        if kind == "drop_answer":
            await self.until_gone(reader)
        elif kind == "delay":
            await asyncio.sleep(self.trouble.late_s * self.rng.uniform(0.5, 1.5))
            writer.write(head + body)
            return True
        elif kind == "duplicate_answer":
            await self.twice(head + body, reader, writer)
        elif kind == "corrupt_answer":
            writer.write(self.spoilt(head, body))
        elif kind in ("slow_header", "slow_body"):
            await self.slowly(head, body, kind == "slow_header", writer)
        else:
            await getattr(self, kind)(head, body, writer)
        await writer.drain()
        return False

    async def twice(self, whole, reader, writer):
        """At once, or while nothing is asked: one that comes after the next question was sent looks like its answer."""
        if self.rng.random() < 0.5:
            writer.write(whole + whole)
            return
        writer.write(whole)
        await writer.drain()
        self.ahead[reader] = asyncio.create_task(self.message(reader))
        asked, _ = await asyncio.wait({self.ahead[reader]}, timeout=self.rng.choice([0.02, 0.1]))
        if asked:
            return
        writer.write(whole)
        for _ in range(5):  # what came before this was written is read in the next round
            await asyncio.sleep(0)
        if self.ahead[reader].done():
            self.place.unsure_s = time.monotonic()

    async def cut(self, head, body, writer):
        whole = head + body
        writer.write(whole[:self.rng.randrange(1, len(whole))])
        await writer.drain()
        if self.rng.random() < 0.5:
            reset(writer)
        raise Gone

    def spoilt(self, head, body):
        """Wrong in a way that can be seen: a length of the same bytes, but they are no JSON and no header any more."""
        way = self.rng.randrange(4)
        if way == 0:
            return head + bytes(self.rng.randrange(1, 32) for _ in body)
        if way == 1:
            return head.replace(b"HTTP/1.1 ", b"HTTP/9.7 ", 1) + body
        if way == 2 and body:
            at = self.rng.randrange(len(body))
            return head + body[:at] + b"\0" * (len(body) - at)
        return self.rng.randbytes(len(head)) + body

    async def slowly(self, head, body, header, writer):
        """A byte now and then: each is a sign of life, and the whole never comes in time."""
        pause_s = self.trouble.late_s / 5
        if not header:
            writer.write(head)
        for i in range(len(body) if not header else len(head)):
            writer.write((head if header else body)[i:i + 1])
            await writer.drain()
            await asyncio.sleep(pause_s)
        if header:
            writer.write(body)

    async def pour(self, piece, writer):
        for _ in range(MOST_PIECES):
            if not self.trouble:
                break
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(PACE_S)
        raise Gone

    async def endless_header(self, head, body, writer):
        writer.write(b"HTTP/1.1 200 OK\r\n")
        await self.pour(b"".join(b"X-Filler-%d: %s\r\n" % (i, b"x" * 1000) for i in range(60)), writer)

    async def endless_continue(self, head, body, writer):
        await self.pour(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, writer)

    async def endless_body(self, head, body, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        await self.pour(b"10000\r\n" + b" " * PIECE + b"\r\n", writer)

    async def huge_length(self, head, body, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99999999999999\r\n\r\n")
        await self.pour(b" " * PIECE, writer)

    async def wrong_length(self, head, body, writer):
        """More is promised than comes, then the connection is closed; or a number that is none."""
        length = self.rng.choice([b"%d" % (len(body) + 10), b"-5", b"99999999999999999999999", b"many"])
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: " + length + b"\r\n\r\n" + body)
        await writer.drain()
        raise Gone

    async def gzip_bomb(self, head, body, writer):
        """64 MiB of JSON in 64 KiB."""
        if not self.bomb:
            packer = zlib.compressobj(9, wbits=31)
            self.bomb = b"".join([packer.compress(b"{")] + [packer.compress(b" " * (1 << 20)) for _ in range(64)]
                                 + [packer.compress(b"}"), packer.flush()])
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
                     % len(self.bomb) + self.bomb)

    async def no_http(self, head, body, writer):
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")


class Decoy:
    """A server that must never hear of us: where a redirect points to."""

    def __init__(self, report):
        self.report, self.port, self.server = report, 0, None

    async def start(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]

    async def stop(self):
        self.server.close()

    async def serve(self, reader, writer):
        self.report("a redirect to another host was followed")
        writer.close()
