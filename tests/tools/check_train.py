"""prefopt train: trained, killed and resumed, refused, and told beforehand.

    python3 tests/tools/check_train.py PROGRAM

A run that was killed (SIGKILL) and resumed must end with the weights, byte for byte, of one that
was not.
"""

import json
import math
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

from tool import MODEL, PROGRAM, check, done, refused, rows_of, run, write


def pairs(scores=False):
    """Twelve pairs; the last has two responses that are the same."""
    rows = []
    for i, film in enumerate(["film", "plot", "cast", "end"] * 3):
        row = {"prompt": f"The {film} is", "chosen": f" good {i}", "rejected": f" bad {i}"}
        if scores:
            row |= {"score_chosen": 2.5 + i, "score_rejected": 1}
        rows.append(row)
    rows[-1]["rejected"] = rows[-1]["chosen"]
    return rows


def metrics(out):
    """What the run wrote a step, without times."""
    times = {"tokens_per_second", "step_seconds"}
    return [{k: v for k, v in row.items() if k not in times}
            for row in rows_of((out / "metrics.jsonl").read_text())]


def arguments(data, out, *more):
    return ["train", "--model", MODEL, "--data", data, "--out", out, "--threads", "1",
            "--learning-rate", "1e-3", "--batch", "4", *more]


def train(*args):
    return run(*arguments(*args))


def check_training(plain, scored, work):
    out = work / "dpo"
    result = train(plain, out, "--epochs", "8", "--held-out", plain)
    check(result.returncode == 0, f"DPO exits 0 {result.stderr if result.returncode else ''}")
    if result.returncode != 0:
        return
    steps = metrics(out)
    check(abs(steps[0]["loss"] - math.log(2)) < 1e-12, "the first loss of DPO is ln 2")
    check(steps[-2]["loss"] < 0.9 * steps[0]["loss"], "the loss falls")
    check(steps[-1]["eval_loss"] < 0.9 * steps[0]["loss"], "held-out pairs are evaluated")
    check("11 pairs of 23 responses to 4 prompts" in result.stdout
          and "left out: 1 pairs" in result.stdout, "a summary of the data is on stdout")
    check("rewards/margins" in result.stdout and "metrics.jsonl" in result.stdout,
          "metrics and the files' paths are on stdout")
    check("dpo" in result.stderr and "loss" in result.stderr, "progress is on stderr")
    check(train(plain, work / "quiet", "--quiet").stderr == "", "and nowhere with --quiet")
    for name in ["config.json", "model.safetensors", "tokenizer.json"]:
        check((out / "checkpoint" / name).stat().st_size > 0, f"the checkpoint has {name}")
    check((out / "training.csv").exists(), "the training curves are there")
    check(train(plain, out, "--epochs", "8").returncode == 2,
          "without --resume a folder with a run is refused")
    other = train(plain, out, "--epochs", "8", "--beta", "0.2", "--resume")
    check(other.returncode != 0 and "loss" in other.stderr, "resumed with another beta: refused")
    for loss in ["odpo", "softmax-margin", "slic"]:
        result = train(scored, work / loss, "--loss", loss, "--offset", "log-diff")
        check(result.returncode == 0, f"{loss} exits 0")
    check(metrics(work / "odpo")[0]["loss"] > math.log(2), "an offset raises the first loss")
    run("train", "--model", out / "checkpoint", "--data", plain, "--out", work / "half",
        "--dtype", "bfloat16")
    half = (work / "half" / "checkpoint" / "model.safetensors").stat().st_size
    check(half < 0.7 * (out / "checkpoint" / "model.safetensors").stat().st_size,
          "the checkpoint is a model to go on from, and --dtype makes it half as large")


def check_reference(plain, work):
    trained = work / "dpo" / "checkpoint"
    same = run(*arguments(plain, work / "same"), "--reference", MODEL)
    check(same.returncode == 0 and metrics(work / "same") == metrics_of_start(plain, work),
          "--reference of the model itself changes nothing")
    result = run("train", "--model", trained, "--reference", MODEL, "--data", plain, "--out",
                 work / "tied", "--batch", "4", "--held-out", plain)
    first = metrics(work / "tied")[0]
    check(result.returncode == 0 and first["rewards/margins"] > 0.01
          and first["loss"] < math.log(2), "another reference: the first margins are not 0")
    rows = [{"prompt": row["prompt"], "response": row[side]} for row in pairs()[:4]
            for side in ["chosen", "rejected"]]
    file = write(work / "rows.jsonl", rows)
    now, then = ([row["logprob"] for row in rows_of(run("logprobs", "--model", model, "--input",
                                                        file).stdout)]
                 for model in [trained, MODEL])
    gaps = [a - b for a, b in zip(now, then)]
    margins = [0.1 * (gaps[i] - gaps[i + 1]) for i in range(0, 8, 2)]
    four = write(work / "four.jsonl", pairs()[:4])
    run("train", "--model", trained, "--reference", MODEL, "--data", four, "--out", work / "four",
        "--batch", "4")
    check(abs(metrics(work / "four")[0]["rewards/margins"] - sum(margins) / 4) < 1e-4,
          "and they are those of prefopt logprobs")


