"""docs/gpu.md shows the table that training_memory prints, and step_cost, which counts what the model's
own source asks for, finds about the same activations.

    python3 tests/benchmarks/check_training_memory.py TRAINING_MEMORY STEP_COST
"""

import json
import pathlib
import subprocess
import sys

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "gpu.md"
failures = 0


def check(good, text):
    global failures
    print(("ok      " if good else "FAILED  ") + text)
    failures += not good


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


table = run(sys.argv[1])
check(table in PAGE.read_text(encoding="utf-8"), f"{PAGE.name} shows the table")
for task, model, prompt, response in [("GPT2-Large", "gpt2-large", 8, 100),
                                      ("GPT-Neo", "gpt-neo-2.7b", 32, 64),
                                      ("GPT-J", "gpt-j-6b", 512, 64)]:
    row = next(line for line in table.splitlines()
               if line.startswith(f"| {task}") and "all of it | bfloat16" in line)
    for column, options in [(7, []), (9, ["--checkpoint-activations"])]:
        expected = float(row.split("|")[column])
        found = json.loads(run(sys.argv[2], "--model", model, "--prompt", str(prompt), "--response",
                               str(response), "--json", *options))["memory"]["arrays"] / 2 ** 30
        check(abs(found - expected) < 0.05 * expected,
              f"{task} {' '.join(options)}: {expected} GiB of activations by the formula, "
              f"{found:.1f} counted")
print(f"{failures} failed")
sys.exit(1 if failures else 0)
