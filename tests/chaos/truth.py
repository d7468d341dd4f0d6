# SPDX-License-Identifier: Apache-2.0
"""What every sensor truly held, and when; and whether a reading that is shown as good could have been read when it says.

The load is a zigzag, so a value tells its time: one that is older than it says is another value."""
import bisect
import math

KEPT_S = 40.0
# Longer than this nobody looked: of what a sensor held meanwhile only the extremes are known, and not when. On a machine that
# is busy elsewhere that is common, and no fault of the daemon's.
BLIND_S = 0.25


class Series:
    """One sensor. A sample is the least and the most that it held since the sample before, the moments of both included."""

    def __init__(self):
        self.asked, self.answered, self.values = [], [], []

    def add(self, asked, answered, values):
        self.asked.append(asked)
        self.answered.append(answered)
        self.values.append(values)
        if len(self.values) > 4096:
            cut = bisect.bisect_left(self.answered, answered - KEPT_S)
            del self.asked[:cut], self.answered[:cut], self.values[:cut]

    def part(self, first, last):
        """Indices of the samples that cover from `first` to `last`; None: they do not."""
        low = bisect.bisect_right(self.answered, first) - 1
        high = bisect.bisect_left(self.asked, last)
        return (low + 1, high) if low >= 0 and high < len(self.values) else None

    def span(self, first, last):
        """Lowest and highest value that can have been held from `first` to `last`; None: it is not known.

        A simulator that the machine kept from running, or a judge, shows as a gap between samples, and the devices' own
        measurements were as late."""
        part = self.part(first, last)
        if part:
            part = self.part(first - self.gap(part), last)
        if not part or self.gap(part) > BLIND_S:
            return None
        values = self.values[part[0]:part[1] + 1]
        return min(low for low, _ in values), max(high for _, high in values)

    def gap(self, part):
        """The longest time in it of which only the extremes are known: a sample was taken at any time of its exchange."""
        return max((self.answered[i] - self.asked[i - 1] for i in range(max(part[0], 1), part[1] + 1)), default=math.inf)


class Truth:
    def __init__(self):
        self.series = {}

    def add(self, asked, answered, document):
        """A `spans` of the simulator's control socket."""
        for kind in ("gpus", "psus", "bbus"):
            for name, one in document.get(kind, {}).items():
                for key, values in one.items():
                    if None not in values:
                        self.series.setdefault((name, key), Series()).add(asked, answered, values)


# signal: (key of the simulator's answer, absolute tolerance, relative tolerance: what the wire's format rounds)
SENSORS = {
    "psu_output_w": ("output_w", 1.0, 0.002),
    "psu_input_w": ("input_w", 1.0, 0.002),
    "bbu_pack_v": ("pack_v", 0.01, 0.001),
    "gpu_power_w": ("reading_w", 1.0, 0.001),
    "gpu_energy_j": ("energy_j", 1.0, 1e-6),
    "gpu_power_limit_w": ("limit_w", 0.6, 0.0),
}
# A module measures every 20 ms and a board every 100 ms; the rest is for two clocks being read one after the other.
LAG_S = 0.13


def judge(truth, device, reading, asked, answered, longest_s):
    """Could this reading have been read when it says? None: yes; else a sentence. NotImplemented: nobody knows.

    The daemon was asked between `asked` and `answered`; `longest_s` is the longest that one transaction takes. A value that
    is newer than it says proves nothing either way: a daemon that had to wait between looking at the clock and asking, or
    in the middle of a transaction, is not to blame, and nobody sees from outside that it had to."""
    sensor = SENSORS.get(reading["signal"])
    if sensor is None or reading["status"] != "ok" or reading["value"] is None or reading["age_ms"] is None:
        return NotImplemented
    key, absolute, relative = sensor
    name = device.removesuffix("-smbus")
    if reading["signal"].startswith("gpu_"):
        name = f"{name}.gpu-{reading['index']}"
    series = truth.series.get((name, key))
    age_s = reading["age_ms"] / 1000.0
    first, last = asked - age_s - LAG_S, answered + LAG_S
    in_time = min(answered, answered - age_s + longest_s) + LAG_S
    for until in (in_time, last):
        span = series.span(first, until) if series else None
        if span is None:
            return NotImplemented
        slack = absolute + relative * max(abs(span[0]), abs(span[1]))
        if span[0] - slack <= reading["value"] <= span[1] + slack:
            return None if until == in_time else NotImplemented
    when = held(series, reading["value"], slack)
    return (f"{device} {reading['signal']} {reading['index']}: {reading['value']:g} is shown as {age_s:.3f} s old; then it held "
            f"{span[0]:g} to {span[1]:g}" + (f", and {reading['value']:g} {asked - when:.2f} s ago" if when else ""))


def held(series, value, slack):
    """When the sensor last held this value, or None."""
    for answered, (low, high) in zip(reversed(series.answered), reversed(series.values)):
        if low - slack <= value <= high + slack:
            return answered
    return None


def zigzag(seconds, rng, low_w, high_w):
    """The load as a trace of one server of eight: straight lines up and down, no two alike."""
    t, up, rows = 0.0, True, [(0.0, low_w)]
    while t < seconds:
        t += rng.uniform(2.0, 4.5)
        middle = (low_w + high_w) / 2
        rows.append((t, rng.uniform(middle, high_w) if up else rng.uniform(low_w, middle)))
        up = not up
    return "t_s,w\n" + "".join(f"{t:.2f},{math.floor(w)}\n" for t, w in rows)
