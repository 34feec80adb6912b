"""prefopt used wrongly: numbers out of range, unknown words, bad TOML, outputs that cannot be written,
two runs on one output, input without rows, signals.

    python3 tests/tools/check_usage.py PROGRAM
"""

import json
import pathlib
import shutil
import signal
import struct
import subprocess
import tempfile
import time

from tool import MODEL, PROGRAM, check, done, refused, rows_of, run, write

PAIR = {"prompt": "The film is", "chosen": " good", "rejected": " bad"}
PROMPT = '{"prompt": "The film is"}\n'


def check_numbers(work):
    pairs = write(work / "pairs.jsonl", [PAIR])
    train = ["train", "--model", MODEL, "--data", pairs, "--out", work / "never", "--dry-run"]
    sample = ["sample", "--model", MODEL]
    largest = str(2 ** 64 - 1)
    for base, option, value, allowed in [
            (train, "--warmup-steps", "-1", "from 0"), (train, "--batch", "-1", "from 1"),
            (train, "--batch", "0", "from 1"), (train, "--epochs", "1e3", "from 1"),
            (train, "--max-steps", largest, "to 1000000000"),
            (train, "--seed", "-1", f"0 to {largest}"),
            (train, "--seed", str(2 ** 64), f"0 to {largest}"),
            (train, "--learning-rate", "nan", "a number"), (train, "--beta", "x", "a number"),
            (sample, "--top-k", "-3", "from 0"), (sample, "--threads", "4294967296", "to 1024"),
            (sample, "--threads", "100000", "to 1024"), (sample, "--responses", "0x10", "from 1")]:
        refused([option, value, allowed], *base, option, value, text=PROMPT, code=2)
    for loss, option, value, noted in [("dpo", "--alpha", "0.5", True), ("slic", "--beta", "1", True),
                                       ("odpo", "--alpha", "0.5", False), ("dpo", "--beta", "1", False)]:
        result = run(*train, "--loss", loss, option, value)
        check((f"note: {option} makes no difference to --loss {loss}" in result.stderr) == noted,
              f"{loss} {option}: an option of other losses is noted {result.stderr}")
    good = run(*sample, "--seed", largest, "--max-new-tokens", "1", text=PROMPT)
    check(good.returncode == 0, "the largest seed is one")


def check_words(work):
    refused(["'bogus'", "tokenize"], "bogus", code=2)
    refused(["--bogus"], "--bogus", code=2)
    result = refused(["--bogus"], "tokenize", "--bogus", code=2)
    check("--model" not in result.stderr, "an unknown option is named before one that is missing")
    refused(["--model", "required"], "tokenize", code=2)
    config = work / "bad.toml"
    for text, words in [("# a\ntemprature = 0\n", ["bad.toml:2", "temprature"]),
                        ("seed = 1\ntop-k = -3\n", ["bad.toml:2", "--top-k", "-3", "from 0"]),
                        ('\n\ntemperature = "warm"\n', ["bad.toml:3", "--temperature", "a number"]),
                        ('truncate = "middle"\n', ["bad.toml:1", "--truncate", "left"]),
                        ("no-end-token = maybe\n", ["bad.toml:1", "--no-end-token", "true"]),
                        ("[sampling]\ntop-k = 3\n", ["bad.toml:1", "section"])]:
        config.write_text(text)
        result = refused(words, "sample", "--model", MODEL, "--config", config, text=PROMPT, code=2)
        check("INI" not in result.stderr, "and TOML is not called INI")
    config.write_text("top-k = 3\n")
    result = refused(["--top-k", "-3"], "sample", "--model", MODEL, "--config", config, "--top-k",
                     "-3", code=2)
    check("bad.toml" not in result.stderr, "the command line's error is not the file's")
    refused(["none.toml"], "sample", "--model", MODEL, "--config", work / "none.toml", code=2)


def check_device(work):
    """Here CUDA's devices are hidden, if the program was built with CUDA at all."""
    rows = write(work / "rows.jsonl", [{"prompt": "The film", "response": " is"}])
    base = ["logprobs", "--model", MODEL, "--input", rows]
    for on in ["cpu", "auto"]:
        result = run(*base, "--device", on)
        check(result.returncode == 0 and result.stderr.startswith("device: cpu, 1 threads"),
              f"--device {on}: the CPU, which is said in one line {result.stderr}")
    check("CUDA" in run(*base).stderr, "auto: and why it is not CUDA")
    for on in ["gpu", "cuda:", "cuda:-1", "cuda:1x", "cuda:99999999999999999999", ""]:
        refused([f"--device {on}: expected auto, cpu, cuda or cuda:NUMBER"], *base, "--device", on,
                code=2)
    for on in ["cuda", "cuda:1"]:
        result = refused([f"--device {on}: "], *base, "--device", on, code=2)
        check("built without CUDA" in result.stderr or "there is no CUDA device" in result.stderr,
              f"--device {on}: and it says why")
    for on in ["cpu", "auto"]:
        refused(["--precision tf32", "CUDA", "float32"], *base, "--device", on, "--precision",
                "tf32", code=2)
    rounded = run(*base, "--precision", "bfloat16")
    check("products in bfloat16" in rounded.stderr, "bfloat16: the line about the device says it")
    exact, found = (json.loads(result.stdout.splitlines()[0])["logprob"]
                    for result in [run(*base), rounded])
    check(exact != found and abs(exact - found) < 0.02 * abs(exact),
          f"bfloat16: log-probs differ a little {exact} {found}")
    table = run(*base, "--profile").stderr
    check(all(name in table for name in ["products, forward", "log-probs", "between operations"]),
          f"--profile: a table of operations {table}")
    refused(["--precision", "half"], *base, "--precision", "half", code=2)


