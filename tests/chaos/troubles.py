# SPDX-License-Identifier: Apache-2.0
"""What can go wrong on a link, drawn from a seed; who was swapped, and whether it was written to too early.

Nothing here touches a wire: wires.py asks."""
import math
import time

# What a frame meets on any link of frames; `share` of the frames are struck, `late_s` is what late means.
FRAMES = ["drop_request", "drop_answer", "delay", "duplicate_answer", "duplicate_request", "corrupt_request", "corrupt_answer",
          "cut", "trickle", "noise", "half_open", "reset", "swap", "swap_model"]
STREAM = ["refuse", "stall"]
HTTP = ["drop_request", "drop_answer", "delay", "duplicate_answer", "duplicate_request", "corrupt_answer", "cut", "half_open",
        "reset", "slow_header", "slow_body", "endless_header", "endless_body", "endless_continue", "huge_length", "wrong_length",
        "gzip_bomb", "redirect_loop", "redirect_away", "busy", "logged_out", "no_http", "refuse", "stall", "swap"]
TLS = ["expired_certificate", "strange_certificate", "no_tls"]

KINDS = {
    "rtu": FRAMES,
    "tcp": FRAMES + STREAM,
    # An I2C bus gives each answer while it is asked for: nothing unasked comes, and no master can be kept waiting.
    "smbus": [kind for kind in FRAMES if kind != "noise"] + STREAM,
    "http": HTTP,
    "https": HTTP + TLS,
}


class Trouble:
    """One fault of one link: strikes a share of its frames while it lasts."""

    def __init__(self, kind, share, seconds, late_s):
        self.kind, self.share, self.seconds, self.late_s = kind, share, seconds, late_s

    def __str__(self):
        return f"{self.kind} ({self.share:.0%} for {self.seconds:.1f} s)"


def draw(rng, link, only=None):
    """The next fault of a link."""
    kinds = [kind for kind in KINDS[link] if not only or only in f"{link}/{kind}"]
    if not kinds:
        return None
    return Trouble(rng.choice(kinds), rng.choice([0.15, 0.4, 1.0]), rng.uniform(0.5, 2.5), rng.choice([0.02, 0.12, 0.3, 1.0, 2.5]))


class Place:
    """A slot with a device in it. It may be pulled, and another one put in: nothing may be written to that one before it
    said who it is, and nothing at all if its model is not what the profile is for.

    `asks`: what must have been asked, and answered undamaged, before (serial number, model)."""

    def __init__(self, name, asks):
        self.name, self.asks = name, frozenset(asks)
        self.away = self.stranger = False
        self.missed = 0           # requests while nobody was there
        self.missed_first = None  # when the first of them came
        self.serial = None
        self.unsure_s = -math.inf # when last an answer of it may have passed for the next one's, by our own fault
        self.known = set(asks)
        self.writes = []          # (when, serial, what)

    def pull(self):
        self.away, self.missed, self.missed_first = True, 0, None

    def miss(self):
        self.missed += 1
        self.missed_first = self.missed_first or time.monotonic()

    def insert(self, serial, stranger):
        self.away, self.stranger, self.serial, self.known = False, stranger, serial, set()

    def told(self, what):
        """It answered this, and the answer arrived as it was sent."""
        self.known.add(what)

    def write(self, what):
        """A write is on its way to the device. What is wrong with that, or None."""
        self.writes = self.writes[-99:] + [(time.monotonic(), self.serial, what)]
        if self.stranger:
            return f"{self.name}: {what} was written to a device of another model (serial {self.serial})"
        if not self.asks <= self.known:
            return (f"{self.name}: {what} was written to a swapped device (serial {self.serial}) that was not asked for its "
                    + " and ".join(sorted(self.asks - self.known)))
        return None
