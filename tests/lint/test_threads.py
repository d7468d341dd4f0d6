#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Unit tests that start threads are those that tests/CMakeLists.txt gives to the thread sanitizer, and no others."""
import glob
import os
import re
import subprocess
import sys

STARTS = re.compile(r"\b(pthread_create|thrd_create)\b")

source, build = os.environ["BUSBAR_SOURCE"], os.environ["BUSBAR_BUILD"]
listed = re.search(r"set\(THREADED\s+([^)]*)\)", open(os.path.join(source, "tests", "CMakeLists.txt")).read())
threaded = set(listed.group(1).split()) if listed else set()
names = sorted(os.path.basename(path)[:-2] for path in glob.glob(os.path.join(source, "tests", "unit", "test_*.c")))
wanted = subprocess.run(["nm", "-A", "-D", "--undefined-only", *names], check=True, capture_output=True, text=True,
                        cwd=os.path.join(build, "tests")).stdout
start = {line.split(":")[0] for line in wanted.splitlines() if STARTS.search(line)}
print(f"{len(start)} of {len(names)} unit tests start threads")
for name in sorted(start - threaded):
    print(f"{name} starts threads: it belongs into THREADED of tests/CMakeLists.txt")
for name in sorted(threaded - start):
    print(f"{name} is in THREADED of tests/CMakeLists.txt, and starts no thread")
sys.exit(1 if start != threaded or not start else 0)
