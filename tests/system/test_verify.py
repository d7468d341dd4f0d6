#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""busbarctl verify on a simulated shelf: every part, what is missing, writes that change nothing, and through the daemon."""
import json
import os
import re

from rack import Rack, check, main


def verify(rack, config, *words, socket="/nonexistent/socket"):
    patience = () if "--timeout" in words else ("--timeout", "2000")
    code, out, err = rack.run("--socket", socket, "verify", "--config", config, "--json", *words, *patience)
    document = json.loads(out) if code in (0, 1) and out else None
    return code, {c["component"]: c for c in document["components"]} if document else None, err


def small(rack, extra=""):
    """A configuration of two supplies of the rack's first line, one of them with a lever."""
    text = open(rack.config).read()
    line = re.search(r"  - name: line-1\n(?:    .*\n)+", text).group(0)
    address = {n: re.search(rf"name: {n}\n(?:    .*\n)*?    address: (0x[0-9a-f]+)", text).group(1) for n in ("psu-1-1", "psu-1-2")}
    path = os.path.join(rack.folder, f"small{len(extra)}.yaml")
    open(path, "w").write(f"""rack: {{name: small}}
state_dir: {rack.folder}/verify-state
tree:
  - {{name: rack, kind: rack, limits: [{{window_ms: 1000, limit_w: 9000}}]}}
buses:
{line}devices:
  - name: psu-1-1
    bus: line-1
    address: {address["psu-1-1"]}
    profile: orv3-psu
    node: rack
    levers: [{{signal: psu_output_setpoint_v, use: hold, value: 51.0}}]
  - {{name: psu-1-2, bus: line-1, address: {address["psu-1-2"]}, profile: orv3-psu, node: rack}}
{extra}""")
    return path


def test():
    with Rack("orv3", serve=["--load", "idle"]) as rack:
        path = small(rack)
        code, parts, err = verify(rack, path)
        check(code == 1 and not parts["state"]["healthy"] and parts["config"]["healthy"], f"a state directory that is not there is told {err}")
        os.makedirs(os.path.join(rack.folder, "verify-state"))
        code, parts, err = verify(rack, path)
        check(parts["state"]["healthy"] and parts["bus line-1"]["healthy"] and parts["leases"]["healthy"], f"with one the bus is well {err}")
        check(parts["daemon"]["skipped"] and parts["bmcs"]["skipped"], "what is not there is skipped")
        check("clocks" in parts and len(parts["clocks"]["clocks"]) == 2, "two clocks were read")
        before = rack.writable()["psus"]["psu-1-1"]
        code, parts, err = verify(rack, path, "--force-writes")
        check(parts["bus line-1"]["healthy"], f"a lever is written with the value it has, and read back {parts['bus line-1']} {err}")
        check(rack.writable()["psus"]["psu-1-1"] == before, "and nothing is another than before, the gate neither")
        path = small(rack, "  - {name: psu-9, bus: line-1, address: 0x77, profile: orv3-psu, node: rack}\n")
        code, parts, err = verify(rack, path, "--timeout", "40")
        check(code == 1 and any("psu-9: does not answer" in d for d in parts["bus line-1"]["details"]), "a device that is not there is named")
        rack.start()
        rack.wait_good()
        code, parts, err = verify(rack, rack.config, socket=rack.socket)
        check(parts["daemon"]["healthy"] and "through the daemon" in parts["bus line-1"]["message"] and parts["bus line-1"]["healthy"],
              f"with a daemon, through it {err}")
        check(parts["bmcs"]["healthy"] and parts["clocks"]["skipped"], "the BMCs as well, and their clocks are left alone")
        code, _, err = rack.run("verify", "bmc-health", "start", "--config", rack.config, "--force-writes")
        check(code == 2 and "a daemon runs" in err, "and no limit is written behind its back")


main(test)
