#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""cmake --install puts every part where a Debian system looks for it."""
import os
import subprocess
import tempfile

from rack import SANITIZED, check, main, skip

WANTED = ["sbin/busbard", "bin/busbarctl", "bin/busbarsim", "lib/systemd/system/busbard.service", "lib/sysusers.d/busbar.conf",
          "lib/tmpfiles.d/busbar.conf", "share/busbar/profiles/hpr-psu.yaml", "share/busbar/racks/hpr.yaml",
          "share/busbar/scenarios/e-1.yaml", "share/bash-completion/completions/busbarsim",
          "share/bash-completion/completions/busbarctl", "share/doc/busbar/examples/busbar.yaml"]


def test():
    if SANITIZED:
        skip("the release build is what is installed")
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["cmake", "--install", os.environ["BUSBAR_BUILD"]], capture_output=True, text=True,
                              env=dict(os.environ, DESTDIR=folder))
        check(done.returncode == 0, f"cmake --install works {done.stderr}")
        folder = os.path.join(folder, "usr")
        for path in WANTED:
            check(os.path.exists(os.path.join(folder, path)), f"{path} is installed")
        done = subprocess.run([os.path.join(folder, "sbin", "busbard"), "--version"], capture_output=True, text=True)
        check(done.returncode == 0, "the installed daemon runs")
        done = subprocess.run(["bash", "-c", f". {folder}/share/bash-completion/completions/busbarctl && complete -p busbarctl"],
                              capture_output=True, text=True)
        check(done.returncode == 0, "completion loads")


main(test)
