# SPDX-License-Identifier: Apache-2.0
"""The page of the forecaster: docs/forecast-results.md, every figure of it from busbarsim forecast and bench_forecast.

Traces are read through BUSBAR_DATA; without them only what is generated here is shown."""
import glob
import json
import math
import os
import random
import re
import subprocess
import tempfile

# Looked at while the method and its constants were chosen: whole jobs, never slices of one.
# All others were scored, and nothing was chosen by what they scored, but they were not hidden either.
DESIGN = ("k40m_step6s", "llama2_70b_lora", "b200_1nodes_bert", "gptj-99_offline", "dlrm-99_server")
OTHERS = ("persistence", "ewma", "holt", "linear", "max-last-n", "seasonal", "ar", "ar-rls", "template")
BOOTSTRAP = 10000


def data():
    folder = os.environ.get("BUSBAR_DATA") or os.path.join(os.path.dirname(__file__), "..", "..", "..", "shared", "data")
    folder = os.path.join(folder, "traces")
    return folder if os.path.isdir(folder) else None


def name_of(path):
    return os.path.basename(path).split(".")[0].replace("_meter", "")


def designed(path):
    return any(word in path for word in DESIGN)


def number(x, digits=2):
    return "-" if x is None else f"{x:.{digits}f}"


def limit_w(accelerator_w):
    """Of a node with eight: nobody recorded it, so twice what they are rated for."""
    return 2 * 8 * accelerator_w


class Study:
    """Runs of busbarsim forecast, each once."""

    def __init__(self, page):
        self.page = page
        self.kept = {}

    def run(self, path, *words):
        key = (path, *words)
        if key not in self.kept:
            self.kept[key] = self.page.run("forecast", path, *words)[0]
        return self.kept[key]

    def meter(self, path, grid_ms, horizons, *more):
        return self.run(path, "--time", "t_ms", "--column", "w_cables+w_slot", "--resample-ms", str(grid_ms), "--horizon-ms", horizons, *more)

    def job_known(self, path):
        nodes = int(re.search(r"_(\d+)nodes", path).group(1))
        return self.job(path, "--cap-w", str(nodes * limit_w(1000 if "b200" in path else 700)))

    def wall_known(self, path):
        return self.wall(path, "--cap-w", str(limit_w(350 if "pcie" in path else 700)))

    def job(self, path, *more):
        step = "1000" if "b200" in path else "2000"
        return self.run(path, "--time", "t_s", "--column", "ac_w", "--group", "node", "--resample-ms", step, "--horizon-ms",
                        f"{step},10000,60000", *more)

    def wall(self, path, *more):
        return self.run(path, "--time", "t_s", "--column", "w", "--resample-ms", "1000", "--horizon-ms", "1000,10000,60000", *more)


def models_table(page, document):
    for horizon in document["horizons"]:
        if not horizon["samples"]:
            continue
        page.text(f"{horizon['horizon_ms']:g} ms ahead, {horizon['samples']} samples scored, {100 * horizon['base_rate']:.1f} % of them before a spike:")
        rows = []
        for name, m in horizon["models"].items():
            if m:
                rows.append([name + (" (2nd half)" if m["fitted"] else ""), number(m["mae_range_pct"]), number(m["u99_range_pct"], 1),
                             number(m["skill"], 3), number(m["coverage"]["0.99"], 4), number(m["margin"], 3), number(m["margin_equal"], 3),
                             number(m["precision"], 3), number(m["recall"], 3), number(m["f1"], 3), number(m["lead_ms"], 0)])
        page.table(["model", "MAE %", "u99 %", "skill", "99 % bound held", "margin", "margin at 99 %", "precision", "recall", "F1", "lead ms"], rows)


def of(document, horizon_ms, model="busbar", half=False):
    for horizon in document["horizons"]:
        if abs(horizon["horizon_ms"] - horizon_ms) < 0.5 and horizon["samples"]:
            m = horizon["models"][model]
            return m["second_half"] if half and m else m
    return None


def verdicts(page, rows):
    """rows: what, value, wanted as (sign, limit), digits."""
    out = []
    for what, value, (sign, limit), digits in rows:
        holds = value is not None and (value <= limit if sign == "<=" else value >= limit)
        out.append([what, number(value, digits), f"{sign} {limit:g}", "yes" if holds else "**no**"])
    page.table(["what", "measured", "wanted", "holds"], out)


# ---- generated loads ----

def generated(folder, kind, seed=1, samples=20000):
    """A square wave at 1 kHz: 5 % of jitter in every period, or another period from 7 s and from 13 s on."""
    rng, path = random.Random(seed), os.path.join(folder, f"{kind}.csv")
    edges, at = [], 1050.0
    while at < samples - 1000:
        period = 104.0
        if kind == "jitter":
            period *= 1 + rng.uniform(-0.05, 0.05)
        if kind == "change":
            period = 104.0 if at < 7000 else 150.0 if at < 13000 else 80.0
        edges.append((at, at + period / 2, period))
        at += period
    with open(path, "w", encoding="utf-8") as out:
        out.write("t_ms,w\n")
        k = 0
        for ms in range(samples):
            while k + 1 < len(edges) and edges[k + 1][0] <= ms:
                k += 1
            on = edges[0][0] <= ms and edges[k][0] <= ms < edges[k][1]
            out.write(f"{ms},{(190 if on else 64) + rng.gauss(0, 1.5):.2f}\n")
    changes = [e[0] for i, e in enumerate(edges) if i and abs(e[2] - edges[i - 1][2]) > 10]
    return path, edges[0][0], edges[-1][0], changes


