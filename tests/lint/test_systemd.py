#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""systemd accepts the unit as installed, and finds it hardened."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

if not shutil.which("systemd-analyze"):
    print("skip: systemd-analyze is not installed")
    sys.exit(77)
unit = open(os.path.join(os.environ["BUSBAR_BUILD"], "systemd", "busbard.service"), encoding="utf-8").read()
if "\nStartLimitIntervalSec=0\n" not in unit.split("[Service]")[0]:
    print("systemd would give up after five failed starts: RestartSec is short")
    sys.exit(1)
with tempfile.TemporaryDirectory() as folder:
    # verify looks for the program: give it the one just built.
    path = os.path.join(folder, "busbard.service")
    built = os.path.join(os.environ["BUSBAR_BIN"], "busbard")
    open(path, "w", encoding="utf-8").write(re.sub(r"/\S*sbin/busbard", built, unit))
    verify = subprocess.run(["systemd-analyze", "verify", "--man=no", path], capture_output=True, text=True)
    mine = [line for line in verify.stderr.splitlines() if "busbard" in line]
    print("\n".join(mine))
    if verify.returncode and mine:
        sys.exit(1)
    security = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", path],
                              capture_output=True, text=True)
    found = re.search(r"Overall exposure level.*?: ([\d.]+)", security.stdout)
    if not found:
        print(security.stdout[-500:], security.stderr)
        sys.exit(1)
    print(f"exposure {found.group(1)}, at most 2.0 allowed")
    sys.exit(0 if float(found.group(1)) <= 2.0 else 1)
