"""The curves of benchmarks/scaling: what grows in each, what is expected of it, and how a measured
one is shown."""

import dataclasses
import math

STEP = {"prompt": 16, "response": 64, "pairs": 4, "responses-per-prompt": 2, "dtype": "fp32"}
SAMPLING = {"batch": 16, "prompt": 16, "new": 32, "dtype": "fp32"}
PROMPTS = 2  # of a step where the responses of a prompt grow
LAST = 3  # points that an exponent is fitted to


@dataclasses.dataclass(frozen=True)
class Curve:
    """One thing grows, an option of a program or `model` or `threads`, and the rest stays."""
    name: str
    grows: str
    points: tuple
    axis: str
    unit: str
    expected: tuple  # the exponent, from and to

    @property
    def samples(self):
        return self.name.startswith("sampling")

    @property
    def worst(self):
        """The largest exponent that is expected of a time, the least of a rate."""
        return self.expected[0] if self.samples else self.expected[1]

    def settings(self, point):
        """The program's options at a point, without the model."""
        found = dict(SAMPLING if self.samples else STEP)
        if self.grows in found:
            found[self.grows] = point
        if self.grows == "responses-per-prompt":
            found["pairs"] = PROMPTS * point * (point - 1) // 2
        return found

    def tokens(self, point):
        """Of the longest text."""
        found = self.settings(point)
        return found["prompt"] + found["new" if self.samples else "response"]

    def value(self, point, seconds):
        if self.samples:
            found = self.settings(point)
            return found["batch"] * found["new"] / seconds
        if self.unit == "ms a pair":
            return 1e3 * seconds / self.settings(point)["pairs"]
        if self.unit == "ms a response":
            return 1e3 * seconds / (PROMPTS * point)
        return 1e3 * seconds


def powers(first, last):
    return tuple(2 ** k for k in range(first.bit_length() - 1, last.bit_length()))


def all_curves(models, processors):
    """Of that many models and processors."""
    step, rate, responses = "ms a step", "tokens/s", (2, 3, 4, 6, 8, 12, 16)
    threads = powers(1, processors)
    return [
        Curve("response", "response", powers(32, 1024), "tokens of a response", step, (1, 2)),
        Curve("prompt", "prompt", powers(32, 1024), "tokens of a prompt", step, (0, 2)),
        Curve("pairs", "pairs", powers(1, 32), "pairs of a step", step, (1, 1)),
        Curve("responses_pair", "responses-per-prompt", responses, "responses to a prompt",
              "ms a pair", (-1, -1)),
        Curve("responses_each", "responses-per-prompt", responses, "responses to a prompt",
              "ms a response", (0, 0)),
        Curve("size", "model", tuple(range(models)), "million parameters", step, (1, 1)),
        Curve("threads", "threads", threads, "threads", step, (-1, -1)),
        Curve("dtype", "dtype", ("fp32", "bf16"), "factors in 32 bits (fp32: 1, bf16: 2)", step,
              (-1, 1)),
        Curve("sampling_batch", "batch", powers(1, 64), "texts side by side", rate, (0, 1)),
        Curve("sampling_prompt", "prompt", powers(32, 1024), "tokens of a prompt", rate, (-2, 0)),
        Curve("sampling_new", "new", powers(16, 512), "new tokens", rate, (-1, 0)),
        Curve("sampling_threads", "threads", threads, "threads", rate, (1, 1)),
    ]


def choose(curves, names):
    """Those of these names, separated by commas, in their own order; ValueError for an unknown."""
    wanted = names.split(",")
    unknown = [name for name in wanted if name not in [curve.name for curve in curves]]
    if unknown:
        raise ValueError(f"no curve '{unknown[0]}'; there are "
                         + ", ".join(curve.name for curve in curves))
    return [curve for curve in curves if curve.name in wanted]


def exponent(xs, ys, last=LAST):
    """The slope of log y against log x, by least squares over the last points; None for one."""
    logs = [(math.log(x), math.log(y)) for x, y in zip(xs[-last:], ys[-last:])]
    mean_x = sum(x for x, _ in logs) / len(logs)
    spread = sum((x - mean_x) ** 2 for x, _ in logs)
    return sum((x - mean_x) * y for x, y in logs) / spread if spread > 0 else None


@dataclasses.dataclass(frozen=True)
class Point:
    label: str
    x: float
    value: float  # the median of the repeats
    lowest: float
    highest: float


@dataclasses.dataclass(frozen=True)
class Measured:
    curve: Curve
    points: list

    @property
    def exponent(self):
        return exponent([p.x for p in self.points], [p.value for p in self.points])

    def worse(self, tolerance):
        """Grows faster than expected; a rate: falls faster."""
        if self.exponent is None:
            return False
        over = self.exponent - self.curve.worst
        return (-over if self.curve.samples else over) > tolerance


