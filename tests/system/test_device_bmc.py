#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""busbarctl device write on a BMC of a configuration: its original is the daemon's, and the daemon's limits are its own."""
import json
import os
import re

from rack import Rack, check, main, wait_for


def device(rack, *words):
    code, out, err = rack.run("device", *words, "--timeout", "5000", "--json")
    return code, json.loads(out) if code in (0, 1) and out else None, err


def test():
    with Rack("../../tests/chaos/rack", serve=["--load", "idle"]) as rack:  # its BMCs answer quickly
        text = open(rack.config).read()

        def key(name):
            return re.search(name + r': "?([^"\s,}]+)', text).group(1)
        bmc = ["--link", "redfish:" + key("url"), "--user", key("username"), "--password-file", key("password_file")]
        code, answer, err = device(rack, "read", *bmc)
        check(code == 0, f"a BMC is read {err}")
        limit = next(one for one in answer["limits"] if one["writable"] and "GPU_0/EnvironmentMetrics" in one["path"] and one["unit"] == "W")
        write = ["write", *bmc, limit["path"]]
        code, answer, err = device(rack, *write, str(int(limit["min"])), "--config", rack.config)
        check(code == 0 and answer["readback"] == limit["min"], f"a GPU's limit is written {err}")
        record = os.path.join(answer["state_dir"], "originals", answer["device"])
        check(answer["device"] == "bmc-1" and open(record).read().splitlines()[1].startswith("gpu_power_limit_w\t0\t"),
              "its original is kept where the daemon looks for its lever's")
        code, answer, err = device(rack, *write, "original", "--config", rack.config)
        check(code == 0 and answer["readback"] == limit["value"], f"and is put back {err}")
        code, answer, err = device(rack, *write, str(int(limit["min"])), "--config", rack.config)
        done = rack.restore("--anyway")
        code, answer, _ = device(rack, "read", *bmc)
        left = next(one["value"] for one in answer["limits"] if one["path"] == limit["path"])
        check(left == limit["value"], f"by busbard --restore as well: {left} W, {limit['value']} W were there {done}")
        # The same where the configuration has another limit whose number is 0 as well, and where it leaves its GPUs to be found.
        more = "settings: [{signal: node_power_limit_w, path: /redfish/v1/Chassis/Other/EnvironmentMetrics, value: 5000}]"
        url = re.compile(r"(\n +)(url: http://127.0.0.1:\d+)\n")
        other = os.path.join(rack.folder, "other.yaml")
        for found in (url.sub(lambda m: f"{m[1]}{m[2]}{m[1]}{more}\n", text, count=1),
                      url.sub(r"\1\2/\n", re.sub(r',\s*path: "[^"]*GPU_[^"]*"', "", text), count=1)):
            open(other, "w").write(found)
            code, answer, err = device(rack, *write, str(int(limit["min"])), "--config", other)
            check(code == 0 and answer["device"] == "bmc-1", f"a limit is written by another configuration {answer and answer['device']} {err}")
            keys = [line.split("\t")[:2] for line in open(record).read().splitlines()[1:]]
            check(keys == [["gpu_power_limit_w", "0"]], f"and kept as that of GPU 0 {keys}")
            code, answer, err = device(rack, *write, "original", "--config", other)
            check(code == 0 and answer["readback"] == limit["value"], f"and is put back {err}")
        rack.start()
        rack.wait_good()
        wait_for("each GPU is read", lambda: device(rack, "read", *bmc[:2])[0] == 0, 20)
        for what in (["read"], ["watch", "--seconds", "1"]):
            code, answer, err = device(rack, *what, *bmc[:2])
            seen = answer and (answer["samples"][0] if what[0] == "watch" else answer)
            check(code == 0 and answer["through"] == "daemon" and any(one["signal"] == "gpu_power_w" and one["value"] is not None for one in seen["readings"])
                  and any("--user" in note for note in answer["notes"]), f"a BMC that the daemon has is shown by the daemon: {what[0]} {answer} {err}")
        code, answer, err = device(rack, "read", *bmc)
        check(code == 0 and answer["through"] == "bus" and answer["limits"] and answer["supplies"] is not None,
              f"with a login of its own it is asked itself {err}")
        code, _, err = device(rack, *write, str(int(limit["min"])))
        check(code == 2 and "running daemon" in err, "the daemon's BMC is not written to behind its back")


main(test)
