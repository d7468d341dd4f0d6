#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Files of a size one can read, finished, in the agreed places."""
import os
import re
import subprocess
import sys

TOP = os.environ.get("BUSBAR_SOURCE") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOP_LEVEL = {"CMakeLists.txt", "CMakePresets.json", "README.md", "LICENSE", "dev", "src", "include", "config", "tests",
             "systemd", "docs"}
LINES_MAX = 800
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")

listed = subprocess.run(["git", "-C", TOP, "ls-files"], capture_output=True, text=True)
if listed.returncode or not listed.stdout:
    print("skip: not a git checkout")
    sys.exit(77)
problems = []
for path in listed.stdout.splitlines():
    first = path.split("/")[0]
    if first not in TOP_LEVEL and not first.startswith("."):
        problems.append(f"{path}: the top level does not hold this")
    full = os.path.join(TOP, path)
    if not os.path.isfile(full):
        continue
    if path.endswith((".c", ".h", ".py", ".yaml", ".md")) and not path.startswith(("tests/fuzz/seeds", "tests/conf/")):
        lines = open(full, encoding="utf-8").read().split("\n")
        if path.endswith((".c", ".h")) and len(lines) > LINES_MAX:
            problems.append(f"{path}: {len(lines)} lines, at most {LINES_MAX}")
        for number, line in enumerate(lines, 1):
            if UNFINISHED.search(line) and not path.startswith("tests/lint/"):
                problems.append(f"{path}:{number}: unfinished: {line.strip()}")
            if path.endswith((".c", ".h")) and line != line.rstrip():
                problems.append(f"{path}:{number}: white space at the end of the line")
for problem in problems:
    print(problem)
print(f"{len(problems)} problems in {len(listed.stdout.splitlines())} files")
sys.exit(1 if problems else 0)
