"""The example preference_tuning: it trains, and what it writes is a model to go on from.

    python3 tests/examples/check_preference_tuning.py PROGRAM MODEL
"""

import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile

PROGRAM, MODEL = sys.argv[1:]
os.environ.setdefault("OMP_NUM_THREADS", "1")


def run(*args):
    return subprocess.run([PROGRAM, *map(str, args)], capture_output=True, text=True, check=False)


with tempfile.TemporaryDirectory() as name:
    work = pathlib.Path(name)
    pairs = work / "pairs.jsonl"
    pairs.write_text("".join(
        json.dumps({"prompt": f"The {film} is", "chosen": f" good {i}", "rejected": f" bad {i}",
                    "score_chosen": 2 + i, "score_rejected": 1}) + "\n"
        for i, film in enumerate(["film", "plot", "cast", "end"] * 4)))
    result = run(MODEL, pairs, work / "dpo")
    assert result.returncode == 0, result.stderr
    assert "16 pairs of 32 responses to 4 prompts" in result.stdout, result.stdout
    steps = [json.loads(line) for line in (work / "dpo" / "metrics.jsonl").read_text().splitlines()]
    assert abs(steps[0]["loss"] - math.log(2)) < 1e-12 and steps[-1]["loss"] < steps[0]["loss"]
    result = run(work / "dpo" / "checkpoint", pairs, work / "odpo", "odpo")
    assert result.returncode == 0, result.stderr
    assert run(MODEL, work / "none.jsonl", work / "bad").returncode == 1
    assert run(MODEL).returncode == 2
    assert run(MODEL, pairs, work / "bad", "no-such-loss").returncode == 2
    row = {"prompt": "a", "chosen": " b", "rejected": " c"}
    for rows, loss, words in [([row, row | {"prompt": ""}], "dpo", "bad.jsonl:3: field 'prompt'"),
                              ([row], "odpo", "bad.jsonl:2: field 'score_chosen'"),
                              ([], "dpo", "bad.jsonl: has no rows")]:
        (work / "bad.jsonl").write_text("".join("\n" + json.dumps(each) for each in rows))
        result = run(MODEL, work / "bad.jsonl", work / "bad", loss)
        assert result.returncode == 1 and words in result.stderr, result.stderr
    assert not (work / "bad").exists()
print("ok")
