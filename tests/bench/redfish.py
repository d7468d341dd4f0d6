# SPDX-License-Identifier: Apache-2.0
"""Redfish under load: a farm of BMCs served by nginx, busbard and Debian's collectd on the same servers.

What a BMC answers are its maker's own shapes, written here. Each BMC is an address of its own on loopback; delays come
from the server (libnginx-mod-http-perl), drawn from the published distribution where a result says so. What was asked
when, and how long each answer took, is read from the servers' own log."""
import json
import math
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

GPUS = 4
BMC = "/redfish/v1/Systems/HGX_Baseboard_0/Processors/GPU_{n}/EnvironmentMetrics"
REPORT = "/redfish/v1/TelemetryService/MetricReports/HGX_PlatformEnvironmentMetrics_0"
NGINX = "/usr/sbin/nginx"
COLLECTD = "/usr/sbin/collectd"
CURL_JSON = "/usr/lib/collectd/curl_json.so"
PERL_MODULE = "/usr/lib/nginx/modules/ngx_http_perl_module.so"
# Log-normal through the published p50 0.5 s, p95 0.7 s, p99 0.8 s.
MU, SIGMA = math.log(500.0), 0.204

LOG_FORMAT = "log_format farm '$server_addr $msec $request_time $request_method $uri $status';"

PERL = r"""
package farm;
use nginx;
sub wait_ms { my $r = shift; my $d = $r->variable("delay");
  return $d if $d ne "drawn";
  my ($u, $v) = (rand() || 1e-9, rand());
  return int(exp(%f + %f * sqrt(-2 * log($u)) * cos(6.283185307 * $v))) + 1; }
sub next_step { my $r = shift; my $f = $r->filename; $f =~ s{/+$}{}; $f .= "/index.json";
  if (!-f $f) { $r->status(404); $r->send_http_header("application/json"); $r->print("{}"); return OK; }
  $r->send_http_header("application/json"); $r->sendfile($f); return OK; }
my $report;
sub report { my $r = shift; my @t = gmtime(time);
  if (!$report) { local $/; open(my $f, "<", $r->filename . "/index.json"); $report = <$f>; close($f); }
  my $now = sprintf("%%04d-%%02d-%%02dT%%02d:%%02d:%%02d.000+00:00", $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0]);
  (my $body = $report) =~ s/\@TIME\@/$now/g;
  $r->header_out("Content-Length", length($body)); $r->send_http_header("application/json"); $r->print($body); return OK; }
sub handler { my $r = shift; my $ms = wait_ms($r); $r->sleep($ms, \&next_step); return OK; }
1;
"""


