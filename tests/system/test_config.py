#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""busbard --check: every shipped file is accepted, every broken one refused with all its errors and status 2."""
import glob
import os
import re
import subprocess
import tempfile

from rack import BIN, SOURCE, check, main

BUSBARD = os.path.join(BIN, "busbard")


def run(*arguments):
    return subprocess.run([BUSBARD, *arguments], capture_output=True, text=True, timeout=60)


def test():
    with tempfile.TemporaryDirectory() as folder:
        text = open(os.path.join(SOURCE, "config", "busbar.yaml")).read()
        secret = os.path.join(folder, "bmc-password")
        open(secret, "w").write("secret\n")
        text = text.replace("/etc/busbar/bmc-password", secret).replace("/etc/busbar/bmc-ca.pem", secret)
        path = os.path.join(folder, "busbar.yaml")
        open(path, "w").write(text)
        done = run("--check", "--config", path)
        check(done.returncode == 0, f"the shipped configuration is accepted {done.stderr}")
        done = run("--check", path)
        check(done.returncode == 0, f"--check takes the file as its argument too {done.stderr}")
        broken = sorted(glob.glob(os.path.join(SOURCE, "tests", "conf", "broken-*.yaml")))
        check(len(broken) >= 20, f"{len(broken)} broken configurations are kept")
        for bad in broken:
            done = run("--check", bad)
            lines = [l for l in done.stderr.splitlines() if l]
            check(done.returncode == 2 and done.stdout == "", f"{os.path.basename(bad)} is refused with status 2")
            wrong = [l for l in lines if not re.match(r".*broken-[\w-]+\.yaml:\d+:\d+: .+", l)]
            check(lines and not wrong, f"each of its {len(lines)} lines names file, line and column {wrong}")
        keys = run("--print-keys")
        check(keys.returncode == 0 and "control.period_ms" in keys.stdout, "--print-keys lists the keys")
        for wrong in (["--no-such-option"], ["--config"], ["--config", "/nonexistent/busbar.yaml"]):
            done = run(*wrong)
            check(done.returncode == 2 and done.stderr.strip(), f"{' '.join(wrong)} is refused with status 2 and a reason")
        for program in ("busbard", "busbarctl", "busbarsim"):
            for option in ("--help", "--version"):
                done = subprocess.run([os.path.join(BIN, program), option], capture_output=True, text=True, timeout=30)
                check(done.returncode == 0 and done.stdout.strip(), f"{program} {option} answers on standard output")
        for program, words in (("busbard", ["--help"]), ("busbard", ["--version"]), ("busbard", ["--print-keys"]), ("busbarctl", ["--help"]),
                               ("busbarctl", ["--version"]), ("busbarctl", ["device", "list", "--help"]), ("busbarsim", ["--help"]), ("busbarsim", ["--version"]),
                               ("busbarsim", ["serve", os.path.join(SOURCE, "config", "racks", "hpr.yaml"), "--run-dir", folder])):
            with open("/dev/full", "w") as full:
                done = subprocess.run([os.path.join(BIN, program), *words], stdout=full, stderr=subprocess.PIPE, text=True, timeout=30)
            check(done.returncode == 2 and "the output could not be written" in done.stderr,
                  f"{program} {' '.join(words)}: what cannot be written is status 2 and a line {done.returncode} {done.stderr[-100:]!r}")
        v2 = os.path.join(SOURCE, "config", "racks", "hpr-v2.yaml")
        for words in (["serve", v2, "--run-dir", folder], ["demo", v2, "--busbard", BUSBARD]):
            done = subprocess.run([os.path.join(BIN, "busbarsim"), *words], capture_output=True, text=True, timeout=60)
            check(done.returncode == 2 and "virtual time only" in done.stderr and len(done.stderr.splitlines()) == 1,
                  f"busbarsim {words[0]} of hardware without a register map is refused with status 2 and a reason")


main(test)
