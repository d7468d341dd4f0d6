# SPDX-License-Identifier: Apache-2.0
"""Automatic mutants of src/core: who notices a changed operator, condition, constant or a missing statement.

Every file of src/core (but label.c, which is words) gives mutants in proportion to what can be changed in it, and one
at least. A mutant is compiled, linked into a shared library, and put under the unit tests of the core, the module's
own first, then under a short campaign. What nobody notices survives and is listed.

One whose machine code is equal is no mutant, nor is one that does not compile. What was tried is kept in
build/mutants under a checksum of sources and tests: the same command goes on where it was stopped."""
import concurrent.futures
import glob
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FLAGS = ["-O2", "-std=gnu11", "-D_GNU_SOURCE", "-ffp-contract=off", "-fno-common", "-fPIC", "-fno-semantic-interposition", "-w",
         f"-I{TOP}/include", f"-I{TOP}/src/core"]
SYSTEM = ["-lcmocka", "-levent", "-levent_pthreads", "-lcurl", "-ljson-c", "-lz", "-lyaml", "-lsystemd", "-lmodbus", "-li2c", "-lncurses",
          "-ltinfo", "-lm", "-lutil", "-lpthread"]
ACCEPTED = ("core_days",)
WORDS = ("label.c",)  # tables of words: nothing is decided there
PATIENCE_S = 5        # of a test at least, and so many times what it takes:
PATIENCE = 20
CAMPAIGN_S = 600


def say(text):
    print(text, file=sys.stderr, flush=True)


def digest(paths):
    total = hashlib.sha256()
    for path in sorted(paths):
        with open(path, "rb") as file:
            total.update(path.encode() + b"\0" + file.read())
    return total.hexdigest()


# ---- what can be changed ----

SWAPS = [("==", "!="), ("!=", "=="), ("&&", "||"), ("||", "&&"), (" + ", " - "), (" - ", " + "), (" * ", " / "), (" / ", " * "), ("+=", "-="),
         ("-=", "+="), ("? ", "? !"), ("true", "false"), ("false", "true")]
# Of whole numbers the boundary moves by one; of real ones it is never hit, so they are compared the other way round.
BOUNDARY = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
REAL = re.compile(r"_(w|v|j|s|a|w2|hz|ohm|f|ratio)\b|[0-9]\.[0-9]|\b(value|wanted|base|held|in_force|ghost|counted|sent|level|part|trim|depth|gain|heat|"
                  r"room|calm|worth|near|weight|x|lo|hi|coef|slew|min|max|load|least|most|i2?|full|low|high|demand|square|over|within)\b")
WHOLE = re.compile(r"_us\b|count\b|_max\b|priority|version|number|step\b|state\b")


def compared(code, at, length):
    """What stands left and right of a comparison."""
    return re.split(r"[(&|?:=!,]", code[:at])[-1], re.split(r"[)&|?;:,]", code[at + length:])[0]


def comparisons(code):
    for hit in re.finditer(r"(?<= )(<=|>=|<|>)(?= )", code):
        left, right = compared(code, hit.start(), hit.end() - hit.start())
        after = code[hit.end():]
        if re.search(rf"\? {re.escape(left.strip())} : {re.escape(right.strip())}\b|\? {re.escape(right.strip())} : {re.escape(left.strip())}\b", after):
            yield hit, OPPOSITE[hit.group(1)]  # the smaller, or the larger: equal ones are the same
        elif re.match(r"\s*for \(", code) and hit.group(1) == "<":
            yield hit, "< -1 +"                # a loop ends one early; beyond its array nothing is defined
        elif WHOLE.search(left + right) and not re.search(r"[0-9]\.[0-9]", left + right):
            yield hit, BOUNDARY[hit.group(1)]
        elif REAL.search(left + right):
            yield hit, OPPOSITE[hit.group(1)]
        else:
            yield hit, BOUNDARY[hit.group(1)]


def in_code(lines):
    """Numbers of lines inside functions, without comments, declarations of tables, CHECKs and functions that are but CHECKs, and
    the layout of memory: nothing is decided there."""
    comment, depth, skip = False, 0, False
    for number, line in enumerate(lines):
        text = line.strip()
        if "/*" in text and "*/" not in text[text.index("/*"):]:
            comment = True
        if line[:1].isalpha() or line.startswith("static"):
            skip = "_check_" in line
        if not comment and depth > 0 and not skip and "_ALIGN" not in text and "_check_" not in text and text and not text.startswith(("/*", "*", "#", "CHECK", "//", "}", "{", "case", "default")):
            yield number
        if "*/" in text:
            comment = False
        if line.startswith("{"):
            depth = 1
        if line.startswith("}"):
            depth = 0


