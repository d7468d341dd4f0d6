#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The installed service under a real systemd, in a container: start, control, watchdog, orderly stop, restore."""
import hashlib
import os
import shutil
import subprocess
import tempfile

from rack import BIN, SANITIZED, SOURCE, check, main, skip

PROBE = r"""#!/bin/bash
# Runs inside the container, ends with "probe: ok" on the console.
fail() { echo "probe: FAILED: $*"; journalctl -u busbard -u rack --no-pager -n 60; exit 1; }
until_() { for _ in $(seq 1 $((3 * $1))); do # half seconds on a quick machine
    eval "$2" && return 0; sleep 0.5; done; return 1; }
systemctl start rack.service || fail "the simulated rack does not start"
until_ 40 'test -s /etc/busbar/busbar.yaml' || fail "no configuration was written"
systemctl start busbard.service || fail "the service does not start"
systemctl is-active -q busbard || fail "the service is not active"
echo "probe: started, exposure and sandbox accepted"
until_ 80 'busbarctl status --json | jq -e ".devices.unread == 0 and .devices.stale == 0" >/dev/null' || fail "devices are not read: $(busbarctl status)"
busbarctl mode control || fail "control was refused"
until_ 120 'busbarctl status --json | jq -e .armed >/dev/null' || fail "never armed: $(busbarctl status)"
echo "probe: armed"
pid=$(systemctl show -p MainPID --value busbard)
kill -STOP $pid
until_ 40 'test "$(systemctl show -p MainPID --value busbard)" != '$pid || fail "the watchdog did not act on a frozen daemon"
until_ 60 'systemctl is-active -q busbard' || fail "the service did not come back"
until_ 60 'busbarctl status --json | jq -e ".mode_wanted == \"control\"" >/dev/null' || fail "the mode was lost"
until_ 40 'journalctl -u busbard --no-pager | grep -qi watchdog' || fail "the journal does not name the watchdog"
echo "probe: watchdog restarted it, the mode is kept"
until_ 120 'busbarctl status --json | jq -e .armed >/dev/null' || fail "never armed again: $(busbarctl status)"
echo "load idle" | socat -t5 - UNIX-CONNECT:/run/rack/ctl
systemctl stop busbard.service
systemctl is-failed -q busbard && fail "an orderly stop is a failed unit"
echo "probe: stopped, the unit is not failed"
until_ 40 'journalctl -u busbard --no-pager | grep -Eqi "restored|left"' || fail "the stop step did not restore"
echo "probe: ok"
"""

RACK_SERVICE = """[Unit]
Description=Simulated rack
[Service]
User=busbar
RuntimeDirectory=rack
RuntimeDirectoryPreserve=yes
ExecStart=/usr/bin/busbarsim serve /usr/share/busbar/racks/orv3.yaml --run-dir /run/rack --write-config /run/rack/busbar.yaml --ctl /run/rack/ctl --load trace --envelope-w 11000
ExecStartPost=+/bin/sh -c 'for i in $$(seq 1 100); do test -S /run/rack/ctl && break; sleep 0.5; done; sed -e "s,^state_dir:.*,state_dir: /var/lib/busbar," -e "s,^socket:.*,socket: /run/busbar/busbar.sock," /run/rack/busbar.yaml > /etc/busbar/busbar.yaml'
[Install]
WantedBy=multi-user.target
"""

PROBE_SERVICE = """[Unit]
Description=Probe
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/probe
StandardOutput=file:/probe.log
StandardError=inherit
ExecStopPost=/bin/systemctl --no-block poweroff
[Install]
WantedBy=multi-user.target
"""

LIBRARIES = ("systemd,systemd-sysv,dbus,libevent-2.1-7,libevent-pthreads-2.1-7,libcurl4,libi2c0,libmodbus5,libjson-c5,"
             "libyaml-0-2,libsystemd0,zlib1g,libncursesw6,libtinfo6,jq,socat")


def root_archive():
    """A small Debian, made once a build folder and list of libraries."""
    path = os.path.join(SOURCE, "build", f"systemd-root-{hashlib.sha256(LIBRARIES.encode()).hexdigest()[:8]}.tar")
    if not os.path.exists(path):
        new = f"{path[:-4]}.{os.getpid()}.tar"
        made = subprocess.run(["mmdebstrap", "--variant=minbase", f"--include={LIBRARIES}", "bookworm", new],
                              capture_output=True, text=True)
        if made.returncode:
            skip("no container can be made here: " + (made.stderr.strip().splitlines() or ["mmdebstrap failed"])[-1])
        os.rename(new, path)
    return path


def test():
    if SANITIZED:
        skip("the release build is what is installed")
    if os.getuid() != 0:
        skip("booting a container needs root")
    for tool in ("systemd-nspawn", "mmdebstrap"):
        if not shutil.which(tool):
            skip(f"{tool} is not installed")
    archive = root_archive()
    with tempfile.TemporaryDirectory() as folder:
        root = os.path.join(folder, "root")
        os.mkdir(root)
        subprocess.run(["tar", "xf", archive, "-C", root], check=True)
        try:
            subprocess.run(["systemd-nspawn", "-q", "-D", root, "--register=no", "--keep-unit", "--pipe", "true"], check=True,
                           capture_output=True, text=True, timeout=60)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            skip(f"containers cannot run here: {error}")
        done = subprocess.run(["cmake", "--install", os.environ["BUSBAR_BUILD"], "--prefix", "/usr"],
                              env=dict(os.environ, DESTDIR=root), capture_output=True, text=True)
        check(done.returncode == 0, "it installs into a system root")
        for name, content in (("etc/systemd/system/rack.service", RACK_SERVICE), ("etc/systemd/system/probe.service", PROBE_SERVICE),
                              ("probe", PROBE)):
            path = os.path.join(root, name)
            open(path, "w").write(content)
            os.chmod(path, 0o755 if name == "probe" else 0o644)
        # The simulator's ptys are of the class pts, which a real rack's unit needs not open.
        drop = os.path.join(root, "etc/systemd/system/busbard.service.d")
        os.makedirs(drop, exist_ok=True)
        open(os.path.join(drop, "pty.conf"), "w").write("[Service]\nDeviceAllow=char-pts rw\n")
        wants = os.path.join(root, "etc/systemd/system/multi-user.target.wants")
        os.makedirs(wants, exist_ok=True)
        os.symlink("/etc/systemd/system/probe.service", os.path.join(wants, "probe.service"))
        boot = subprocess.run(["systemd-nspawn", "-q", "-D", root, "--register=no", "--keep-unit", "-b", "--private-network",
                               "--system-call-filter=@memlock @resources"],
                              capture_output=True, text=True, errors="replace", timeout=540, stdin=subprocess.DEVNULL)
        path = os.path.join(root, "probe.log")
        log = open(path, errors="replace").read() if os.path.exists(path) else boot.stdout[-3000:] + boot.stderr[-1000:]
        print(log)
        check("probe: ok" in log, "the service passed under a real systemd")


main(test)
