#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Builds every variant, runs every test in it, ends with one summary.

The variants: release (gcc; all tests), asan-ubsan and tsan (the same tests under
sanitizers, less those that only read sources and, for tsan, unit tests of one thread), release-clang (must compile clean),
fuzz (each parser for a few seconds). What plays in virtual time on every processor
has a phase of its own: beside it a real-time test would only measure its load."""
import argparse
import fcntl
import os
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as xml

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SKIP_LINE = re.compile(r"^skip: *(.+)$", re.M)
CASES_RUN = re.compile(r"\[==========\].*?(\d+) test\(s\) run")
CASES_SKIPPED = re.compile(r"\[  SKIPPED \] (?!Tests)(\w+)$", re.M)


class Variant:
    """phases: (labels, jobs) each, one after the other; none: it must only compile."""

    def __init__(self, preset, kind, phases=()):
        self.preset, self.kind, self.phases = preset, kind, phases


PROCESSORS = len(os.sched_getaffinity(0))
# Tests that wait for real time run side by side: more jobs than cores. Worker processes
# of the scenarios have one thread each: nothing for the thread sanitizer.
VARIANTS = [
    Variant("release", "", [("unit|lint|peer|system", 6), ("scenario", PROCESSORS)]),
    Variant("asan-ubsan", "sanitizer", [("unit|peer|system", 6), ("scenario", PROCESSORS)]),
    Variant("tsan", "sanitizer", [("unit|peer|system", 6)]),
    Variant("fuzz", "", [("fuzz", PROCESSORS)]),
    Variant("release-clang", "compile"),
]


def say(text):
    print(text, flush=True)


def build(preset):
    """By itself: beside a compiler a test that waits for real time would measure its load."""
    began = time.time()
    log = os.path.join(TOP, "build", preset + ".log")
    os.makedirs(os.path.dirname(log), exist_ok=True)
    # The lock is that of ./dev: two builds in one folder would spoil each other's files.
    with open(os.path.join(TOP, "build", f".{preset}.lock"), "w") as lock, open(log, "w") as out:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for command in (["cmake", "--preset", preset], ["cmake", "--build", "--preset", preset]):
            if subprocess.run(command, cwd=TOP, stdout=out, stderr=subprocess.STDOUT).returncode:
                out.flush()
                sys.stdout.write("".join(open(log).readlines()[-60:]))
                say(f"the build of {preset} failed; the whole log is build/{preset}.log")
                return False
    say(f"built {preset} in {time.time() - began:.0f} s")
    return True


def run(preset, labels, jobs, only):
    """Runs ctest; returns a list of (name, outcome, detail, seconds, cases, skipped in part)."""
    report = tempfile.NamedTemporaryFile(suffix=".xml", delete=False).name
    # What --only leaves of a phase may be nothing; of all of them together it is an error.
    command = ["ctest", "--test-dir", os.path.join("build", preset), "-j", str(jobs), "-L", f"^({labels})$",
               "--output-junit", report, "--output-on-failure", "--no-tests=" + ("ignore" if only else "error")]
    if only:
        command += ["-R", only]
    # Output of passing tests stays in the report; progress is what ctest prints.
    process = subprocess.Popen(command, cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for line in process.stdout:
        if not re.match(r"^\s*(Start\s+\d+:|Label Time|\w+ *=.*sec\*proc|$)", line):
            sys.stdout.write(line)
            sys.stdout.flush()
    process.wait()
    results = []
    try:
        suite = xml.parse(report).getroot()
    except (xml.ParseError, FileNotFoundError):
        return None
    finally:
        if os.path.exists(report):
            os.unlink(report)
    for case in suite.iter("testcase"):
        output = case.findtext("system-out") or ""
        skip_lines = SKIP_LINE.findall(output)
        run_cases = sum(int(n) for n in CASES_RUN.findall(output)) or 1
        status = case.get("status")
        if status == "run":
            outcome, detail = "passed", ""
        elif skip_lines and (status in ("notrun", "disabled") or case.find("skipped") is not None):
            outcome, detail = "skipped", skip_lines[0]
        elif status in ("notrun", "disabled") or case.find("skipped") is not None:
            # Other programs have a use of their own for a skip's exit status.
            outcome, detail = "failed", "it ended like a skip, but gave no reason"
        else:
            outcome, detail = "failed", (case.find("failure").get("message") if case.find("failure") is not None else "")
        partly = [] if outcome == "skipped" else skip_lines
        results.append((case.get("name"), outcome, detail, float(case.get("time") or 0), run_cases, partly))
    return results


def main():
    parser = argparse.ArgumentParser(prog="./dev test", description=__doc__.split("\n")[0])
    parser.add_argument("--only", metavar="PATTERN", help="only tests whose name matches (release build)")
    parser.add_argument("--variant", metavar="NAME", action="append", help="only this variant: " +
                        ", ".join(v.preset for v in VARIANTS))
    parser.add_argument("--guest", action="store_true", help="also a Linux guest with PMBus chips behind a real /dev/i2c-N")
    options = parser.parse_args()
    variants = VARIANTS + ([Variant("release", "", [("guest", 1)])] if options.guest else [])
    if options.variant:
        variants = [v for v in variants if v.preset in options.variant]
    elif options.only:
        variants = [v for v in variants if v.preset == "release"]
    if not variants:
        parser.error("no such variant")

    began = time.time()
    rows, groups, skips, failures = [], {}, [], []
    for variant in variants:
        if not build(variant.preset):
            failures.append((variant.preset, "does not compile"))
            groups.setdefault("compile", [0, 0, 0, 0])[1] += 1
            continue
        if not variant.phases:
            groups.setdefault("compile", [0, 0, 0, 0])[0] += 1
        results = []
        for labels, jobs in variant.phases:
            phase = run(variant.preset, labels, jobs, options.only)
            if phase is None:
                failures.append((variant.preset, f"ctest gave no report of {labels}"))
                groups.setdefault(variant.preset, [0, 0, 0, 0])[1] += 1
            results += phase or []
        for name, outcome, detail, seconds, cases, partly in results:
            label = name.split(".")[0]
            group = f"{variant.kind} {variant.preset} {label}" if variant.kind else label
            counts = groups.setdefault(group, [0, 0, 0, 0])
            counts[("passed", "failed", "skipped").index(outcome)] += 1
            counts[3] += cases if outcome == "passed" else 0
            full = f"{variant.preset}: {name}"
            if outcome == "skipped":
                skips.append((full, detail))
            skips += [(full + " (in part)", reason) for reason in partly]
            if outcome == "failed":
                failures.append((full, detail))
            rows.append((seconds, full))

    say("")
    say(f"{'group':<34}{'passed':>8}{'failed':>8}{'skipped':>9}{'cases':>8}")
    for group in sorted(groups):
        passed, failed, skipped, cases = groups[group]
        say(f"{group:<34}{passed:>8}{failed:>8}{skipped:>9}{cases:>8}")
    for name, reason in skips:
        say(f"skipped {name}: {reason}")
    for name, reason in failures:
        say(f"FAILED {name}: {reason}")
    slow = sorted(rows, reverse=True)[:5]
    say("slowest: " + ", ".join(f"{name} {seconds:.0f} s" for seconds, name in slow))
    say(f"took {time.time() - began:.0f} s")
    total = [sum(g[i] for g in groups.values()) for i in range(3)]
    say(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped")
    return 1 if total[1] or failures or not total[0] else 0


if __name__ == "__main__":
    sys.exit(main())
