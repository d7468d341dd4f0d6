# SPDX-License-Identifier: Apache-2.0
"""A simulated rack with busbard on it, for tests: started, asked, ended.

Everything lives in one temporary folder, listens on loopback, ptys and UNIX
sockets only, and is ended when the `with` block is left."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

SOURCE = os.environ.get("BUSBAR_SOURCE") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("BUSBAR_BIN") or os.path.join(SOURCE, "build", "release", "bin")
DATA = os.environ.get("BUSBAR_DATA") or os.path.join(SOURCE, "..", "shared", "data")
SANITIZED = bool(os.environ.get("BUSBAR_SANITIZE"))
# A sanitized program on a busy machine is several times slower: waits, never checks, stretch.
PATIENCE = 6.0 if SANITIZED else 3.0


class Failed(Exception):
    pass


def tied(command):
    """The same, and the kernel ends it when the test itself is killed: a daemon that stayed would open its line again
    under the name that another test's has got by then. By the end of the thread that starts it: only the main one lasts."""
    return ["setpriv", "--pdeathsig", "KILL", "--"] * (threading.current_thread() is threading.main_thread()) + command


def check(condition, text):
    """A check of the test: its text is the sentence that must hold."""
    if not condition:
        raise Failed(text)
    print(f"ok: {text}", flush=True)


def skip(reason):
    print(f"skip: {reason}", flush=True)
    sys.exit(77)


def wait_for(what, condition, seconds=20.0, every=0.1):
    """Polls until condition() is true; returns what it gave. Patient: fails only when it never comes."""
    deadline = time.monotonic() + seconds * PATIENCE
    last = None
    while time.monotonic() < deadline:
        last = condition()
        if last:
            return last
        time.sleep(every)
    raise Failed(f"never saw: {what} (waited {seconds * PATIENCE:.0f} s, last {last!r})")


def children(pid):
    """Numbers of the processes that a process has started and that still run."""
    try:
        return open(f"/proc/{pid}/task/{pid}/children").read().split()
    except OSError:
        return []


def wait_steady(what, read, seconds=3.0, most=60.0):
    """Waits until read() gives the same for `seconds`, and returns that: whatever was on its way has landed."""
    deadline = time.monotonic() + most * PATIENCE
    last, since = read(), time.monotonic()
    while time.monotonic() - since < seconds:
        if time.monotonic() > deadline:
            raise Failed(f"never came to rest: {what}, last {last!r}")
        time.sleep(0.2)
        now = read()
        if now != last:
            last, since = now, time.monotonic()
    return last


