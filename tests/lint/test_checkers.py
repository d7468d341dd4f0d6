#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Plant, meters and judges of the simulator, and what the forecaster is held against, call nothing of the core: they
cannot agree with it by mistake."""
import glob
import os
import re
import subprocess
import sys

TOP = os.environ.get("BUSBAR_SOURCE") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIBRARIES = os.path.join(os.environ["BUSBAR_BUILD"], "src")
APART = re.compile(r"(checks|window|breaker|plant|meter|forecast_base|forecast_score)(_\w+)?\.c")


def symbols(library, *options):
    """Of each object of a library: the symbols that nm lists."""
    listed = subprocess.run(["nm", *options, os.path.join(LIBRARIES, library)], capture_output=True, text=True)
    if listed.returncode:
        print(listed.stderr)
        sys.exit(1)
    objects, name = {}, None
    for line in listed.stdout.splitlines():
        if line.endswith(":"):
            name = line[:-1]
            objects[name] = set()
        elif line.strip() and name:
            objects[name].add(line.split()[-1])
    return objects


core = set().union(*symbols("libbusbar-core.a", "-g", "--defined-only").values())
if "core_step" not in core:
    print("core_step is not among the symbols of libbusbar-core.a")
    sys.exit(1)
wanted = symbols("libbusbar-sim.a", "-u")
names = {os.path.basename(path) for path in glob.glob(os.path.join(TOP, "src", "sim", "*.c"))}
problems, looked = [], 0
for name in sorted(name for name in names if APART.fullmatch(name)):
    found = wanted.get(name + ".o")
    if found is None:
        problems.append(f"{name} is not in libbusbar-sim.a")
        continue
    looked += 1
    problems += [f"{name} needs {symbol}" for symbol in sorted(found) if symbol in core or symbol.startswith("core_")]
for problem in problems:
    print(problem)
print(f"{looked} objects looked at, {len(problems)} problems")
sys.exit(1 if problems or looked < 6 else 0)