def metrics_of_start(plain, work):
    run(*arguments(plain, work / "start"))
    return metrics(work / "start")


def check_resume(plain, work):
    options = ["--epochs", "60", "--save-every", "1"]
    whole = work / "whole"
    check(train(plain, whole, *options).returncode == 0, "a whole run exits 0")
    for number, code in [(signal.SIGKILL, -9), (signal.SIGTERM, 143), (signal.SIGINT, 130)]:
        out = work / f"signal-{int(number)}"
        process = subprocess.Popen([PROGRAM, *map(str, arguments(plain, out, *options))],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        file = out / "metrics.jsonl"
        while process.poll() is None and not (file.exists() and file.stat().st_size > 5000):
            time.sleep(0.002)
        process.send_signal(number)
        check(process.wait() == code, f"stopped by signal {int(number)}: exit code {code}")
        check(not (out / "checkpoint").exists(), "a run that was stopped has written no model")
        other = work / f"other-{int(number)}"
        shutil.copytree(out, other)  # the reference would be computed anew in it
        refused(["products", "bfloat16"], *arguments(plain, other, *options), "--resume",
                "--precision", "bfloat16", code=1)
        result = train(plain, out, *options, "--resume")
        name = pathlib.Path("checkpoint") / "model.safetensors"
        check(result.returncode == 0 and "going on after step" in result.stderr
              and (out / name).read_bytes() == (whole / name).read_bytes()
              and metrics(out) == metrics(whole), "and resumed: the same weights and metrics")


def check_refusals(plain, scored, work):
    good = pairs(scores=True)
    torn = work / "torn.jsonl"
    torn.write_text(json.dumps(good[0]) + '\n{"prompt": "a\n', encoding="utf-8")
    broken = work / "broken.jsonl"
    broken.write_bytes(json.dumps(good[0]).encode() + b'\n{"prompt": "\xff"}\n')
    tie = good[0] | {"score_rejected": good[0]["score_chosen"]}
    half = {k: v for k, v in good[0].items() if k != "score_rejected"}
    user = [{"role": "user", "content": "a"}]
    long = good[0] | {"chosen": " bad" * 80}
    for args, words in [
            ([plain, "--loss", "odpo"], ["pairs.jsonl:1", "score_chosen"]),
            ([write(work / "tie.jsonl", [good[1], tie]), "--loss", "odpo"], ["tie.jsonl:2", "tie"]),
            ([write(work / "half.jsonl", [half])], ["half.jsonl:1", "score_rejected"]),
            ([write(work / "chat.jsonl", [good[0], good[0] | {"chosen": user}])],
             ["chat.jsonl:2", "chosen", "chat template"]),
            ([write(work / "messages.jsonl", [{"messages": user}])],
             ["messages.jsonl:1", "messages", "chat template"]),
            ([torn], ["torn.jsonl:2", "JSON"]),
            ([broken], ["broken.jsonl:2", "UTF-8"]),
            ([write(work / "none.jsonl", [])], ["none.jsonl", "no rows"]),
            ([write(work / "same.jsonl", pairs()[-1:])], ["same.jsonl", "no pairs"]),
            ([work / "nowhere.jsonl"], ["nowhere.jsonl"]),
            ([write(work / "empty.jsonl", [good[0] | {"prompt": ""}])],
             ["empty.jsonl:1", "field 'prompt'"]),
            ([write(work / "empty2.jsonl", [good[0] | {"rejected": ""}]), "--no-end-token"],
             ["empty2.jsonl:1", "field 'rejected'"]),
            ([write(work / "long.jsonl", [good[0], long]), "--truncate", "refuse"],
             ["long.jsonl:2", "field 'chosen'", "--truncate"]),
            ([write(work / "longer.jsonl", [good[0] | {"prompt": "film " * 40}]), "--truncate",
              "refuse"], ["longer.jsonl:1", "field 'prompt'", "--truncate"]),
            ([plain, "--max-prompt", "60", "--max-response", "10"], ["window of 64"]),
            ([write(work / "ids.jsonl", [good[0] | {"chosen_ids": [5, 6, 0]}])],
             ["ids.jsonl:1", "field 'chosen_ids'", "tokenizer"]),
            ([scored, "--loss", "ppo"], ["--loss", "ppo"]),
            ([scored, "--beta", "-1"], ["beta"]),
            ([scored, "--epochs", "0"], ["epochs"]),
            ([plain, "--reference", work / "no-model"], ["no-model"])]:
        refused(words, *arguments(args[0], work / "bad", *args[1:]))
        check(not (work / "bad").exists(), "and nothing is written")
    refused(["no/such", "hf download no/such"], "train", "--model", "no/such", "--data", plain,
            "--out", work / "bad", code=1)


def check_odd_data(work):
    def summary(rows, *more):
        file = write(work / "odd.jsonl", rows)
        result = run(*arguments(file, work / "odd", *more), "--dry-run")
        check(result.returncode == 0 and not (work / "odd").exists(),
              f"a dry run writes nothing {result.stderr}")
        return result.stdout

    good = pairs()[0]
    text = summary([good, good, good])
    check("3 pairs of 2 responses to 1 prompts" in text and "count again: 2" in text,
          "repeated pairs are counted, and stored once")
    text = summary([good | {"chosen": ""}])
    check("1 pairs" in text and "left out: 0" in text, "an empty response is its end token")
    text = summary([good | {"prompt": "The film is ", "chosen": "good", "rejected": "bad"},
                    {"prompt": "The f", "chosen": "ilm", "rejected": "x"}])
    check(re.search(r"\d of 4 responses begin within a token", text),
          "a prompt that ends within a token is counted")
    text = summary([good | {"chosen": " 日本語 🙂", "rejected": " naïve"}])
    check("1 pairs" in text, "unicode")
    text = summary([good | {"prompt": "x" * 50}, good | {"chosen": " bad" * 40}])
    rows = [line.split() for line in text.splitlines()]
    check("cut: 1 prompts (to 32 tokens, on the left), 1 responses (to 32)" in text
          and ["limit", "32", "32"] in rows and ["cut", "1", "1"] in rows
          and ["all", "2", "4"] in rows, "lengths are shown as a table, with what is cut")
    text = summary([good | {"prompt": "x" * 50}], "--truncate", "right", "--max-response", "20")
    check("(to 44 tokens, on the right)" in text, "the prompt has what the response leaves")
    sampled = run("sample", "--model", MODEL, "--max-new-tokens", "3", "--responses", "2", "--seed",
                  "3", "--no-end-token", text='{"prompt": "The film is"}\n')
    a, b = rows_of(sampled.stdout)
    row = {"prompt": a["prompt"], "chosen": a["response"], "rejected": b["response"]}
    with_ids = row | {"chosen_ids": a["response_ids"], "rejected_ids": b["response_ids"]}
    table = [line.split() for line in summary([with_ids]).splitlines()]
    check(["longest", "10", "3"] in table or ["longest", "9", "3"] in table or
          any(line[:1] == ["longest"] and line[2] == "3" for line in table if line),
          "tokens that are known are taken, without a further end token")
    first = [run(*arguments(write(work / "cut.jsonl", [each]), work / f"cut-{i}", "--quiet"))
             and metrics(work / f"cut-{i}")[0] for i, each in enumerate([row, with_ids])]
    check(first[0]["logps/chosen"] != first[1]["logps/chosen"]
          and abs(first[1]["logps/chosen"] - a["logprob"]) < 1e-4,
          "and their log-probs are those of the sampler")


def check_parts(plain, work):
    """--part-tokens bounds the parts of a step, which stays the same."""
    def tokens(*more):
        told = run(*arguments(plain, work / "parts", *more), "--dry-run").stdout
        return int(re.search(r"largest part of a step, (\d+) tokens", told)[1])

    whole = tokens()
    check(tokens("--part-tokens", str(whole // 2)) <= whole // 2 and
          tokens("--part-tokens", str(whole)) == whole, "--part-tokens bounds the parts of a step")
    for name, more in [("whole", []), ("cut", ["--part-tokens", str(whole // 2)])]:
        check(train(plain, work / f"parts-{name}", *more).returncode == 0, f"{name}: exits 0")
    losses = [[row["loss"] for row in metrics(work / f"parts-{name}")] for name in ("whole", "cut")]
    check(len(losses[0]) == len(losses[1])
          and all(abs(a - b) < 1e-5 for a, b in zip(*losses)), "and the losses stay the same")


def check_together(work):
    """--together: the more of a prompt's pairs are in a step, the fewer tokens it computes."""
    words = ["good", "better", "fine", "dull"]
    pairs_of_all = write(work / "all-pairs.jsonl", [
        {"prompt": f"The film {i} is", "chosen": f" {a} and {i}", "rejected": f" {b} and {i}"}
        for i in range(8) for n, a in enumerate(words) for b in words[n + 1:]])

    def tokens(together):
        told = run(*arguments(pairs_of_all, work / "together", "--together", together), "--dry-run").stdout
        return int(re.search(r"largest part of a step, (\d+) tokens", told)[1])

    every, some, none = tokens(0), tokens(2), tokens(1)
    check(every < none and every <= some <= none,
          f"--together 0, 2, 1: the largest step has {every}, {some}, {none} tokens")


def write_large_model(folder):
    """A Llama of a few million zeros, to measure memory with."""
    vocabulary, width, inner, layers = 301, 256, 1024, 6
    folder.mkdir()
    for name in ["tokenizer.json", "tokenizer_config.json"]:
        (folder / name).write_bytes((MODEL / name).read_bytes())
    config = json.loads((MODEL / "config.json").read_text())
    config |= {"vocab_size": vocabulary, "hidden_size": width, "intermediate_size": inner,
               "num_hidden_layers": layers, "num_attention_heads": 4, "num_key_value_heads": 4,
               "head_dim": width // 4, "max_position_embeddings": 1024}
    (folder / "config.json").write_text(json.dumps(config))
    shapes = {"model.embed_tokens.weight": [vocabulary, width], "model.norm.weight": [width]}
    for layer in range(layers):
        for name, shape in [("self_attn.q_proj", [width, width]), ("self_attn.k_proj", [width, width]),
                            ("self_attn.v_proj", [width, width]), ("self_attn.o_proj", [width, width]),
                            ("mlp.gate_proj", [inner, width]), ("mlp.up_proj", [inner, width]),
                            ("mlp.down_proj", [width, inner]), ("input_layernorm", [width]),
                            ("post_attention_layernorm", [width])]:
            shapes[f"model.layers.{layer}.{name}.weight"] = shape
    header, end = {}, 0
    for name, shape in shapes.items():
        size = 4 * math.prod(shape)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + bytes(end))


def peak(*args):
    """The most memory that a run had, in MiB."""
    code = ("import resource, subprocess, sys\n"
            "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, "
            "stderr=subprocess.DEVNULL)\n"
            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)")
    result = subprocess.run([sys.executable, "-c", code, PROGRAM, *map(str, args)],
                            capture_output=True, text=True, check=True)
    return float(result.stdout)


def check_memory(work):
    model = work / "large"
    write_large_model(model)
    rows = write(work / "memory.jsonl",
                 [{"prompt": "x" * 400, "chosen": "a" * 300, "rejected": "b" * 300}] * 2)
    sanitized = "asan" in subprocess.run(["ldd", PROGRAM], capture_output=True, text=True,
                                         check=False).stdout  # whose memory is another
    needed = []
    for name, more in [("kept", []), ("checkpointed", ["--checkpoint-activations"]),
                       ("bfloat16", ["--precision", "bfloat16"])]:
        args = ["train", "--model", model, "--data", rows, "--out", work / name, "--threads", "1",
                "--batch", "1", "--save-every", "0", *more]
        told = run(*args, "--dry-run").stdout
        found = re.search(r"memory, about: ([0-9.]+) MiB", told)
        check(found, f"{name}: a dry run tells the memory needed: {told[-300:]}")
        needed.append(float(found[1]))
        if sanitized:
            continue
        used = peak(*args) - peak("tokenize", "--help")
        check(0.7 < used / needed[-1] < 1.4,
              f"about as much is used: {used:.0f} MiB, told {found[1]} MiB")
    check(needed[1] < 0.8 * needed[0], f"checkpoints need less: {needed[1]} of {needed[0]} MiB")
    check(needed[2] < needed[0], f"weights in bfloat16 need less: {needed[2]} of {needed[0]} MiB")
    if not sanitized:
        rows = [[{k: v for k, v in row.items() if k not in ("tokens_per_second", "step_seconds")}
                 for row in rows_of((work / name / "metrics.jsonl").read_text())]
                for name in ("kept", "checkpointed")]
        check(rows[0] == rows[1], "and train the same")


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    plain_file = write(folder / "pairs.jsonl", pairs())
    scored_file = write(folder / "scored.jsonl", pairs(scores=True))
    check_training(plain_file, scored_file, folder)
    check_reference(plain_file, folder)
    check_resume(plain_file, folder)
    check_parts(plain_file, folder)
    check_together(folder)
    check_refusals(plain_file, scored_file, folder)
    check_odd_data(folder)
    check_memory(folder)
done()
