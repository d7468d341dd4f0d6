#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A daemon that rides through, protects and leases power: tokens are granted, refused with reasons, outlive a
reload and end with the daemon; the recording of it all gives the same orders again."""
import json
import os
import signal
import subprocess

from rack import BIN, Rack, check, main, wait_for


def token(rack, *words):
    code, out, err = rack.run("token", *words, "--json")
    return code, json.loads(out) if code in (0, 1) else err


def test():
    with Rack("orv3", serve=["--envelope-w", "9000", "--load", "trace"]) as rack:
        rack.start()
        rack.wait_good()
        code, answer = token(rack, "request", "rack", "500", "--client", "job-1")
        check(code == 1 and answer["reason"] == "mode", "in observe nothing is leased, and the answer says so")
        rack.control()

        wait_for("the rack knows its input", lambda: rack.ask("status")["ride"]["state"] in ("ready", "unarmed"), 40)
        ride = wait_for("the batteries are read", lambda: rack.ask("status")["ride"]["capable"] and rack.ask("status")["ride"], 40)
        check(0.9 < ride["input_ratio"] < 1.1 and ride["capable_w"] > 9000 and ride["energy_j"] > ride["reserve_j"] > 0,
              "a sound rack at nominal input would carry a loss of it")
        check(rack.ask("status")["protection"]["node"] == "rack", "the breaker of the configuration is watched")
        check(any(n["heat_ratio"] is not None for n in rack.ask("nodes")["nodes"]), "its memory is shown")

        code, answer = token(rack, "request", "rack", "500", "--for", "300000", "--client", "job-1")
        check(code == 0 and answer["state"] == "granted" and answer["granted_w"] == 500, "in control 500 W are leased")
        check(0 < answer["expires_in_ms"] <= 300000, "for the time that was asked for")
        code, answer = token(rack, "request", "rack", "1000000", "--client", "job-2")
        check(code == 1 and answer["state"] == "refused" and answer["reason"] != "none" and answer["alternative_w"] >= 0,
              "a megawatt is refused with a reason and an alternative")
        listed = {t["client"]: t for t in rack.ask("token", "list")["tokens"]}
        check(listed["job-1"]["granted_w"] == 500 and listed["job-2"]["granted_w"] == 0, "the list shows both clients")
        code, answer = token(rack, "request", "nowhere", "5")
        check(code == 2 and "node" in answer, "an unknown node is an error, not a refusal")

        code, _, err = rack.run("reload")
        check(code == 0, f"the configuration is loaded again {err}")
        wait_for("it is in force", lambda: "config_reloaded" in rack.run("events")[1], 20)
        wait_for("job-1 holds its token under the new configuration",
                 lambda: any(t["client"] == "job-1" and t["granted_w"] == 500 for t in rack.ask("token", "list")["tokens"]), 20)
        code, answer = token(rack, "return", "--client", "job-1")
        check(code == 0 and answer["state"] == "returned" and answer["granted_w"] == 0, "what is given back is returned")
        code, answer = token(rack, "return", "--client", "job-9")
        check(code == 2, "who never asked has nothing to give back")

        path = os.path.join(rack.folder, "recording")
        code, _, err = rack.run("record", "save", path)
        check(code == 0, f"the recording is saved {err}")
        done = subprocess.run([os.path.join(BIN, "busbarsim"), "replay", path, "--json"], capture_output=True, text=True, timeout=120)
        result = json.loads(done.stdout)
        check(done.returncode == 0 and result["different"] == 0 and result["ticks"] > 100,
              f"its {result['ticks']} ticks give the same {result['orders']} orders again")

        text = rack.run("status")[1]
        check("grid" in text and "breaker" in text and "tokens" in text, "the status speaks of grid, breaker and tokens")
        check(rack.stop(signal.SIGTERM) == 0, "the daemon stops in order")
        rack.start()
        check(rack.ask("token", "list")["tokens"] == [], "a restart forgets tokens, and with them every lease")


main(test)