def generated_section(page, study, _folder):
    page.text("## Periodic load that is not perfect", "", "Generated here: a square wave of 104 ms at 1 kHz with noise; every period up to 5 % longer "
              "or shorter; or another period (150 ms, then 80 ms) without notice. 50 ms ahead, scored from three periods after the load begins, and "
              "again from three periods after each change.")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("plain", "jitter", "change"):
            path, begin, end, changes = generated(folder, kind)
            spans = [("all of it", begin + 3 * 104, end)]
            if changes:
                spans = [(f"to {p} ms, from 3 periods after", c + 3 * p, e)
                         for c, e, p in zip(changes, changes[1:] + [end], (150, 80))]
            for what, a, b in spans:
                m = of(study.run(path, "--time", "t_ms", "--column", "w", "--horizon-ms", "50", "--score-ms", f"{a:.0f}-{b:.0f}"), 50)
                rows.append((f"{kind}, {what}: precision", m["precision"], (">=", 0.97), 3))
                rows.append((f"{kind}, {what}: recall", m["recall"], (">=", 0.99), 3))
    verdicts(page, rows)


# ---- square wave of a real board ----

def square_section(page, study, folder):
    path = os.path.join(folder, "gpu_meter_0p2ms", "a100_square52ms_meter.csv.gz")
    page.text("## A real square wave (A100, external meter)", "", "`a100_square52ms_meter.csv.gz` with `--time t_ms --column w_cables+w_slot "
              "--resample-ms 10 --horizon-ms 50,100,1000`. 1.05 s of idle, 7.9 s of load, idle again; the tenth that nobody is scored on ends before "
              "the load begins, so learning it is scored too.")
    coarse = study.meter(path, 10, "50,100,1000", "--svg", os.path.join(page.pictures, "forecast-square.svg"))
    fine = study.meter(path, 1, "10,50,100")
    running = study.meter(path, 1, "10,50,100", "--score-ms", "1365-8900")
    page.picture("forecast-square.svg", "power, forecast and bound of a square wave, 50 ms, 100 ms and 1 s ahead")
    verdicts(page, [("10 ms grid, 50 ms ahead: MAE %", of(coarse, 50)["mae_range_pct"], ("<=", 3.5), 2),
                    ("10 ms grid, 100 ms ahead: MAE %", of(coarse, 100)["mae_range_pct"], ("<=", 3.2), 2),
                    ("10 ms grid, 1 s ahead: MAE %", of(coarse, 1000)["mae_range_pct"], ("<=", 14.0), 2),
                    ("1 kHz, 50 ms ahead: precision, all samples", of(fine, 50)["precision"], (">=", 0.97), 3),
                    ("1 kHz, 50 ms ahead: recall, all samples", of(fine, 50)["recall"], (">=", 0.99), 3),
                    ("1 kHz, 50 ms ahead: precision, from three periods on", of(running, 50)["precision"], (">=", 0.97), 3),
                    ("1 kHz, 50 ms ahead: recall, from three periods on", of(running, 50)["recall"], (">=", 0.99), 3)])
    page.text("Over all samples no forecaster can reach that recall: the load's own beginning is 50 samples of spike that nothing announces, 1.3 % of all.")
    page.text("### On a 10 ms grid")
    models_table(page, coarse)
    page.text("### At 1 kHz")
    models_table(page, fine)


def sensor_section(page, study, folder):
    page.text("## The same through a sensor", "", "What is seen is a mean of 25 ms every 100 ms, or of 1 s every 100 ms (`--sensor-ms`); what is scored is "
              "the power itself on a 10 ms grid. A bound of a sensor that looks away for three quarters of the time covers what it saw of late; the part that is new in a "
              "running mean is worked out before it is forecast.")
    rows, steps = [], {}
    for file in ("a100_square52ms", "a5000_step6s", "k40m_step6s", "rtx3090_step6s"):
        path = os.path.join(folder, "gpu_meter_0p2ms", file + "_meter.csv.gz")
        for sensor in ("25/100", "1000/100"):
            document = study.meter(path, 10, "100,1000", "--sensor-ms", sensor)
            for horizon in (100, 1000):
                ours, last, ar = (of(document, horizon, m) for m in ("busbar", "persistence", "ar-rls"))
                rows.append([file, sensor, f"{horizon} ms", number(ours["mae_range_pct"]), number(last["mae_range_pct"]), number(ar["mae_range_pct"]),
                             number(ours["coverage"]["0.99"], 4), number(last["coverage"]["0.99"], 4), number(ours["margin"], 3), number(last["margin"], 3)])
                if "step" in file:
                    steps.setdefault((sensor, horizon), []).append((ours["mae_range_pct"], last["mae_range_pct"]))
    page.table(["trace", "sensor (ms)", "ahead", "MAE % busbar", "persistence", "ar-rls", "99 % held: busbar", "persistence", "margin: busbar", "persistence"], rows)
    verdicts(page, [(f"step series through {sensor} ms, {horizon} ms ahead, {len(pairs)} traces: busbar over persistence",
                     sum(ours for ours, _ in pairs) / sum(last for _, last in pairs), ("<=", 1.02), 3) for (sensor, horizon), pairs in sorted(steps.items())])


