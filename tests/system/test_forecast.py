#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""busbarsim forecast: over a generated trace and, where BUSBAR_DATA has it, over a real one, with what is wanted of it."""
import glob
import json
import os
import random
import subprocess
import sys
import tempfile

from rack import BIN, PATIENCE, SOURCE, check, main

sys.path.insert(0, os.path.join(SOURCE, "tests", "results"))
import forecast as page  # the same loads as on the page of results

MODELS = ["busbar", "always-no", "persistence", "ewma", "holt", "linear", "max-last-n", "seasonal", "ar", "ar-rls", "template"]
KEYS = {"mae", "mae_range_pct", "u99_range_pct", "skill", "pinball", "coverage", "coverage_worst_10s", "margin", "precision", "recall", "f1",
        "lead_ms", "false_alarms_per_h", "cost_ns"}


def forecast(*words):
    return subprocess.run([os.path.join(BIN, "busbarsim"), "forecast", *words], capture_output=True, text=True, timeout=60 * PATIENCE)


def document(*words):
    done = forecast(*words, "--json")
    check(done.returncode == 0 and not done.stderr, f"forecast {' '.join(os.path.basename(w) for w in words)} {done.stderr[-200:]}")
    return json.loads(done.stdout)


def test_document(folder):
    path, begin, end, _ = page.generated(folder, "jitter", samples=8000)
    words = (path, "--time", "t_ms", "--column", "w", "--horizon-ms", "10,50")
    svg = os.path.join(folder, "shown.svg")
    doc = document(*words, "--svg", svg)
    check(doc["trace"] == path and doc["sample_ms"] == 1 and [h["horizon_ms"] for h in doc["horizons"]] == [10, 50], "the document says what was done")
    for horizon in doc["horizons"]:
        check(list(horizon["models"]) == MODELS and 0 < horizon["base_rate"] < 1 and horizon["samples"] > 7000, "every model is there, and the base rate")
        check(KEYS <= horizon["models"]["busbar"].keys() and set(horizon["models"]["busbar"]["coverage"]) == {"0.9", "0.99", "0.999"}, "with all its scores")
        check(horizon["models"]["persistence"]["skill"] == 0 and horizon["models"]["busbar"]["skill"] > 0.5, "skill is against persistence")
        check(horizon["models"]["always-no"]["recall"] == 0 and horizon["models"]["always-no"]["mae"] is None, "always-no forecasts nothing")
    picture = open(svg, encoding="utf-8").read()
    check(picture.startswith("<svg") and "99 % bound" in picture and "forecast" in picture, "the picture shows trace, forecast and bound")
    text = forecast(*words)
    check(text.returncode == 0 and "50 ms ahead" in text.stdout and "ar (2nd half)" in text.stdout, "people get a table")
    again = document(*words)
    for h in again["horizons"] + doc["horizons"]:
        for m in h["models"].values():
            m.pop("cost_ns")
    check(again == doc, "the same trace gives the same scores")
    known = document(*words, "--cap-w", "400")
    check(doc["cap_w"] is None and known["cap_w"] == 400, "the document says which limit was given")
    check(page.of(known, 50)["coverage"]["0.99"] > page.of(doc, 50)["coverage"]["0.99"], "a limit bounds the load's beginning, which nothing announces")
    scored = document(*words, "--score-ms", f"{begin + 312:.0f}-{end:.0f}")
    ours = page.of(scored, 50)
    check(ours["precision"] >= 0.97 and ours["recall"] >= 0.99,
          f"five percent of jitter: precision {ours['precision']:.3f}, recall {ours['recall']:.3f}, from three periods on")
    check(ours["coverage"]["0.99"] >= 0.986, f"the bound holds ({ours['coverage']['0.99']:.4f})")


def test_fine(folder):
    """A meter of 5 kHz: no forecaster takes its own step."""
    path = os.path.join(folder, "fine.csv")
    with open(path, "w", encoding="utf-8") as out:
        out.write("t_ms,w\n" + "".join(f"{i * 0.2:.1f},{300 if i % 500 < 250 else 100}\n" for i in range(10000)))
    doc = document(path, "--time", "t_ms", "--column", "w", "--horizon-ms", "50")
    check(doc["sample_ms"] == 1 and doc["horizons"][0]["samples"] > 1000, "a trace finer than a forecaster's samples is put on a grid of 1 ms")


