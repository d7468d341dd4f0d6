#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A short slice of the campaign on the links (tests/chaos/links.py), and that its judges see what they are there for."""
import asyncio
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
CHAOS = os.path.join(os.path.dirname(HERE), "chaos")
sys.path.insert(0, CHAOS)

import frames  # noqa: E402
from rack import check, main, skip  # noqa: E402
import troubles  # noqa: E402
import truth  # noqa: E402

SANITIZE = os.environ.get("BUSBAR_SANITIZE", "")
SECONDS = 14


def ramp(stopped=lambda t: False):
    """A supply that gave 100 W more each second, looked at every 50 ms, but for when the judge was stopped."""
    held, before = truth.Truth(), 0.0
    for i in range(200):
        t = i * 0.05
        if not stopped(t):
            held.add(t, t + 0.01, {"psus": {"psu-1-1": {"output_w": [1000.0 + 100.0 * before, 1000.0 + 100.0 * t]}}})
            before = t
    return held


def shown(value, age_ms, status="ok"):
    return {"signal": "psu_output_w", "index": 0, "value": value, "age_ms": age_ms, "status": status}


def judges():
    held = ramp()
    check(truth.judge(held, "psu-1-1", shown(1500.0, 20), 5.0, 5.02, 0.3) is None, "a reading that was held then is none to blame")
    check(truth.judge(held, "psu-1-1-smbus", shown(1300.0, 2000), 5.0, 5.02, 0.3) is None, "an old one that says how old it is neither")
    check("taken" not in str(truth.judge(held, "psu-1-1", shown(1430.0, 20), 5.0, 5.02, 0.3)) and
          truth.judge(held, "psu-1-1", shown(1430.0, 20), 5.0, 5.02, 0.3), "a value of 0.7 s ago that is shown as new is found")
    check(truth.judge(held, "psu-1-1", shown(1800.0, 20), 5.0, 5.02, 0.3), "a value that was never held by then is found")
    check(truth.judge(held, "psu-1-1", shown(None, 20, "timeout"), 5.0, 5.02, 0.3) is NotImplemented, "a bad reading claims nothing")

    place = troubles.Place("psu-1-1", ("serial", "model"))
    check(place.write("x") is None, "a device that was never swapped may be written to")
    place.pull()
    place.insert("NEW", False)
    check(place.write("x"), "a write to a swapped device that said nothing is found")
    place.told("serial")
    check(place.write("x"), "and to one that did not say its model")
    place.told("model")
    check(place.write("x") is None, "one that said both may be written to")
    place.insert("OTHER", True)
    place.told("serial")
    place.told("model")
    check(place.write("x"), "a write to another model is found whatever it said")


def blind():
    """What a machine that is too busy hides from the judge is nobody's fault."""
    held = ramp(stopped=lambda t: 4.0 < t < 4.8)
    check(truth.judge(held, "psu-1-1", shown(1390.0, 20), 4.9, 4.92, 0.3) is NotImplemented, "nobody knows what was held unseen")
    check(truth.judge(held, "psu-1-1", shown(1800.0, 20), 9.0, 9.02, 0.3), "and what was held while somebody looked is judged still")
    check(truth.judge(ramp(), "psu-1-1", shown(1400.0, 2500), 5.0, 5.02, 0.3) is NotImplemented,
          "a value that is newer than it says proves nothing")
    held = ramp()
    held.add(10.0, 10.01, {"psus": {"psu-1-1": {"output_w": [1990.0, 2600.0]}}})  # for a moment, between two looks
    for i in range(1, 20):
        held.add(10.0 + i * 0.05, 10.01 + i * 0.05, {"psus": {"psu-1-1": {"output_w": [2000.0, 2000.0]}}})
    check(truth.judge(held, "psu-1-1", shown(2600.0, 50), 10.05, 10.06, 0.3) is None, "what was held between two looks was held")
    check("2600 0.49 s ago" in str(truth.judge(held, "psu-1-1", shown(2600.0, 50), 10.5, 10.51, 0.3)), "and not for long")


def in_order():
    """A wire that had to wait itself sends the rest of a late answer first, and then the next one."""
    async def play():
        wire = frames.FrameWire("wire", random.Random(1), {}, lambda text: None)
        wire.unit, sent = lambda frame: 0, []
        wire.trouble = troubles.Trouble("trickle", 1.0, 1.0, 0.02)
        wire.on_answer(b"first", None, sent.append)
        time.sleep(0.01)  # the machine is busy elsewhere: what is late is overdue, and the loop has not come to it
        wire.trouble = None
        wire.on_answer(b"second", None, sent.append)
        await asyncio.sleep(0.1)
        wire.trouble = troubles.Trouble("delay", 1.0, 1.0, 0.02)
        for frame in (b"third", b"fourth", b"fifth"):
            wire.on_answer(frame, None, sent.append)
        await asyncio.sleep(0.3)
        return b"".join(sent)

    check(asyncio.run(play()) == b"firstsecondthirdfourthfifth", "bytes of two answers are never mixed, and answers never change places")


def explain(document, errors):
    """What failed, each once and on its own: all else is how often."""
    for failure in document["failures"][:4]:
        print(f"---- {failure['what']}\n     while: {'; '.join(failure['trouble']) or 'no trouble'}\n     again: {failure['repeat']}")
    if len(document["failures"]) > 4:
        print(f"---- and {len(document['failures']) - 4} more")
    if not document["failures"]:
        print(errors[-4000:])


def test():
    judges()
    blind()
    in_order()
    if "thread" in SANITIZE:
        skip("a sanitized daemon meets the same links in the address sanitizer's build, which sees leaks as well")
    if not shutil.which("openssl"):
        skip("openssl is needed for a certificate that has run out (apt-get install openssl)")
    done = subprocess.run([sys.executable, os.path.join(CHAOS, "links.py"), "--minutes", str(SECONDS / 60), "--json", "--quiet"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode not in (0, 1) or not done.stdout.strip().startswith("{"):
        print(done.stdout[-2000:], done.stderr[-8000:], sep="\n")
        check(False, f"the campaign could be played: it ended with {done.returncode}")
    document = json.loads(done.stdout)
    print(json.dumps({key: value for key, value in document.items() if key != "failures"}))
    if document["violations"]:
        explain(document, done.stderr)
    check(document["violations"] == 0, "nothing was violated" + "".join(
        "; " + re.sub(r"\s+", " ", failure["what"])[:200] for failure in document["failures"][:3]))
    check(len({name.split('/')[0] for name in document["faults"]}) == len(troubles.KINDS), "every link was in trouble")
    check(document["readings_judged"] > 100 and document["writes"] > 0, "readings were judged, and there was something to write")


main(test)
