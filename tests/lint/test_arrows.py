#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every #include of a project header is held against the arrows of docs/architecture.md."""
import os
import re
import sys

TOP = os.environ.get("BUSBAR_SOURCE") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BASE = {"bytes.h", "check.h", "clock.h", "events.h", "histogram.h", "log.h", "mailbox.h", "netmask.h", "original.h", "output.h", "queue.h", "record.h",
        "signals.h", "status.h", "worker.h"}
EVERYWHERE = {"signals.h", "status.h", "events.h", "check.h"}
# What each folder may include from include/busbar besides EVERYWHERE. `core` types
# may be seen by those who hand its structs on.
ALLOWED = {
    "base": BASE,
    "core": {"core.h", "fc.h"},
    "conf": BASE | {"conf.h", "core.h", "device.h", "pmi.h"},
    "net": BASE | {"http.h", "mbframe.h"},
    "field": BASE | {"field.h", "redfish_survey.h", "probe.h", "mbtool.h", "http.h", "mbframe.h", "conf.h", "device.h", "core.h"},
    "operator": BASE | {"operator.h", "http.h", "mbframe.h", "core.h", "device.h", "pmi.h"},
    "daemon": BASE | {"operator.h", "field.h", "redfish_survey.h", "http.h", "conf.h", "device.h", "core.h", "pmi.h"},
    "cli": BASE | {"field.h", "redfish_survey.h", "probe.h", "mbtool.h", "mbframe.h", "conf.h", "http.h", "device.h", "core.h"},
    "sim": BASE | {"core.h", "conf.h", "http.h", "fc.h"},
}
# Files that stand for the outside of the core and must not know it. checks* judge what
# it gives out, so they see its types; test_checkers.py holds them to that.
OUTSIDE = re.compile(r"sim/(plant|meter|window|breaker|forecast_base|forecast_score)\w*\.[ch]$")
SYSTEM_FORBIDDEN_IN_CORE = re.compile(r"#include <(?!stdint\.h|stddef\.h|stdbool\.h|math\.h|string\.h|float\.h|limits\.h)")
ONLY_IN = {  # a library known to one file or folder alone
    r"<systemd/sd-journal\.h>": {"base/log.c"},
    r"<modbus": {"field/mbus_port.c", "field/mbus_open.c"},
    r"<curl/": {"net/http_client.c", "net/http_sockets.c", "net/http_sockets.h"},
    r"<event2/http": {"net/http_server.c", "sim/serve_redfish.c", "sim/serve_redfish_events.c"},
    r"<yaml\.h>": {"conf/", "sim/rack.c", "sim/rack_yaml.c", "sim/scenario_yaml.h"},
}
problems = []


def report(path, number, text):
    problems.append(f"{os.path.relpath(path, TOP)}:{number}: {text}")


def reached(root, name):
    """Every header that a file includes, and those that they include."""
    seen, left = set(), [name]
    while left:
        path = os.path.join(root, left.pop())
        for header in re.findall(r'#include "(?:busbar/)?([^"]+)"', open(path, encoding="utf-8").read()):
            if header not in seen:
                seen.add(header)
                if os.path.isfile(os.path.join(root, header)):
                    left.append(header)
    return seen


for folder in sorted(ALLOWED):
    root = os.path.join(TOP, "src", folder)
    names = set(os.listdir(root)) if os.path.isdir(root) else set()
    for name in sorted(names):
        if not name.endswith((".c", ".h")):
            continue
        path, short = os.path.join(root, name), f"{folder}/{name}"
        lines = open(path, encoding="utf-8").read().split("\n")
        if lines[0] != "/* SPDX-License-Identifier: Apache-2.0 */":
            report(path, 1, "the first line must be the SPDX licence line")
        if OUTSIDE.match(short) and reached(root, name) & {"core.h", "fc.h"}:
            report(path, 1, "what stands for the outside must not include core.h or fc.h, nor what includes them")
        for number, line in enumerate(lines, 1):
            public = re.match(r'#include "busbar/([\w.]+)"', line)
            private = re.match(r'#include "(?!busbar/)([^"]+)"', line)
            if public and public.group(1) not in ALLOWED[folder] | EVERYWHERE:
                report(path, number, f"{folder} must not include {public.group(1)}")
            if private and private.group(1) not in names:
                report(path, number, f"{private.group(1)} is not a header of src/{folder}")
            if folder == "core" and SYSTEM_FORBIDDEN_IN_CORE.match(line):
                report(path, number, "the core may not include this system header")
            for pattern, owners in ONLY_IN.items():
                if re.match("#include " + pattern, line) and not any(short.startswith(o) for o in owners):
                    report(path, number, f"only {', '.join(sorted(owners))} may include this")
            if re.search(r"\bclock_gettime\b|\bgettimeofday\b", line) and short != "base/clock.c":
                report(path, number, "only base/clock.c reads a clock")

for name in os.listdir(os.path.join(TOP, "include", "busbar")):
    path = os.path.join(TOP, "include", "busbar", name)
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        if re.match(r'#include "(?!busbar/)', line):
            report(path, number, "a public header includes only public headers")

for problem in problems:
    print(problem)
print(f"{len(problems)} broken arrows")
sys.exit(1 if problems else 0)