def check_full_output():
    for args in [["--help"], ["--version"], ["completion"], ["train", "--help"]]:
        with open("/dev/full", "wb") as full:
            result = subprocess.run([PROGRAM, *args], stdout=full, stderr=subprocess.PIPE,
                                    check=False)
        check(result.returncode == 1 and b"standard output" in result.stderr,
              f"{args[0]}: a full standard output is an error {result.stderr}")


def check_outputs(work):
    """Found before anything is read: the input does not exist."""
    folder = work / "folder"
    folder.mkdir()
    missing = work / "no-input.jsonl"
    for command in [["tokenize", "--model", MODEL, "--input"], ["pair", "--input"],
                    ["logprobs", "--model", MODEL, "--input"], ["evaluate", "--input"],
                    ["score", "--lexicon", missing, "--input"],
                    ["sample", "--model", MODEL, "--prompts"]]:
        refused(["is a folder"], *command, missing, "--output", folder, code=2)
        refused(["no folder", "nowhere"], *command, missing, "--output",
                work / "nowhere" / "out.jsonl", code=2)
    check(not list(work.glob("*.partial")), "and nothing is left there")
    for target, words in [(missing, ["is a file"]), (work / "nowhere" / "out", ["no folder"]),
                          (work / "nowhere" / "out.gguf", ["no folder"])]:
        missing.write_text("")
        refused(words, "convert", "--model", work / "no-model", "--output", target, code=2)
    missing.unlink()
    out = work / "run"
    (out / "checkpoint").mkdir(parents=True)
    (out / "checkpoint" / "letter.txt").write_text("dear")
    train = ["train", "--model", MODEL, "--data"]
    refused(["letter.txt"], *train, missing, "--out", out, code=2)
    (out / "metrics.jsonl").write_text("{}\n")
    pairs = write(work / "pairs.jsonl", [PAIR])
    check(run(*train, pairs, "--out", out, "--dry-run").returncode == 0,
          "a dry run does not mind what is in --out")


def check_one_writer(work):
    out = work / "shared.jsonl"
    base = ["sample", "--model", str(MODEL), "--responses", "100000", "--output", str(out)]
    first = subprocess.Popen([PROGRAM, *base], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL,
                             text=True)
    first.stdin.write(PROMPT)
    first.stdin.close()
    partial = pathlib.Path(str(out) + ".partial")
    while first.poll() is None and not (partial.exists() and partial.stat().st_size > 0):
        time.sleep(0.001)
    for more in [[], ["--resume"]]:
        refused(["shared.jsonl.partial", "another program"], *base, *more, text=PROMPT, code=2)
    first.kill()
    first.wait()
    base[base.index("100000")] = "2"
    check(run(*base, text=PROMPT).returncode == 0 and len(rows_of(out.read_text())) == 2,
          "a run that was killed holds nothing")
    before = out.read_bytes()
    again = run(*base, "--resume", "--seed", "9", text=PROMPT)
    check(again.returncode == 0 and "nothing to go on with" in again.stderr
          and out.read_bytes() == before, "--resume after the end: said, and nothing done anew")


def check_no_rows(work):
    empty = write(work / "empty.jsonl", [])
    (work / "empty.txt").write_text("\n")
    (work / "lexicon.txt").write_text("good\t2.0\t1\t[]\n")
    model = ["--model", MODEL]
    for command in [["tokenize", *model, "--input"], ["logprobs", *model, "--input"],
                    ["sample", *model, "--prompts"], ["pair", "--input"], ["evaluate", "--input"],
                    ["evaluate", *model, "--reference", MODEL, "--input"],
                    ["score", "--lexicon", work / "lexicon.txt", "--input"],
                    ["train", *model, "--out", work / "never", "--data"],
                    ["sft", *model, "--out", work / "never", "--data"]]:
        refused(["empty.jsonl", "has no rows"], *command, empty, code=1)
    refused(["empty.txt", "has no rows"], "sample", *model, "--prompts", work / "empty.txt", code=1)


