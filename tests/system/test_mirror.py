#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Supplies and batteries that are read through the mirror of their shelf's controller, piece by piece and as one block."""
import os
import re
import tempfile
import time

from rack import Rack, SOURCE, check, main, wait_for

MIRROR_AGE_MS = 1000


def rack_file(folder, mirror):
    """One HPR shelf with one node, as config/racks/hpr.yaml has them."""
    text = open(os.path.join(SOURCE, "config", "racks", "hpr.yaml")).read()
    for section, key, value in (("nodes", "count", 1), ("shelves", "count", 1), ("shelves", "psus", 3)):
        text, times = re.subn(rf"(?m)(^{section}:\n(?:  .*\n)*?  {key}: )\d+", rf"\g<1>{value}", text, count=1)
        assert times == 1, (section, key)
    text = re.sub(r"(?m)^  envelope_w: .*", "  envelope_w: 16000", text)
    text = text.replace("links:\n", f"links:\n  mirror: {mirror}\n", 1)
    path = os.path.join(folder, f"mirror-{mirror}.yaml")
    with open(path, "w") as file:
        file.write(text)
    return path.removesuffix(".yaml")


def reading(rack, device, signal):
    return next(r for r in rack.device(device)["readings"] if r["signal"] == signal)


def asked(rack, device, seconds=3.0):
    """Transactions a second."""
    before, began = rack.device(device)["transactions"], time.monotonic()
    time.sleep(seconds)
    return (rack.device(device)["transactions"] - before) / (time.monotonic() - began)


def through(folder, mirror):
    with Rack(rack_file(folder, mirror), serve=["--load", "idle"]) as rack:
        text = open(rack.config).read()
        check(text.count("mirror: pmm-psu-1\n") == 3 and text.count("mirror: pmm-bbu-1\n") == 6, "each module has its mirror and slot")
        rack.start()
        rack.wait_good()

        def mirrored():
            one = reading(rack, "psu-1-2", "psu_input_v")
            return one if one["status"] == "ok" and one["age_ms"] >= MIRROR_AGE_MS else None
        one = wait_for("the input of a supply is as old as its mirror", mirrored, 30)
        check(200 < one["value"] < 320, "and is what it is")
        check(reading(rack, "psu-1-2", "psu_output_w")["age_ms"] is not None, "its output is in no mirror, and read from itself")
        wait_for("a battery's charge as well", lambda: reading(rack, "bbu-1-2", "bbu_pack_v")["age_ms"] >= MIRROR_AGE_MS, 30)
        pack = reading(rack, "bbu-1-2", "bbu_pack_v")["value"]
        check(abs(pack - rack.ctl("read bbu-1-2")["pack_v"]) < 1, "it is the battery's own")
        # Every 500 ms: six reads, or one. A busy machine makes both fewer, and neither more.
        if mirror == 1:
            wait_for("six batteries are six reads", lambda: asked(rack, "pmm-bbu-1") > 9, 60)
        else:
            wait_for("as one block they are one, once it is known what else the controller has not", lambda: 0 < asked(rack, "pmm-bbu-1") < 8, 60)

        rack.ctl("fault pmm-psu-1 silence")

        def itself():
            one = reading(rack, "psu-1-2", "psu_input_v")
            return one["status"] == "ok" and one["age_ms"] < MIRROR_AGE_MS
        wait_for("where the controller falls silent the supply is asked itself", itself, 30)
        check(rack.device("psu-1-2")["quality"] == "good", "and stays a good one")
        rack.ctl("clear")
        wait_for("then through the mirror again", mirrored, 60)


def test():
    with tempfile.TemporaryDirectory(prefix="busbar-mirror-") as folder:
        for mirror in (1, 2):
            through(folder, mirror)


main(test)
