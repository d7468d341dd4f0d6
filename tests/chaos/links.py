#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Chaos on every link: the real busbard on a simulated rack, with a wire in between that drops, delays, doubles, damages,
cuts, trickles, resets, redirects, floods and swaps. `./dev campaign --links` and tests/system/test_links.py.

What must hold: no reading that is shown as good is another than the sensor held then; no write reaches a swapped device
before it said who it is, and none a device of another model; each device is read again once its trouble is over; the
control loop goes on; memory and descriptors stay bounded; SIGTERM ends the daemon, in the middle of trouble, with 0."""
import argparse
import asyncio
import json
import os
import random
import re
import shutil
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import troubles  # noqa: E402
import truth as truths  # noqa: E402
import world as worlds  # noqa: E402
from world import racks  # noqa: E402

PATIENCE = racks.PATIENCE
EPISODE_S = 300.0       # then a new daemon: each one is ended in the middle of trouble
CALM_EVERY_S = 60.0     # nothing is broken for a moment: what is held then must not grow
RECOVER_S = 30.0        # times PATIENCE: hung, not slow
TICKS_S = 10.0
EVIDENCE_S = 30.0       # times PATIENCE: how much longer there is trouble until there was something to judge
READINGS, WRITES = 200, 1     # what is something
END_S = 30.0
PULLED_S = 1.5          # nobody swaps a module faster
WRITE_EVERY_S = (1.0, 4.0)
RSS_GROWTH_KIB = 24 * 1024    # from one calm moment to any later: a few of the largest answers that the heap keeps
RSS_PEAK_KIB = 48 * 1024      # above it: two of 4 MiB a BMC, and what they are put together from
DESCRIPTORS_MORE = 6          # connections that are kept: two a BMC, one a listener's client
VALGRIND = ["valgrind", "--quiet", "--leak-check=full", "--errors-for-leak-kinds=definite", "--show-leak-kinds=definite",
            "--error-exitcode=99", "--num-callers=20"]


class Totals:
    def __init__(self, seed):
        self.seed, self.faults, self.struck = seed, {}, {}
        self.episodes = self.readings = self.writes = self.swaps = 0
        self.recovered_s, self.ended_s, self.began = 0.0, 0.0, time.monotonic()
        self.memory, self.descriptors, self.failures = [], [], []

    def document(self):
        return {
            "minutes": round((time.monotonic() - self.began) / 60, 2), "seed": self.seed, "episodes": self.episodes,
            "faults": dict(sorted(self.faults.items())), "struck": sum(self.struck.values()),
            "readings_judged": self.readings, "writes": self.writes, "swaps": self.swaps,
            "recovered_worst_s": round(self.recovered_s, 2), "ended_worst_s": round(self.ended_s, 2),
            "rss_kib": self.memory, "descriptors": self.descriptors,
            "violations": len(self.failures), "failures": self.failures,
        }


def log_tail(text):
    """What a daemon's log has to say of its end: the sanitizer's whole report, else the last lines."""
    found = re.search(r"(?m)^.*(Sanitizer|runtime error:)", text)
    if not found:
        return text[-1500:]
    return text[max(0, text.rfind("\n=====", 0, found.start())):][:8000]


def proc(pid, key):
    """A line of /proc/PID/status, in KiB."""
    try:
        for line in open(f"/proc/{pid}/status"):
            if line.startswith(key + ":"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


class Episode:
    """One rack and one daemon, in trouble for some time."""

    def __init__(self, seed, seconds, options, totals, prefix=()):
        self.seed, self.seconds, self.options, self.totals, self.valgrind = seed, seconds, options, totals, bool(prefix)
        self.world = worlds.World(seed, seconds, self.violation, prefix, 100 if prefix else 20 if racks.SANITIZED else 10)
        self.links = [link for link in troubles.KINDS if not options.only
                      or any(options.only in f"{link}/{kind}" for kind in troubles.KINDS[link])]
        self.turn = asyncio.Lock()      # one swap at a time: a supply has two sides
        self.quiet = asyncio.Event()    # set: trouble may begin
        self.idle = {link: True for link in self.links}
        self.devices, self.over, self.count = {}, False, 0
        self.judged = {}

    def violation(self, text):
        again = f"./dev campaign --links --minutes {max(self.seconds / 60, 0.5):g} --seed {self.seed}"
        if self.options.only:
            again += f" --only {self.options.only}"
        going = [f"{name} {wire.trouble}" for name, wire in self.world.wires.items() if wire.trouble]
        if len(self.totals.failures) < 200:
            self.totals.failures.append({"what": text, "trouble": going, "seed": self.seed, "repeat": again})
        print(f"VIOLATION {text} [{'; '.join(going) or 'no trouble now'}]\n  again: {again}", file=sys.stderr, flush=True)

    # ---- watching ----

    async def look(self):
        """For ever: every device as busbard shows it, held against the truth."""
        ticks, moved = -1, time.monotonic()
        answering = time.monotonic()
        while self.world.rack.daemon.poll() is None:  # end() says what it ended with
            asked = time.monotonic()
            try:
                devices = await asyncio.wait_for(self.world.api("GET", "/v1/devices"), RECOVER_S * PATIENCE)
                answered = time.monotonic()
                status = await asyncio.wait_for(self.world.api("GET", "/v1/status"), RECOVER_S * PATIENCE)
            except (OSError, asyncio.TimeoutError) as error:
                if self.over:
                    return
                # Once is no proof: it hangs up on a client that this machine has kept from reading for long.
                if time.monotonic() - answering > RECOVER_S * PATIENCE:
                    self.violation(f"the daemon does not answer any more: {error!r}")
                    return
                await asyncio.sleep(0.2)
                continue
            answering = time.monotonic()
            if status and status["ticks"] != ticks:
                ticks, moved = status["ticks"], time.monotonic()
            elif time.monotonic() - moved > TICKS_S * PATIENCE:
                self.violation(f"the control loop has stood still at {ticks} ticks for {time.monotonic() - moved:.0f} s")
                moved = time.monotonic()
            if devices:
                # Judged a moment later: the truth's samples on both sides must be there.
                asyncio.get_running_loop().call_later(0.5, self.judge, devices["devices"], asked, answered)
                self.devices = {device["name"]: device for device in devices["devices"]}
                self.count += 1
            await asyncio.sleep(worlds.LOOK_S)

    def judge(self, devices, asked, answered):
        for device in devices:
            link = self.world.link_of(device["name"])
            for reading in device["readings"]:
                wrong = truths.judge(self.world.truth, device["name"], reading, asked, answered, worlds.LONGEST_S[link] if link else 1)
                if wrong is NotImplemented or self.unsure(device["name"], reading, link, asked):
                    continue
                self.totals.readings += 1
                key = (device["name"], reading["signal"], reading["index"], reading["value"])
                if wrong and self.judged.get(key[:3]) != reading["value"]:
                    self.violation("taken for fresh: " + wrong)
                    self.judged[key[:3]] = reading["value"]

    def unsure(self, name, reading, link, asked):
        """Was a wire too late, so that this reading's answer may be another's?"""
        place = self.world.places.get(name)
        return place and place.unsure_s > asked - reading["age_ms"] / 1000.0 - worlds.LONGEST_S[link]

    async def until(self, what, condition, seconds=RECOVER_S):
        """Patiently; False: never, and it was said."""
        began = time.monotonic()
        while not condition():
            if time.monotonic() > began + seconds * PATIENCE:
                break
            if self.world.rack.daemon.poll() is not None:
                return False  # end() says so
            await asyncio.sleep(0.05)
        else:
            return True
        self.violation(f"never again: {what} (waited {time.monotonic() - began:.0f} s)")
        return False

    async def recover(self, link):
        """Each device of a link is asked again, and answers."""
        began, count = time.monotonic(), self.count
        before = {name: self.devices[name]["transactions"] for name in self.world.names[link]}

        def well(name):
            now = self.devices[name]
            stranger = self.world.places[name].stranger
            return (now["transactions"] >= before[name] + 3 and now["reachable"] and now["quality"] == "good"
                    and (stranger or now["identified"]))
        if await self.until(f"{link} works, after {self.world.wires[link].name}'s trouble",
                            lambda: self.count > count and all(well(name) for name in self.world.names[link])):
            self.totals.recovered_s = max(self.totals.recovered_s, time.monotonic() - began)

    # ---- trouble ----

    async def trouble_link(self, link):
        rng = random.Random(f"{self.seed}/{link}/faults")
        while True:
            await self.quiet.wait()
            self.idle[link] = False
            trouble = troubles.draw(rng, link, self.options.only)
            key = f"{link}/{trouble.kind}"
            self.totals.faults[key] = self.totals.faults.get(key, 0) + 1
            if self.options.verbose:
                print(f"{time.monotonic():.2f} {link} {trouble}", file=sys.stderr, flush=True)
            if trouble.kind in ("swap", "swap_model"):
                async with self.turn:
                    await self.swap(link, trouble.kind == "swap_model", rng)
            else:
                wire = self.world.wires[link]
                await wire.break_it(trouble)
                await asyncio.sleep(trouble.seconds)
                self.totals.struck[key] = self.totals.struck.get(key, 0) + wire.struck
                await wire.mend()
            await self.recover(link)
            self.idle[link] = True
            await asyncio.sleep(rng.uniform(0.0, 0.5))

    def sides(self, name):
        """A supply of shelf 1 stands on two links."""
        other = name.removesuffix("-smbus") if name.endswith("-smbus") else name + "-smbus"
        return [self.world.places[side] for side in (name, other) if side in self.world.places]

    async def swap(self, link, stranger, rng):
        """One device is pulled, another put in; a stranger is taken out again."""
        name = rng.choice(self.world.names[link])
        sides = self.sides(name)
        await self.put(name, sides, stranger, rng)
        if stranger:
            # A stranger is known for one; then the operator sees the mistake.
            await self.until(f"{name} is a stranger", lambda: not self.devices[name]["identified"])
            await asyncio.sleep(rng.uniform(1.0, 3.0))
            await self.put(name, sides, False, rng)
        serial = sides[0].serial.replace("-", "")
        await self.until(f"{name} is known as {serial}", lambda: (self.devices[name]["serial"] or "").startswith(serial[:32])
                         and self.devices[name]["identified"])

    async def put(self, name, sides, stranger, rng):
        for place in sides:
            place.pull()
        wire = self.world.wires[self.world.link_of(name)]
        if name.startswith("bmc"):
            wire.hang_up()
        # It is away for as long as it takes the daemon to miss it, on each side, and hands to do it. The daemon must have
        # said so: one that had to wait in the middle of its question would meet the new device with the question repeated.
        count = self.count

        def gone(place):
            return (place.missed and time.monotonic() - place.missed_first > PULLED_S and self.count > count + 1
                    and not self.devices[place.name]["reachable"])
        await self.until(f"{name} is missed", lambda: self.over or all(gone(place) for place in sides))
        serial = f"LINK{rng.randrange(10**8):08d}"
        if name.startswith("bmc"):
            serial = f"{rng.getrandbits(32):08x}-0000-4000-9000-{rng.getrandbits(48):012x}"
        await self.world.control.ask(f"swap {name} {serial}" + (" OTHER-9000" if stranger else ""))
        for place in sides:
            place.insert(serial, stranger)
        self.totals.swaps += 1

    async def order(self):
        """For ever: somebody changes the mode, so that there is something to write."""
        rng = random.Random(f"{self.seed}/orders")
        while True:
            try:
                await self.world.api("POST", "/v1/mode", json.dumps({"mode": rng.choice(["control", "control", "emergency"])}))
            except OSError:
                pass  # look() sees to whether it answers
            await asyncio.sleep(rng.uniform(*WRITE_EVERY_S))

    # ---- calm ----

    async def calm(self):
        """Nothing is broken: what does the daemon hold?"""
        self.quiet.clear()
        await self.until("calm", lambda: all(self.idle.values()), 4 * RECOVER_S)
        count = self.count
        await self.until("two looks", lambda: self.count > count + 2)
        return self.held()

    def held(self):
        """Resident now, descriptors, resident at most."""
        pid = self.world.rack.daemon.pid
        try:
            return proc(pid, "VmRSS"), len(os.listdir(f"/proc/{pid}/fd")), proc(pid, "VmHWM")
        except OSError:
            return 0, 0, 0  # it has ended: end() says so

    async def bounded(self, first):
        # What leaks stays; a connection that is being closed is gone a moment later.
        await self.until(f"no more than {first[1] + DESCRIPTORS_MORE} descriptors are open, after {first[1]} in the first calm "
                         f"moment; now it is {self.held()[1]}", lambda: self.held()[1] <= first[1] + DESCRIPTORS_MORE)
        last = self.held()
        self.totals.memory.append([first[0], last[0], last[2]])
        self.totals.descriptors.append([first[1], last[1]])
        if racks.SANITIZED or self.valgrind:
            return  # its memory is the tool's; the tool says what leaks
        if last[0] > first[0] + RSS_GROWTH_KIB:
            self.violation(f"{last[0]} KiB are resident, {first[0]} were in the first calm moment")
        if last[2] > first[0] + RSS_PEAK_KIB:
            self.violation(f"{last[2]} KiB were resident at most, {first[0]} in the first calm moment")

    # ---- the whole ----

    async def run(self):
        tasks = []
        try:
            await self.world.start()
            tasks.append(asyncio.create_task(self.world.sense()))
            await self.world.start_daemon()
            tasks.append(asyncio.create_task(self.look()))
            if await self.until("every device is read", lambda: self.devices and all(
                    device["quality"] == "good" and device["identified"] for device in self.devices.values()), 2 * RECOVER_S):
                tasks.append(asyncio.create_task(self.order()))
                tasks += [asyncio.create_task(self.trouble_link(link)) for link in self.links]
                await self.play(tasks)
            await self.end(tasks)
        finally:
            self.over = True
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.totals.episodes += 1
            self.totals.writes += sum(len(place.writes) for place in self.world.places.values())
            await self.world.stop_wires()
            self.world.clear_away()

    async def play(self, tasks):
        first, until = await self.calm(), time.monotonic() + self.seconds
        latest = until + EVIDENCE_S * PATIENCE
        while True:
            self.quiet.set()
            stop = min(until, time.monotonic() + CALM_EVERY_S)
            while time.monotonic() < stop or not (self.evidence() or time.monotonic() > latest):
                await asyncio.sleep(0.2)
                for task in tasks:
                    if task.done():
                        return task.result()  # it broke: say why
                self.progress()
            await self.calm()
            await self.bounded(first)
            if time.monotonic() >= until:
                return None

    def evidence(self):
        """A machine that is too busy to look leaves nothing to judge: then this takes longer."""
        return self.totals.readings >= READINGS and sum(len(place.writes) for place in self.world.places.values()) >= WRITES

    def progress(self):
        now = time.monotonic()
        if self.options.quiet or now - getattr(self.totals, "said", self.totals.began) < self.options.progress_s:
            return
        self.totals.said = now
        print(f"{(now - self.totals.began) / 60:.1f} min: {sum(self.totals.faults.values())} faults, {self.totals.readings} readings "
              f"judged, {self.totals.swaps} swaps, {len(self.totals.failures)} violations", file=sys.stderr, flush=True)

    async def end(self, tasks):
        """SIGTERM, and all links are broken."""
        rng = random.Random(f"{self.seed}/end")
        for wire in self.world.wires.values():
            trouble = troubles.draw(rng, wire.name)
            while trouble.kind in ("swap", "swap_model"):
                trouble = troubles.draw(rng, wire.name)
            await wire.break_it(trouble)
        await asyncio.sleep(0.5)
        self.over = True
        began, daemon = time.monotonic(), self.world.rack.daemon
        if daemon.poll() is not None:
            self.violation(f"the daemon ended by itself with {daemon.returncode}: " + log_tail(self.world.rack.log_text()))
            return
        daemon.terminate()
        while daemon.poll() is None and time.monotonic() < began + END_S * PATIENCE:
            await asyncio.sleep(0.05)
        took = time.monotonic() - began
        self.totals.ended_s = max(self.totals.ended_s, took)
        log = self.world.rack.log_text()
        if daemon.poll() is None:
            self.violation(f"the daemon had not ended {took:.0f} s after SIGTERM: " + log_tail(log))
        elif daemon.returncode or "Sanitizer" in log or "runtime error:" in log:
            self.violation(f"the daemon ended with {daemon.returncode}: " + log_tail(log))


def valgrind():
    """How busbard runs under valgrind; nothing where that is not, or makes no sense."""
    return VALGRIND if shutil.which(VALGRIND[0]) and not racks.SANITIZED else []


async def campaign(options):
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None if "exception" not in context or isinstance(
        context["exception"], (OSError, asyncio.CancelledError)) else loop.default_exception_handler(context))
    totals = Totals(options.seed)
    left, seed = options.minutes * 60, options.seed
    checked = min(0.2 * left, 300.0) if valgrind() and left >= 120 and not options.only else 0.0
    left -= checked
    while left > 1:
        seconds = min(left, EPISODE_S)
        await Episode(seed, seconds, options, totals).run()
        left, seed = left - seconds, seed + 1
    if checked:
        await Episode(seed, checked, options, totals, valgrind()).run()
    return totals


def main():
    parser = argparse.ArgumentParser(prog="./dev campaign --links", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0, help="how long there is trouble (60); start and end come on top")
    parser.add_argument("--seed", type=int, default=1, help="of the first episode (1); a failure names its own")
    parser.add_argument("--only", metavar="TEXT", help="only faults with this in LINK/KIND, such as rtu/delay or swap")
    parser.add_argument("--json", action="store_true", help="totals as one JSON document")
    parser.add_argument("--progress-s", type=float, default=10.0, help="between two lines of progress (10)")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    parser.add_argument("--verbose", action="store_true", help="each fault as it begins")
    options = parser.parse_args()
    if not 0.05 <= options.minutes <= 100000:
        parser.error("--minutes: 0.05 to 100000")
    if options.only and not any(options.only in f"{link}/{kind}" for link, kinds in troubles.KINDS.items() for kind in kinds):
        parser.error(f"--only: no fault has '{options.only}' in its name; they are " +
                     ", ".join(f"{link}/{kind}" for link, kinds in troubles.KINDS.items() for kind in kinds))
    try:
        totals = asyncio.run(campaign(options))
    except (racks.Failed, RuntimeError, OSError) as error:
        print(f"./dev campaign --links: {error}", file=sys.stderr)
        return 2
    except Exception:  # a judge that breaks has judged nothing
        traceback.print_exc()
        return 2
    document = totals.document()
    if options.json:
        print(json.dumps(document, indent=2))
    else:
        for key, value in document.items():
            if key not in ("failures", "faults"):
                print(f"{key:<20}{value}")
        for key, value in document["faults"].items():
            print(f"  {key:<28}{value:>5}")
    return 1 if totals.failures else 0


if __name__ == "__main__":
    sys.exit(main())