def short(value):
    """Three digits, or all before the point."""
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def signed(value):
    return "-" if value is None else f"{value:.2f}".replace("-0.00", "0.00")


def expected_text(expected):
    return " to ".join(str(e) for e in sorted(set(expected)))


def table(measured, tolerance):
    """In Markdown, a curve a row."""
    lines = ["| curve | against | at | unit | measured | exponent | expected | |",
             "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    for m in measured:
        cells = [m.curve.name, m.curve.axis, ", ".join(p.label for p in m.points), m.curve.unit,
                 ", ".join(short(p.value) for p in m.points), signed(m.exponent),
                 expected_text(m.curve.expected), "**worse**" if m.worse(tolerance) else ""]
        lines.append("| " + " | ".join(cells).rstrip() + " |")
    return "\n".join(lines) + "\n"


def csv_rows(measured):
    """What scaling.csv holds; `plot` reads it by column."""
    yield ("curve", "against", "label", "x", "unit", "median", "lowest", "highest")
    for m in measured:
        for p in m.points:
            yield (m.curve.name, m.curve.axis, p.label, p.x, m.curve.unit, p.value, p.lowest,
                   p.highest)


def round_values(low, high):
    """1, 2 and 5 times powers of ten, from one that is at most `low` to one at least `high`."""
    values = [m * 10.0 ** k for k in range(math.floor(math.log10(low)) - 1,
                                           math.ceil(math.log10(high)) + 1) for m in (1, 2, 5)]
    first = max(i for i, v in enumerate(values) if v <= low)
    last = min(i for i, v in enumerate(values) if v >= high)
    return values[first:max(last, first + 1) + 1]


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def panel(m):
    """gnuplot's commands for one curve. The dashed line is the worst that is expected."""
    points, fitted = m.points, m.points[-LAST:]
    first, last = fitted[0], fitted[-1]
    guide = first.value * (last.x / first.x) ** m.curve.worst
    heights = [guide] + [y for p in points for y in (p.lowest, p.highest)]
    ticks = round_values(min(heights), max(heights))
    places = ", ".join(f"{quoted(p.label)} {p.x:.6g}" for p in points)
    title = f"{m.curve.name}: {signed(m.exponent)}, expected {expected_text(m.curve.expected)}"
    commands = [
        f"set title {quoted(title)} noenhanced",
        f"set xlabel {quoted(m.curve.axis)} noenhanced",
        f"set ylabel {quoted(m.curve.unit)} noenhanced",
        f"set xrange [{points[0].x / 1.2:.6g}:{points[-1].x * 1.2:.6g}]",
        f"set yrange [{ticks[0] / 1.001:.6g}:{ticks[-1] * 1.001:.6g}]",
        f"set xtics ({places}) noenhanced",
        "set ytics (" + ", ".join(f"'{t:.6g}' {t:.6g}" for t in ticks) + ")",
        "unset arrow",
        f"set arrow from {first.x:.6g},{first.value:.6g} to {last.x:.6g},{guide:.6g} nohead "
        "linecolor '#909090' linewidth 2 dashtype 2",
        f"plot data skip 1 using (strcol(1) eq {quoted(m.curve.name)} ? $4 : NaN):6:7:8 "
        "with yerrorlines linewidth 2 pointtype 7 pointsize 0.6 linecolor "
        + ("'#D55E00'" if m.curve.samples else "'#0072B2'") + " notitle"]
    return "".join(f"  {command}\n" for command in commands)


def plot(measured):
    """A script for gnuplot that draws scaling.png and scaling.svg from scaling.csv."""
    columns = min(4, len(measured))
    rows = -(-len(measured) // columns)
    size = f"{350 * columns},{290 * rows + 40}"
    return ("# Draws the .png and the .svg of this name from the .csv: gnuplot THIS_FILE\n"
            "data = 'scaling.csv'\nset encoding utf8\n"
            "do for [ending in 'png svg'] {\n  reset\n"
            "  set datafile missing NaN\n  set datafile separator comma\n"
            f"  if (ending eq 'png') {{\n    set terminal pngcairo size {size} "
            "font 'DejaVu Sans,10' background '#FFFFFF'\n"
            f"  }} else {{\n    set terminal svg size {size} "
            "font 'DejaVu Sans,10' background '#FFFFFF'\n  }\n"
            "  set output 'scaling.'.ending\n"
            "  set border 3 linecolor '#404040'\n  set tics nomirror textcolor '#404040'\n"
            "  set grid linecolor '#E4E4E4' linetype 1 linewidth 1\n  set logscale xy\n"
            f"  set multiplot layout {rows},{columns} title 'Exponents of the last points. Dashed: "
            "the worst that is expected; bars: the least and the most of the repeats'\n"
            + "".join(panel(m) for m in measured) + "  unset multiplot\n  unset output\n}\n")
