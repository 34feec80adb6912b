"""The preference tuning program as a person meets it: trained, killed and resumed, refused.

    python3 tests/examples/check_preference_tuning.py PROGRAM TOKENIZER_JSON

Writes a Llama checkpoint of random weights for the tokenizer and a few pairs, and needs Python
alone. A run that was killed (SIGKILL) and resumed must end with the weights, byte for byte, of one
that was not.
"""

import json
import math
import os
import pathlib
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

PROGRAM, TOKENIZER = sys.argv[1:]
failures = []


def check(good, text):
    print(("ok      " if good else "FAILED  ") + text)
    if not good:
        failures.append(text)


def write_model(folder):
    """A two-layer Llama of width 16 with the tokenizer's vocabulary."""
    vocabulary, width, inner, layers = 301, 16, 32, 2
    folder.mkdir()
    shutil.copy(TOKENIZER, folder / "tokenizer.json")
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": "<|end|>"}))
    (folder / "config.json").write_text(json.dumps({
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": vocabulary,
        "hidden_size": width, "intermediate_size": inner, "num_hidden_layers": layers,
        "num_attention_heads": 4, "num_key_value_heads": 2, "hidden_act": "silu",
        "max_position_embeddings": 64, "rms_norm_eps": 1e-6, "rope_theta": 10000.0,
        "tie_word_embeddings": True, "bos_token_id": 0, "eos_token_id": 0,
        "torch_dtype": "float32"}))
    shapes = {"model.embed_tokens.weight": [vocabulary, width], "model.norm.weight": [width]}
    for layer in range(layers):
        for name, shape in [("self_attn.q_proj", [width, width]),
                            ("self_attn.k_proj", [width // 2, width]),
                            ("self_attn.v_proj", [width // 2, width]),
                            ("self_attn.o_proj", [width, width]),
                            ("mlp.gate_proj", [inner, width]), ("mlp.up_proj", [inner, width]),
                            ("mlp.down_proj", [width, inner]), ("input_layernorm", [width]),
                            ("post_attention_layernorm", [width])]:
            shapes[f"model.layers.{layer}.{name}.weight"] = shape
    draw = random.Random(1)
    header, data = {}, b""
    for name, shape in shapes.items():
        count = math.prod(shape)
        values = [1.0 if len(shape) == 1 else draw.gauss(0, 0.1) for _ in range(count)]
        begin = len(data)
        data += struct.pack(f"<{count}f", *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [begin, len(data)]}
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)


def write_rows(file, rows):
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(file)


def pairs(scores):
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
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k not in {"step_seconds", "tokens_per_second"}} for line in lines]


def arguments(model, data, out, *more):
    return [PROGRAM, "--model", str(model), "--data", str(data), "--out", str(out), "--threads",
            "1", "--learning-rate", "1e-3", "--batch", "4", *more]


def run(*args):
    return subprocess.run(arguments(*args), capture_output=True, text=True, check=False)


def check_training(model, plain, scored, work):
    out = work / "dpo"
    result = run(model, plain, out, "--epochs", "8", "--held-out", plain)
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
    for name in ["config.json", "model.safetensors", "tokenizer.json"]:
        check((out / "checkpoint" / name).stat().st_size > 0, f"the checkpoint has {name}")
    check((out / "training.csv").exists(), "the training curves are there")
    check(run(out / "checkpoint", plain, work / "further").returncode == 0,
          "the checkpoint is a model to go on from")
    check(run(model, plain, out, "--epochs", "8").returncode == 2,
          "without --resume a folder with a run is refused")
    other = run(model, plain, out, "--epochs", "8", "--beta", "0.2", "--resume")
    check(other.returncode != 0 and "loss" in other.stderr, "resumed with another beta: refused")
    for loss in ["odpo", "softmax-margin", "slic"]:
        result = run(model, scored, work / loss, "--loss", loss, "--offset", "log-diff")
        check(result.returncode == 0, f"{loss} exits 0")
    check(metrics(work / "odpo")[0]["loss"] > math.log(2), "an offset raises the first loss")


def check_resume(model, plain, work):
    options = ["--epochs", "60", "--save-every", "1"]
    whole = work / "whole"
    if run(model, plain, whole, *options).returncode != 0:
        check(False, "a whole run exits 0")
        return
    for number, code in [(signal.SIGKILL, -9), (signal.SIGTERM, 143), (signal.SIGINT, 130)]:
        out = work / f"signal-{int(number)}"
        process = subprocess.Popen(arguments(model, plain, out, *options),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        file = out / "metrics.jsonl"
        while process.poll() is None and not (file.exists() and file.stat().st_size > 5000):
            time.sleep(0.002)
        process.send_signal(number)
        check(process.wait() == code, f"stopped by signal {int(number)}: exit code {code}")
        check(not (out / "checkpoint").exists(), "a run that was stopped has written no model")
        result = run(model, plain, out, *options, "--resume")
        name = pathlib.Path("checkpoint") / "model.safetensors"
        check(result.returncode == 0 and "going on after step" in result.stderr
              and (out / name).read_bytes() == (whole / name).read_bytes()
              and metrics(out) == metrics(whole), "and resumed: the same weights and metrics")


def check_refusals(model, plain, scored, work):
    good = pairs(scores=True)
    torn = work / "torn.jsonl"
    torn.write_text(json.dumps(good[0]) + '\n{"prompt": "a\n', encoding="utf-8")
    tie = good[0] | {"score_rejected": good[0]["score_chosen"]}
    half = {k: v for k, v in good[0].items() if k != "score_rejected"}
    chat = good[0] | {"chosen": [{"role": "user", "content": "a"}]}
    bad = [
        ([plain, "--loss", "odpo"], "pairs.jsonl:1", "score_chosen"),
        ([write_rows(work / "tie.jsonl", [good[1], tie]), "--loss", "odpo"], "tie.jsonl:2", "tie"),
        ([write_rows(work / "half.jsonl", [half])], "half.jsonl:1", "score_rejected"),
        ([write_rows(work / "chat.jsonl", [good[0], chat])], "chat.jsonl:2", "chosen"),
        ([str(torn)], "torn.jsonl:2", "JSON"),
        ([write_rows(work / "none.jsonl", [])], "none.jsonl", "no pairs"),
        ([str(work / "nowhere.jsonl")], "nowhere.jsonl", ""),
        ([write_rows(work / "long.jsonl", [good[0] | {"chosen": " bad" * 80}])], "long.jsonl",
         "--max-response"),
        ([scored, "--loss", "ppo"], "--loss", "ppo"),
        ([scored, "--beta", "-1"], "beta", ""),
        ([scored, "--epochs", "0"], "epochs", ""),
    ]
    for args, place, word in bad:
        result = run(model, *args[:1], work / "bad", *args[1:])
        check(result.returncode in (1, 2) and place in result.stderr and word in result.stderr,
              f"refused: {place} {word} ({result.stderr.strip()[-150:]})")
        check(not (work / "bad").exists(), "and nothing is written")
    result = run(work / "no-model", plain, work / "bad")
    check(result.returncode == 1 and "no-model" in result.stderr, "a missing model is named")
    check(subprocess.run([PROGRAM, "--help"], stdout=subprocess.DEVNULL, check=False).returncode == 0,
          "--help exits 0")


def main():
    with tempfile.TemporaryDirectory() as name:
        work = pathlib.Path(name)
        model = work / "model"
        write_model(model)
        plain = write_rows(work / "pairs.jsonl", pairs(scores=False))
        scored = write_rows(work / "scored.jsonl", pairs(scores=True))
        check_training(model, plain, scored, work)
        check_resume(model, plain, work)
        check_refusals(model, plain, scored, work)


os.environ.setdefault("OMP_NUM_THREADS", "1")
main()
print(f"{len(failures)} failed")
sys.exit(1 if failures else 0)