# What a reading is when it arrives: mean of, every, age; ms.
FIELD = (("PMBus, fast_ms 10", 10, 10, 2), ("PMBus or Modbus, fast_ms 100", 100, 100, 10), ("PMBus or Modbus, fast_ms 200 (preset)", 200, 200, 30),
         ("Redfish, one GPU a BMC that answers in 100 ms (fast_ms 500)", 25, 500, 100), ("Redfish, four GPUs in turn, 450 ms each", 25, 1800, 450))


def field_section(page, study, folder):
    page.text("## As src/field delivers it", "", "The same power as a poller hands it on: the mean of a window, every period, so much later (`--sensor-ms`, `--sensor-age-ms`). A line "
              "asks its modules by deadline and `fast_ms`; a BMC answers for one GPU after the other, and each GPU's own sensor looks 25 ms of every 100 "
              "([protocols.md](protocols.md); 450 ms is what the racks of `config/racks` take for a BMC). Readings are given when they arrive, none is reordered. Scored is the power itself, from the moment "
              "of arrival, so the age costs as it would in the daemon. Spikes of the inference load are of 0.1 of the rating (seeds 1 to 4), else 0.2 of the range. A period "
              "longer than the horizon leaves the forecaster at least one period ahead.")
    rows = []
    arrivals = os.path.join(folder, "llm_requests", "azure2023_conv.csv.gz") if folder else None
    with tempfile.TemporaryDirectory() as temp:
        loads = [("square wave, A100", [os.path.join(folder, "gpu_meter_0p2ms", "a100_square52ms_meter.csv.gz")], study.meter, (10, "100,1000")),
                 ("step, RTX 3090", [os.path.join(folder, "gpu_meter_0p2ms", "rtx3090_step6s_meter.csv.gz")], study.meter, (10, "100,1000"))] if folder else []
        made = [inference(page.sim, temp, seed, arrivals, 300 if page.options.quick else 1800)[0] for seed in INFERENCE_SEEDS[:1 if page.options.quick else 4]]
        loads.append(("inference", made, study.run, ("--time", "t_s", "--column", "w", "--horizon-ms", "100,1000", "--event-w", str(INFERENCE_SPIKE_W))))
        for load, paths, run, words in loads:
            for what, window, period, age in FIELD:
                late = 0
                if load == "inference":
                    if period < 100:
                        continue
                    window, late = max(window, 100), 100  # its samples are means of 100 ms, named by their beginning
                documents = [run(path, *words, "--sensor-ms", f"{window}/{period}", "--sensor-age-ms", str(age + late)) for path in paths]
                for horizon in (100, 1000):
                    ours, last, ar = ([of(d, horizon, m) for d in documents] for m in ("busbar", "persistence", "ar-rls"))
                    held = [sum(m["coverage"]["0.99"] for m in side) / len(side) for side in (ours, last)]
                    rows.append([load, what, f"{horizon} ms", *(number(mean_of(side, "mae_range_pct")) for side in (ours, last, ar)),
                                 *(number(mean_of(side, "f1"), 3) for side in (ours, ar)), *(number(h, 4) for h in held),
                                 *(number(mean_of(side, "margin"), 3) for side in (ours, last))])
    page.table(["load", "delivered by", "ahead", "MAE % busbar", "persistence", "ar-rls", "F1 busbar", "ar-rls", "99 % held: busbar", "persistence",
                "margin: busbar", "persistence"], rows)


def persistence_section(page, study, folder):
    page.text("## Where persistence is right", "", "Idle, six seconds of load, idle (10 ms grid), and servers under an inference benchmark at the wall (1 s): wanted is "
              "no worse than 1.02 times persistence in the mean.")
    rows = []
    for family, paths, call, horizons in (
            ("step series", sorted(glob.glob(os.path.join(folder, "gpu_meter_0p2ms", "*step6s_meter.csv.gz"))),
             lambda p: study.meter(p, 10, "50,100,1000"), (50, 100, 1000)),
            ("inference at the wall", sorted(glob.glob(os.path.join(folder, "mlperf_inference_wall_1s", "*.csv.gz"))), study.wall, (1000, 10000, 60000))):
        for horizon in horizons:
            ours = [of(call(p), horizon)["mae_range_pct"] for p in paths]
            last = [of(call(p), horizon, "persistence")["mae_range_pct"] for p in paths]
            rows.append((f"{family}, {horizon:g} ms ahead, {len(paths)} traces: busbar {sum(ours) / len(ours):.3f} %, persistence "
                         f"{sum(last) / len(last):.3f} %: ratio", sum(ours) / sum(last), ("<=", 1.02), 3))
    verdicts(page, rows)


# ---- training jobs ----

def bootstrap(differences, seed=1):
    """Share of resamples of the jobs in which ours is not better."""
    rng, n, worse = random.Random(seed), len(differences), 0
    for _ in range(BOOTSTRAP):
        worse += sum(differences[rng.randrange(n)] for _ in range(n)) >= 0
    return worse / BOOTSTRAP


