#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Dead BMC, hung line, wrong CRC, a supply that resets: the tick keeps its rate, last orders stand, recovery is one line."""
import time

from rack import SANITIZED, Rack, check, main, skip, wait_for, wait_steady


def quality(rack, name):
    return rack.device(name)["quality"]


def recovery_is_one_line(rack, name):
    """One line when it goes, one when it is back. On a machine that stalls a device may go more than once."""
    def both():
        gone, back = rack.log_lines(f" {name}:", "device_stale"), rack.log_lines(f" {name}:", "device_well")
        return (gone, back) if gone and len(gone) == len(back) else None
    gone, back = wait_for(f"lines of the log say that {name} went and is back", both, 30)
    check(len(back) == len(gone), f"the recovery of {name} is one line")


def ticks_keep_their_rate(rack, during):
    """A tick that waits for a device misses ten periods a time-out, so most of them; a machine that stalls does not."""
    before = rack.ask("stats")
    during()

    def counted():
        after = rack.ask("stats")
        ticks, missed = after["ticks"] - before["ticks"], after["ticks_missed"] - before["ticks_missed"]
        return (ticks, missed) if ticks + missed >= 200 else None
    ticks, missed = wait_for("two hundred periods", counted, 30)
    check(missed <= 0.5 * (ticks + missed), f"the tick keeps its rate ({missed} of {ticks + missed} missed)")


def test():
    if SANITIZED:
        skip("more than a minute of real time; the adapters' unit tests break every link under the sanitizers")
    with Rack("orv3", serve=["--envelope-w", "11000", "--load", "trace"]) as rack:
        rack.start()
        rack.wait_good()
        rack.control()
        rack.ctl("meter reset")

        def bmc_stops():
            rack.ctl("fault bmc-1 silence")
            wait_for("bmc-1 is stale", lambda: quality(rack, "bmc-1") == "stale", 30)
        ticks_keep_their_rate(rack, bmc_stops)
        wait_for("the mode is degraded", lambda: rack.ask("status")["mode"] == "degraded", 20)
        stand = wait_steady("the limits of bmc-1", lambda: [gpu["limit_w"] for gpu in rack.ctl("read bmc-1")["gpus"]])
        counted = {lever["lever"]: lever["counted"] for lever in rack.ask("levers")["levers"]}
        check(all(limit <= counted[f"bmc-1.gpu-{i}"] for i, limit in enumerate(stand)), f"its limits stand, and count {stand}")
        rack.ctl("clear bmc-1")
        wait_for("bmc-1 is good", lambda: quality(rack, "bmc-1") == "good", 60)
        recovery_is_one_line(rack, "bmc-1")

        def line_hangs():
            rack.ctl("fault line-1 silence")
            wait_for("psu-1-1 is stale", lambda: quality(rack, "psu-1-1") == "stale", 30)
            time.sleep(2)  # more of the same, nothing is expected by then
        ticks_keep_their_rate(rack, line_hangs)
        rack.ctl("clear line-1")
        wait_for("psu-1-1 is good", lambda: quality(rack, "psu-1-1") == "good", 60)
        wait_for("all of the line is good", lambda: rack.ask("status")["devices"]["stale"] == 0, 60)
        recovery_is_one_line(rack, "psu-1-1")

        before = rack.device("psu-1-2")["corrupt"]

        def crc_wrong():
            rack.ctl("fault psu-1-2 crc every 3")
            wait_for("wrong CRCs are counted", lambda: rack.device("psu-1-2")["corrupt"] > before + 2, 30)
        ticks_keep_their_rate(rack, crc_wrong)
        wait_for("psu-1-2 is good, one wrong frame in three does not lose it", lambda: quality(rack, "psu-1-2") == "good", 10)
        check(rack.ctl("status")["faulty_devices"] == 1, "and the fault was on all the while")
        rack.ctl("clear psu-1-2")

        wait_for("the gate of psu-1-3 is open in control", lambda: rack.ctl("read psu-1-3")["write_enable"], 30)
        held = wait_steady("the set-point of psu-1-3", lambda: rack.ctl("read psu-1-3")["setpoint_v"], 1)

        def supply_resets():
            reset = rack.ctl("fault psu-1-3 reset", "read psu-1-3")
            check(not reset["write_enable"], "a reset closed the gate")
            wait_for("the set-point is held again", lambda: rack.ctl("read psu-1-3")["write_enable"]
                     and abs(rack.ctl("read psu-1-3")["setpoint_v"] - held) < 0.01, 60)
        ticks_keep_their_rate(rack, supply_resets)

        rack.ctl("fault bmc-2 not_applied")
        code, out, err = rack.run("mode", "emergency")
        check(code == 0, "the operator may say emergency")
        rack.wait_log("bmc-2.gpu-0", "mismatch", seconds=60)
        levers = {l["lever"]: l for l in rack.ask("levers")["levers"]}
        check(levers["bmc-2.gpu-0"]["counted"] >= rack.limits()["bmc-2.gpu-0"], "what was not applied still counts")
        rack.ctl("clear bmc-2")
        check(all(row["violations"] == 0 for row in rack.envelope_rows()), "the envelope held through all of it")


main(test)