def tree(root):
    """One GPU node: what a GB200's BMC says, cut down to what is asked for."""
    def put(path, body):
        folder = os.path.join(root, path.strip("/"))
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "index.json"), "w", encoding="utf-8") as file:
            json.dump({"@odata.id": path, **body}, file)

    def members(kind, *paths):
        return {"@odata.type": f"#{kind}Collection.{kind}Collection", "Members": [{"@odata.id": p} for p in paths]}
    top, processors = "/redfish/v1", "/redfish/v1/Systems/HGX_Baseboard_0/Processors"
    put(top, {"@odata.type": "#ServiceRoot.v1_15_0.ServiceRoot", "RedfishVersion": "1.17.0", "Vendor": "NVIDIA",
              "UUID": "6f0f6d3c-0000-4000-8000-000000000001", "Systems": {"@odata.id": top + "/Systems"},
              "TelemetryService": {"@odata.id": top + "/TelemetryService"}})
    put(top + "/Systems", members("ComputerSystem", top + "/Systems/HGX_Baseboard_0"))
    put(top + "/Systems/HGX_Baseboard_0", {"@odata.type": "#ComputerSystem.v1_20_0.ComputerSystem",
                                           "Processors": {"@odata.id": processors}})
    put(processors, members("Processor", *[f"{processors}/GPU_{n}" for n in range(GPUS)]))
    values = []
    for n in range(GPUS):
        sensors = f"{top}/Chassis/HGX_GPU_{n}/Sensors/HGX_GPU_{n}"
        put(f"{processors}/GPU_{n}", {"@odata.type": "#Processor.v1_20_0.Processor", "ProcessorType": "GPU",
                                      "EnvironmentMetrics": {"@odata.id": f"{processors}/GPU_{n}/EnvironmentMetrics"}})
        put(f"{processors}/GPU_{n}/EnvironmentMetrics", {
            "@odata.type": "#EnvironmentMetrics.v1_3_0.EnvironmentMetrics", "Id": "EnvironmentMetrics",
            "Name": f"GPU_{n} Environment Metrics",
            "Actions": {"Oem": {"Nvidia": {"#NvidiaEnvironmentMetrics.ResetEDPp": {
                "target": f"{processors}/GPU_{n}/EnvironmentMetrics/Actions/Oem/NvidiaEnvironmentMetrics.ResetEDPp"}}}},
            "EnergyJoules": {"DataSourceUri": sensors + "_Energy_0", "Reading": 787380}, "EnergykWh": {"Reading": 0.2187},
            "Oem": {"Nvidia": {"EDPpPercent": {"AllowableMax": 100, "AllowableMin": 60, "Persistency": None, "SetPoint": 100}}},
            "PowerLimitWatts": {"AllowableMax": 1200, "AllowableMin": 200, "ControlMode": "Automatic", "DefaultSetPoint": 1200,
                                "DataSourceUri": f"{top}/Chassis/HGX_GPU_{n}/Controls/GPU_{n}", "Reading": 584.769,
                                "SetPoint": 1200},
            "PowerWatts": {"DataSourceUri": sensors + "_Power_0", "Reading": 584.821},
            "TemperatureCelsius": {"DataSourceUri": sensors + "_Temp_1", "Reading": 54}})
        for kind, value in (("Energy_0", "796170.359000"), ("Power_0", "584.821000"), ("Temp_1", "54.000000")):
            values.append({"MetricProperty": f"{sensors}_{kind}", "MetricValue": value, "Timestamp": "@TIME@",
                           "Oem": {"Nvidia": {"@odata.type": "#NvidiaMetricReport.v1_0_0.NvidiaMetricReport",
                                              "MetricValueStale": False}}})
    put(top + "/TelemetryService", {"@odata.type": "#TelemetryService.v1_2_1.TelemetryService",
                                    "MetricReports": {"@odata.id": top + "/TelemetryService/MetricReports"}})
    put(top + "/TelemetryService/MetricReports", members("MetricReport", REPORT))
    put(REPORT, {"@odata.type": "#MetricReport.v1_4_2.MetricReport", "Id": "HGX_PlatformEnvironmentMetrics_0",
                 "MetricValues": values, "Oem": {"Nvidia": {"SensingIntervalMilliseconds": 250}}})


def address(number):
    return f"127.1.{number // 200}.{number % 200 + 1}"


class Farm:
    """`count` BMCs; `delay`: None, a number of ms, or "drawn"; `delays`: other numbers for single BMCs."""

    def __init__(self, count, delay=None, delays=None, tls=False):
        self.count, self.delay, self.delays, self.tls = count, delay, delays or {}, tls
        self.port = 8443 if tls else 8480
        self.folder = tempfile.mkdtemp(prefix="busbar-farm-")
        os.chmod(self.folder, 0o755)  # the server's workers are another user
        tree(self.folder)
        self.ca = os.path.join(self.folder, "cert.pem")

    def url(self, number):
        return f"{'https' if self.tls else 'http'}://{address(number)}:{self.port}"

    def certificate(self):
        names = ",".join(f"IP:{address(n)}" for n in range(self.count))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=bmc", "-addext", "subjectAltName=" + names, "-keyout", os.path.join(self.folder, "key.pem"),
                        "-out", self.ca], check=True, capture_output=True)

    def configure(self):
        where = self.folder
        with open(os.path.join(where, "farm.pm"), "w", encoding="utf-8") as file:
            file.write(PERL % (MU, SIGMA))
        location = ("location /redfish { rewrite ^(.*[^/])/$ $1 break; try_files $uri/index.json =404; } "
                    f"location = {REPORT} {{ perl farm::report; }}")  # its values move on
        servers = []
        for n in range(self.count):
            delay = self.delays.get(n, self.delay)
            ours = location if delay is None else "location /redfish { set $delay %s; perl farm::handler; }" % delay
            tls = f" ssl; ssl_certificate {self.ca}; ssl_certificate_key {where}/key.pem" if self.tls else ""
            servers.append(f"server {{ listen {address(n)}:{self.port}{tls}; root {where}; {ours} }}")
        text = f"""load_module {PERL_MODULE};
daemon off; worker_processes 1; pid {where}/nginx.pid; error_log {where}/error.log crit; worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
http {{ keepalive_timeout 900s; keepalive_requests 10000000; default_type application/json; {LOG_FORMAT}
  access_log {where}/access.log farm buffer=64k flush=1s; client_body_temp_path {where}/t1; proxy_temp_path {where}/t2;
  fastcgi_temp_path {where}/t3; uwsgi_temp_path {where}/t4; scgi_temp_path {where}/t5; open_file_cache max=1000;
  perl_modules {where}; perl_require farm.pm;
  """ + "\n".join(servers) + "\n}\n"
        path = os.path.join(where, "nginx.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def __enter__(self):
        if self.tls:
            self.certificate()
        self.process = subprocess.Popen([NGINX, "-c", self.configure(), "-p", self.folder], stderr=subprocess.DEVNULL)
        for _ in range(100):
            if os.path.exists(os.path.join(self.folder, "nginx.pid")):
                return self
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError("nginx does not start: " + open(os.path.join(self.folder, "error.log"), encoding="utf-8").read()[-300:])

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self):
        """[(address, start s, end s, path)] of every answer so far, by its end."""
        time.sleep(1.2)  # the server writes its log each second
        rows = []
        for line in open(os.path.join(self.folder, "access.log"), encoding="utf-8"):
            fields = line.split()
            if len(fields) == 6:
                if fields[4].endswith("EnvironmentMetrics") and fields[5] not in ("200", "499"):  # 499: the client left
                    raise RuntimeError("the farm answers " + line)
                end, took = float(fields[1]), float(fields[2])
                rows.append((fields[0], end - took, end, fields[4]))
        return rows


