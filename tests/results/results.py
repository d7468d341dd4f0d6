#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""./dev results: runs what docs/results.md is made of, and writes it with its pictures.

Nothing in that page is written by hand. Each section says by which command it is
repeated, on which commit that was done, and what did not hold; it is written as soon as
it is there, and alone with --only. --quick takes few racks and runs, for looking at the
page itself."""
import argparse
import datetime
import json
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import forecast as forecast_page

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
VECTORS = [f"e-{n}" for n in range(1, 12)]


def say(text):
    print(text, file=sys.stderr, flush=True)


class Page:
    def __init__(self, options):
        self.options = options
        self.sim = os.path.abspath(os.path.join(options.bin, "busbarsim"))
        self.pictures = os.path.join(options.to, "pictures")
        self.parts = []
        self.failed = []
        os.makedirs(self.pictures, exist_ok=True)

    def run(self, *words, ok=(0, 1)):
        """A busbarsim command with --json: its document and exit status. Its progress is shown."""
        began = time.monotonic()
        done = subprocess.run([self.sim, *words, "--json"], stdout=subprocess.PIPE, text=True, cwd=TOP)  # progress on stderr
        say(f"results: busbarsim {' '.join(words)}: exit {done.returncode}, {time.monotonic() - began:.1f} s")
        if done.returncode not in ok:
            raise RuntimeError(f"busbarsim {' '.join(words)}: exit {done.returncode}")
        if done.returncode:
            self.failed.append(" ".join(words))
        return json.loads(done.stdout), done.returncode

    def text(self, *lines):
        self.parts += [*lines, ""]

    def table(self, head, rows):
        self.parts.append("| " + " | ".join(head) + " |")
        self.parts.append("|" + " --- |" * len(head))
        for row in rows:
            self.parts.append("| " + " | ".join(str(c) for c in row) + " |")
        self.parts.append("")

    def picture(self, name, about):
        self.text(f"![{about}](pictures/{name})")


def number(x, digits=3):
    if x is None:
        return "-"
    if isinstance(x, float):
        return f"{x:.{digits}g}" if abs(x) < 1e5 else f"{x:.0f}"
    return str(x)


def measured(page):
    """What is said of every section: where its figures are from."""
    quick = " A quick look: few racks and runs." if page.options.quick else ""
    commit = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], cwd=TOP, capture_output=True, text=True).stdout.strip()
    return f"*Commit {commit or 'unknown'}, {datetime.date.today().isoformat()}, {os.cpu_count()} processors.{quick}*"


def head(page):
    page.text("# Results",
              "", "Written by `./dev results`, not by hand.",
              "", "Everything here is simulated, in virtual time, with the same `core_step()` that runs in `busbard`. Start profiles `short-boot` and "
              "`kept-alive` are **hypothetical hardware**; `stock` is what is sold. Grid curves are drawn from published summaries: **not "
              "certified**. What the plant assumes is listed in `src/sim/plant_params.h`, each number with its basis.")


def ride(page):
    quick = ("--scenario", "e-1,e-4") if page.options.quick else ()
    command = ["ride-through", *quick]
    doc, code = page.run(*command)
    page.text("`busbarsim ride-through`: grid vectors e-1 to e-10 at four voltages, three start profiles, without and with "
              "Busbar. Each cell: what happened, and the time to 90 % of the power before, from the return of the voltage. Exit " + str(code) + ".")
    columns = [(s, c) for s in ("stock", "short-boot", "kept-alive") for c in ("none", "busbar")]
    cells = {}
    for run in doc["runs"]:
        cells[(run["scenario"], run["nominal_v"], run["start"], run["controller"])] = run
    keys = sorted({(k[0], k[1]) for k in cells}, key=lambda k: (int(re.sub(r"\D", "", k[0]) or 0), k[1]))
    rows = []
    for scenario, volts in keys:
        row = [scenario, f"{volts:g}"]
        for start, controller in columns:
            run = cells.get((scenario, volts, start, controller))
            back_s = run.get("time_to_90_s") if run else None
            row.append("-" if not run else run["verdict"] + (f" {back_s:.2f} s" if back_s is not None else ""))
        rows.append(row)
    page.table(["vector", "V"] + [f"{s}, {'with' if c == 'busbar' else 'without'}" for s, c in columns], rows)
    page.text(f"{len(doc['runs'])} runs; what is promised holds in {doc['promised_held']} of {doc['promised']} with Busbar; the 20 ms / 175 V rule "
              f"(and that of over-voltage) is right in {100.0 * doc['rule_agreement']:.1f} % of {doc['rule_cases']} without.")
    page.text("Of each group: what was kept, and the worst of its runs.")
    page.table(["supplies", "Busbar", "IT kept", "back at 90 %", "worst time, s", "highest AC power after, of before"],
               [[g["start"], "with" if g["controller"] == "busbar" else "without", f"{g['it_kept']} of {g['runs']}", f"{g['back_at_90']} of {g['runs']}",
                 number(g["time_to_90_worst_s"]), number(g["overshoot_worst_ratio"], 4)] for g in doc["groups"]])
    page.text("Stock supplies come back by their own clock, with Busbar as without: software reaches neither their boot nor their random delay. What Busbar "
              "changes on them is under the voltage events and the random racks.")
    points = "8" if page.options.quick else str(page.options.points)
    page.run("ride-through", "--map", os.path.join(page.pictures, "ride-map.svg"), "--points", points)
    page.picture("ride-map.svg", "Residual voltage against duration; colour: time to 90 % of the power before")


def compared(page, *words):
    doc, _ = page.run("compare", *words, "--controller", "none,busbar")
    names = ["pfc_trips", "bus_min_v", "recovery_s", "overshoot_ratio", "it_lost", "recharge_peak_w"]
    page.table(["event", "controller"] + names,
               [[r["scenario"], r["controller"]] + [number(r["metrics"].get(n), 4) for n in names] for r in doc["runs"]])


def events(page):
    page.text("`busbarsim compare voltage-sag voltage-interruption --controller none,busbar --svg voltage-events.svg`, rack `hpr`, 240 V, stock start. "
              "Both columns of an event draw the same boots and delays: no software shortens them.")
    page.picture("voltage-events.svg", "Two voltage events on stock supplies, each without and with Busbar")
    compared(page, "voltage-sag", "voltage-interruption", "--svg", os.path.join(page.pictures, "voltage-events.svg"))
    page.text("The same with `--set start=kept-alive`, **hypothetical hardware**: start delays are armed ahead.")
    page.picture("voltage-events-kept-alive.svg", "The same on supplies that are kept alive (hypothetical hardware)")
    compared(page, "voltage-sag", "voltage-interruption", "--set", "start=kept-alive", "--svg",
             os.path.join(page.pictures, "voltage-events-kept-alive.svg"))
    page.text("Recharge is what a long outage leaves behind: `e-11`, a minute without input, at 0.92 of the envelope (`--set envelope_ratio=0.92`). Without "
              "Busbar every battery charges at its own rate; with Busbar they share the room that is left.")
    compared(page, "e-11", "--set", "envelope_ratio=0.92")


def support(page):
    page.text("`busbarsim run sag-support --set baud=N`: the voltage stays between 0.75 and 0.90 pu; how soon the AC current is "
              "back at what it was before, by batteries taking part of the load.")
    rows = []
    for baud, limit in ((115200, 0.7), (19200, 1.5)):
        doc, code = page.run("run", "sag-support", "--set", f"baud={baud}")
        m = doc["metrics"]
        rows.append([baud, number(m.get("current_within_s")), limit, number(m.get("bbu_cycles")), "holds" if code == 0 else "does not hold"])
    page.table(["baud", "current back after, s", "allowed, s", "equivalent cycles", "checks"], rows)


def sweeps(page):
    page.text("`busbarsim sweep SCENARIO --racks N`: hold-up, busbar, batteries, voltage, load and kind drawn at random. Feasible: at most "
              "0.5 mΩ, and batteries there before the hold-up ends or the gap bridged by capacitance; whether their power, voltage and energy are enough for "
              "the load is Busbar's to see to.")
    rows = []
    for name in VECTORS:
        racks = 100 if page.options.quick else page.options.racks
        racks = racks if name == "e-1" else max(10, racks * 3 // 100)
        doc, code = page.run("sweep", name, "--racks", str(racks))
        rows.append([name, doc["racks"], doc["feasible"], f"{100.0 * doc['it_kept']:.2f} %", number(doc["busbar_min_v"], 4),
                     f"{100.0 * doc['rule_agreement']:.2f} %", f"{doc['load_lowered']} of {doc['infeasible']}", doc["reported_incapable"],
                     doc["lost_unreported"], doc["kept_none"], doc["kept_busbar"], "holds" if code == 0 else "does not hold"])
    page.table(["vector", "racks", "feasible", "IT kept, feasible", "lowest busbar, V", "rule agrees", "outside: load lowered",
                "said incapable", "lost, neither", "all kept, without", "all kept, with", "verdict"], rows)
    page.text("*All kept*: IT gear and at least 46 V, of all racks, feasible or not.")


def campaign(page):
    runs = 200 if page.options.quick else page.options.runs
    state = () if page.options.quick else ("--state", os.path.join("build", "campaign"))
    doc, code = page.run("campaign", "--runs", str(runs), *state)
    page.text(f"`./dev campaign --runs {doc['runs']}`: {doc['runs']} runs, {doc['sim_hours']:.1f} h of virtual time, "
              f"**{doc['violations']} violations**" +
              (f": at most {doc['bound_95'] * 1e6:.1f} in a million runs at 95 % confidence." if doc["violations"] == 0 else "."),
              "", "Every checker: the nearest that any run came to its limit, and how often it looked. Where there is no more or less, only so or "
              "not, there is no margin.")
    page.table(["check", "what must hold", "worst", "limit", "margin", "unit", "looks", "seed"],
               [[k, v["about"], number(v["value"], 4), number(v["limit"], 4), number(v["margin"], 4), v["unit"], v["looks"],
                 v["seed"]] for k, v in doc["worst_margin"].items()])
    if doc["beyond_orders"]:
        page.text(f"In {doc['beyond_orders']} of these runs supplies that came back alone, or were left by a lost phase, were overloaded sooner than an order "
                  "may take to land, and the busbar's capacitance did not bridge it: no controller can help that, and the run is judged up to there "
                  "(`docs/simulator.md`, the judges).")
    page.text("What went wrong on purpose, how often:")
    page.table(["trouble", "times"], [[k, v] for k, v in doc["faults"].items()])


def mutants(page):
    words = ["/usr/bin/python3", os.path.join(TOP, "tests", "mutants", "mutants.py"), "--json"]
    words += ["--auto", "0", "--runs", "300"] if page.options.quick else ["--auto", str(page.options.auto)]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, cwd=TOP)  # what it says meanwhile is shown
    say(f"results: mutants: exit {done.returncode}")
    doc = json.loads(done.stdout)
    page.text("`./dev campaign --mutants`: each planted bug must be found by the campaign within 2 000 runs; of automatic changes to "
              "`src/core`, unit tests and 200 runs must notice 90 %.")
    if done.returncode:
        page.failed.append("./dev campaign --mutants")
    page.table(["planted", "found by"], [[p["about"], p["by"] if p["found"] else "nobody"] for p in doc["planted"]])
    if doc["automatic"]:
        page.text(f"Automatic (`--auto {doc['automatic']}`, taken from every file of `src/core` in proportion): **{doc['killed']} of {doc['automatic']} "
                  f"noticed ({100.0 * doc['killed_ratio']:.1f} %)**: " + ", ".join(f"{n} by {who}" for who, n in doc["noticed"].items()) +
                  ". Accepted days (`tests/vectors/days`) say that something changed, not what must be. Survivors:")
        for s in doc["survivors"]:
            page.parts.append(f"- `{s['file']}:{s['line']}`: `{s['was']}` → `{s['now']}`")
        page.parts.append("")


def speed(page):
    done = subprocess.run(["/usr/bin/python3", os.path.join(TOP, "tests", "bench", "bench.py"), "--bin", page.options.bin, "--json", "sim_"],
                          capture_output=True, text=True, cwd=TOP)
    say(f"results: bench sim_: exit {done.returncode}")
    page.text("`./dev bench sim_`: times real time, one core, plant and core together, rack `hpr`.")
    page.table(["result", "times real time", "wanted"], [[r["name"], number(r["value"], 4), f"{r['against_value']:g}"] for r in json.loads(done.stdout)["results"]])


def forecast(page):
    """A page of its own, so that it can be written without the long ones."""
    own = Page(page.options)
    path = forecast_page.write(own, page.options.to)
    say(f"results: {path}")
    page.failed += own.failed
    page.text("On a page of its own: [forecast-results.md](forecast-results.md).")


def section_text(page, name):
    """A section as it goes into the page; what did not hold in it is at its end."""
    heading, section = SECTIONS[name]
    page.parts, page.failed = [], []
    try:
        section(page)
    except (RuntimeError, ValueError, KeyError) as error:  # the others are worth their page
        say(f"results: {name}: {error}")
        page.text(f"`{name}` could not be run: {str(error)[:200]}")
        page.failed.append(name)
    if page.failed:
        page.text("Did not hold: " + ", ".join(f"`{words}`" for words in page.failed) + ".")
    return "\n".join(["## " + heading, "", measured(page), "", *page.parts]).strip() + "\n\n"


def write(path, text):
    with open(path, "w", encoding="utf-8") as out:
        out.write(re.sub(r"\n{3,}", "\n\n", text).rstrip() + "\n")


SECTIONS = {"ride": ("Ride-through", ride),
            "events": ("The two voltage events", events),
            "support": ("Long shallow sags", support),
            "sweeps": ("Random racks", sweeps),
            "campaign": ("Campaign", campaign),
            "mutants": ("Bugs put in on purpose", mutants),
            "speed": ("Speed", speed),
            "forecast": ("Forecast", forecast)}


def main():
    parser = argparse.ArgumentParser(prog="./dev results")
    parser.add_argument("--quick", action="store_true", help="few racks and runs: to look at the page, not to believe it")
    parser.add_argument("--only", action="append", choices=sorted(SECTIONS), help="this section alone, the others stay as they are; `forecast` has a page of its own")
    parser.add_argument("--part", action="append", choices=sorted(forecast_page.PARTS), help="with --only forecast: this part of its page alone, the others stay as they are")
    parser.add_argument("--runs", type=int, default=100000, help="of the campaign, default 100000")
    parser.add_argument("--racks", type=int, default=10000, help="of the sweep of e-1, default 10000; the others take 3 in 100 of it")
    parser.add_argument("--points", type=int, default=40, help="of the map, each way, default 40")
    parser.add_argument("--auto", type=int, default=100, help="automatic mutants, default 100")
    parser.add_argument("--to", default=os.path.join(TOP, "docs"), help="folder of results.md and pictures/, default docs")
    parser.add_argument("--bin", default="build/release/bin", help=argparse.SUPPRESS)
    options = parser.parse_args()
    page = Page(options)
    path = os.path.join(options.to, "results.md")
    failed = False
    head(page)
    whole = "\n".join(page.parts) + "\n"
    if options.only and os.path.exists(path):
        with open(path, encoding="utf-8") as was:
            whole = was.read().rstrip() + "\n\n"
    for name in SECTIONS:
        if options.only and name not in options.only:
            continue
        text = section_text(page, name)
        failed = failed or bool(page.failed)
        whole = forecast_page.merged(whole, [text], at_end=True)
        write(path, whole)
        say(f"results: {name}: {path}")
        if options.only:
            print(text)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
