#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 in control: limits stand for 30 s, overrides end by themselves, a restart adopts, a restore puts all back."""
import signal
import time

from rack import SANITIZED, Rack, check, main, skip, wait_for, wait_steady


def overrides_on(rack):
    return sum(1 for name in rack.names("bbu-") if rack.ctl(f"read {name}")["override_on"])


def differences(now, before):
    """What is not as before. A PMBus word has 10 bits and a sign: 0.2 % is the same value."""
    found = []
    for kind in before:
        for name, was in before[kind].items():
            pairs = zip(now[kind][name], was) if isinstance(was, tuple) else [(now[kind][name], was)]
            if any(abs(a - b) > 0.002 * abs(b) for a, b in pairs):
                found.append(f"{name}: {now[kind][name]}, was {was}")
    return found


def test():
    if SANITIZED:
        skip("half a minute of real time proves nothing more under a sanitizer")
    with Rack("orv3", serve=["--envelope-w", "11000", "--load", "trace"]) as rack:
        before = rack.writable()
        rack.start()
        rack.wait_good()
        check(rack.writable() == before, "observe wrote nothing to any device")
        rack.control()
        check(rack.limits() != before["gpus"], "control lowered GPU limits")
        wait_for("battery overrides are on", lambda: overrides_on(rack) > 0, 30)

        rack.daemon.send_signal(signal.SIGKILL)
        rack.daemon.wait()
        limits = wait_steady("limits, when what was in flight has landed", rack.limits)
        rack.ctl("meter reset")
        began = time.monotonic()
        wait_for("every battery override ends by itself", lambda: overrides_on(rack) == 0, 40)
        time.sleep(max(0.0, 30 - (time.monotonic() - began)))
        check(rack.limits() == limits, "limits stand for 30 s without a daemon")
        meter, rows = rack.ctl("meter"), rack.envelope_rows()
        check(rows and all(row["violations"] == 0 for row in rows), "the envelope holds for 30 s without a daemon")
        check(meter["mean_power_w"] > 3000, "and there was load to hold")

        rack.start()
        check(rack.ask("status")["mode_wanted"] == "control", "the restarted daemon keeps its mode")
        wait_for("armed again", lambda: rack.ask("status")["armed"], 60)
        check(all(row["violations"] == 0 for row in rack.envelope_rows()), "the envelope holds while standing limits are adopted")
        levers = rack.ask("levers")["levers"]
        adopted = [l for l in levers if ".gpu-" in l["lever"] and l["state"] != "unread" and l["in_force"]]
        check(len(adopted) == len(limits), "every standing limit was adopted")

        rack.ctl("load idle")
        check(rack.stop() == 0, "the daemon ends orderly on SIGTERM")
        code, out, err = rack.restore("--anyway")
        print(out[-2000:], err[-2000:])
        check(code == 0, "--restore --anyway left nothing")
        left = differences(rack.writable(), before)
        check(not left, f"every device holds its original again, read from the devices {left}")


main(test)