def cpu_s(pid):
    fields = open(f"/proc/{pid}/stat", encoding="utf-8").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mib(pid):
    return int(re.search(r"VmRSS:\s+(\d+) kB", open(f"/proc/{pid}/status", encoding="utf-8").read()).group(1)) / 1024.0


class Daemon:
    """busbard on a farm, only watching."""

    def __init__(self, farm, gpus=GPUS, fast_ms=500, timeout_ms=5000, stale_ms=8000, reports="never", ring_mib=8):
        self.folder = tempfile.mkdtemp(prefix="busbar-load-")
        nodes = "\n".join(f"  - {{name: node-{n}, kind: tray, parent: rack}}" for n in range(farm.count))
        ca = f", ca_file: {farm.ca}" if farm.tls else ""
        bmcs = "\n".join(
            f"  - {{name: bmc-{n}, url: \"{farm.url(n)}\", node: node-{n}, fast_ms: {fast_ms}, timeout_ms: {timeout_ms}, "
            f"stale_ms: {stale_ms}, reports: {reports}{ca}, gpus: {{count: {gpus}, path: \"{BMC}\", min_w: 200, max_w: 1200}}}}"
            for n in range(farm.count))
        self.conf = os.path.join(self.folder, "busbar.yaml")
        with open(self.conf, "w", encoding="utf-8") as file:
            file.write(f"""rack: {{name: load}}
state_dir: {self.folder}
socket: {self.folder}/busbar.sock
record: {{ring_mib: {ring_mib}}}
control: {{period_ms: 100, mode: observe}}
tree:
  - {{name: rack, kind: rack, limits: [{{window_ms: 1000, limit_w: 10000000}}]}}
{nodes}
bmcs:
{bmcs}
""")

    def __enter__(self):
        self.err = open(os.path.join(self.folder, "err"), "w+", encoding="utf-8")
        self.process = subprocess.Popen([os.path.join(os.environ["BUSBAR_BIN"], "busbard"), "--config", self.conf],
                                        stdout=subprocess.DEVNULL, stderr=self.err)
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.err.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def alive(self):
        if self.process.poll() is not None:
            self.err.seek(0)
            raise RuntimeError("busbard ended: " + self.err.read()[-400:])

    def used(self, warm_s, seconds, begin):
        """CPU seconds over `seconds` after `warm_s`, when begin() is called."""
        time.sleep(warm_s)
        self.alive()
        begin()
        cpu = cpu_s(self.process.pid)
        time.sleep(seconds)
        self.alive()
        return cpu_s(self.process.pid) - cpu

    def measure(self, farm, warm_s, seconds):
        """CPU seconds, GETs and MiB over `seconds` after `warm_s`."""
        began = []
        used = self.used(warm_s, seconds, lambda: began.append(time.time()))
        began, ended, mib = began[0], time.time(), rss_mib(self.process.pid)
        gets = sum(1 for _, _, end, _ in farm.log() if began <= end <= ended)
        return used / (ended - began), gets / (ended - began), mib


