#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The core library asks for nothing but memory copies, check_failed() and mathematics."""
import os
import re
import subprocess
import sys

ALLOWED = {"memcpy", "memset", "memmove", "memcmp", "check_failed", "fmin", "fmax", "floor", "ceil", "sqrt", "exp", "log",
           "fabs", "round", "trunc", "pow", "ldexp", "sqrtf", "floorf", "fabsf", "__stack_chk_fail", "_GLOBAL_OFFSET_TABLE_", "__memcpy_chk",
           "__memset_chk", "__memmove_chk"}
SANITIZER = re.compile(r"^__(asan|ubsan|tsan|gcov|llvm|sanitizer)_?")

library = os.path.join(os.environ["BUSBAR_BUILD"], "src", "libbusbar-core.a")
listing = subprocess.run(["nm", library], check=True, capture_output=True, text=True).stdout
defined, undefined, data = set(), set(), set()
for line in listing.splitlines():
    fields = line.split()
    if len(fields) == 3 and fields[1] in "TtRrWw":
        defined.add(fields[2])
    if len(fields) == 3 and fields[1] in "BbDdCS":
        data.add(fields[2])
    if len(fields) == 2 and fields[0] == "U":
        undefined.add(fields[1])
outside = {u for u in undefined - defined - data if u not in ALLOWED and not SANITIZER.match(u)}
# A table of pointers to text is constant, but relocated: .data.rel.ro, shown as "d".
sections = subprocess.run(["objdump", "-t", library], check=True, capture_output=True, text=True).stdout
globals_ = {line.split()[-1] for line in sections.splitlines()
            if re.search(r"\s(\.bss|\.data)(\.(?!rel\.ro)\S+)?\s+0*[1-9a-f][0-9a-f]*\s+\S+$", line)
            and not line.split()[-1].startswith(".")}
print(f"{len(defined)} functions and constants; asks for: {', '.join(sorted(undefined - defined - data))}")
if not defined:
    print("the library is empty: nothing was checked")
    sys.exit(1)
if outside:
    print("the core must not use: " + ", ".join(sorted(outside)))
if globals_:
    print("the core must not have variables: " + ", ".join(sorted(globals_)))
sys.exit(1 if outside or globals_ else 0)
