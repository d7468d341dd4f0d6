#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""./dev bench: figures as ratios against a peer or a limit measured in the same run.

A shared machine stalls for milliseconds by itself, so lateness is compared with
cyclictest in alternating slices on the same core at the same priority, with the
same rack served and polled all the time."""
import argparse
import contextlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import redfish  # noqa: E402: beside this file
import registers  # noqa: E402: the same
SLICES = 10
SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def say(text):
    print(text, file=sys.stderr, flush=True)


def quantile_us(before, after, key, q):
    """p(q) of the values added between two raw stats documents, as histogram.h defines its edges."""
    old = dict(before[key].get("buckets", []))
    counts = [(i, n - old.get(i, 0)) for i, n in after[key]["buckets"] if n > old.get(i, 0)]
    total, seen = sum(n for _, n in counts), 0
    for index, count in counts:
        seen += count
        if seen >= q * total:
            return 2.0 ** (index / 8.0), total
    return 0.0, total


class Bench:
    def __init__(self, options):
        self.options = options
        self.results = []
        self.skipped = False  # a result asked for needs what is not here
        self.core = str(max(os.sched_getaffinity(0)))
        self.fifo = subprocess.run(["chrt", "-f", "50", "true"], capture_output=True).returncode == 0
        self.seconds = options.seconds

    def add(self, name, value, unit, against=None, against_value=None):
        ratio = value / against_value if against_value else None
        self.results.append({"name": name, "value": value, "unit": unit, "against": against,
                             "against_value": against_value, "ratio": ratio})

    def wanted(self, *names):
        return any(name.startswith(self.options.name) for name in names)

    def rack(self, period_ms):
        from rack import Rack

        def edit(text):
            text = re.sub(r"(?m)^(\s+)rt_priority:.*$", r"\1rt_priority: %d" % (50 if self.fifo else 0), text)
            if "rt_priority" not in text:
                text = text.replace("control:\n", "control:\n  rt_priority: %d\n" % (50 if self.fifo else 0), 1)
            return text.replace("control:\n", f"control:\n  cpu: {self.core}\n", 1)
        return Rack("hpr", serve=["--load", "trace", "--envelope-w", "90000"], edit=edit, control_period_ms=period_ms)

    @staticmethod
    def stats(rack):
        code, out, err = rack.run("stats", "--json")
        return json.loads(out)

    def cyclictest(self, period_us):
        command = ["cyclictest", "-m", "-t1", "-q", "-i", str(period_us), "-D", str(self.seconds), "-h", "100000", "-a", self.core,
                   "--laptop"]  # else it keeps the CPU from sleeping (/dev/cpu_dma_latency), which busbard does not
        command += ["-p", "50"] if self.fifo else ["--policy=other"]
        done = subprocess.run(command, capture_output=True, text=True)
        counts = [(int(a), int(b)) for a, b in re.findall(r"(?m)^(\d{6}) (\d{6,})$", done.stdout)]
        total, seen = sum(n for _, n in counts), 0
        for value, count in counts:
            seen += count
            if seen >= 0.99 * total:
                return float(max(value, 1))
        raise RuntimeError("cyclictest gave no histogram: " + done.stdout[-300:] + done.stderr[-300:])

    @staticmethod
    def tick_thread(pid):
        for thread in os.listdir(f"/proc/{pid}/task"):
            if open(f"/proc/{pid}/task/{thread}/comm").read().strip() == "tick":
                return int(thread)
        raise RuntimeError("busbard has no thread called tick")

    def lateness(self, period_ms):
        name = f"tick_lateness_p99_{period_ms}ms"
        if not self.wanted(name):
            return
        if not shutil.which("cyclictest"):
            say(f"bench: {name} needs cyclictest (package rt-tests)")
            return
        ours, theirs = [], []
        with self.rack(period_ms) as rack:
            rack.start()
            rack.wait_good()
            tick = self.tick_thread(rack.daemon.pid)
            for number in range(SLICES):
                os.sched_setaffinity(tick, {int(self.core)})
                before = self.stats(rack)
                time.sleep(self.seconds)
                after = self.stats(rack)
                # The rack is polled on meanwhile; only the control thread leaves the core.
                os.sched_setaffinity(tick, os.sched_getaffinity(0) - {int(self.core)} or {int(self.core)})
                p99, ticks = quantile_us(before, after, "tick_lateness", 0.99)
                ours.append(p99)
                theirs.append(self.cyclictest(period_ms * 1000))
                say(f"bench: {name}: slice {number + 1} of {SLICES}: busbard {p99:.0f} us over {ticks} ticks, cyclictest {theirs[-1]:.0f} us")
        policy = "SCHED_FIFO 50" if self.fifo else "SCHED_OTHER: no right to FIFO here"
        self.add(name, statistics.median(ours), "us", f"cyclictest --laptop, {policy}, core {self.core}", statistics.median(theirs))

    def rack_figures(self):
        names = ("core_step_p99_rack", "core_step_p99_live", "rss_rack", "cpu_rack_10ms")
        if not self.wanted(*names):
            return
        with self.rack(10) as rack:
            rack.start()
            rack.wait_good()
            rack.control()
            say("bench: the rack is armed; measuring for %d s" % (3 * self.seconds))
            pid = rack.daemon.pid
            before, cpu_before, began = self.stats(rack), self.cpu_s(pid), time.monotonic()
            time.sleep(3 * self.seconds)
            after, cpu_after, ended = self.stats(rack), self.cpu_s(pid), time.monotonic()
            recording = self.record(rack)
            rss = int(re.search(r"VmRSS:\s+(\d+) kB", open(f"/proc/{pid}/status").read()).group(1)) / 1024.0
        p99, ticks = quantile_us(before, after, "core_step", 0.99)
        if not self.wanted("core_step_p99_rack"):
            os.unlink(recording)
        limit = "limit of 50 us for 72 GPUs, 24 PSUs, 24 BBUs"
        if self.wanted("core_step_p99_rack"):
            least, single = self.replay(recording)
            self.add("core_step_p99_rack", float(least), "us", limit + f", the recorded ticks back to back, of each step the least of five runs; {single:g} us in a single run", 50.0)
        if self.wanted("core_step_p99_live"):
            # Ten milliseconds of sleep before each step: caches, clock and a shared host's scheduler are in it.
            self.add("core_step_p99_live", p99, "us", limit + ", in the daemon after each 10 ms sleep", 50.0)
        if self.wanted("rss_rack"):
            self.add("rss_rack", rss, "MiB", "limit of 96 MiB with the record ring", 96.0)
        if self.wanted("cpu_rack_10ms"):
            self.add("cpu_rack_10ms", (cpu_after - cpu_before) / (ended - began), "ratio", "limit of 10 % of one core", 0.10)

    def simulator(self):
        """Times real time of the virtual rack, plant and core together, on one core: the median of three."""
        for name, words, least in (("sim_rack_100ms", ["steady", "--seconds", str(60 * self.seconds), "--set", "period_ms=100"], 1000.0),
                                   ("sim_rack_10ms", ["steady", "--seconds", str(12 * self.seconds), "--set", "period_ms=10"], 100.0),
                                   ("sim_rack_event", ["e-1", "--seconds", "3"], 10.0)):
            if not self.wanted(name):
                continue
            speeds = []
            for _ in range(3):
                done = subprocess.run(["taskset", "-c", self.core, os.path.join(os.environ["BUSBAR_BIN"], "busbarsim"), "run", *words,
                                       "--json"], capture_output=True, text=True)
                result = json.loads(done.stdout)
                speeds.append(result["sim_s"] / result["wall_s"])
            say(f"bench: {name}: busbarsim run {' '.join(words)}: " + ", ".join(f"{x:.0f}" for x in speeds))
            self.add(name, statistics.median(speeds), "x", f"at least {least:g} times real time on one core, rack hpr", least)

    def modbus(self):
        """Against a peer on a pty that keeps the pace of the line: bench_modbus.c says how."""
        def run(*words):
            program = os.path.join(os.environ["BUSBAR_BIN"], "..", "tests", "bench_modbus")
            done = subprocess.run([program, *map(str, words)], capture_output=True, text=True,
                                  env={**os.environ, "BUSBAR_SOURCE": SOURCE})
            if done.returncode:
                raise RuntimeError("bench_modbus " + " ".join(map(str, words)) + ": " + done.stderr[-300:])
            result = json.loads(done.stdout)
            say(f"bench: bench_modbus {' '.join(map(str, words))}: {result['value']:g} over {result['transactions']} transactions")
            return result["value"]

        for baud in (19200, 115200):
            if self.wanted(f"modbus_rtu_share_{baud}"):
                self.add(f"modbus_rtu_share_{baud}", run("share", baud, self.seconds), "ratio",
                         f"at least 90 % of the line in frames and their gaps, reads of 32 registers at {baud}", 0.90)
        for name, how, limit in (("modbus_shelf_mirror_ms", "one", 25.0), ("modbus_shelf_mirror_ms_six", "six", 35.0)):
            if self.wanted(name):
                value = max(run("mirror", how, profile, self.seconds) for profile in ("hpr-pmm", "hpr-pmm-bbu"))
                self.add(name, value, "ms", "limit for a whole HPR shelf at 115200, the slower of a power and a battery shelf", limit)
        for name, heard_s in (("modbus_dead_device_share", 8), ("modbus_dead_device_share_heard_3s", 3)):
            if self.wanted(name):
                self.add(name, run("dead", heard_s, max(30, 3 * self.seconds)), "ratio",
                         f"limit of 5 % of bus time from its death on, one dead of six that was heard for {heard_s} s", 0.05)
        if self.wanted("modbus_setpoint_transactions"):
            self.add("modbus_setpoint_transactions", run("setpoint", self.seconds), "1",
                     "limit: the transaction on its way, and then the write; the worst of all orders", 1.0)

    def forecaster(self):
        rows = (("forecast_rack_update_p99", "rack", 10.0, "1 kHz, four horizons"),
                ("forecast_rack_still_p99", "still", 10.0, "the same on a load that stands still"),
                ("forecast_gpu_update_p99", "gpu", 1.0, "one of 72, one horizon"))
        if not self.wanted(*(row[0] for row in rows)):
            return
        program = os.path.join(os.environ["BUSBAR_BIN"], "..", "tests", "bench_forecast")
        result = json.loads(subprocess.run(["taskset", "-c", self.core, program], capture_output=True, text=True, check=True).stdout)
        for name, key, limit, what in rows:
            r = result[key]
            say(f"bench: {name}: {r['p99_us']:.2f} us, half of them under {r['p50_us']:.2f} us; {r['bytes']} bytes of state")
            if self.wanted(name):
                self.add(name, r["p99_us"], "us",
                         f"limit of {limit:g} us an update, {what}, of each update the least of five runs, {r['bytes']} bytes of state", limit)

    def forecast_step(self):
        """core_step() on the default rack in virtual time, with forecasters and hints and without."""
        if not self.wanted("core_step_p99_forecast"):
            return
        program = os.path.join(os.environ["BUSBAR_BIN"], "..", "tests", "bench_step")
        result = json.loads(subprocess.run(["taskset", "-c", self.core, program], capture_output=True, text=True, check=True).stdout)
        off, on = result["forecast=off"], result["forecast=hints"]
        say(f"bench: core_step p99 {off['p99_us']:.1f} us without forecasters, {on['p99_us']:.1f} us with; "
            f"{off['block_bytes']} and {on['block_bytes']} bytes of state")
        self.add("core_step_p99_forecast", on["p99_us"], "us",
                 f"limit of 50 us for 72 GPUs with forecasters and hints, of each step the least of five runs, {on['block_bytes']} bytes of state; "
                 f"{off['p99_us']:.1f} us and {off['block_bytes']} bytes without", 50.0)

    @staticmethod
    def record(rack):
        """What the daemon remembers of the last minutes, in a file the caller unlinks."""
        handle, path = tempfile.mkstemp(suffix=".rec")
        os.close(handle)
        code, out, err = rack.run("record", "save", path)
        if code:
            os.unlink(path)
            raise RuntimeError("no recording: " + err)
        return path

    def replay(self, path):
        """p99 of the recorded steps, run again one after the other: of each the least of five runs, as what the machine (its timer
        alone interrupts every hundredth step) does to the others is no cost of the step; and of one run."""
        command = ["taskset", "-c", self.core, os.path.join(os.environ["BUSBAR_BIN"], "busbarsim"), "replay", path, "--json"]

        def p99(*more):
            return json.loads(subprocess.run([*command, *more], capture_output=True, text=True).stdout)["core_step_us"]["p99"]
        single, least = p99(), p99("--runs", "5")
        os.unlink(path)
        return least, single

    @staticmethod
    def cpu_s(pid):
        fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    parser = argparse.ArgumentParser(prog="./dev bench")
    parser.add_argument("name", nargs="?", default="", metavar="NAME", help="a result, or the start of several")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.add_argument("--seconds", type=int, default=10, help="length of one slice, default 10")
    parser.add_argument("--bin", default="build/release/bin", help=argparse.SUPPRESS)
    options = parser.parse_args()
    os.environ["BUSBAR_BIN"] = os.path.abspath(options.bin)
    bench = Bench(options)
    with contextlib.redirect_stdout(sys.stderr):  # what the rack says on the way is no result
        bench.simulator()
        bench.modbus()
        bench.forecaster()
        bench.forecast_step()
        bench.rack_figures()
        registers.run(bench, say)
        redfish.run(bench, say)
        bench.lateness(10)
        bench.lateness(1)
    if not bench.results and not bench.skipped:
        say(f"bench: no result is called or starts with '{options.name}'")
        return 2
    if options.json:
        print(json.dumps({"results": bench.results}, indent=1))
    else:
        print(f"{'result':<26}{'value':>10} {'unit':<7}{'against':>10}{'ratio':>8}  what it is held against")
        for r in bench.results:
            against = "-" if r["against_value"] is None else f"{r['against_value']:.2f}"
            ratio = "-" if r["ratio"] is None else f"{r['ratio']:.2f}"
            print(f"{r['name']:<26}{r['value']:>10.2f} {r['unit']:<7}{against:>10}{ratio:>8}  {r['against'] or '-'}")
        print("repeat with: ./dev bench" + (f" {options.name}" if options.name else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