def test_progress(folder):
    """A trace that takes seconds: how far it is, on a terminal alone."""
    path = os.path.join(folder, "long.csv")
    with open(path, "w", encoding="utf-8") as out:
        out.write("t_ms,w\n" + "".join(f"{i},{300 if i % 100 < 50 else 100}\n" for i in range(120000)))
    words = [os.path.join(BIN, "busbarsim"), "forecast", path, "--time", "t_ms", "--column", "w", "--horizon-ms", "50,100,1000", "--json"]
    ours, theirs = os.openpty()
    done = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 4096):
            shown += chunk
    except OSError:
        pass  # what the end of a terminal looks like
    os.close(ours)
    check(done.wait() == 0 and shown.count(b"%") >= 2 and shown.endswith(b"\x1b[K"), f"progress is shown, and taken away {shown[-40:]!r}")


def test_change(folder):
    path, _, end, changes = page.generated(folder, "change")
    for begin, stop, period in zip(changes, changes[1:] + [end], (150, 80)):
        ours = page.of(document(path, "--time", "t_ms", "--column", "w", "--horizon-ms", "50", "--score-ms", f"{begin + 3 * period:.0f}-{stop:.0f}"), 50)
        check(ours["precision"] >= 0.97 and ours["recall"] >= 0.99,
              f"three periods after a change to {period} ms: precision {ours['precision']:.3f}, recall {ours['recall']:.3f}")


def test_groups_and_hints(folder):
    path, log = os.path.join(folder, "job.csv"), os.path.join(folder, "job_events.csv")
    rng, at, ends = random.Random(4), 0.0, []
    while at < 3000:
        at += rng.uniform(9, 13)
        ends.append(at)
    with open(path, "w", encoding="utf-8") as out:
        out.write("t_s,node,w\n")
        for s in range(3000):
            dip = any(0 < s - e <= 2 for e in ends)
            for node in range(2):
                out.write(f"{s + 0.1 * node},{node},{(300 if dip else 500) + rng.gauss(0, 3):.1f}\n")
    with open(log, "w", encoding="utf-8") as out:
        out.write("t_s,event\n" + "".join(f"{e:.2f},step\n" for e in ends))
    words = (path, "--time", "t_s", "--column", "w", "--group", "node", "--resample-ms", "1000", "--horizon-ms", "1000")
    plain, told, early = (page.of(document(*words, *more), 1000)["mae_range_pct"]
                          for more in ((), ("--events", log), ("--events", log, "--hint-age-ms", "-1000")))
    check(told < 0.8 * plain and early < plain, f"the log helps ({plain:.2f} % without, {told:.2f} % with, {early:.2f} % ahead of time)")
    each = document(*words, "--combine", "each")
    check(len(each["series"]) == 2 and each["horizons"][0]["series"] == 2, "each node is a series of its own")


def test_inference(folder):
    """Made-up arrivals, a seed that no constant was looked at with."""
    path, log = page.inference(os.path.join(BIN, "busbarsim"), folder, 31)
    words = (path, "--time", "t_s", "--column", "w", "--horizon-ms", "100", "--event-w", "140")
    alone = document(*words)
    own, theirs = page.of(alone, 100), page.of(alone, 100, "ar-rls")
    check(0.005 <= alone["horizons"][0]["base_rate"] <= 0.02, "spikes are as rare as published")
    check(own["f1"] > theirs["f1"], f"no hints: F1 {own['f1']:.3f}, AR-RLS {theirs['f1']:.3f}")
    for age in (0, 50):
        told = page.of(document(*words, "--events", log, "--hint-age-ms", str(age)), 100)
        check(told["precision"] >= 0.5 and told["recall"] >= 0.5, f"hints of {age} ms: precision {told['precision']:.3f}, recall {told['recall']:.3f}")
    late = page.of(document(*words, "--events", log, "--hint-age-ms", "5000"), 100)
    check(late["f1"] >= own["f1"] - 0.05, f"hints of 5 s cost little (F1 {late['f1']:.3f})")
    for way in ("shuffled", "always waiting"):
        wrong = page.of(document(*words, "--events", page.wrong_hints(log, way)), 100)
        check(wrong["f1"] >= own["f1"] - 0.05 and wrong["coverage"]["0.99"] >= 0.986, f"hints, {way}, cost little (F1 {wrong['f1']:.3f})")


