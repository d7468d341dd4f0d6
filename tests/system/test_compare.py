#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""busbarsim compare: columns side by side, as text, JSON and picture."""
import json
import os
import re
import subprocess
import tempfile
import xml.etree.ElementTree as xml

from rack import BIN, PATIENCE, SOURCE, check, main

FIGURES = ("PFC trips", "busbar minimum", "time to 90 %", "overshoot", "IT lost")
TRACES = ("AC voltage", "Busbar voltage", "Supplies and batteries", "Load and grid")


def compare(*arguments):
    return subprocess.run([os.path.join(BIN, "busbarsim"), "compare", *arguments], capture_output=True, text=True,
                          timeout=100 * PATIENCE)


def without_time(text):
    document = json.loads(text)
    for run in document["runs"]:
        run.pop("wall_s")
    return document


def texts(path):
    return ["".join(node.itertext()) for node in xml.parse(path).getroot().iter("{http://www.w3.org/2000/svg}text")]


def test():
    with tempfile.TemporaryDirectory() as folder:
        picture = os.path.join(folder, "events.svg")
        done = compare("voltage-sag", "voltage-interruption", "--controller", "none,busbar", "--svg", picture, "--json")
        check(done.returncode == 0, f"two events, without and with Busbar, are reported {done.stderr}")
        first = without_time(done.stdout)
        check([(r["scenario"], r["controller"]) for r in first["runs"]] ==
              [(s, c) for s in ("voltage-sag", "voltage-interruption") for c in ("none", "busbar")], "a column each, in order")
        check(all({"ok", "checks", "metrics", "seed", "sim_s"} <= r.keys() for r in first["runs"]),
              "each run is the document that `run` prints")
        shown = texts(picture)
        check(all(shown.count(trace) == 4 for trace in TRACES), "four traces in each of four columns")
        check(all(shown.count(figure) == 4 for figure in FIGURES), "five figures under each column")
        check("voltage-sag, without Busbar" in shown and "voltage-interruption, with Busbar" in shown, "columns have names")
        check(any("240 V nominal" in text and "stock supplies" in text and "seed 1" in text for text in shown),
              "the picture says rack, voltage, start profile and seed")
        check(not any("hypothetical" in text for text in shown), "stock supplies are not hypothetical")
        style = open(picture).read()
        check("prefers-color-scheme: dark" in style and "stroke-dasharray" in style, "it has dark colours and dashes")

        again = compare("voltage-sag", "voltage-interruption", "--controller", "none,busbar", "--json")
        check(without_time(again.stdout) == first, "the same command gives the same runs")

        done = compare("e-1", "--set", "start=stock,kept-alive", "--set", "nominal_v=230", "--svg", picture)
        check(done.returncode == 0, f"one setting may have several values {done.stderr}")
        lines = done.stdout.splitlines()
        rows = [line for line in lines if line.startswith("e-1 ")]
        check(len(rows) == 2 and "start=stock" in rows[0] and "start=kept-alive" in rows[1], "a row each")
        head = next(line for line in lines if line.startswith("scenario"))
        check(all(row.index("start=") == head.index("setting") for row in rows), "columns of the table are aligned")
        check("230 V nominal" in lines[0], "what all have in common is said above")
        check(any("start=kept-alive (hypothetical hardware)" in text for text in texts(picture)),
              "hypothetical hardware is called so")

        done = compare("e-1", "--set", "start=stock,kept-alive", "--json")
        check([run["setting"] for run in json.loads(done.stdout)["runs"]] == ["start=stock", "start=kept-alive"], "a run says which value it had")
        done = compare("e-1", "--controller", "busbar", "--set", "load_ratio=0.7", "--set", "envelope_ratio=0.9", "--set", "settle_s=10",
                       "--set", "phase_ratio=0.5", "--svg", picture)
        page = xml.parse(picture).getroot()
        cut = [text for text in page.iter("{http://www.w3.org/2000/svg}text") if "text-anchor" not in text.attrib and
               float(text.get("x")) + 5.5 * len("".join(text.itertext())) > float(page.get("width"))]
        check(done.returncode == 0 and not cut, f"a picture of one column has room for its texts {cut}")
        about = "a load that is worth a word or two " * 5
        with open(os.path.join(folder, "wordy.yaml"), "w", encoding="utf-8") as out:
            out.write(re.sub("about:.*", f"about: {about}", open(os.path.join(SOURCE, "config", "scenarios", "steady.yaml")).read()))
        program = os.path.join(BIN, "busbarsim")
        done = subprocess.run([program, "run", out.name, "--svg", picture], capture_output=True, text=True, timeout=100 * PATIENCE)
        wide = float(xml.parse(picture).getroot().get("width"))
        check(done.returncode == 0 and max(5.5 * len(text) for text in texts(picture)) < wide, f"a run's picture has room for what it is about {done.stderr}")
        for words in (["run", "e-1", "--json"], ["list"], ["--help"], ["compare", "e-1", "--controller", "none", "--json"]):
            with open("/dev/full", "w") as full:
                done = subprocess.run([program, *words], stdout=full, stderr=subprocess.PIPE, text=True, timeout=100 * PATIENCE)
            check(done.returncode == 2 and "could not be written" in done.stderr, f"{' '.join(words)}: a report that cannot be written is no success")
        done = compare("forecast-value", "--controller", "busbar", "--set", "job=ours", "--set", "forecast=off", "--set", "seconds=1500")
        check(done.returncode == 0 and not done.stderr, f"progress is for terminals {done.stderr[-80:]!r}")

        for wrong, needle in ((["no-such-scenario"], "no-such-scenario"), ([], "SCENARIO"),
                              (["e-1", "--controller", "magic"], "magic"), (["e-1", "--set", "nominal_v=1"], "nominal_v"),
                              (["e-1", "--set", "start=stock,kept-alive", "--set", "nominal_v=230,240"], "only one"),
                              (["e-1", "--svg", "/no/such/folder/x.svg"], "/no/such/folder/x.svg")):
            done = compare(*wrong)
            check(done.returncode == 2 and needle in done.stderr and len(done.stderr.splitlines()) == 1 and not done.stdout,
                  f"compare {' '.join(wrong)}: status 2 and one line that says why")


main(test)
