#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A slice of the campaign: random racks in random trouble, every checker on, no violation.

The same program twice gives the same totals; a stopped one goes on where it was."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))
from rack import BIN, PATIENCE, SANITIZED, check, children, main, wait_for  # noqa: E402

RUNS = 20 if SANITIZED else 2000


def campaign(*words):
    done = subprocess.run([f"{BIN}/busbarsim", "campaign", *words], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def the_slice_has_no_violation():
    began = time.monotonic()
    code, out, err = campaign("--runs", str(RUNS), "--json")
    sys.stderr.write(err)
    doc = json.loads(out)
    print(f"{doc['runs']} runs, {doc['sim_hours']:.1f} h simulated in {time.monotonic() - began:.0f} s, "
          f"{doc['violations']} violations, armed in {doc['armed_runs']}")
    check(code == 0 and doc["violations"] == 0, "no check fails in any run")
    check(doc["runs"] == RUNS, "every run was played")
    # or it proves nothing
    check(doc["armed_runs"] > 0.7 * RUNS, "most racks were armed")
    check(SANITIZED or all(count > 0 for count in doc["faults"].values()), "every trouble was played")
    for name in ("limits", "bus_low", "it_kept", "standing"):
        check(name in doc["worst_margin"], f"the check {name} had something to look at")


def totals(text):
    doc = json.loads(text)
    doc.pop("wall_s")
    return doc


def runs_repeat_and_resume():
    folder = tempfile.mkdtemp(prefix="busbar-test-")
    try:
        whole = totals(campaign("--runs", "24", "--seed", "5", "--json")[1])
        check(totals(campaign("--runs", "24", "--seed", "5", "--json", "--jobs", "1")[1]) == whole, "the number of workers changes nothing")
        code, out, err = campaign("--runs", "10", "--seed", "5", "--state", folder, "--json")
        check(totals(out)["runs"] == 10, "a first part")
        code, out, err = campaign("--runs", "24", "--seed", "5", "--state", folder, "--json")
        check(totals(out) == whole, "and the rest: the same as in one go")
        check("going on after 10 runs" in err, "it says that it goes on")
    finally:
        shutil.rmtree(folder)


def a_stopped_campaign_leaves_no_worker():
    process = subprocess.Popen([f"{BIN}/busbarsim", "campaign", "--runs", "100000", "--json"], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True, start_new_session=True)
    workers = wait_for("workers run", lambda: children(process.pid))
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60 * PATIENCE)
    check(process.returncode == 130 and "runs" in json.loads(out), "Ctrl-C prints what was done")
    wait_for("it leaves nobody behind", lambda: not any(os.path.exists(f"/proc/{pid}") for pid in workers))


def bad_words_are_refused():
    for words in (["--runs", "0"], ["--runs", "x"], ["--without", "99"], ["--jobs", "0"], ["extra"], ["--seconds", "-1"],
                  ["--state", "/nonexistent/folder/of/mine"]):
        code, out, err = campaign(*words)
        check(code == 2 and err.count("\n") >= 1 and not out, f"campaign {' '.join(words)}: {err.strip()}")


def no_second_supply_fails_while_one_is_out():
    """Seed 73347 draws two failures within one control period, before either shows in a supply's state."""
    code, out, err = campaign("--runs", "1", "--seed", "73347", "--seconds", "1.5", "--without", "1,3,4", "--json")
    doc = json.loads(out)
    check(doc["faults"]["psu_fail"] == 1, f"of two supplies drawn to fail at once one does: {doc['faults']['psu_fail']}")
    check(code == 0 and doc["violations"] == 0, f"and the others carry the shelf: {err.strip()}")


def test():
    bad_words_are_refused()
    no_second_supply_fails_while_one_is_out()
    runs_repeat_and_resume()
    a_stopped_campaign_leaves_no_worker()
    the_slice_has_no_violation()


main(test)