def test_load_files(folder):
    program, arrivals = os.path.join(BIN, "busbarsim"), os.path.join(folder, "requests.csv")
    many, log = (os.path.join(folder, name) for name in ("many.csv", "many_events.csv"))
    with open(arrivals, "w", encoding="utf-8") as out:
        out.write("t_s,in_tokens,out_tokens\n" + "".join(f"{s * 0.5},{300 + s % 7 * 200},{50 + s % 5 * 40}\n" for s in range(400)))
    done = subprocess.run([program, "load", "inference", "--instances", "3", "--seconds", "20", "--arrivals", arrivals, "--csv", many, "--events", log,
                           "--scrape-ms", "100"], capture_output=True, text=True, timeout=60 * PATIENCE)
    lines = open(many, encoding="utf-8").read().split("\n")
    check(done.returncode == 0 and not done.stderr and lines[0] == "t_s,w,w_1,w_2,w_3" and len(lines) == 202, f"three instances, their sum first {done.stderr}")
    check(all(abs(sum(map(float, line.split(",")[2:])) - float(line.split(",")[1])) < 0.5 for line in lines[1:201]), "which is their sum")
    check(len(page.page_of_metrics(log)) == 200 and page.page_of_metrics(log)[0][0] == "0.100", "the page was read every 100 ms")
    for wrong, needle in (([], "inference"), (["training", "--csv", many], "inference"), (["inference"], "--csv"),
                          (["inference", "--csv", "/no/such/x.csv"], "/no/such"), (["inference", "--csv", many, "--instances", "2.5"], "whole"),
                          (["inference", "--csv", many, "--instances", "99"], "--instances"), (["inference", "--csv", many, "--arrivals", many], "in_tokens"),
                          (["inference", "--csv", many, "--events", "/no/such/x"], "/no/such")):
        done = subprocess.run([program, "load", *wrong], capture_output=True, text=True, timeout=60 * PATIENCE)
        check(done.returncode == 2 and needle in done.stderr and len(done.stderr.splitlines()) == 1,
              f"load {' '.join(os.path.basename(w) for w in wrong)}: status 2 and one line that says why {done.stderr[-120:]}")


def test_wrong(folder):
    path, *_ = page.generated(folder, "plain", samples=3000)
    good = ["--time", "t_ms", "--column", "w", "--horizon-ms", "50"]
    for wrong, needle in (([], "CSV"), (["/no/such.csv", *good], "/no/such.csv"), ([path, *good[:4]], "--horizon-ms"), ([path, *good[2:]], "--time"),
                          ([path, "--time", "t_ms", "--column", "v", "--horizon-ms", "50"], '"v"'),
                          ([path, "--time", "w", "--column", "w", "--horizon-ms", "50"], "_ms"),
                          ([path, *good[:5], "100,50"], "longer"), ([path, *good[:5], "0"], "--horizon-ms"),
                          ([path, *good, "--sensor-ms", "25"], "--sensor-ms"), ([path, *good, "--sensor-age-ms", "5"], "--sensor-ms"), ([path, *good, "--combine", "each"], "--group"),
                          ([path, *good, "--events", path], "t_s,event"), ([path, *good, "--score-ms", "9-3"], "--score-ms"), ([path, *good, "--event-w", "0"], "--event-w"), ([path, *good, "--cap-w", "-1"], "--cap-w"),
                          ([path, *good, "--resample-ms", "2000"], "samples"), ([path, *good[:5], "1e9"], "samples"),
                          ([path, *good[:5], "50,90", "--resample-ms", "100"], "both 1 samples"), ([path, *good, "--svg", "/no/such/folder/x.svg"], "/no/such/folder")):
        done = forecast(*wrong)
        check(done.returncode == 2 and needle in done.stderr and len(done.stderr.splitlines()) == 1,
              f"forecast {' '.join(os.path.basename(w) for w in wrong)}: status 2 and one line that says why {done.stderr[-120:]}")