def jobs_section(page, study, folder):
    paths = sorted(p for p in glob.glob(os.path.join(folder, "mlperf_training_nodes_2s", "*run??.csv.gz")))
    page.text("## Training jobs (MLPerf, all nodes of a job, AC)", "", f"{len(paths)} runs, the sum of their nodes, 1 or 2 s grid. Each row is a mean over the runs that have the "
              "forecast, ours on the same runs and samples (where the other was fitted on a run's first half: on its second). `p` is the share of paired "
              "bootstrap resamples over runs in which ours is not better; \"held out\" leaves out the runs that the method was chosen on "
              "(llama2_70b_lora, b200). Better is claimed at p < 0.01 over at least 8 runs.")
    for label, pick in (("next sample (1 or 2 s)", lambda p: 1000 if "b200" in p else 2000), ("10 s", lambda p: 10000), ("60 s", lambda p: 60000)):
        rows = []
        for model in OTHERS:
            pairs = []
            for path in paths:
                document = study.job(path)
                theirs = of(document, pick(path), model)
                if not theirs:
                    continue
                ours = of(document, pick(path), "busbar", half=theirs["fitted"])
                pairs.append((path, ours["mae_range_pct"], theirs["mae_range_pct"]))
            if not pairs:
                continue
            held = [(o - t) for p, o, t in pairs if not designed(p)]
            mean = [sum(x[k] for x in pairs) / len(pairs) for k in (1, 2)]
            rows.append([model + (" (fitted, 2nd half)" if model in ("seasonal", "ar") else ""), len(pairs), number(mean[0]), number(mean[1]),
                         "yes" if mean[0] < mean[1] else "**no**", number(bootstrap([o - t for _, o, t in pairs]), 4), len(held),
                         number(sum(held) / len(held), 2) if held else "-", number(bootstrap(held), 4) if len(held) >= 2 else "-"])
        page.text(f"{label} ahead, MAE in % of range:")
        page.table(["against", "runs", "busbar", "theirs", "better in the mean", "p", "held out", "difference", "p held out"], rows)


def hints_section(page, study, folder):
    path = os.path.join(folder, "mlperf_training_nodes_2s", "h100_64nodes_gpt3_run00.csv.gz")
    log = path.replace(".csv.gz", "_events.csv")
    page.text("## Hints: 64 nodes, GPT-3, the job's own log", "", "`--events`: step ends, evaluations, as they were logged. An oracle is told of each one horizon "
              "(2 s) before it happens. False hints are as many marks of all kinds at random times.")
    rows = []
    with tempfile.TemporaryDirectory() as temp:
        false = os.path.join(temp, "false.csv")
        rng, lines = random.Random(1), open(log, encoding="utf-8").read().split("\n")[1:]
        kinds = [line.split(",")[1] for line in lines if line]
        times = sorted(rng.uniform(0, 3400) for _ in kinds)
        rng.shuffle(kinds)
        with open(false, "w", encoding="utf-8") as out:
            out.write("t_s,event\n" + "".join(f"{t:.3f},{k}\n" for t, k in zip(times, kinds)))
        svg = ("--svg", os.path.join(page.pictures, "forecast-gpt3.svg"))
        ways = [("no hints", ()), ("the log", ("--events", log, *svg)), ("the log, 2 s late", ("--events", log, "--hint-age-ms", "2000")),
                ("the log, 5 s late", ("--events", log, "--hint-age-ms", "5000")), ("an oracle, 2 s ahead", ("--events", log, "--hint-age-ms", "-2000")),
                ("false hints", ("--events", false))]
        for what, words in ways:
            document = study.job(path, *words)
            for horizon in (2000, 10000, 60000):
                m = of(document, horizon)
                rows.append([what, f"{horizon // 1000} s", number(m["mae_range_pct"]), number(m["u99_range_pct"], 1), number(m["coverage"]["0.99"], 4),
                             number(m["margin"], 3), number(m["f1"], 3)])
    page.table(["hints", "ahead", "MAE %", "u99 %", "99 % held", "margin", "F1"], rows)
    page.picture("forecast-gpt3.svg", "power, forecast and bound of 64 nodes that train GPT-3")
    told = of(study.job(path, "--events", log, *svg), 2000)
    verdicts(page, [("with the log, 2 s ahead: MAE %", told["mae_range_pct"], ("<=", 4.0), 2),
                    ("with the log, 2 s ahead: u99 %", told["u99_range_pct"], ("<=", 13.0), 1)])


# ---- inference: power and the serving stack's queue, from a load whose numbers are frozen ----

INFERENCE_SEEDS = range(1, 13)  # the method was looked at with seeds 101 to 104
INFERENCE_SPIKE_W = 140         # a tenth of an instance's rating
INFERENCE_AGES = (0, 50, 200, 1000, 5000)


def inference(sim, folder, seed, arrivals=None, seconds=3600, *more):
    """One instance for an hour: its power, and the log of its page of metrics."""
    name = "-".join(["inference", str(seed), *(w.strip("-") for w in more)])
    path, log = (os.path.join(folder, name + end) for end in (".csv", "_events.csv"))
    subprocess.run([sim, "load", "inference", "--seed", str(seed), "--seconds", str(seconds), "--csv", path, "--events", log,
                    *(("--arrivals", arrivals) if arrivals else ()), *more], check=True)
    return path, log


