#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A slice of ./dev campaign --mutants: every planted bug still applies and compiles, two are
found, and automatic ones are made and judged. The whole of it takes longer."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))
from rack import SANITIZED, check, main  # noqa: E402

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("BUSBAR_BUILD", os.path.join(TOP, "build", "release"))
FOUND = ("window-one-short", "raise-before-readback")


def mutants(*words):
    done = subprocess.run([sys.executable, os.path.join(TOP, "tests", "mutants", "mutants.py"), "--build", BUILD, "--json", *words],
                          capture_output=True, text=True)
    sys.stderr.write(done.stderr)
    return done.returncode, json.loads(done.stdout)


def every_planted_bug_applies_and_compiles():
    code, doc = mutants("--compile-only", "--auto", "0")
    check(len(doc["planted"]) == 10, "ten bugs are planted")
    for one in doc["planted"]:
        check(one["compiles"], f"{one['name']}: {one['by']}")
    check(code == 0, "so that they can be looked for")


def planted_bugs_are_found():
    for name in FOUND:
        code, doc = mutants("--only", name, "--auto", "0", "--runs", "200")
        check(code == 0 and [p["found"] for p in doc["planted"]] == [True], f"{name} is found by {doc['planted'][0]['by']}")


def automatic_ones_are_judged():
    code, doc = mutants("--only", "none-of-the-planted", "--auto-too", "--auto", "2", "--auto-runs", "20")
    check(doc["automatic"] == 2 and doc["killed"] + len(doc["survivors"]) == 2, f"{doc['killed']} of 2 automatic ones are killed")


def test():
    if SANITIZED:
        print("skip: mutants are compiled against the release build")
        sys.exit(77)
    every_planted_bug_applies_and_compiles()
    planted_bugs_are_found()
    automatic_ones_are_judged()


main(test)