def test_recorded():
    folder = page.data()
    path = os.path.join(folder or "", "gpu_meter_0p2ms", "a100_square52ms_meter.csv.gz")
    if not os.path.isfile(path):
        print("skip: BUSBAR_DATA has no a100_square52ms_meter.csv.gz: the real square wave was not run")
        return
    words = (path, "--time", "t_ms", "--column", "w_cables+w_slot")
    coarse = document(*words, "--resample-ms", "10", "--horizon-ms", "50,100,1000")
    for horizon, most in ((50, 3.5), (100, 3.2), (1000, 14.0)):
        mae = page.of(coarse, horizon)["mae_range_pct"]
        check(mae <= most, f"A100 square wave, {horizon} ms ahead: MAE {mae:.2f} % of range, at most {most:g}")
    fine = page.of(document(*words, "--resample-ms", "1", "--horizon-ms", "50", "--score-ms", "1365-8900"), 50)
    check(fine["precision"] >= 0.97 and fine["recall"] >= 0.99, f"at 1 kHz: precision {fine['precision']:.3f}, recall {fine['recall']:.3f}")
    light = page.of(document(*words, "--resample-ms", "10", "--horizon-ms", "50", "--variant", "gpu"), 50)
    check(light["mae_range_pct"] < 8.0 and light["coverage"]["0.99"] >= 0.986, "the light variant is not far behind")
    seen = [document(p, "--time", "t_ms", "--column", "w_cables+w_slot", "--resample-ms", "10", "--horizon-ms", "100,1000", "--sensor-ms", "25/100")
            for p in sorted(glob.glob(os.path.join(folder, "gpu_meter_0p2ms", "*_step6s_meter.csv.gz")))]
    for horizon in (100, 1000):
        ours, last = (sum(page.of(d, horizon, model)["mae_range_pct"] for d in seen) for model in ("busbar", "persistence"))
        check(len(seen) == 3 and ours <= 1.02 * last, f"steps through a sensor that looks away, {horizon} ms ahead: {ours / last:.3f} of persistence, at most 1.02")
    job = os.path.join(folder, "mlperf_training_nodes_2s", "h100_64nodes_gpt3_run00.csv.gz")
    told = page.of(document(job, "--time", "t_s", "--column", "ac_w", "--group", "node", "--resample-ms", "2000", "--horizon-ms", "2000,10000,60000",
                            "--events", job.replace(".csv.gz", "_events.csv")), 2000)
    check(told["mae_range_pct"] < 4.0 and told["u99_range_pct"] <= 13.0,
          f"64 nodes, GPT-3, told by the log: MAE {told['mae_range_pct']:.2f} %, u99 {told['u99_range_pct']:.1f} %")
    walls = [document(p, "--time", "t_s", "--column", "w", "--resample-ms", "1000", "--horizon-ms", "1000,10000,60000")
             for p in sorted(glob.glob(os.path.join(folder, "mlperf_inference_wall_1s", "*.csv.gz")))]
    for horizon in (1000, 10000, 60000):
        ours, last = (sum(page.of(d, horizon, model)["mae_range_pct"] for d in walls) for model in ("busbar", "persistence"))
        check(len(walls) == 9 and ours <= 1.02 * last, f"inference at the wall, {horizon} ms ahead: {ours / last:.3f} of persistence, at most 1.02")


def test_parts():
    """A part that is written anew takes its section's place; one that is new comes before the last."""
    old = "# T\n\n## A\n\n1\n\n## C\n\n3\n"
    check(page.merged(old, ["## A\n\n2\n\n"]) == old.replace("1", "2"), "a part takes its section's place")
    check(page.merged(old, ["## B\n\n9\n\n", "## C\n\n4\n"]) == "# T\n\n## A\n\n1\n\n## B\n\n9\n\n## C\n\n4\n", "a new one comes before the last")
    check(page.merged("# T\n\n", ["## B\n\n9\n\n"], at_end=True) == "# T\n\n## B\n\n9\n\n", "of a page that is written in its order, at the end")


def test():
    test_parts()
    with tempfile.TemporaryDirectory() as folder:
        test_document(folder)
        test_fine(folder)
        test_progress(folder)
        test_change(folder)
        test_groups_and_hints(folder)
        test_inference(folder)
        test_load_files(folder)
        test_wrong(folder)
    test_recorded()


main(test)
