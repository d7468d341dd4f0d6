#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""busbarsim sweep: random racks, the same whatever the machine; each can be run again alone; Ctrl-C ends all."""
import csv
import json
import os
import signal
import subprocess
import tempfile

from rack import BIN, PATIENCE, check, children, main, wait_for

RACKS = 24


def sweep(*arguments):
    return subprocess.run([os.path.join(BIN, "busbarsim"), "sweep", *arguments], capture_output=True, text=True,
                          timeout=100 * PATIENCE)


def test_racks(folder):
    table = os.path.join(folder, "racks.csv")
    done = sweep("e-1", "--racks", str(RACKS), "--seed", "100", "--csv", table, "--json")
    check(done.returncode in (0, 1), f"{RACKS} racks are swept {done.stderr}")
    document = json.loads(done.stdout)
    check({"scenario", "racks", "feasible", "it_kept", "busbar_min_v", "rule_agreement", "reported_incapable"} <=
          document.keys(), "the document has its keys")
    check(document["scenario"] == "e-1" and document["racks"] == RACKS and document["died"] == 0, "every rack was run")
    check(0 < document["feasible"] < RACKS, f"some racks are feasible, some are not ({document['feasible']})")
    check(document["it_kept"] == 1.0 and document["busbar_min_v"] >= 46.0,
          f"no feasible rack is lost, none goes under 46 V {document['worst'][:1]}")
    check(done.returncode == (0 if document["rule_agreement"] >= 0.99 and document["lost_unreported"] == 0 else 1),
          "the exit status is the verdict")
    rows = list(csv.DictReader(open(table)))
    check([int(row["seed"]) for row in rows] == list(range(100, 100 + RACKS)), "one line a rack, in the order of seeds")
    check(sum(int(row["feasible"]) for row in rows) == document["feasible"], "the lines add up to the document")
    check(len({row["kind"] for row in rows}) == 3 and len({row["nominal_v"] for row in rows}) == 4,
          "all kinds and voltages are among them")

    sweep("e-1", "--racks", "1", "--seed", "107", "--csv", table)
    alone = list(csv.DictReader(open(table)))
    check(alone == [rows[7]], "one rack run again alone gives the same line")
    again = json.loads(sweep("e-1", "--racks", str(RACKS), "--seed", "100", "--json").stdout)
    document.pop("wall_s")
    again.pop("wall_s")
    check(again == document, "the same sweep gives the same document")
    done = sweep("e-1", "--racks", "6", "--seed", "100")
    check("6 random racks" in done.stdout and "busbarsim sweep e-1 --racks 1 --seed " in done.stdout,
          "people get a summary, and a command that repeats the worst")


def test_interrupt():
    process = subprocess.Popen([os.path.join(BIN, "busbarsim"), "sweep", "e-1", "--racks", "1000000"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    workers = wait_for("the workers run", lambda: children(process.pid))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60 * PATIENCE)
    check(process.returncode == 2 and not out and "interrupted after" in err, "an interrupt ends it with status 2, and says so")
    wait_for("no worker is left", lambda: not any(os.path.exists(f"/proc/{pid}") for pid in workers))


def test():
    with tempfile.TemporaryDirectory() as folder:
        test_racks(folder)
    test_interrupt()
    for wrong, needle in (([], "SCENARIO"), (["no-such-scenario"], "no-such-scenario"), (["e-1", "--racks", "0"], "--racks"),
                          (["e-1", "--seed", "x"], "--seed"), (["e-1", "--racks", "1", "--csv", "/no/such/folder/x"], "/no/such/folder/x")):
        done = sweep(*wrong)
        check(done.returncode == 2 and needle in done.stderr and len(done.stderr.splitlines()) == 1,
              f"sweep {' '.join(wrong)}: status 2 and one line that says why")


main(test)
