"""The program `prefopt` under mpirun: it trains as one process does, whatever the number of ranks, a
checkpoint of N resumes on M, and a rank that is stopped, killed or fails takes the others with it.

    check_programs.py PROGRAM MPIEXEC
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from tool import MODEL, PROGRAM, check, done, rows_of, run, write  # noqa: E402

MPIEXEC = sys.argv[2]
TIMES = {"tokens_per_second", "step_seconds"}


def ranks(size, *args, text=None):
    return subprocess.run([MPIEXEC, "-n", str(size), PROGRAM, *map(str, args)], input=text,
                          capture_output=True, text=True, check=False, timeout=120)


def metrics(out):
    return [{k: v for k, v in row.items() if k not in TIMES}
            for row in rows_of((out / "metrics.jsonl").read_text())]


def far(found, expected):
    """The largest difference of two lists of metrics, of values over 1 as a share of them; of lists
    that do not match, infinity."""
    if [list(row) for row in found] != [list(row) for row in expected]:
        return float("inf")
    return max(abs(a[name] - b[name]) / max(1.0, abs(b[name]))
               for a, b in zip(found, expected) for name in a)


def pairs(work):
    rows = [{"prompt": f"The {film} is", "chosen": f" good {i}", "rejected": f" bad {i}",
             "score_chosen": 2.5 + i, "score_rejected": 1}
            for i, film in enumerate(["film", "plot", "cast", "end"] * 3)]
    return write(work / "pairs.jsonl", rows)


def train(data, out, *more):
    return ["train", "--model", MODEL, "--data", data, "--held-out", data, "--out", out, "--threads",
            "1", "--learning-rate", "1e-3", "--batch", "5", "--epochs", "4", *more]


def check_training(work):
    data = pairs(work)
    more = ["--loss", "odpo", "--accumulate", "2", "--evaluate-every", "3"]
    result = run(*train(data, work / "alone", *more))
    check(result.returncode == 0, f"one process trains {result.stderr[-500:]}")
    expected = metrics(work / "alone")
    for size in [1, 2, 4]:
        out = work / f"ranks{size}"
        result = ranks(size, *train(data, out, *more))
        check(result.returncode == 0, f"{size} ranks train {result.stderr[-500:]}")
        difference = far(metrics(out), expected)
        check(difference < 1e-6 and (size > 1 or difference == 0.0),
              f"{size} ranks have the metrics of one process: {difference:.1e}")
        check((out / "checkpoint" / "model.safetensors").exists(), "and one of them wrote the model")
        check(result.stdout.count("metrics.jsonl") == 1, "and told of it once")
        for name in ["reference_log_probs.json", "reference_log_probs.held_out.json"]:
            check((out / name).read_bytes() == (work / "alone" / name).read_bytes(),
                  f"and {name} is that of one process")
    out = work / "resumed"
    check(ranks(3, *train(data, out, *more, "--max-steps", "4")).returncode == 0, "3 ranks, 4 steps")
    result = ranks(2, *train(data, out, *more, "--resume"))
    again = [row for row in metrics(out) if "loss" in row]
    check(result.returncode == 0 and far(again, [r for r in expected if "loss" in r]) < 1e-6,
          f"and 2 ranks go on with it {result.stderr[-500:]}")


def check_other_trainers(work):
    texts = write(work / "texts.jsonl", [{"text": f"The film was seen {i * i} times."}
                                         for i in range(11)])
    for size, out in [(0, work / "sft0"), (2, work / "sft2")]:
        args = ["sft", "--model", MODEL, "--data", texts, "--held-out", texts, "--out", out,
                "--batch", "4", "--threads", "1"]
        result = ranks(size, *args) if size else run(*args)
        check(result.returncode == 0, f"sft {result.stderr[-500:]}")
    check(far(metrics(work / "sft2"), metrics(work / "sft0")) < 1e-6, "2 ranks learn texts as one")


def check_sampling(work):
    prompts = write(work / "prompts.jsonl", [{"prompt": f"The film {i} is"} for i in range(7)])
    base = ["sample", "--model", MODEL, "--prompts", prompts, "--responses", "3", "--threads", "1",
            "--max-new-tokens", "12", "--seed", "5"]
    check(run(*base, "--output", work / "alone.jsonl").returncode == 0, "one process samples")
    for size in [2, 4]:
        out = work / f"sampled{size}.jsonl"
        result = ranks(size, *base, "--output", out)
        check(result.returncode == 0 and out.read_bytes() == (work / "alone.jsonl").read_bytes(),
              f"{size} ranks sample the same bytes {result.stderr[-500:]}")


def check_scoring(work):
    prompts = write(work / "openings.jsonl", [{"prompt": f"The plot {i} is"} for i in range(5)])
    sampled = work / "sampled.jsonl"
    args = ["sample", "--model", MODEL, "--prompts", prompts, "--responses", "3", "--threads", "1",
            "--max-new-tokens", "9", "--output", sampled]
    check(run(*args).returncode == 0, "responses to score")
    reviews = write(work / "reviews.jsonl",
                    [{"text": text, "label": label} for text, label in
                     [("a good film", 1), ("bad plot", 0), ("good cast", 1), ("bad end", 0)] * 8])
    classifier = work / "reviews.safetensors"
    result = run("train-classifier", "--data", reviews, "--output", classifier)
    check(result.returncode == 0, f"a classifier {result.stderr[-500:]}")
    other = work / "ranks2" / "checkpoint"
    for name, args in [("score", ["--input", sampled, "--classifier", classifier]),
                       ("logprobs", ["--input", sampled, "--model", MODEL, "--batch-tokens", "20"]),
                       ("evaluate", ["--input", sampled, "--model", MODEL, "--reference", other])]:
        expected = work / f"{name}.jsonl"
        result = run(name, *args, "--threads", "1", "--output", expected)
        check(result.returncode == 0 and len(expected.read_text().splitlines()) > 2,
              f"{name} of one process {result.stderr[-500:]}")
        for size in [2, 4]:
            out = work / f"{name}{size}.jsonl"
            result = ranks(size, name, *args, "--threads", "1", "--output", out)
            check(result.returncode == 0 and out.read_bytes() == expected.read_bytes(),
                  f"{name}: {size} ranks write the same bytes {result.stderr[-500:]}")


def children(process):
    """Numbers of the ranks that mpiexec started."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True)
    parents = [tuple(map(int, line.split())) for line in listed.stdout.splitlines()]
    found, level = [], [process.pid]
    while level:
        level = [pid for pid, parent in parents if parent in level]
        found += level
    names = {pid: pathlib.Path(f"/proc/{pid}/comm") for pid in found}
    return sorted(pid for pid, name in names.items()
                  if name.exists() and name.read_text().strip() == pathlib.Path(PROGRAM).name)


