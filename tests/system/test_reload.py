#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""SIGHUP: a good configuration is adopted between two ticks, a bad one is refused and the old one stays."""
import os
import shutil
import signal
import subprocess
import time

from rack import BIN, Rack, check, main, wait_for


def transactions(rack):
    """Counted since the start, by protocol."""
    return {protocol: histogram["count"] for protocol, histogram in rack.ask("stats")["transaction"].items()}


def test():
    with Rack("orv3", serve=["--envelope-w", "11000", "--load", "trace"]) as rack:
        originals = rack.limits()
        rack.start()
        rack.wait_good()
        rack.control()
        rack.ctl("meter reset")
        good = open(rack.config).read()

        open(rack.config, "w").write(good.replace("period_ms:", "period_msx:", 1))
        rack.daemon.send_signal(signal.SIGHUP)
        rack.wait_log("config_refused", "period_msx")  # the refusal names the key
        check(rack.ask("stats")["period_us"] == 10000 and rack.ask("status")["mode"] in ("normal", "degraded"),
              "the old configuration stays in force")

        for key, text in (("record.ring_mib", good + "\nrecord: {ring_mib: 7}\n"),
                          ("control.cpu", good.replace("period_ms: 10\n", "period_ms: 10\n  cpu: 0\n", 1))):
            open(rack.config, "w").write(text)
            rack.daemon.send_signal(signal.SIGHUP)
            rack.wait_log("config_refused", key, "restart")  # what a reload would not change it does not claim to

        check("period_ms: 10\n" in good, "the test changes the period")
        before, done = rack.ask("stats")["ticks"], transactions(rack)
        for period_ms in (15, 20):  # the second while BMCs are still being logged out of for the first
            new = rack.config + ".new"
            open(new, "w").write(good.replace("period_ms: 10\n", f"period_ms: {period_ms}\n", 1))
            os.rename(new, rack.config)
            rack.daemon.send_signal(signal.SIGHUP)
            time.sleep(0.1)
        wait_for("the new period, the last one that was written", lambda: rack.ask("stats")["period_us"] == 20000, 40)
        check(rack.ask("stats")["ticks"] >= before, "ticks go on counting")
        now = transactions(rack)
        check(all(now[protocol] >= done[protocol] for protocol in done) and sum(done.values()) > 0,
              f"and so do transactions, though every bus was made anew: {done}, {now}")
        check(rack.ask("status")["mode_wanted"] == "control", "the mode is kept")
        rack.wait_log("config_reloaded")
        wait_for("armed under the new configuration", lambda: rack.ask("status")["armed"], 60)
        now, levers = rack.limits(), {lever["lever"]: lever for lever in rack.ask("levers")["levers"]}
        check(sum(now.values()) < 0.9 * sum(originals.values()), "limits in force were carried over")
        check(all(levers[name]["state"] != "unread" for name in now), "and every one is known")
        check(all(row["violations"] == 0 for row in rack.envelope_rows()), "the envelope held through the reload")


def early():
    """SIGHUP while the daemon is still starting is a reload, not its end."""
    with Rack("orv3") as rack:
        state_dir = next(line.split(":", 1)[1].strip() for line in open(rack.config) if line.startswith("state_dir:"))
        for _ in range(3):
            shutil.rmtree(state_dir, ignore_errors=True)
            daemon = rack.daemon = subprocess.Popen([os.path.join(BIN, "busbard"), "--config", rack.config],
                                                    stdout=rack.daemon_log, stderr=subprocess.STDOUT)
            while not os.path.exists(state_dir) and daemon.poll() is None:
                pass
            reloads = len(rack.log_lines("config_reloaded"))
            daemon.send_signal(signal.SIGHUP)
            wait_for("a reload", lambda: daemon.poll() is not None or len(rack.log_lines("config_reloaded")) > reloads)
            check(daemon.poll() is None, f"it lives on and reloads: {daemon.poll()}")
            check(rack.stop() == 0, "and stops in order")


def removed():
    """A device that is taken out of the file while a limit of ours stands on it, be it from a run before, is named."""
    with Rack("orv3", serve=["--envelope-w", "9000", "--load", "trace"]) as rack:
        rack.start()
        rack.wait_good()
        rack.control()
        check(rack.run("mode", "observe")[0] == 0, "from now on nothing is written")
        wait_for("observe", lambda: rack.ask("status")["mode"] == "observe")
        rack.daemon.kill()
        rack.daemon.wait()
        rack.start()
        rack.wait_good()
        check(not any(lever["number"] for lever in rack.ask("levers")["levers"]), "nothing was ordered in this run")
        text = open(rack.config).read()
        first = text.index("  - name: bmc-2\n")
        open(rack.config, "w").write(text[:first] + text[text.index("\n\n", first) + 1:] if "\n\n" in text[first:] else text[:first])
        rack.daemon.send_signal(signal.SIGHUP)
        rack.wait_log("config_reloaded")
        told = {line.split()[2] for line in rack.wait_log("no longer configured", lines=8)}
        check(told == {f"bmc-2.gpu-{i}:" for i in range(8)}, f"each of its eight limits is named, and no other: {told}")


def all_of_them():
    test()
    removed()
    early()


main(all_of_them)