def catches(process, number):
    """Whether the process has a handler for the signal by now."""
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return int(caught.split()[1], 16) >> (number - 1) & 1


def check_signals():
    """A program that waits for a pipe, as one that was started without an input does."""
    for command in [["tokenize", "--model", str(MODEL)], ["pair"]]:
        process = subprocess.Popen([PROGRAM, *command], stdin=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        while process.poll() is None and not catches(process, signal.SIGINT):
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        try:
            code = process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            code = None
        said = process.stderr.read()
        check(code == 130 and "--resume" not in said,
              f"{command[0]}: one signal ends the waiting, and nothing false is said: {code} {said}")
        process.stdin.close()
        process.stderr.close()


def break_weights(folder):
    """A copy of the model with a NaN in it."""
    shutil.copytree(MODEL, folder)
    file = folder / "model.safetensors"
    data = bytearray(file.read_bytes())
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    name = next(name for name in header if "norm" in name)
    assert header[name]["dtype"] == "F32"
    begin = 8 + size + header[name]["data_offsets"][0]
    data[begin:begin + 4] = struct.pack("<f", float("nan"))
    file.write_bytes(data)
    return folder


def check_not_finite(work):
    model = break_weights(work / "nan")
    refused(["norm", "NaN"], "convert", "--model", model, "--output", work / "copy", code=1)
    check(not (work / "copy").exists(), "and nothing is written")
    rows = write(work / "rows.jsonl", [{"prompt": "The", "response": " film"}])
    refused(["rows.jsonl:1", "nan"], "logprobs", "--model", model, "--input", rows, code=1)


def check_prompts(work):
    """What is sampled is what is trained on and compared."""
    text = '{"prompt": "<|end|>The film"}\n'
    plain = ["--plain-text"]
    base = ["sample", "--model", MODEL, "--responses", "2", "--max-new-tokens", "4"]
    rows = rows_of(run(*base, *plain, text=text).stdout)
    check("prompt_ids" not in rows_of(run(*base, text=text).stdout)[0]
          and len(rows[0]["prompt_ids"]) > 4, "sample: tokens that options decide are in the rows")
    scored = write(work / "scored.jsonl", [row | {"score": i} for i, row in enumerate(rows)])
    made = rows_of(run("pair", "--input", scored).stdout)
    check(len(made) == 1 and made[0]["prompt_ids"] == rows[0]["prompt_ids"], "pair keeps them")
    out = work / "from_ids"
    pairs = write(work / "made.jsonl", made)
    args = ["train", "--model", MODEL, "--epochs", "1", "--quiet", "--data"]

    def first(data, name, *more):
        run(*args, data, "--out", work / name, *more)
        return rows_of((work / name / "metrics.jsonl").read_text())[0]["logps/chosen"]

    known = first(pairs, "from_ids")
    bare = write(work / "bare.jsonl", [{k: v for k, v in made[0].items() if k != "prompt_ids"}])
    check(abs(known - rows[1]["logprob"]) < 1e-4, "train: their log-probs are the sampler's")
    check(first(bare, "flags", *plain) == known != first(bare, "without"),
          "train: and those of the same options")
    wrong = write(work / "wrong.jsonl", [made[0] | {"prompt_ids": [5, 6]}])
    refused(["wrong.jsonl:1", "prompt_ids", "tokenizer"], *args, wrong, "--out", out, "--resume")
    result = run("evaluate", "--input", "-", "--model", MODEL, "--reference", MODEL,
                 text=scored.read_text())
    measures = {row["measure"]: row["mean"] for row in rows_of(result.stdout)}
    check(measures.get("kl") == 0 and measures.get("reward") == 0.5,
          f"evaluate: standard input is read once, for all measures {result.stderr}")
    trained = ["evaluate", "--model", out / "checkpoint", "--reference", MODEL, "--input"]
    stripped = write(work / "stripped.jsonl",
                     [{k: v for k, v in row.items() if k != "prompt_ids"} for row in rows])
    kls = [rows_of(run(*trained, file, *more).stdout)[0]["mean"]
           for file, more in [(scored, []), (stripped, plain)]]
    check(kls[0] == kls[1], "evaluate: tokens or options, the same divergence")
    no_begin = run("train", "--model", MODEL, "--data", bare, "--out", work / "begin",
                   "--begin-token", "--dry-run")
    check(no_begin.returncode == 0 or "--begin-token" in no_begin.stderr, "train --begin-token")


with tempfile.TemporaryDirectory() as name:
    for each in [check_numbers, check_words, check_device, check_outputs, check_one_writer, check_no_rows,
                 check_not_finite, check_prompts]:
        place = pathlib.Path(name) / each.__name__
        place.mkdir()
        each(place)
    check_full_output()
    check_signals()
done()