class Collectd:
    """Debian's collectd with curl_json on the same BMCs: power, limit and energy of each GPU."""

    def __init__(self, farm, gpus=GPUS, interval_s=0.5, threads=5):
        self.folder = tempfile.mkdtemp(prefix="busbar-collectd-")
        urls = "\n".join(f"""  <URL "{farm.url(n)}{BMC.format(n=g)}">
    Instance "b{n}g{g}"
    VerifyPeer false
    VerifyHost false
    <Key "PowerWatts/Reading">
      Type "gauge"
    </Key>
    <Key "PowerLimitWatts/SetPoint">
      Type "gauge"
    </Key>
    <Key "EnergyJoules/Reading">
      Type "gauge"
    </Key>
  </URL>""" for n in range(farm.count) for g in range(gpus))
        self.conf = os.path.join(self.folder, "collectd.conf")
        with open(self.conf, "w", encoding="utf-8") as file:
            file.write(f"""BaseDir "{self.folder}"
PIDFile "{self.folder}/pid"
PluginDir "/usr/lib/collectd"
TypesDB "/usr/share/collectd/types.db"
Interval {interval_s}
ReadThreads {threads}
LoadPlugin curl_json
<Plugin curl_json>
{urls}
</Plugin>
""")

    def __enter__(self):
        self.process = subprocess.Popen([COLLECTD, "-f", "-C", self.conf], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    used, measure = Daemon.used, Daemon.measure

    def alive(self):
        if self.process.poll() is not None:
            raise RuntimeError("collectd ended")


# ---- results ----

def intervals(rows, began, ended, skip=()):
    """By BMC: seconds between the starts of its successive answers."""
    starts = {}
    for bmc, start, _, path in rows:
        if began <= start <= ended and bmc not in skip and path.endswith("EnvironmentMetrics"):
            starts.setdefault(bmc, []).append(start)
    return {bmc: [b - a for a, b in zip(sorted(times), sorted(times)[1:])] for bmc, times in starts.items()}


def sweeps(rows, began):
    """By BMC: [(whole, sum of its answers)] of each round of its GPUs."""
    by = {}
    for bmc, start, end, path in sorted(rows, key=lambda row: row[1]):
        if start >= began and path.endswith("EnvironmentMetrics"):
            by.setdefault(bmc, []).append((start, end, path))
    rounds = {}
    for bmc, answers in by.items():
        while answers and not answers[0][2].endswith("GPU_0/EnvironmentMetrics"):
            answers.pop(0)
        for i in range(0, len(answers) - GPUS + 1, GPUS):
            part = answers[i:i + GPUS]
            rounds.setdefault(bmc, []).append((part[-1][1] - part[0][0], sum(end - start for start, end, _ in part)))
    return rounds


def sweep(bench, say):
    names = ("redfish_sweep", "redfish_sweep_cpu", "redfish_sweep_rss")
    if not bench.wanted(*names):
        return
    seconds = max(10, bench.seconds)
    with Farm(72, delay="drawn") as farm, Daemon(farm, fast_ms=500, reports="never", ring_mib=32) as daemon:
        began = time.time() + 5.0
        cpu, gets, mib = daemon.measure(farm, 5.0, seconds)
        rounds = sweeps(farm.log(), began)
    whole = max(max(w for w, _ in r[:2]) for r in rounds.values())
    own = max(max(s for _, s in r[:2]) for r in rounds.values())
    say(f"bench: redfish_sweep: {len(rounds)} BMCs, {gets:.0f} GETs a second, the longest sweep {whole:.3f} s, "
        f"the largest BMC's own answers {own:.3f} s")
    if bench.wanted("redfish_sweep"):
        bench.add("redfish_sweep", whole, "s", "the largest BMC's own sum of answers; 72 BMCs of 4 GPUs, limit 1.2 x", own)
    if bench.wanted("redfish_sweep_cpu"):
        bench.add("redfish_sweep_cpu", cpu, "ratio", "limit of 15 % of one core; the same, p50 0.5 s an answer", 0.15)
    if bench.wanted("redfish_sweep_rss"):
        bench.add("redfish_sweep_rss", mib, "MiB", "limit of 100 MiB; the same, record ring of 32 MiB included", 100.0)


def https(bench, say):
    names = ("redfish_https_cpu", "redfish_https_rss", "redfish_https_rate")
    if not bench.wanted(*names):
        return
    with Farm(200, tls=True) as farm, Daemon(farm, gpus=1, fast_ms=100) as daemon:
        cpu, gets, mib = daemon.measure(farm, 8.0, bench.seconds)
    say(f"bench: redfish_https: {gets:.0f} GETs a second over TLS, {100 * cpu:.1f} % of a core, {mib:.1f} MiB")
    if bench.wanted("redfish_https_rate"):
        bench.add("redfish_https_rate", gets, "1/s", "asked for: 200 HTTPS BMCs at 10 polls a second", 2000.0)
    if bench.wanted("redfish_https_cpu"):
        bench.add("redfish_https_cpu", cpu, "ratio", "limit of 30 % of one core; the same", 0.30)
    if bench.wanted("redfish_https_rss"):
        bench.add("redfish_https_rss", mib, "MiB", "limit of 100 MiB; the same", 100.0)


def late(bench, say):
    """A poll is late that comes half a period after its time."""
    for name, delays, skip in (("redfish_late_polls", {}, ()), ("redfish_slow_bmc", {0: 30000}, (address(0),))):
        if not bench.wanted(name):
            continue
        with Farm(200, delay=100, delays=delays) as farm, Daemon(farm, gpus=1, fast_ms=1000, timeout_ms=5000) as daemon:
            began = time.time() + 4.0
            daemon.measure(farm, 4.0, 2 * bench.seconds)
            gaps = intervals(farm.log(), began, began + 2 * bench.seconds, skip)
        lates = sum(1 for times in gaps.values() for gap in times if gap > 1.5)
        polls, worst = sum(len(times) for times in gaps.values()), max(max(times) for times in gaps.values())
        say(f"bench: {name}: {polls} polls of {len(gaps)} BMCs, {lates} late, the longest gap {worst:.3f} s")
        what = "late of all polls: 200 BMCs of 100 ms at 1 Hz" + (", one of them at 30 s" if delays else "")
        bench.add(name, float(lates), "polls", what + "; none may be", None)
        bench.results[-1]["against_value"] = float(polls)
        bench.results[-1]["ratio"] = lates / polls


def beside_collectd(bench, say):
    """At two rates: at the higher one both ask as fast as a BMC's own sensors move on."""
    for hz, mark in ((10, ""), (2, "_2hz")):
        get_name, reading_name = "redfish_cpu_get" + mark, "redfish_cpu_reading" + mark
        if not bench.wanted(get_name, reading_name):
            continue
        if not os.path.exists(COLLECTD) or "not found" in subprocess.run(["ldd", CURL_JSON], capture_output=True, text=True).stdout:
            say("bench: redfish_cpu_* need collectd (packages collectd-core, libyajl2): skipped")
            bench.skipped = True
            return
        period_ms = 1000 // hz
        with Farm(72) as farm:
            with Collectd(farm, interval_s=1.0 / hz) as peer:
                theirs, their_gets, _ = peer.measure(farm, 6.0, bench.seconds)
            with Daemon(farm, fast_ms=period_ms) as daemon:
                ours, our_gets, _ = daemon.measure(farm, 6.0, bench.seconds)
            with Daemon(farm, fast_ms=period_ms, stale_ms=60000, reports="always") as daemon:
                bulk, bulk_gets, _ = daemon.measure(farm, 8.0, bench.seconds)
        get, their_get = 1e6 * ours / our_gets, 1e6 * theirs / their_gets
        say(f"bench: {get_name}: busbard {our_gets:.0f} GETs a second, {get:.0f} us of CPU each; collectd {their_gets:.0f}, "
            f"{their_get:.0f} us; with reports {bulk_gets:.0f} GETs a second at {100 * bulk:.1f} % of a core")
        if bench.wanted(get_name):
            bench.add(get_name, get, "us", f"collectd's curl_json, the same GETs, {hz} a second and GPU", their_get)
        if bench.wanted(reading_name):
            # A report: power, energy and temperature of 4 GPUs. A GET of collectd's: power, limit and energy of one.
            reading, their_reading = 1e6 * bulk / (bulk_gets * GPUS * 3), 1e6 * theirs / (their_gets * 3)
            bench.add(reading_name, reading, "us", f"collectd's curl_json, a GET a GPU, {hz} a second; limit a quarter", their_reading)


def run(bench, say):
    if not bench.wanted("redfish_sweep", "redfish_sweep_cpu", "redfish_sweep_rss", "redfish_https_rate", "redfish_https_cpu",
                        "redfish_https_rss", "redfish_late_polls", "redfish_slow_bmc", "redfish_cpu_get", "redfish_cpu_reading",
                        "redfish_cpu_get_2hz", "redfish_cpu_reading_2hz"):
        return
    if not os.path.exists(NGINX) or not os.path.exists(PERL_MODULE):
        say("bench: redfish_* need nginx (packages nginx-light, libnginx-mod-http-perl): skipped")
        bench.skipped = True
        return
    sweep(bench, say)
    https(bench, say)
    late(bench, say)
    beside_collectd(bench, say)