def start(work, out):
    """Three ranks in the midst of a long run, and their numbers."""
    process = subprocess.Popen(
        [MPIEXEC, "-n", "3", PROGRAM, *map(str, train(pairs(work), out, "--max-steps", "100000"))],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    file = out / "metrics.jsonl"
    began = time.monotonic()
    while not (file.exists() and file.stat().st_size > 1000) and time.monotonic() < began + 60:
        time.sleep(0.02)
    return process, children(process)


def check_ends(work):
    for number, name in [(signal.SIGKILL, "killed"), (signal.SIGTERM, "stopped")]:
        process, numbers = start(work, work / name)
        check(len(numbers) == 3, f"three ranks run: {numbers}")
        began = time.monotonic()
        os.kill(numbers[-1], number)
        out, err = process.communicate(timeout=60)
        seconds = time.monotonic() - began
        check(process.returncode != 0 and seconds < 15,
              f"a rank is {name}: all end within {seconds:.1f} s, exit code {process.returncode}")
        if number == signal.SIGTERM:
            check("--resume goes on" in err, f"and say that the run can be resumed {err[-300:]}")
            kept = sorted((work / name / "checkpoints").iterdir())
            check(len(kept) == 1, "with a checkpoint")
            steps = json.loads((kept[0] / "run.json").read_text())["step"]
            check(metrics(work / name)[-1]["step"] == steps, "of the last step")
    began = time.monotonic()
    result = ranks(2, *train(work / "nothing.jsonl", work / "none"))
    check(result.returncode != 0 and result.stderr.count("nothing.jsonl") == 1
          and time.monotonic() < began + 15,
          f"what all find wrong is said once: {result.stderr[:200]}")
    result = ranks(2, "train", "--loss", "none")
    check(result.returncode != 0 and result.stderr.count("Run with --help") == 1,
          "and so is a wrong option")
    result = ranks(2, *train("-", work / "none"), text="{}\n")
    check(result.returncode != 0 and "standard input" in result.stderr, "standard input is refused")
    result = ranks(2, "convert", "--model", MODEL, "--output", work / "converted")
    check(result.returncode != 0 and "one process" in result.stderr,
          f"a command for one process is refused {result.stderr[:300]}")


with tempfile.TemporaryDirectory() as folder:
    check_training(pathlib.Path(folder))
    check_other_trainers(pathlib.Path(folder))
    check_sampling(pathlib.Path(folder))
    check_scoring(pathlib.Path(folder))
    check_ends(pathlib.Path(folder))
done()
