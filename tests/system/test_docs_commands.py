#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Commands shown in README and docs/ that need a daemon or a rack are run; the others are test_docs_demos.py's and
test_docs_studies.py's. A command that is shown and that no test knows fails here."""
import os
import re
import shutil
import signal
import socket
import subprocess

import shown
from rack import SANITIZED, Rack, check, main, skip, wait_for


def allowed(command, code):
    """1 is an answer too: done, and something does not hold. `--follow --json` is shown as refused."""
    if "timeout 2" in command:
        return code in (0, 2, 124)
    return code in (0, 1)


def through_socat(command):
    """A server that the docs show: started, asked once, ended."""
    if not shutil.which("socat"):
        print("skip: socat is not installed")
        return
    with socket.socket() as free:  # the shown port may be somebody's here
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = re.sub(r"TCP-LISTEN:\d+", f"TCP-LISTEN:{port}", command)
    server = subprocess.Popen(command.split(" "), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        def metrics():
            asked = shown.run_shell(f"exec 3<>/dev/tcp/127.0.0.1/{port}; printf 'GET /metrics HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3", 10)
            return "busbar_" in asked.stdout
        wait_for("metrics through socat", metrics, 10)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()


def test():
    if SANITIZED:
        skip("shown commands are run with the release build")
    commands, before = shown.commands(), shown.figures()
    check(len(commands) >= 15, f"{len(commands)} commands are shown")
    later = []
    with Rack("orv3", serve=["--load", "trace"]) as rack:
        rack.start()
        rack.wait_good()
        check(rack.run("record", "save", os.path.join(rack.folder, "saved.rec"))[0] == 0, "a recording to show things with")
        for command, where in sorted(commands.items()):
            if command in shown.ELSEWHERE:
                print(f"elsewhere: {where}: {command}: {shown.ELSEWHERE[command]}")
            elif shown.kind(command) != "daemon":
                continue
            elif command.startswith(("busbard --restore", *shown.BY_HAND)):
                later.append((command, where))
            elif command.startswith("socat"):
                through_socat(shown.adapt(command, rack))
                print(f"ok: {where}: {command}")
            elif command.startswith("curl") and not shutil.which("curl"):
                print("skip: curl is not installed")
            else:
                words = shown.adapt(command, rack)
                done = shown.run_shell(words)
                check(allowed(words, done.returncode), f"{where}: {command} {done.stderr[-300:]}")
        rack.stop()
        # A check is started before its report is asked for, an original recorded before it is put back.
        for command, where in sorted(later, key=lambda one: ("original" in one[0], "bmc-health" in one[0] and "start" not in one[0])):
            done = shown.run_shell(shown.adapt(command, rack), 150)
            check(done.returncode in (0, 1) and "Traceback" not in done.stderr, f"{where}: {command} {done.stderr[-300:]}")
    check(shown.figures() == before, "no command wrote figures or pictures into the tree")


main(test)