class Rack:
    def __init__(self, rack="orv3", serve=(), edit=None, control_period_ms=None):
        self.folder = tempfile.mkdtemp(prefix="busbar-test-")
        self.run_dir = os.path.join(self.folder, "run")
        self.config = os.path.join(self.folder, "busbar.yaml")
        self.ctl_path = os.path.join(self.folder, "ctl")
        self.rack = os.path.join(SOURCE, "config", "racks", rack + ".yaml")
        self.serve_options = list(serve)
        self.edit = edit
        self.period_ms = control_period_ms
        self.prefix = []  # a program that runs busbard: valgrind and its options
        self.sim = self.daemon = None
        self.sim_log = open(os.path.join(self.folder, "sim.log"), "w+")
        self.daemon_log = open(os.path.join(self.folder, "busbard.log"), "w+")

    # ---- life ----
    def __enter__(self):
        try:
            return self.serve()
        except BaseException:
            self.__exit__(*sys.exc_info())  # what is not entered is not left: nothing may stay behind
            raise

    def serve(self):
        os.makedirs(self.run_dir, exist_ok=True)
        self.sim = subprocess.Popen(
            tied([os.path.join(BIN, "busbarsim"), "serve", self.rack, "--run-dir", self.run_dir, "--write-config", self.config,
                  "--ctl", self.ctl_path] + self.serve_options),
            stdout=self.sim_log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        wait_for("the simulator is ready", lambda: self.ended(self.sim, "busbarsim", self.sim_log) or self.ready(), 20)
        text = open(self.config).read()
        if self.period_ms:
            text = text.replace("period_ms: 10\n", f"period_ms: {self.period_ms}\n", 1)
        if self.edit:
            text = self.edit(text)
        open(self.config, "w").write(text)
        return self

    def ready(self):
        try:
            return os.path.exists(self.config) and self.ctl("status") is not None
        except (OSError, ValueError):
            return False

    def __exit__(self, kind, value, trace):
        stuck = [process.args[0] for process in (self.daemon, self.sim) if not self.end(process)]
        if kind and kind is not SystemExit:
            for name, log in (("busbarsim", self.sim_log), ("busbard", self.daemon_log)):
                log.flush()
                lines = open(log.name).read().splitlines()
                print(f"---- {name}, last lines", *lines[-40:], sep="\n")
        self.sim_log.close()
        self.daemon_log.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        if stuck and not kind:
            raise Failed(f"{' and '.join(stuck)} did not end on SIGTERM")
        return False

    @staticmethod
    def end(process, seconds=30):
        """Ends a process, by force if it must be; false: it had to be."""
        if process and process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            try:
                process.wait(seconds * PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                return False
        return True

    @staticmethod
    def ended(process, name, log):
        if process.poll() is not None:
            log.flush()
            raise Failed(f"{name} ended with {process.returncode}:\n" + open(log.name).read()[-3000:])
        return False

    # ---- the simulator ----
    def ctl(self, *lines):
        """Lines to the simulator's control socket; the JSON answer to the last.

        What is sent together is done together: no bus gets a turn in between."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(20 * PATIENCE)
            s.connect(self.ctl_path)
            s.sendall("".join(line + "\n" for line in lines).encode())
            text = b""
            while text.count(b"\n") < len(lines):
                more = s.recv(65536)
                if not more:
                    break
                text += more
        answers = [json.loads(answer) for answer in text.splitlines()]
        for line, answer in zip(lines, answers, strict=True):
            if answer.get("ok") is False:
                raise Failed(f"the simulator refused {line!r}: {answer}")
        return answers[-1]

    def names(self, prefix):
        """Configured devices whose name begins so; a supply's SMBus side is the same supply."""
        found = re.findall(r"(?m)^\s*- *\{? *name: *([\w-]+)", open(self.config).read())
        return [name for name in found if name.startswith(prefix) and not name.endswith("-smbus")]

    def gpus(self):
        """Every GPU's true state: {"bmc-1.gpu-0": {"limit_w": ...}}."""
        return {f"{bmc}.gpu-{i}": gpu for bmc in self.names("bmc-")
                for i, gpu in enumerate(self.ctl(f"read {bmc}")["gpus"])}

    def limits(self):
        return {name: gpu["limit_w"] for name, gpu in self.gpus().items()}

    def writable(self):
        """What every device holds, as far as a master may write it, read from the devices."""
        psus = {name: self.ctl(f"read {name}") for name in self.names("psu-")}
        bbus = {name: self.ctl(f"read {name}") for name in self.names("bbu-")}
        return {"gpus": self.limits(),
                "psus": {n: (p["write_enable"], p["setpoint_v"], p["input_warn_w"]) for n, p in psus.items()},
                "bbus": {n: (b["override_on"], b["override_a"], b["override_timeout_s"]) for n, b in bbus.items()}}

    def envelope_rows(self):
        return [row for row in self.ctl("meter")["limits"] if row["node"] == "rack"]

    # ---- the daemon ----
    def start(self, *options):
        self.daemon = subprocess.Popen(tied(self.prefix + [os.path.join(BIN, "busbard"), "--config", self.config] + list(options)),
                                       stdout=self.daemon_log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        wait_for("the daemon answers", lambda: self.ended(self.daemon, "busbard", self.daemon_log) or self.answers(), 30)
        return self.daemon

    def answers(self):
        return self.run("status", "--json")[0] in (0, 1)

    def stop(self, number=signal.SIGTERM):
        self.daemon.send_signal(number)
        code = self.daemon.wait(40 * PATIENCE)
        self.daemon = None
        return code

    def restore(self, *options):
        done = subprocess.run([os.path.join(BIN, "busbard"), "--config", self.config, "--restore", *options],
                              capture_output=True, text=True, timeout=120 * PATIENCE)
        return done.returncode, done.stdout, done.stderr

    @property
    def socket(self):
        for line in open(self.config):
            if line.startswith("socket:"):
                return line.split(":", 1)[1].strip()
        raise Failed("the configuration names no socket")

    def run(self, *arguments):
        """busbarctl; returns status, standard output, standard error."""
        done = subprocess.run([os.path.join(BIN, "busbarctl"), "--socket", self.socket, *arguments],
                              capture_output=True, text=True, timeout=60 * PATIENCE)
        return done.returncode, done.stdout, done.stderr

    def ask(self, *arguments):
        """busbarctl ... --json as a document. 503 is "not now" (before the first tick, while a reload is under way)."""
        code, out, err = self.run(*arguments, "--json")
        deadline = time.monotonic() + 20 * PATIENCE
        while code == 2 and "(503)" in err and time.monotonic() < deadline:
            time.sleep(0.1)
            code, out, err = self.run(*arguments, "--json")
        if code not in (0, 1):
            raise Failed(f"busbarctl {' '.join(arguments)}: status {code}: {err}")
        return json.loads(out)

    def device(self, name):
        return self.ask("devices", name)["devices"][0]

    def wait_good(self, seconds=40):
        wait_for("every device is read", lambda: self.ask("status")["devices"]["stale"] == 0
                 and self.ask("status")["devices"]["unread"] == 0, seconds)

    def control(self, seconds=60):
        """Switches to control and waits until every first limit was read back."""
        code, out, err = self.run("mode", "control")
        check(code == 0, "the operator may say control")
        wait_for("armed", lambda: self.ask("status")["armed"], seconds)

    def wait_log(self, *texts, seconds=20, lines=1):
        """Waits for log lines that hold all of `texts`. A thread of its own writes the log, from a queue: whatever else
        said so already (the API, a device) says nothing about the line being there."""
        return wait_for(f"{lines} lines of the log with {' and '.join(texts)}", lambda: self.log_lines(*texts)
                        if len(self.log_lines(*texts)) >= lines else None, seconds)

    def log_lines(self, *texts):
        return [line for line in self.log_text().splitlines() if all(text in line for text in texts)]

    def log_text(self):
        self.daemon_log.flush()
        return open(self.daemon_log.name).read()


def main(test):
    try:
        test()
    except Failed as failure:
        print(f"FAILED: {failure}", flush=True)
        sys.exit(1)
    print("all held", flush=True)
