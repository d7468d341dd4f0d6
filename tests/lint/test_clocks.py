#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Wall-clock time may step: it labels logs, recordings and answers, and decides nothing."""
import os
import re
import sys

SOURCE = os.environ["BUSBAR_SOURCE"]
LABELS = {"src/base/clock.c": "is the clock", "src/base/log.c": "lines of the log", "src/operator/operator.c": "the list of events",
          "src/operator/api.c": "answers", "src/daemon/recorder.c": "the head of a recording", "src/daemon/calls.c": "the state file",
          "src/daemon/app.c": "the state file", "src/field/mbus.c": "the clocks of devices",
          "src/field/redfish_link.c": "Retry-After as a date; the wait has a bound of its own",
          "src/field/redfish_discover.c": "how far a BMC's clock is off", "src/operator/pmi.c": "the clock's registers",
          "src/cli/cli_verify_parts.c": "how far clocks are off", "src/cli/cli_health_task.c": "a task's name and start",
          "src/sim/serve_redfish_extra.c": "time stamps of the simulated BMC"}
CLOCK = re.compile(r"\b(clock_wall_us|CLOCK_REALTIME|gettimeofday|time\s*\(\s*NULL|localtime|CLOCK_TAI)\b")

wrong, seen = [], set()
for folder, _, names in os.walk(os.path.join(SOURCE, "src")):
    for name in names:
        path = os.path.join(folder, name)
        short = os.path.relpath(path, SOURCE)
        if not name.endswith(".c"):
            continue
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if CLOCK.search(line):
                    seen.add(short)
                    if short not in LABELS:
                        wrong.append(f"{short}:{number}: {line.strip()}")
print(f"wall-clock time is read in {len(seen)} files")
for line in wrong:
    print("only for labels, see tests/lint/test_clocks.py: " + line)
sys.exit(1 if wrong or "src/base/clock.c" not in seen else 0)