def page_of_metrics(log):
    """What was read, page by page: time, requests that wait, requests that run."""
    lines = [line.split(",") for line in open(log, encoding="utf-8").read().split("\n")[1:] if line]
    return [(queue[0], queue[2], running[2]) for queue, running in zip(lines[::2], lines[1::2])]


def wrong_hints(log, way, seed=1):
    """The same log, but wrong: its path."""
    pages, rng, path = page_of_metrics(log), random.Random(seed), log.replace("_events", "_" + way.replace(" ", "-"))
    said = [p[1:] for p in pages]
    if way in ("shuffled", "true then shuffled"):
        mixed = list(said)
        rng.shuffle(mixed)
        said = mixed if way == "shuffled" else said[:len(said) // 2] + mixed[len(said) // 2:]
    elif way == "another hour":
        said = said[len(said) // 3:] + said[:len(said) // 3]
    elif way == "flood":
        said = [(str(rng.choice((0, 1, 1000, 1000000))), str(rng.randrange(1000))) for _ in said]
    elif way == "always waiting":
        said = [("1", "0")] * len(said)
    with open(path, "w", encoding="utf-8") as out:
        out.write("t_s,event,value\n" + "".join(f"{t},queue,{q}\n{t},running,{r}\n" for (t, _, _), (q, r) in zip(pages, said)))
    return path


def mean_of(models, key):
    """Of runs that have it: a forecaster without an alarm has no precision."""
    values = [m[key] for m in models if m[key] is not None]
    return sum(values) / len(values) if values else None


def inference_row(what, models):
    return [what, number(mean_of(models, "precision"), 3), number(mean_of(models, "recall"), 3), number(mean_of(models, "f1"), 3),
            number(mean_of(models, "mae_range_pct")), number(mean_of(models, "coverage_99"), 4), number(mean_of(models, "margin"), 3)]


INFERENCE_HEAD = ["precision", "recall", "F1", "MAE %", "99 % held", "margin"]


def inference_section(page, study, folder):
    arrivals = os.path.join(folder, "llm_requests", "azure2023_conv.csv.gz") if folder else None
    seeds, seconds = (INFERENCE_SEEDS[:1], 600) if page.options.quick else (INFERENCE_SEEDS, 3600)
    spike = ("--time", "t_s", "--column", "w", "--horizon-ms", "100", "--event-w", str(INFERENCE_SPIKE_W))

    def scored(path, *words, model="busbar"):
        m = dict(of(study.run(path, *spike, *words), 100, model))
        m["coverage_99"] = m["coverage"]["0.99"]
        return m

    page.text("## Inference, with the serving stack's queue as hints", "", f"`busbarsim load inference` ([simulator.md](simulator.md)): {len(seeds)} runs of {seconds} s, seeds "
              f"{seeds[0]} to {seeds[-1]}, one instance each, arrivals " + ("recorded (Azure 2023, conversations)" if arrivals else "made up (no BUSBAR_DATA here)") +
              f". 100 ms ahead; a spike is a rise by more than {INFERENCE_SPIKE_W} W, a tenth of the rating. The load's numbers were fitted to published headrooms and frozen before "
              "anything was scored on it; the forecaster's own constants were looked at on seeds 101 to 104 alone. Hints are the numbers of requests that wait and run, as the page "
              "of metrics showed them every 50 ms; they are given when the page was read, plus the age. All figures are means over runs.")
    with tempfile.TemporaryDirectory() as temp:
        runs = [inference(page.sim, temp, seed, arrivals, seconds) for seed in seeds]
        base = [of(study.run(path, *spike), 100)["samples"] for path, _ in runs]
        rate = [h["base_rate"] for path, _ in runs for h in study.run(path, *spike)["horizons"]]
        page.text(f"Without hints; {sum(base)} samples scored, {100 * sum(rate) / len(rate):.2f} % of them before a spike:")
        alone = {model: [scored(path, model=model) for path, _ in runs] for model in ("busbar", *OTHERS) if
                 all(of(study.run(path, *spike), 100, model) for path, _ in runs)}
        page.table(["model", *INFERENCE_HEAD], [inference_row(model, models) for model, models in alone.items()])
        better = [t["f1"] - o["f1"] for o, t in zip(alone["busbar"], alone["ar-rls"])]
        page.text("On recorded serving traces, which may not be kept, AR-RLS had a precision of 0.36, a recall of 0.23 and an F1 of 0.28 at the same horizon and height: what is made "
                  "here begins and ends within a pass, so a line through the last samples says less than it does there.")
        curve = {age: [scored(path, "--events", log, "--hint-age-ms", str(age)) for path, log in runs] for age in INFERENCE_AGES}
        page.text("With hints, by their age:")
        page.table(["age", *INFERENCE_HEAD], [inference_row("no hints", alone["busbar"])] +
                   [inference_row(f"{age} ms" if age < 1000 else f"{age // 1000} s", curve[age]) for age in INFERENCE_AGES])
        page.text("Prompts wait about a third of a second here before they are read; a hint that is older than that tells of power that is already drawn. How much the "
                  "scheduler lets prompts wait is a setting of the serving stack, so the same with others, four runs each. Those of 30 passes are not blind: time since a prompt "
                  "waits was counted in coarser steps until they had been seen once.")
        rows = []
        for hold, words in ((0, ("--hold-passes", "0")), (30, ("--hold-passes", "30"))):
            held = [inference(page.sim, temp, seed, arrivals, seconds, *words) for seed in list(seeds)[:4]]
            rows.append(inference_row(f"{hold} passes, no hints", [scored(path) for path, _ in held]))
            rows += [inference_row(f"{hold} passes, age {age} ms", [scored(path, "--events", log, "--hint-age-ms", str(age)) for path, log in held])
                     for age in (0, 50, 200, 1000)]
        page.table(["prompts wait", *INFERENCE_HEAD], rows)
        page.text("Wrong hints: the same pages in another order; those of another hour; numbers at random; a page that always says that requests wait and none runs. "
                  "\"True, then shuffled\" is right for half of the time and wrong after that: its second half alone is scored, and beside it the second half without hints.")
        wrong = {way: [scored(path, "--events", wrong_hints(log, way)) for path, log in runs] for way in ("shuffled", "another hour", "flood", "always waiting")}
        late = ("--score-ms", f"{500 * seconds}-{1000 * seconds}")
        turned = [scored(path, "--events", wrong_hints(log, "true then shuffled"), *late) for path, log in runs]
        second = [scored(path, *late) for path, _ in runs]
        page.table(["hints", *INFERENCE_HEAD], [inference_row("none", alone["busbar"])] + [inference_row(way, models) for way, models in wrong.items()] +
                   [inference_row("none, second half", second), inference_row("true, then shuffled", turned)])
    ours = mean_of(alone["busbar"], "f1")
    verdicts(page, [("no hints: F1 of busbar less that of AR-RLS", ours - mean_of(alone["ar-rls"], "f1"), (">=", 0.01), 3),
                    (f"no hints: share of bootstrap resamples of {len(better)} runs in which it is not better", bootstrap(better), ("<=", 0.01), 4)] +
             [(f"hints of {age} ms: {key}", mean_of(curve[age], key), (">=", 0.5), 3) for age in (0, 50) for key in ("precision", "recall")] +
             [(f"wrong hints, {way}: F1 lost", ours - mean_of(models, "f1"), ("<=", 0.05), 3) for way, models in wrong.items()] +
             [("true, then shuffled: F1 lost, second half", mean_of(second, "f1") - mean_of(turned, "f1"), ("<=", 0.05), 3)])


# ---- bounds ----

def binomial_tail(missed, samples, share=0.01):
    """Probability of that many misses or more, were each a coin of its own."""
    if missed == 0:
        return 1.0
    total, term = 0.0, samples * math.log1p(-share)
    for k in range(missed):  # P(X = k) by recursion in logarithms
        if k:
            term += math.log((samples - k + 1) / k * share / (1 - share))
        total += math.exp(term)
    return max(0.0, 1.0 - total)


def bounds_section(page, study, folder):
    page.text("## Does the 99 % bound hold, and what does it cost", "", "The bound is of the highest power until the horizon. Margin: its mean distance above the "
              "present power, share of range; \"at 99 %\" shifts a model's bounds by one constant so that exactly 99 % hold, so that margins compare at equal coverage.")
    families = [("meter, 1 kHz", [(p, study.meter(p, 1, "10,50,100")) for p in sorted(glob.glob(os.path.join(folder, "gpu_meter_0p2ms", "*_meter.csv.gz")))]),
                ("nvidia-smi, 10 ms", [(p, study.run(p, "--time", "t_ms", "--column", "power.draw", "--resample-ms", "10", "--horizon-ms", "50,100"))
                                       for p in sorted(glob.glob(os.path.join(folder, "gpu_nvsmi_10ms", "a100_*.csv.gz")))]),
                ("meter, 10 ms", [(p, study.meter(p, 10, "50,100,1000")) for p in sorted(glob.glob(os.path.join(folder, "gpu_meter_0p2ms", "*_meter.csv.gz")))]),
                ("inference, 1 s", [(p, study.wall(p)) for p in sorted(glob.glob(os.path.join(folder, "mlperf_inference_wall_1s", "*.csv.gz")))]),
                ("training jobs", [(p, study.job(p)) for p in sorted(glob.glob(os.path.join(folder, "mlperf_training_nodes_2s", "*run??.csv.gz")))]),
                ("inference, limit known", [(p, study.wall_known(p)) for p in sorted(glob.glob(os.path.join(folder, "mlperf_inference_wall_1s", "*.csv.gz")))]),
                ("training jobs, limit known", [(p, study.job_known(p)) for p in sorted(glob.glob(os.path.join(folder, "mlperf_training_nodes_2s", "*run??.csv.gz")))])]
    long_rows, pooled, margins = [], [], []
    for family, documents in families:
        horizons = sorted({h["horizon_ms"] for _, d in documents for h in d["horizons"]})
        for horizon in horizons:
            ours = [(p, of(d, horizon)) for p, d in documents if of(d, horizon)]
            theirs = [of(d, horizon, "ar-rls") for _, d in documents if of(d, horizon)]
            missed, samples = sum(m["missed_99"] for _, m in ours), sum(m["samples"] for _, m in ours)
            if horizon <= 100:
                long_rows += [(f"{name_of(p)}, {family}, {horizon:g} ms ahead, {m['samples']} samples", m["coverage"]["0.99"], (">=", 0.986), 4)
                              for p, m in ours if m["samples"] >= 5000]
            short = [m for _, m in ours if m["samples"] < 5000]
            if short:
                few, of_them = sum(m["missed_99"] for m in short), sum(m["samples"] for m in short)
                unseen = sum(h["unseen"] for _, d in documents for h in d["horizons"] if abs(h["horizon_ms"] - horizon) < 0.5 and 0 < h["samples"] < 5000)
                p = binomial_tail(few, of_them)
                pooled.append([family, f"{horizon:g} ms", len(short), of_them, few, f"{100 * few / of_them:.2f} %", f"{p:.3g}", "yes" if p >= 0.01 else "**no**",
                               unseen, f"{100 * unseen / of_them:.2f} %"])
            equal = [sum(m["margin_equal"] for m in side) / len(side) for side in ([m for _, m in ours], theirs)]
            margins.append([family, f"{horizon:g} ms", len(ours), f"{100 * missed / samples:.2f} %",
                            f"{100 * sum(m['missed_99'] for m in theirs) / samples:.2f} %", number(equal[0], 3), number(equal[1], 3),
                            f"{100 * (equal[0] / equal[1] - 1):+.0f} %"])
    page.text("Traces with at least 5 000 scored samples, up to 100 ms ahead:")
    verdicts(page, long_rows)
    page.text("Shorter traces, pooled by family: is 99 % rejected at p < 0.01 (one-sided, as if every sample were independent, which misses are not)?")
    page.table(["family", "ahead", "traces", "samples", "missed", "share", "p", "not rejected", "before a peak like none before", "share"], pooled)
    page.text("\"Before a peak like none before\": samples whose peak until the horizon comes more than a spike (0.2 of the range) above everything that the trace had shown until then: "
              "a load that begins, once a trace, and costs as many samples as the horizon has. A bound made from the past misses those, or lies that much above all "
              "that was ever seen, all the time. Where the sum of limits is known (`--cap-w`; here twice what a node's accelerators are rated for, as nobody recorded it) the bound "
              "of a rack is that limit while little was seen of the load: for 99 horizons or until a first change of load, and for three horizons after each change.")
    page.text("Margins at equal coverage, against AR-RLS with adaptive conformal margins (wanted: 10 % less in the mean):")
    page.table(["family", "ahead", "traces", "missed: busbar", "missed: ar-rls", "margin at 99 %: busbar", "ar-rls", "difference"], margins)
    short = [m for m in margins if float(m[1].split()[0]) <= 100]
    mean = [sum(float(m[k]) for m in short) / len(short) for k in (5, 6)]
    unknown = [m for m in margins if "known" not in m[0]]  # a trace counts once
    everything = [sum(float(m[k]) for m in unknown) / len(unknown) for k in (5, 6)]
    verdicts(page, [("up to 100 ms ahead, mean of the rows: busbar over ar-rls", mean[0] / mean[1], ("<=", 0.9), 3),
                    ("all rows without a limit", everything[0] / everything[1], ("<=", 0.9), 3)])


# ---- what it is worth ----

VALUE_WAYS = ("off", "on", "hints", "oracle")


def valued(page, job):
    """forecast-value with that job: the metrics of each way."""
    seconds = ("--set", "seconds=60") if page.options.quick else ()
    runs = page.run("compare", "forecast-value", "--controller", "busbar", "--set", f"job={job}", *seconds, "--set", "forecast=" + ",".join(VALUE_WAYS))[0]["runs"]
    return {way: run["metrics"] | {"ok": run["ok"]} for way, run in zip(VALUE_WAYS, runs)}


def value_section(page, _study, folder):
    page.text("## What it is worth to a rack", "", "`busbarsim compare forecast-value --controller busbar --set forecast=off,on,hints,oracle` ([scenarios.md](scenarios.md)): two "
              "training jobs under 120 kW, where both at once want about 129; what each reads of the rack is what its pollers deliver. A recorded run gives the shape of the work "
              "of each node; both jobs are that run, each somewhere else in it, and a job goes as fast as its slowest board. Hints are the run's own log. Worst margin: the least that a "
              "window stayed under its limit.")
    jobs = sorted(name_of(p) for p in glob.glob(os.path.join(folder, "mlperf_training_nodes_2s", "*run??.csv.gz")) if "1nodes" not in p) if folder else []
    jobs = ["recorded"] if jobs and page.options.quick else jobs
    refused = [job for job in jobs if subprocess.run([page.sim, "run", "forecast-value", "--set", f"job={job}", "--seconds", "0.1"], capture_output=True).returncode == 2]
    jobs = [job for job in jobs if job not in refused]
    done = {job: valued(page, job) for job in [*jobs, "ours"]}
    head = ["forecast", "served work, GPU s", "against off", "throttled, GPU s", "worst margin, W", "every check"]
    for what, job in (("The scenario's own recorded run (h100_8nodes_llama2_70b_lora_run00; the forecaster was chosen on runs of that job):",
                       jobs[0] if page.options.quick and jobs else "h100_8nodes_llama2_70b_lora_run00"), ("Our generator's job (`--set job=ours`), as where no data is:", "ours")):
        if job not in done:
            continue
        off = done[job]["off"]
        page.text(what)
        page.table(head, [[way, number(m["served_work"], 0), f"{100 * (m['served_work'] / off['served_work'] - 1):+.2f} %", number(m["throttled_gpu_s"], 0),
                           number(m["worst_margin_w"], 0), "holds" if m["ok"] else "**no**"] for way, m in done[job].items()])
    if len(jobs) > 1:
        gain = {way: {job: 100 * (done[job][way]["served_work"] / done[job]["off"]["served_work"] - 1) for job in jobs} for way in VALUE_WAYS[1:]}
        page.text(f"All {len(jobs)} recorded runs of eight nodes and more (`--set job=NAME`), served work against off in %. `p`: share of paired bootstrap resamples over runs in which it is "
                  "not more; \"held out\" leaves out the job that the forecaster was chosen on." +
                  (f" Not playable, for a meter in it shows less than nothing: {', '.join(refused)}." if refused else ""))
        page.table(["run", *VALUE_WAYS[1:], "throttled, off", "oracle", "worst margin of the four, W"],
                   [[job, *(f"{gain[way][job]:+.2f}" for way in VALUE_WAYS[1:]), *(number(done[job][way]["throttled_gpu_s"], 0) for way in ("off", "oracle")),
                     number(min(m["worst_margin_w"] for m in done[job].values()), 0)] for job in jobs])
        rows = []
        for way in VALUE_WAYS[1:]:
            held = [gain[way][job] for job in jobs if not designed(job)]
            rows.append([way, f"{sum(gain[way].values()) / len(jobs):+.2f}", number(bootstrap([-g for g in gain[way].values()]), 4), len(held),
                         f"{sum(held) / len(held):+.2f}", number(bootstrap([-g for g in held]), 4)])
        page.table(["forecast", "mean gain, %", "p", "held out", "mean gain, %", "p held out"], rows)
    everything = [m for ways in done.values() for m in ways.values()]
    verdicts(page, [("least worst margin of all runs, W", min(m["worst_margin_w"] for m in everything), (">=", 0.0), 0),
                    ("runs in which a check fails", sum(not m["ok"] for m in everything), ("<=", 0), 0)])


def cost_section(page, _study, _folder):
    program = os.path.join(os.path.dirname(page.sim), "..", "tests", "bench_forecast")
    cost = json.loads(subprocess.run([program], capture_output=True, text=True, check=True).stdout)
    page.text("## Cost", "", "`./dev bench forecast_`: one update, each timed alone, of each the least of five equal runs; a rack at 1 kHz with four horizons, one of 72 GPUs "
              "with one. The load is a square wave with noise, or one that stands still after it.")
    verdicts(page, [(f"{what}, p99, us (half of them under {cost[key]['p50_us']:.2f})", cost[key]["p99_us"], ("<=", limit), 2)
                    for what, key, limit in (("a rack", "rack", 10.0), ("a rack, a load that stands still", "still", 10.0), ("a GPU", "gpu", 1.0))])
    page.text(f"Bytes of state: {cost['rack']['bytes']} a rack (four horizons), {cost['gpu']['bytes']} a GPU (one horizon).")


# The page's parts in their order; the second ones need recorded traces.
PARTS = {"generated": (generated_section, False), "square": (square_section, True), "sensor": (sensor_section, True), "persistence": (persistence_section, True),
         "jobs": (jobs_section, True), "hints": (hints_section, True), "bounds": (bounds_section, True), "inference": (inference_section, False),
         "field": (field_section, False), "value": (value_section, False), "cost": (cost_section, False)}


def section_text(page, study, folder, name):
    began, (section, recorded) = len(page.parts), PARTS[name]
    if recorded and not folder and page.options.part:
        raise RuntimeError(f"{name} needs BUSBAR_DATA")
    if recorded and not folder:
        page.text(f"No traces here (BUSBAR_DATA): `{name}` was not run.")
    else:
        section(page, study, folder)
    return "\n".join(page.parts[began:]).strip() + "\n\n"


def merged(old, new, at_end=False):
    """The page with some of its sections in place of those of the same heading; one that is new comes before the last, or at the end."""
    sections = re.split(r"(?m)^(?=## )", old)
    for text in new:
        heading = text.split("\n", 1)[0]
        at = [i for i, section in enumerate(sections) if section.split("\n", 1)[0] == heading]
        first = at[0] if at else len(sections) - (0 if at_end else 1)
        sections[first:first + len(at[:1])] = [text]
    return "".join(sections)


def write(page, folder_to):
    """The whole page, or of the one that is there the parts that are asked for; its path."""
    study, folder, path = Study(page), data(), os.path.join(folder_to, "forecast-results.md")
    texts = [section_text(page, study, folder, name) for name in PARTS if name in (page.options.part or PARTS)]
    head = ("# Forecast: results\n\nWritten by `./dev results --only forecast`, not by hand. What is done here, and how: [forecast.md](forecast.md). MAE and u99 "
            "in % of a trace's range. Chosen on: " + ", ".join(DESIGN) + ", and generated loads.\n\n")
    whole = merged(open(path, encoding="utf-8").read(), texts) if page.options.part else head + "".join(texts)
    with open(path, "w", encoding="utf-8") as out:
        out.write(re.sub(r"\n{3,}", "\n\n", whole).rstrip() + "\n")
    return path
