#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""busbarsim ride-through: a part of the table and a small map; the whole of them is made by ./dev results."""
import json
import os
import subprocess
import tempfile
import xml.etree.ElementTree as xml

from rack import BIN, PATIENCE, check, main


def ride(*arguments):
    return subprocess.run([os.path.join(BIN, "busbarsim"), "ride-through", *arguments], capture_output=True, text=True,
                          timeout=100 * PATIENCE)


def test_table(folder):
    picture = os.path.join(folder, "table.svg")
    done = ride("--scenario", "e-1,e-4,e-5", "--nominal", "208,240,277", "--start", "stock,kept-alive", "--svg", picture, "--json")
    check(done.returncode == 0, f"all that is promised holds, and the rule is right {done.stdout[-2000:]} {done.stderr}")
    document = json.loads(done.stdout)
    runs = {(r["scenario"], r["nominal_v"], r["start"], r["controller"]): r for r in document["runs"]}
    check(len(runs) == 3 * 3 * 2 * 2 and document["died"] == 0, "a run for each cell")
    check(document["promised"] == document["promised_held"] == 18 and document["rule_agreement"] == 1.0, "the sums say so")

    def none(scenario, nominal_v):
        return runs[scenario, nominal_v, "stock", "none"]

    check(none("e-4", 208)["pfc_trips"] > 0 and none("e-4", 240)["pfc_trips"] == 0,
          "0.8 pu trips stock supplies at 208 V, and not at 240 V")
    check(none("e-5", 277)["pfc_trips"] > 0 and none("e-5", 240)["pfc_trips"] == 0,
          "1.2 pu trips them at 277 V, and not at 240 V")
    check(all(none("e-1", v)["pfc_trips"] > 0 for v in (208, 240, 277)), "0.15 s without voltage trips them anywhere")
    check(all(r["it_lost"] == 0 for r in runs.values() if r["controller"] == "busbar"), "with Busbar no IT gear is lost")
    back = runs["e-1", 240, "kept-alive", "busbar"]
    check(back["hypothetical"] and back["time_to_90_s"] <= 0.5, "kept-alive supplies are back within 0.5 s, and hypothetical")
    check(not runs["e-1", 240, "stock", "busbar"]["hypothetical"], "stock supplies are not")
    check(all(r["recharge_peak_w"] is None for r in document["runs"] + document["groups"]), "of a recharge that is after the run nothing is said")
    shown = "".join(xml.parse(picture).getroot().itertext())
    check("hypothetical hardware" in shown and "not certified" in shown and "kept-alive*: busbar" in shown,
          "the picture says what is hypothetical and that nothing is certified")


def test_map(folder):
    picture = os.path.join(folder, "map.svg")
    done = ride("--map", picture, "--points", "5", "--json")
    document = json.loads(done.stdout)
    points = document["points"]
    check(done.returncode == 0 and len(points) == 25, f"a map of 5 x 5 {done.stderr}")
    check(all(p["time_to_90_s"] is not None for p in points if p["duration_s"] < 1), "short sags are all survived")
    shown = "".join(xml.parse(picture).getroot().itertext())
    for curve in ("ERCOT NOGRR282", "CAISO", "ITIC", "SEMI F47"):
        check(curve in shown, f"{curve} is drawn")
    check(shown.count("not certified") == 4 and "hypothetical hardware" in shown, "each curve says that it is not certified")


def test():
    with tempfile.TemporaryDirectory() as folder:
        test_table(folder)
        test_map(folder)
    text = ride("--scenario", "e-4", "--nominal", "240", "--start", "stock").stdout
    check("rides" in text and "hypothetical" in text, "people get a table with its legend")
    for wrong, needle in ((["--scenario", "no-such"], "no-such"), (["--nominal", "12"], "--nominal"),
                          (["--start", "magic"], "magic"), (["e-1"], "e-1"), (["--points", "0", "--map", "x"], "--points"), (["--points", "3"], "needs --map"),
                          (["--map", "/dev/null", "--points", "2", "--svg", "/dev/null"], "--svg"),
                          (["--map", "/dev/null", "--points", "2", "--start", "stock"], "--start")):
        done = ride(*wrong)
        check(done.returncode == 2 and needle in done.stderr and len(done.stderr.splitlines()) == 1,
              f"ride-through {' '.join(wrong)}: status 2 and one line that says why")


main(test)
