#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""./dev campaign --mutants: bugs put in on purpose, and who finds them.

Planted: each tests/mutants/*.patch is applied to a copy of the sources and the
campaign must find it. Automatic: see automatic.py.

Works in a folder of its own; the tree and its build stay as they are."""
import argparse
import concurrent.futures
import glob
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from automatic import ACCEPTED, automatic  # noqa: E402

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HERE = os.path.dirname(os.path.abspath(__file__))
LIBRARIES = ["sim", "core", "conf", "net", "base"]
SYSTEM = ["-levent", "-lcurl", "-ljson-c", "-lz", "-lyaml", "-lsystemd", "-lm", "-lutil", "-lpthread"]
FLAGS = ["-O2", "-std=gnu11", "-D_GNU_SOURCE", "-ffp-contract=off", "-fno-common", '-DBUSBAR_VERSION="mutant"',
         '-DBUSBAR_COMMIT="mutant"', f'-DBUSBAR_SOURCE_DIR="{TOP}"', '-DBUSBAR_PROFILE_DIR="/nowhere"', '-DBUSBAR_RACK_DIR="/nowhere"',
         "-w"]
PATIENCE = 600


def say(text):
    print(text, file=sys.stderr, flush=True)


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


class Bench:
    """Compiles changed files against the build that stands, and runs what judges them."""

    def __init__(self, build, folder):
        self.build, self.folder = build, folder
        self.main = self.object("src", "busbarsim", "sim/main.c.o")
        self.plain, self.lock = {}, threading.Lock()

    def object(self, part, target, name):
        at = os.path.join(self.build, part, "CMakeFiles", f"{target}.dir", name)
        return at if os.path.exists(at) else None

    def library(self, folder):
        return os.path.join(self.build, "src", f"libbusbar-{folder}.a")

    def compile(self, source, short, to):
        """short: src/core/x.c. False: it does not compile. Headers beside the source come first."""
        folder = short.split("/")[1]
        done = subprocess.run(["cc", *FLAGS, f"-I{os.path.dirname(source)}", f"-I{TOP}/include", f"-I{TOP}/src/{folder}", "-I/usr/include/json-c", "-c", source, "-o", to],
                              capture_output=True, text=True)
        return done.returncode == 0

    def plain_object(self, short):
        """The unchanged file, by the same flags: a mutant with equal code is none."""
        with self.lock:
            if short not in self.plain:
                to = os.path.join(self.folder, "plain-" + short.replace("/", "-") + ".o")
                if not self.compile(os.path.join(TOP, short), short, to):
                    raise RuntimeError(f"{short} does not compile as it is")
                self.plain[short] = digest(to)
            return self.plain[short]

    def prepare(self, place, changed, jobs=1):
        """changed: {short: path of the changed source}. Returns the libraries to link, or why not."""
        libraries = {f: self.library(f) for f in LIBRARIES}
        objects = {short: os.path.join(place, os.path.basename(short) + ".o") for short in changed}
        with concurrent.futures.ThreadPoolExecutor(jobs) as workers:
            good = list(workers.map(lambda short: self.compile(changed[short], short, objects[short]), changed))
        if not all(good):
            return None, "does not compile"
        # The path is in no object (no debug information), so equal code is equal bytes.
        if all(digest(objects[short]) == self.plain_object(short) for short in changed):
            return None, "is the same code"
        for short, at in objects.items():
            folder = short.split("/")[1]
            own = os.path.join(place, f"libbusbar-{folder}.a")
            if libraries[folder] != own:
                shutil.copy(self.library(folder), own)
                libraries[folder] = own
            subprocess.run(["ar", "r", own, at], check=True, capture_output=True)
        return libraries, ""

    def link(self, first, libraries, to, more=()):
        order = [libraries[f] for f in LIBRARIES if f in libraries]
        done = subprocess.run(["cc", "-o", to, first, "-Wl,--start-group", *order, *more, "-Wl,--end-group", *SYSTEM],
                              capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError("cannot link: " + done.stderr[-400:])

    def campaign(self, place, libraries, runs, jobs):
        """The run that noticed, or None."""
        to = os.path.join(place, "busbarsim")
        self.link(self.main, libraries, to)
        try:
            done = subprocess.run([to, "campaign", "--runs", str(runs), "--stop-first", "--jobs", str(jobs), "--json"],
                                  capture_output=True, text=True, timeout=PATIENCE, cwd=TOP)
        except subprocess.TimeoutExpired:
            return "hangs"
        if done.returncode == 0:
            return None
        try:
            out = json.loads(done.stdout)
            return f"run {out['runs']}: {out['failures'][0]['check']}" if out.get("failures") else f"exit {done.returncode}"
        except (ValueError, KeyError, IndexError):
            return f"exit {done.returncode}"


# ---- planted ----

def patched(patch, place):
    """Copies what a patch touches, and applies it: {short: path} of what is to be compiled; or why not. A header
    brings the whole folder along."""
    with open(patch, encoding="utf-8") as file:
        files = re.findall(r"(?m)^\+\+\+ b/(src/\S+)", file.read())
    for short in files:
        folder = os.path.dirname(short)
        os.makedirs(os.path.join(place, folder), exist_ok=True)
        for name in os.listdir(os.path.join(TOP, folder)) if short.endswith(".h") else [os.path.basename(short)]:
            shutil.copy(os.path.join(TOP, folder, name), os.path.join(place, folder, name))
    done = subprocess.run(["patch", "-p1", "--no-backup-if-mismatch", "-i", patch], cwd=place, capture_output=True, text=True)
    if done.returncode:
        return None, "the patch no longer applies: " + done.stdout.strip().split("\n")[-1]
    shorts = set()
    for short in files:
        folder = os.path.dirname(short)
        shorts |= {short} if short.endswith(".c") else {f"{folder}/{n}" for n in os.listdir(os.path.join(place, folder)) if n.endswith(".c")}
    return {short: os.path.join(place, short) for short in sorted(shorts)}, ""


def planted_one(bench, options, patch):
    name = os.path.basename(patch)[:-len(".patch")]
    place = tempfile.mkdtemp(dir=bench.folder)
    found, began = None, time.monotonic()
    try:
        changed, why = patched(patch, place)
        if changed:
            libraries, why = bench.prepare(place, changed, options.jobs)
            if libraries and not options.compile_only:
                found = bench.campaign(place, libraries, options.runs, options.jobs)
    finally:
        shutil.rmtree(place)
    with open(patch, encoding="utf-8") as file:
        about = file.readline().strip()
    say(f"planted {name}: {'found by ' + found if found else 'compiles' if options.compile_only and not why else 'NOT FOUND ' + why}, "
        f"{time.monotonic() - began:.0f} s")
    return {"name": name, "about": about, "compiles": not why, "found": found is not None, "by": found or why or ("compiles" if options.compile_only else "nobody")}


def planted(bench, options):
    patches = sorted(glob.glob(os.path.join(HERE, "*.patch")))
    return [planted_one(bench, options, p) for p in patches if options.only in os.path.basename(p)]


def noticed(autos):
    """Who noticed how many: tests that say what must be, days that say that it changed, the campaign."""
    who = {"unit tests": 0, "accepted days": 0, "the campaign": 0}
    for r in autos:
        if r["by"]:
            who["the campaign" if r["by"].startswith("campaign") else "accepted days" if r["by"].split()[0] in ACCEPTED else "unit tests"] += 1
    return who


def main():
    parser = argparse.ArgumentParser(prog="./dev campaign --mutants")
    parser.add_argument("--runs", type=int, default=2000, help="campaign runs a planted bug may take to be found, default 2000")
    parser.add_argument("--auto", type=int, default=100, help="automatic mutants of src/core, default 100")
    parser.add_argument("--auto-runs", type=int, default=200, help="campaign runs after the unit tests, default 200")
    parser.add_argument("--seed", type=int, default=1, help="which automatic mutants")
    parser.add_argument("--only", default="", help="planted bugs whose name holds this")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--auto-too", action="store_true", help="automatic ones although --only is given")
    parser.add_argument("--compile-only", action="store_true", help="planted bugs are applied and compiled, not looked for")
    parser.add_argument("--build", default="build/release", help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="busbar-mutants-") as folder:
        bench = Bench(os.path.abspath(os.path.join(TOP, options.build)), folder)
        if not bench.main:
            say("mutants: build/release is not built; run ./dev build")
            return 2
        plants = planted(bench, options)
        autos = automatic(bench.build, folder, options) if options.auto and (options.auto_too or not options.only) else []
    killed = [r for r in autos if r["by"]]
    survivors = [r for r in autos if not r["by"]]
    ratio = len(killed) / len(autos) if autos else None
    if options.json:
        print(json.dumps({"planted": plants, "automatic": len(autos), "killed": len(killed), "killed_ratio": ratio, "noticed": noticed(autos), "survivors": survivors},
                         indent=1))
    else:
        for p in plants:
            print(f"{'found ' if p['found'] else 'MISSED' if not options.compile_only else '      '}  {p['name']:<34} {p['by']}")
        if autos:
            print(f"automatic: {len(killed)} of {len(autos)} killed ({100.0 * ratio:.1f} %): " +
                  ", ".join(f"{n} by {who}" for who, n in noticed(autos).items()))
            for r in survivors:
                print(f"  survives {r['file']}:{r['line']}: {r['was']}  ->  {r['now']}")
    return 0 if all(p["compiles"] if options.compile_only else p["found"] for p in plants) and (ratio is None or ratio >= 0.9) else 1


if __name__ == "__main__":
    sys.exit(main())
