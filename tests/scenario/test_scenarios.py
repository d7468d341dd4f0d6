#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every scenario that comes with it ends as it must, with Busbar and without, through the program's own command line."""
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys

SIM = os.path.join(os.environ["BUSBAR_BIN"], "busbarsim")
KEYS = ["scenario", "controller", "seed", "ok", "sim_s", "wall_s", "checks", "metrics"]
ROW = ["name", "ok", "value", "limit", "unit"]
METRICS = {"pfc_trips", "disconnected", "bus_min_v", "bus_max_v", "recovery_s", "overshoot_ratio", "it_lost", "second_dip",
           "recharge_peak_w", "bbu_used_j", "bbu_cycles", "current_within_s", "orders_in_event", "ride_writes", "capable",
           "margin_s", "served_ratio", "mean_w", "peak_w", "served_work", "throttled_gpu_s", "worst_margin_w"}
# Without Busbar: which rows fail. Everything else that is listed must pass.
NONE_FAILS = {
    "e-1": {"connected"}, "e-2": {"connected"}, "e-3": {"connected"}, "e-6": {"connected"}, "e-7": {"connected"},
    "e-9": {"connected"}, "e-10": {"connected"}, "e-11": {"connected"}, "gap-1": {"connected"}, "gap-2": {"connected"},
    "gap-3": {"current"}, "gap-4": {"connected", "limits"}, "gap-5": {"connected"}, "voltage-sag": {"connected"},
    "voltage-interruption": {"connected"}, "handback-common-bus": {"connected"}, "sag-support": {"current"},
    "sag-one-phase": {"connected"}, "sag-two-phase": {"connected"}, "ride-daemon-dead": {"connected"},
    "ride-lines-dead": {"connected"}, "forecast-value": {"limits"},
}
# (scenario, controller, settings, exit status)
VARIANTS = [
    ("e-1", "busbar", ["start=kept-alive"], 0), ("e-1", "busbar", ["start=short-boot"], 0),
    ("e-6", "busbar", ["start=kept-alive"], 0), ("e-6", "busbar", ["start=short-boot"], 0),
    ("voltage-interruption", "busbar", ["start=kept-alive"], 0),
    ("voltage-interruption", "busbar", ["start=short-boot"], 0),
    ("e-4", "none", ["nominal_v=208"], 1), ("e-4", "none", ["nominal_v=230"], 0), ("e-4", "none", ["nominal_v=277"], 0),
    ("e-5", "none", ["nominal_v=277"], 1), ("e-5", "none", ["nominal_v=208"], 0),
    ("e-4", "busbar", ["nominal_v=208"], 0), ("e-5", "busbar", ["nominal_v=277"], 0),
    ("sag-support", "busbar", ["baud=19200"], 0), ("e-1", "busbar", ["rack=orv3"], 0), ("e-1", "none", ["rack=orv3"], 1),
]
failures = []


def check(good, what):
    print(("ok   " if good else "FAIL ") + what, flush=True)
    if not good:
        failures.append(what)


def run(name, controller, settings):
    command = [SIM, "run", name, "--controller", controller, "--json"]
    for setting in settings:
        command += ["--set", setting]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        return done.returncode, {"checks": [], "metrics": {}, "error": done.stderr}
    return done.returncode, json.loads(done.stdout)


def failing(report):
    return {row["name"] for row in report["checks"] if not row["ok"]}


def shapes(report, name):
    check(list(report) == KEYS, f"{name}: the document has the agreed keys, in their order")
    check(all(list(row) == ROW for row in report["checks"]), f"{name}: so have its checks")
    check(METRICS <= set(report["metrics"]), f"{name}: every agreed metric is there")


def outcomes(names):
    jobs = [(name, controller, []) for name in names for controller in ("busbar", "none")]
    jobs += [variant[:3] for variant in VARIANTS]
    expected = [None] * (2 * len(names)) + [variant[3] for variant in VARIANTS]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for job, wanted, (status, report) in zip(jobs, expected, pool.map(lambda j: run(*j), jobs)):
            name, controller, settings = job
            what = " ".join([name, controller] + settings)
            if status == 2:
                check(False, f"{what}: {report['error'].strip()}")
                continue
            found = failing(report)
            if wanted is not None:
                check(status == wanted, f"{what}: exit {status}, {sorted(found)} fail")
            elif controller == "busbar":
                check(status == 0, f"{what}: exit {status}, {sorted(found)} fail")
            else:
                fails = NONE_FAILS.get(name, set())
                check(status == (1 if fails else 0), f"{what}: exit {status}, {sorted(found)} fail")
                check(fails <= found, f"{what}: {sorted(fails)} fail as they must")
            if name == "e-1" and not settings:
                shapes(report, what)
            always = {"it_kept", "bus_low", "bus_high"}
            check(always <= {row["name"] for row in report["checks"]}, f"{what}: {', '.join(sorted(always))} are checks")


def repeats():
    first, second = run("e-2", "busbar", [])[1], run("e-2", "busbar", [])[1]
    first.pop("wall_s"), second.pop("wall_s")
    check(first == second, "the same seed gives the same run")
    other = json.loads(subprocess.run([SIM, "run", "e-2", "--json", "--seed", "2"], capture_output=True, text=True).stdout)
    check(other["metrics"] != first["metrics"] and other["seed"] == 2, "another seed gives another")


