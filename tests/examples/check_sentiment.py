"""The sentiment program as a person meets it: killed and resumed runs, repeated runs, bad input.

    python3 tests/examples/check_sentiment.py PROGRAM

Runs the embedded model at a size of seconds. A run that was killed (SIGKILL) or asked to stop
(SIGTERM) and resumed must end with the results and weights of one that was not.
"""

import fcntl
import functools
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import time

import tiny_task
from tiny_task import check, failures, outcome, stop_and_resume

PROGRAM = sys.argv[1]
SMALL = ["--model", "embedded", "--prompts", "24", "--responses", "4", "--max-new-tokens", "12",
         "--method", "dpo,odpo,slic", "--alpha", "0.5", "--beta", "0.1,0.3", "--margin", "0.5,1",
         "--pairs", "40",
         "--learning-rate", "3e-4", "--batch", "8", "--save-every", "1",
         "--eval-prompts", "12", "--eval-responses", "2", "--threads", "1"]
run = functools.partial(tiny_task.run, PROGRAM)


def main():
    with tempfile.TemporaryDirectory() as temporary:
        work = pathlib.Path(temporary)
        whole = work / "whole"
        began = time.time()
        first = run(*SMALL, "--out", str(whole))
        check(first.returncode == 0, f"a whole run exits 0 ({time.time() - began:.0f} s)")
        if first.returncode != 0:
            print(first.stderr)
            return
        expected = outcome(whole)
        check(len(expected[0]) == 1 + 6, "DPO and ODPO at two betas, SLiC at two margins: six points")
        check(len(expected[1]) == 6, "every point has its checkpoint")
        check("method" in first.stdout and "slic" in first.stdout, "the table is on stdout")
        check("sampling" in first.stderr, "progress is on stderr")

        again = run(*SMALL, "--out", str(whole), "--resume")
        check(again.returncode == 0 and again.stderr.count("done before") == 6,
              "a finished run resumed does nothing again")
        check(outcome(whole) == expected, "and changes nothing")
        check(run(*SMALL, "--out", str(whole)).returncode == 2, "without --resume it is refused")
        other = run(*SMALL, "--out", str(whole), "--resume", "--batch", "4")
        check(other.returncode == 2 and "--batch" in other.stderr,
              "resumed with another setting it is refused, and the setting named")

        folder = os.open(whole, os.O_RDONLY)
        fcntl.flock(folder, fcntl.LOCK_EX)
        second = run(*SMALL, "--out", str(whole), "--resume")
        check(second.returncode == 2 and "another program" in second.stderr,
              "a folder that another program writes to is refused")
        os.close(folder)

        for name, signals in [("killed", [(signal.SIGKILL, -9)]),
                              ("asked to stop", [(signal.SIGTERM, 143), (signal.SIGINT, 130)])]:
            folder = work / name
            stopped = stop_and_resume(PROGRAM, SMALL, folder, signals, pause=1.0)
            same = outcome(folder) == expected
            check(stopped >= len(signals) and same,
                  f"{name} {stopped} times and resumed: the same results and weights")

        bad = [(["--model", "nowhere", "--openings", __file__, "--lexicon", __file__], "nowhere"),
               (["--model", "embedded", "--data", str(work)], "--data"),
               (["--model", "embedded", "--beta", "-1"], "--beta"),
               (["--model", "embedded", "--beta", "nan"], "--beta"),
               (["--model", "embedded", "--prompts", "100000"], "--prompts"),
               (["--model", "embedded", "--seeds", "-1"], "--seeds"),
               (["--model", "embedded", "--top-k", "-3"], "--top-k"),
               (["--model", "embedded", "--pairs", "99999999999999999999999"], "--pairs"),
               (["--model", "embedded", "--learning-rate", "1e30"], "--learning-rate"),
               (["--model", "embedded", "--method", "ppo"], "ppo"),
               (["--model", "embedded", "--pairs-per-prompt", "9"], "--pairs-per-prompt"),
               (["--model", "embedded", "--config", str(work / "none.toml")], "none.toml")]
        for arguments, word in bad:
            result = run(*arguments, "--out", str(work / "bad"))
            check(result.returncode in (1, 2) and word in result.stderr,
                  f"{' '.join(arguments[2:] or arguments)}: refused, and {word} named")
            shutil.rmtree(work / "bad", ignore_errors=True)
        strange = work / "strange.toml"
        strange.write_text("no-such-option = 3\n", encoding="utf-8")
        result = run("--model", "embedded", "--config", str(strange), "--out", str(work / "bad"))
        check(result.returncode == 2 and "no-such-option" in result.stderr,
              "an unknown key of a TOML file is refused and named")
        check(run("--help").returncode == 0, "--help exits 0")


main()
print(f"{len(failures)} failed")
sys.exit(1 if failures else 0)
