"""The programs that stand beside other libraries' print the JSON line that compare.py reads.

    python3 tests/benchmarks/check_side_by_side.py MODEL PROGRAM...

MODEL is a tiny checkpoint; of the programs, product_floor takes the shapes of a known model."""

import json
import pathlib
import subprocess
import sys

MODEL, *PROGRAMS = sys.argv[1:]
failures = 0


def check(good, text):
    global failures
    print(("ok      " if good else "FAILED  ") + text)
    failures += not good


def run(program, *args):
    return subprocess.run([program, *args], capture_output=True, text=True, check=False)


def check_line(program, args, expected, rate):
    """One line, with the sizes that were asked for, a time, and the rate that follows from it."""
    what = f"{pathlib.Path(program).name} {' '.join(args)}"
    found = run(program, *args)
    check(found.returncode == 0 and found.stdout.count("\n") == 1, f"{what} prints a line {found.stderr[:300]}")
    if found.returncode != 0:
        return
    line = json.loads(found.stdout)
    for name, value in expected.items():
        check(line.get(name) == value, f"{name} is {value}: {line.get(name)}")
    check(line["median_s"] > 0 and 0.001 < line["peak_gb"] < 100, f"time and memory: {found.stdout.strip()}")
    if rate:
        name, count = rate
        check(abs(line[name] * line["median_s"] / count - 1) < 1e-6, f"{name} is {count} in the median time")


def check_program(program):
    name = pathlib.Path(program).name
    model = ["--model", MODEL, "--prompt", "3"]
    if name == "training_step_benchmark":
        check_line(program, [*model, "--response", "4", "--pairs", "3", "--responses-per-prompt", "3", "--steps", "2"],
                   {"peer": "prefopt", "pairs": 3, "response": 4}, ("pairs_per_s", 3))
    elif name == "sampling_benchmark":
        check_line(program, [*model, "--batch", "2", "--new", "4", "--repeats", "1"],
                   {"peer": "prefopt", "batch": 2, "new": 4}, ("tokens_per_s", 8))
    elif name == "scoring_benchmark":
        check_line(program, [*model, "--responses", "3", "--response", "4", "--repeats", "1"],
                   {"peer": "prefopt", "prompt": 3, "responses": 3, "response": 4, "dtype": "fp32"},
                   ("tokens_per_s", 12))
    elif name == "product_floor":
        sizes = ["--prompts", "1", "--prompt", "1", "--response", "2", "--repeats", "1"]
        check_line(program, ["--work", "step", "--model", "gpt2", *sizes], {"peer": "floor", "work": "step"}, None)
        check_line(program, ["--work", "log_probs", "--model", "gpt2", *sizes],
                   {"peer": "floor", "work": "log_probs"}, None)
        check_line(program, ["--work", "sampling", "--model", "smollm2", "--batch", "2", "--repeats", "1"],
                   {"peer": "floor", "batch": 2}, ("tokens_per_s", 2))
    known = "gpt2" if name == "product_floor" else MODEL
    check("--dtype" in run(program, "--model", known, "--dtype", "int3").stderr,
          f"{name} names a wrong --dtype")


for each in PROGRAMS:
    check_program(each)
print(f"{failures} failed")
sys.exit(1 if failures else 0)