def forecasts(job):
    """What a forecast may change is who gets room that is there: never a check, and little for the worse."""
    words = ["off", "on", "hints", "lies", "oracle"]
    done = subprocess.run([SIM, "compare", "forecast-value", "--controller", "busbar", "--set", f"job={job}", "--set", "forecast=" + ",".join(words), "--json"],
                          capture_output=True, text=True)
    check(done.returncode == 0, f"forecast-value, job {job}, is compared: {done.stderr.strip()}")
    runs = dict(zip(words, json.loads(done.stdout)["runs"]))
    check(all((run["job"] == "ours") == (job == "ours") for run in runs.values()), f"the job is {job}: {runs['off']['job']}")
    served = {word: runs[word]["metrics"]["served_work"] for word in words}
    check(all(run["ok"] and [(c["name"], c["ok"]) for c in run["checks"]] == [(c["name"], c["ok"]) for c in runs["off"]["checks"]]
              for run in runs.values()), "the same checks hold in all of them")
    check(all(run["metrics"]["worst_margin_w"] > 0 for run in runs.values()), "no window comes over its limit in any")
    check(served["oracle"] > served["off"], f"job {job}: there is something to be won: {served['oracle'] / served['off'] - 1:.2%}")
    for word in ("on", "hints", "lies"):
        check(served[word] > 0.99 * served["off"], f"job {job}: forecast={word} costs little: {served[word] / served['off'] - 1:.2%}")


def refusals():
    for arguments, text in ((["e-12x"], "e-1"), (["e-1", "--controller", "magic"], "none or busbar"),
                            (["e-1", "--set", "nominal_v=12"], "180 to 305"), (["e-1", "--set", "nominalv=230"], "nominal_v"),
                            (["e-1", "--seed", "x"], "18446744073709551615"), ([], "SCENARIO"),
                            (["e-1", "--seconds", "0"], "0.1 to 86400"), (["e-1", "--set", "forecast=maybe"], "oracle"),
                            (["e-1", "--set", "forecast=hints"], "load of kind job")):
        done = subprocess.run([SIM, "run"] + arguments, capture_output=True, text=True)
        lines = done.stderr.strip().split("\n")
        check(done.returncode == 2 and len(lines) == 1 and text in lines[0] and not done.stdout,
              f"run {' '.join(arguments)} is refused: {lines[0]}")


def completion():
    source = os.environ.get("BUSBAR_SOURCE") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    text = open(os.path.join(source, "docs", "completion", "busbarsim.bash"), encoding="utf-8").read()
    offered = set(re.search(r"commands='([^']+)'", text).group(1).split())
    said = set(re.findall(r"^  ([a-z-]+) +\S", subprocess.run([SIM, "--help"], capture_output=True, text=True).stdout, re.M))
    check(offered == said, f"completion offers the commands of --help: {sorted(offered ^ said)}")
    if not shutil.which("bash"):
        print("skip: there is no bash to complete in")
        return

    def complete(*words):
        """What bash offers for the last of the words."""
        script = f'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); compopt() {{ :; }}; _busbarsim; printf "%s\\n" "${{COMPREPLY[@]}}"'
        path = os.pathsep.join((os.path.dirname(SIM), os.environ["PATH"]))
        done = subprocess.run(["bash", "-c", script, os.path.join(source, "docs", "completion", "busbarsim.bash"), "busbarsim", *words],
                              capture_output=True, text=True, env={**os.environ, "PATH": path})
        check(done.returncode == 0 and not done.stderr, f"bash completes busbarsim {' '.join(words)} {done.stderr}")
        return set(done.stdout.split())

    check(complete("ri") == {"ride-through"} and "e-11" in complete("run", "e-") and complete("ride-through", "--start", "s") == {"stock", "short-boot"},
          "commands, scenarios and words are offered")
    for command in sorted(said):
        told = subprocess.run([SIM, command, "--help"], capture_output=True, text=True).stdout
        options = set(re.findall(r"--[a-z][a-z-]*", told)) | {"--help", "--version"}
        check(options == complete(command, "--"), f"and of {command} its options: {sorted(options ^ complete(command, '--'))}")


def main():
    if os.environ.get("BUSBAR_SANITIZE"):
        print("skip: the release build plays the scenarios")
        sys.exit(77)
    listed = json.loads(subprocess.run([SIM, "list", "--json"], capture_output=True, text=True).stdout)["scenarios"]
    names = [row["name"] for row in listed]
    check(len(names) >= 22 and all(row["about"] for row in listed), f"{len(names)} scenarios are listed")
    if not any(name.startswith("recorded-") for name in names):
        print("skip: recorded sags are not here: BUSBAR_DATA has none")
    refusals()
    completion()
    repeats()
    forecasts("ours")
    if subprocess.run([SIM, "run", "forecast-value", "--set", "job=recorded", "--seconds", "0.1"], capture_output=True).returncode == 2:
        print("skip: a recorded job is not here: BUSBAR_DATA has none")
    else:
        forecasts("recorded")
    outcomes(names)
    print(f"{len(failures)} of these do not hold" + "".join("\n  " + what for what in failures))
    sys.exit(1 if failures else 0)


main()