def changes(short):
    with open(os.path.join(TOP, short), encoding="utf-8") as file:
        lines = file.read().split("\n")
    for number in in_code(lines):
        line = lines[number]
        code = line.split("/*")[0]
        for old, new in SWAPS:
            for hit in re.finditer(re.escape(old), code):
                yield short, number, line[:hit.start()] + new + line[hit.end():]
        for hit, new in comparisons(code):
            yield short, number, line[:hit.start()] + new + line[hit.end():]
        for hit in re.finditer(r"(?<![\w.])([01]|[0-9]+\.[0-9]+)(?![\w.])", code):
            value = {"0": "1", "1": "0", "0.0": "1.0"}.get(hit.group(1), "0.0")
            if re.search(r"_us [<>!=]=? $", code[:hit.start()]):
                value = "1000000"  # a microsecond is nothing
            yield short, number, line[:hit.start()] + value + line[hit.end():]
        if re.match(r"\s+(if|while) \(", code) and code.count("(") == code.count(")"):
            inner = code[code.index("(") + 1:code.rindex(")")]
            yield short, number, code[:code.index("(") + 1] + f"!({inner})" + code[code.rindex(")"):]
        if code.rstrip().endswith(";") and re.match(r"\s+[\w>.\[\]*-]+(\(.*\)| [-+|&]?= .*);\s*$", code) and "return" not in code:
            yield short, number, re.match(r"\s*", line).group(0) + ";"


def pool(seed):
    """All changes, dealt so that any first part of the list takes from every file what is its due."""
    dealt = []
    for short in sorted(glob.glob("src/core/*.c", root_dir=TOP)):
        if os.path.basename(short) in WORDS:
            continue
        own = list(dict.fromkeys(changes(short)))
        random.Random(f"{seed} {short}").shuffle(own)
        offset = random.Random(f"{seed} {short} offset").random()
        dealt += [((k + offset) / len(own), change) for k, change in enumerate(own)]
    return [change for _, change in sorted(dealt)]


# ---- who looks ----

class Shop:
    """The tests and the campaign, linked once against a core that can be exchanged."""

    def __init__(self, build, folder, runs):
        self.build, self.folder, self.runs = build, folder, runs
        self.plain, self.tests, self.seconds = {}, {}, {}
        place = os.path.join(folder, "plain")
        os.makedirs(place)
        for short in sorted(glob.glob("src/core/*.c", root_dir=TOP)):
            self.plain[short] = os.path.join(place, os.path.basename(short) + ".o")
            self.run("cc", *FLAGS, "-c", os.path.join(TOP, short), "-o", self.plain[short])
        self.share(place, self.plain)
        self.sim = os.path.join(folder, "busbarsim")
        self.program(self.object("src", "busbarsim", "sim/main.c.o"), self.sim, place)
        for name in self.names():
            at = self.object("tests", f"test_{name}", f"unit/test_{name}.c.o")
            self.tests[name] = os.path.join(folder, f"test_{name}")
            self.program(at, self.tests[name], place)
            began = time.monotonic()
            if self.call(place, self.tests[name], limit=CAMPAIGN_S) != 0:
                raise RuntimeError(f"test_{name} fails as it is")
            self.seconds[name] = time.monotonic() - began

    @staticmethod
    def run(*words):
        done = subprocess.run(words, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{' '.join(words[:2])} ...: {done.stderr[-400:]}")

    @staticmethod
    def names():
        """Unit tests that see the core from inside, by what they include or are called after; those of whole steps too."""
        inside = re.compile(r'#include "(core_rig|ride_rig|ledger_rig|fc_rig|busbar/fc)\.h"|#include "core/')
        modules = {"test_" + os.path.basename(p) for p in glob.glob(os.path.join(TOP, "src", "core", "*.c"))}
        found = []
        for path in sorted(glob.glob(os.path.join(TOP, "tests", "unit", "test_*.c"))):
            with open(path, encoding="utf-8") as file:
                if os.path.basename(path) in modules or inside.search(file.read()):
                    found.append(os.path.basename(path)[len("test_"):-2])
        return found

    def object(self, part, target, name):
        at = os.path.join(self.build, part, "CMakeFiles", f"{target}.dir", name)
        if not os.path.exists(at):
            raise RuntimeError(f"{at} is not built; run ./dev build")
        return at

    def share(self, place, objects):
        self.run("cc", "-shared", "-Wl,-Bsymbolic", "-o", os.path.join(place, "libcore-shared.so"), *objects.values(), "-lm")

    def program(self, first, to, place):
        libraries = [p for p in glob.glob(os.path.join(self.build, "src", "libbusbar-*.a")) if not p.endswith("-core.a")]
        self.run("cc", "-rdynamic", "-o", to, first, "-Wl,-u,check_failed", "-Wl,--start-group", *libraries, "-Wl,--end-group",
                 "-L" + place, "-lcore-shared", *SYSTEM)

    @staticmethod
    def call(place, *words, limit):
        """Exit status; None: it hangs."""
        try:
            return subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=limit, cwd=TOP,
                                  env={**os.environ, "LD_LIBRARY_PATH": place}).returncode
        except subprocess.TimeoutExpired:
            return None

    def order(self, short):
        """The module's own tests first, then the quick ones, then the days: those say that something changed, not what must be."""
        stem = os.path.basename(short)[:-2]
        return sorted(self.tests, key=lambda n: (n in ACCEPTED, not (n == stem or n.startswith(stem + "_") or stem.startswith(n + "_")),
                                                 self.seconds[n]))

    def judge(self, change):
        """None: no mutant. Else who noticed, or ''."""
        short, at, text = change
        place = tempfile.mkdtemp(dir=self.folder)
        try:
            with open(os.path.join(TOP, short), encoding="utf-8") as file:
                lines = file.read().split("\n")
            lines[at] = text
            source, to = os.path.join(place, os.path.basename(short)), os.path.join(place, "mutant.o")
            with open(source, "w", encoding="utf-8") as file:
                file.write("\n".join(lines))
            if subprocess.run(["cc", *FLAGS, "-c", source, "-o", to], capture_output=True).returncode:
                return None
            if open(to, "rb").read() == open(self.plain[short], "rb").read():
                return None
            self.share(place, {**self.plain, short: to})
            for name in self.order(short):
                status = self.call(place, self.tests[name], limit=max(PATIENCE_S, PATIENCE * self.seconds[name]))
                if status != 0:
                    return name if status is not None else name + " (hangs)"
            status = self.call(place, self.sim, "campaign", "--runs", str(self.runs), "--stop-first", "--jobs", "1", limit=CAMPAIGN_S)
            return "" if status == 0 else "campaign" if status is not None else "campaign (hangs)"
        finally:
            shutil.rmtree(place)


