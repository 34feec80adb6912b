"""The toxicity program as a person meets it: a whole run, killed and resumed, refused.

    python3 tests/examples/check_toxicity.py PROGRAM TOKENIZER_JSON

Writes prompts, tweets and a checkpoint of random weights, a size of seconds, and needs Python alone.
The tweets are letters: a to m are harmless, n to z are not, so that random text has a score.
"""

import pathlib
import random
import signal
import string
import sys
import tempfile

from tiny_task import (changed, check, failures, outcome, read_csv, run, stop_and_resume, write_model,
                       write_rows)

PROGRAM, TOKENIZER = sys.argv[1:]


def write_prompts(file):
    rows = [{"prompt": {"text": f"so {word}", "toxicity": 0.01 * i if i % 7 else None},
             "continuation": {"text": "x", "toxicity": 0.1}}
            for i, word in enumerate(string.ascii_lowercase * 3)]
    for i, row in enumerate(rows):
        row["prompt"]["text"] += f" {i}"
    return write_rows(file, rows)


def write_tweets(file):
    draw = random.Random(3)
    lines = [",count,hate_speech,offensive_language,neither,class,tweet"]
    for i in range(300):
        kind = i % 3
        letters = string.ascii_lowercase[:13] if kind == 2 else string.ascii_lowercase[13:]
        text = " ".join(draw.choices(letters, k=6)).replace(" ", '\n' if i % 10 == 0 else " ")
        lines.append(f'{i},3,0,0,3,{kind},"""{text}"""')
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(file)


def main():
    with tempfile.TemporaryDirectory() as name:
        work = pathlib.Path(name)
        model = write_model(work / "model", TOKENIZER)
        prompts = write_prompts(work / "prompts.jsonl")
        tweets = write_tweets(work / "tweets.csv")
        data = ["--model", model, "--prompt-file", prompts, "--tweets", tweets]
        small = [*data, "--prompts", 16, "--responses", 4, "--max-new-tokens", 16,
                 "--pairs-per-prompt", 2, "--method", "dpo,odpo,slic", "--alpha", 0.5,
                 "--beta", "0.1,0.3", "--pairs", 24, "--learning-rate", "1e-2", "--batch", 6,
                 "--save-every", 1, "--eval-prompts", 12, "--eval-responses", 2, "--threads", 1]
        whole = work / "whole"
        first = run(PROGRAM, *small, "--out", whole)
        if not check(first.returncode == 0, "a whole run exits 0"):
            print(first.stderr)
            return
        expected = outcome(whole)
        rows = read_csv(whole / "results.csv")
        check(len(rows) == 1 + 5, "DPO and ODPO at two betas and SLiC once: five points")
        check("66 of 78 are rated, 40 of them above 0.3" in first.stderr,
              "how many prompts are above the threshold is said")
        check("held-out tweets" in first.stderr, "the classifier is tried on held-out tweets")
        check("toxicity" in first.stdout, "the table has toxicity")
        picture = read_csv(whole / "tradeoff.csv")
        rewards = {round(float(row["reward"]), 9) for row in rows[1:]}
        check({round(1 - float(row["reward"]), 9) for row in picture} == rewards,
              "the picture shows 1 - score")
        best = max(float(row["reward"]) for row in rows[1:])
        check(best > float(rows[0]["reward"]), "training makes responses less toxic")
        check(run(PROGRAM, *small, "--out", whole, "--resume").stderr.count("done before") == 5,
              "a finished run resumed does nothing again")
        check(outcome(whole) == expected, "and changes nothing")
        for option, value in [("--threshold", 0.4), ("--toxic", "hate"), ("--score-prompt", None)]:
            other = run(PROGRAM, *small, "--out", whole, "--resume", option,
                        *([] if value is None else [value]))
            check(other.returncode == 2 and option in other.stderr,
                  f"resumed with another {option} it is refused, and the setting named")
        folder = work / "killed"
        stopped = stop_and_resume(PROGRAM, small, folder, [(signal.SIGKILL, -9)])
        check(stopped > 0 and outcome(folder) == expected,
              f"killed {stopped} times and resumed: the same results and weights")
        quick = changed(changed(small, ["--method", "dpo"]), ["--beta", 0.1])
        torn = work / "torn"
        torn.mkdir()
        (torn / "settings.json.tmp-4194303-0").write_text("{")  # of a process that cannot be
        check(run(PROGRAM, *quick, "--out", torn).returncode == 2
              and run(PROGRAM, *quick, "--out", torn, "--resume").returncode == 0,
              "killed before its settings were whole: resumed from the beginning")
        unmeasured = run(PROGRAM, *quick, "--eval-temperature", 0.5, "--out", work / "unmeasured")
        check([row["kl"] for row in read_csv(work / "unmeasured" / "results.csv")] == ["0", ""]
              and " nats" not in unmeasured.stderr, "a divergence that was not measured is not 0")
        for extra in (["--toxic", "hate"], ["--score-prompt"], ["--reward", "paper"]):
            other = run(PROGRAM, *quick, *extra, "--out", work / "-".join(extra))
            check(other.returncode == 0, f"{' '.join(extra)}: exits 0")

        bad = [(["--prompts", 100000], "--prompts"), (["--threshold", 2], "--threshold"),
               (["--threshold", 1], "--prompts"), (["--sft"], "--sft"),
               (["--prompt-file", tweets], "tweets.csv:1"),
               (["--tweets", prompts], "prompts.jsonl"),
               (["--prompt-file", work / "none"], "none")]
        for extra, word in bad:
            result = run(PROGRAM, *changed(small, extra), "--out", work / "bad")
            check(result.returncode in (1, 2) and word in result.stderr,
                  f"{' '.join(map(str, extra))}: refused, and {word} named")
            check(not (work / "bad").exists(), "and nothing is written")
        result = run(PROGRAM, "--model", model, "--prompt-file", prompts, "--out", work / "bad")
        check(result.returncode == 2 and "--tweets" in result.stderr, "without a score: refused")
        both = run(PROGRAM, *small, "--classifier", model, "--out", work / "bad")
        check(both.returncode == 2 and "--classifier" in both.stderr, "two sources of the score: refused")
        wrong = changed(small, ["--tweets", tweets])[:-2] + ["--classifier", model]
        result = run(PROGRAM, *wrong, "--out", work / "bad")
        check(result.returncode in (1, 2) and result.stderr.strip() and not (work / "bad").exists(),
              f"a language model as the classifier: refused ({result.stderr.strip()[-120:]})")
        check(run(PROGRAM, "--help").returncode == 0, "--help exits 0")


main()
print(f"{len(failures)} failed")
sys.exit(1 if failures else 0)
