"""benchmarks/scaling from end to end, with tiny models: what it prints, writes and refuses.

    python3 tests/benchmarks/check_scaling.py PROGRAMS [CURVES]
"""

import csv
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks" / "support"))
import random_checkpoint  # noqa: E402

failures = 0


def check(good, text):
    global failures
    print(("ok      " if good else "FAILED  ") + text)
    failures += not good


def scaling(*args, env=None):
    return subprocess.run([sys.executable, "-B", ROOT / "benchmarks" / "scaling", "--programs",
                           sys.argv[1], "--threads", "1", "--repeats", "1", "--steps", "1",
                           "--points", "2", *map(str, args)],
                          capture_output=True, text=True, check=False, env=env)


def refused(code, words, *args):
    result = scaling(*args)
    check(result.returncode == code and words in result.stderr and not result.stdout,
          f"exit code {code}, naming {words}: {result.stderr.strip().splitlines()[-1]}")


def check_whole(folder, models, names):
    out = folder / "results" / "out"
    result = scaling(*models, "--curves", ",".join(names), "--out", out)
    check(result.returncode == 0, f"the curves are measured {result.stderr[-500:]}")
    rows = [line.split(" | ")[0] for line in result.stdout.splitlines() if line.startswith("| ")]
    check(rows[2:] == [f"| {name}" for name in names], f"a row for each curve {result.stdout}")
    check("left" in result.stderr and "1/" in result.stderr, "progress is told")
    with open(out / "scaling.csv", encoding="utf-8") as file:
        points = list(csv.DictReader(file))
    check({point["curve"] for point in points} == set(names)
          and all(float(p["lowest"]) <= float(p["median"]) <= float(p["highest"]) for p in points),
          "and in scaling.csv")
    drawn = sorted(path.name for path in out.iterdir())
    if shutil.which("gnuplot"):
        check(drawn == ["scaling.csv", "scaling.gp", "scaling.png", "scaling.svg"], f"{drawn}")
        check((out / "scaling.png").read_bytes().startswith(b"\x89PNG")
              and "</svg>" in (out / "scaling.svg").read_text(encoding="utf-8"), "are pictures")
    refused(2, "is there already", *models, "--out", out)


def check_without_gnuplot(folder, models):
    out = folder / "bare"
    result = scaling(*models, "--curves", "pairs", "--out", out,
                     env={**os.environ, "PATH": str(folder)})
    check(result.returncode == 0 and "gnuplot was not found" in result.stderr
          and [path.name for path in out.iterdir()] == ["scaling.csv"], "the CSV alone")


def check_refused(folder, models):
    refused(2, "no curve 'pears'", "--curves", "pears")
    refused(2, "--model", "--model", folder / "absent")
    refused(2, "--programs", *models, "--programs", folder)
    refused(2, "--repeats: is '0'", "--repeats", "0")
    refused(2, "--tolerance: is 'x'", "--tolerance", "x")
    refused(2, "no folder can be made", *models, "--out", folder / "2" / "config.json" / "out")
    broken = folder / "broken"
    shutil.copytree(folder / "2", broken)
    (broken / "model.safetensors").write_bytes(b"")
    refused(1, "training_step_benchmark --model", "--model", broken, "--curves", "pairs", "--out",
            folder / "never")
    check(not any("never" in path.name for path in folder.iterdir()), "and nothing is written")


with tempfile.TemporaryDirectory() as temporary:
    folder = pathlib.Path(temporary)
    models = []
    for layers in (1, 2):
        models += ["--model", random_checkpoint.write(folder / str(layers), layers, width=16,
                                                      heads=2, vocabulary=50, positions=128)]
    listed = [line.split()[0] for line in scaling("--list").stdout.splitlines()]
    check(len(listed) == 12, f"--list: {', '.join(listed)}")
    check_whole(folder, models, sys.argv[2].split(",") if len(sys.argv) > 2 else listed)
    check_without_gnuplot(folder, models)
    check_refused(folder, models)
print(f"{failures} failed")
sys.exit(1 if failures else 0)