# ---- all of it ----

class Kept:
    """What was tried already, of these very sources and tests."""

    def __init__(self, options):
        files = [p for part in ("src/core/*", "src/sim/*", "tests/unit/*", "tests/mutants/automatic.py", "include/busbar/*")
                 for p in glob.glob(os.path.join(TOP, part))]
        self.folder = os.path.join(TOP, "build", "mutants")
        self.path = os.path.join(self.folder, f"{digest(files)[:16]}-{options.auto_runs}.json")
        self.tried = {}
        if os.path.exists(self.path):
            with open(self.path, encoding="utf-8") as file:
                self.tried = json.load(file)

    @staticmethod
    def key(change):
        return "%s:%d: %s" % (change[0], change[1] + 1, change[2].strip() + f" #{len(change[2])}-{hashlib.sha256(change[2].encode()).hexdigest()[:6]}")

    def save(self):
        os.makedirs(self.folder, exist_ok=True)
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            json.dump(self.tried, file, indent=0)
        os.replace(self.path + ".new", self.path)


def line_of(change):
    with open(os.path.join(TOP, change[0]), encoding="utf-8") as file:
        return file.read().split("\n")[change[1]].strip()


def automatic(build, folder, options):
    """[{file, line, was, now, by}]: by is '' for a survivor."""
    changes_ = pool(options.seed)
    kept = Kept(options)
    say(f"automatic: {len(changes_)} changes are possible; {options.auto} are tried; {len(kept.tried)} were tried before")
    shop = None
    results, began, turn = [], time.monotonic(), iter(changes_)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as workers:
        while len(results) < options.auto:
            batch = [c for _, c in zip(range(min(4 * options.jobs, options.auto - len(results))), turn)]
            if not batch:
                break
            fresh = [c for c in batch if kept.key(c) not in kept.tried]
            if fresh and shop is None:
                shop = Shop(build, folder, options.auto_runs)
            for change, by in zip(fresh, workers.map(shop.judge, fresh) if fresh else ()):
                kept.tried[kept.key(change)] = by
            if fresh:
                kept.save()
            for change in batch:
                by = kept.tried[kept.key(change)]
                if by is None:
                    continue
                results.append({"file": change[0], "line": change[1] + 1, "was": line_of(change), "now": change[2].strip(), "by": by})
                if not by:
                    say(f"survivor {change[0]}:{change[1] + 1}: {results[-1]['was']}  ->  {results[-1]['now']}")
            if fresh:
                killed = sum(1 for r in results if r["by"])
                say(f"automatic: {len(results)} of {options.auto}, {killed} killed, {time.monotonic() - began:.0f} s")
    return results
