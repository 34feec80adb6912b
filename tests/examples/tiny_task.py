"""What the tests of the paper's tasks share: a tiny checkpoint, running a program, counting failures.

Needs Python alone.
"""

import csv
import json
import math
import os
import pathlib
import random
import shutil
import struct
import subprocess
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")  # what is expected was computed on a CPU
failures = []


def check(good, text):
    print(("ok      " if good else "FAILED  ") + text, flush=True)
    if not good:
        failures.append(text)
    return good


def write_model(folder, tokenizer, positions=256):
    """A two-layer Llama of width 16 and random weights, with the tokenizer's vocabulary."""
    vocabulary, width, inner, layers = 301, 16, 32, 2
    folder.mkdir()
    shutil.copy(tokenizer, folder / "tokenizer.json")
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": "<|end|>"}))
    (folder / "config.json").write_text(json.dumps({
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": vocabulary,
        "hidden_size": width, "intermediate_size": inner, "num_hidden_layers": layers,
        "num_attention_heads": 4, "num_key_value_heads": 2, "hidden_act": "silu",
        "max_position_embeddings": positions, "rms_norm_eps": 1e-6, "rope_theta": 10000.0,
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
    return str(folder)


def write_rows(file, rows):
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(file)


def run(program, *arguments, **options):
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True,
                          check=False, **options)


def changed(arguments, extra):
    """The arguments with those of `extra` (an option and its value, or a flag) in place of their own."""
    kept = list(arguments)
    if extra[0] in kept and len(extra) > 1:
        at = kept.index(extra[0])
        del kept[at:at + 2]
    return [*kept, *extra]


def read_csv(file):
    with open(file, newline="", encoding="utf-8") as opened:
        return list(csv.DictReader(opened))


def outcome(folder, tables=()):
    """All that must not depend on when a run was stopped: tables without times, weights, pairs."""
    folder = pathlib.Path(folder)
    results = [{k: v for k, v in row.items() if not k.endswith("_seconds")}
               for row in read_csv(folder / "results.csv")]
    weights = {p.parent.name: (p / "model.safetensors").read_bytes()
               for p in folder.glob("points/*/checkpoint")}
    return (results, weights, (folder / "pairs.jsonl").read_bytes(),
            [read_csv(folder / name) for name in tables])


def stop_and_resume(program, arguments, folder, signals, pause=0.05):
    """Stops a run at several moments until one of them lets it end; how often it was stopped.

    `signals`: pairs of a signal and the exit code that it must give, which take turns. `pause`:
    seconds to the first of them; less than a whole run takes, and for a signal that the program
    handles more than it needs to begin."""
    stopped = 0
    for attempt in range(40):
        number, expected_code = signals[attempt % len(signals)]
        command = [program, *map(str, arguments), "--out", str(folder)]
        process = subprocess.Popen(command + (["--resume"] if attempt else []),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            code = process.wait(timeout=pause)
        except subprocess.TimeoutExpired:
            process.send_signal(number)
            code = process.wait()
        if code == 0:
            return stopped
        if code != expected_code:
            check(False, f"stopped by signal {number}: exit code {code}, expected {expected_code}")
            return stopped
        stopped += 1
        pause *= 1.4
        time.sleep(0.01)
    check(False, "stopped and resumed: the run never ended")
    return stopped
