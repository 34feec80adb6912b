#!/usr/bin/env python3
"""Writes tests/data/checkpoint: small files of Hugging Face's and ggml's own writers.

Needs the packages numpy, torch, safetensors and gguf (made with safetensors 0.8.0, gguf 0.19.0).
Run:  python tests/goldens/checkpoints.py tests/data/checkpoint [SmolLM2-135M-Instruct.Q4_1.gguf]
The file is the one that scripts/fetch_models leaves in ~/.cache/prefopt.
"""

import json
import sys
from pathlib import Path

import gguf
import numpy as np
import torch
from safetensors.torch import save_file


def values(count, seed):
    """Numbers of many sizes, with halves' ties, subnormals and zeros among them."""
    random = np.random.default_rng(seed)
    numbers = random.standard_normal(count) * 10.0 ** random.integers(-6, 4, count)
    numbers[: min(count, 6)] = [0.0, -0.0, 1.0 + 2.0**-11, 1.0 + 2.0**-8, 3.0e-8, -65504.0][:count]
    return torch.tensor(numbers, dtype=torch.float32)


def write_safetensors(folder):
    tensors = {
        "b.weight": values(15, 1).reshape(3, 5),
        "a": values(7, 2),
        "scalar": torch.tensor(2.5),
        "c.empty": torch.zeros(0, 4),
        "c.deep": values(24, 3).reshape(2, 3, 4),
    }
    expected = {}
    for name, dtype in [("f32", torch.float32), ("f16", torch.float16), ("bf16", torch.bfloat16)]:
        stored = {key: value.to(dtype) for key, value in tensors.items()}
        save_file(stored, folder / f"{name}.safetensors", metadata={"format": "pt"})
        expected[name] = {
            key: {"shape": list(value.shape), "values": value.float().flatten().tolist()}
            for key, value in stored.items()
        }
    (folder / "safetensors.json").write_text(json.dumps(expected, indent=1) + "\n")
    mixed = {"weight": values(4, 4), "position_ids": torch.arange(3)}
    save_file(mixed, folder / "mixed.safetensors")


QUANTIZED = ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"]


def write_gguf(folder):
    """A file with metadata of every type and a tensor of every type that prefopt reads."""
    writer = gguf.GGUFWriter(folder / "types.gguf", "none")
    writer.add_uint8("u8", 200)
    writer.add_int8("i8", -100)
    writer.add_uint16("u16", 60000)
    writer.add_int16("i16", -30000)
    writer.add_uint32("u32", 4000000000)
    writer.add_int32("i32", -2000000000)
    writer.add_uint64("u64", 2**60)
    writer.add_int64("i64", -(2**60))
    writer.add_float32("f32", 1e-5)
    writer.add_float64("f64", 1e-300)
    writer.add_bool("yes", True)
    writer.add_string("text", "\u00e9t\u00e9")
    writer.add_array("texts", ["a", "", "bc"])
    writer.add_array("integers", [1, -2, 3])
    writer.add_array("reals", [0.5, -1.5])
    expected = {}

    def add(name, stored, kind):
        writer.add_tensor(name, stored, raw_dtype=kind)
        plain = gguf.quants.dequantize(stored, kind).astype(np.float32)
        expected[name] = {"shape": list(plain.shape), "values": plain.flatten().tolist()}

    random = np.random.default_rng(5)
    numbers = values(64 * 3, 6).numpy().reshape(3, 64)
    for name in ["F32", "F16", "BF16"]:
        kind = gguf.GGMLQuantizationType[name]
        add(name, gguf.quants.quantize(numbers[:, :10].copy(), kind), kind)
    for name in QUANTIZED:
        kind = gguf.GGMLQuantizationType[name]
        small = (random.standard_normal((3, 64)) * 0.1).astype(np.float32)
        add(name, gguf.quants.quantize(small, kind), kind)
        # Any bytes are a block: every quant and every sign occurs. Scales are kept finite.
        block, size = gguf.GGML_QUANT_SIZES[kind]
        raw = random.integers(0, 256, (5, 2 * size), dtype=np.uint8)
        halves = 2 if name.endswith("_1") else 1
        for start in [0, size]:
            for half in range(halves):
                scale = np.float16(random.standard_normal() * 10.0 ** random.integers(-5, 3))
                raw[:, start + 2 * half : start + 2 * half + 2] = np.frombuffer(
                    scale.tobytes(), np.uint8
                )
        add(name + ".raw", raw, kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    text = json.dumps(expected)
    (folder / "gguf.json").write_text(text.replace('}, "', '},\n "') + "\n")


def checksum(numbers):
    """sum_i (i + 1) * bits(x_i) modulo 2^64: equal only where every bit is, for practical purposes."""
    bits = np.ascontiguousarray(numbers, np.float32).view(np.uint32).flatten().astype(np.uint64)
    return int((bits * np.arange(1, bits.size + 1, dtype=np.uint64)).sum())


def describe_smollm2(folder, path):
    """Some dequantized tensors of the real model, in the file's own order of rows."""
    expected = {}
    for tensor in gguf.GGUFReader(path).tensors:
        if tensor.name.startswith(("token_embd", "blk.0.", "blk.29.ffn", "output_norm")):
            plain = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
            expected[tensor.name] = {
                "type": tensor.tensor_type.name,
                "shape": list(plain.shape),
                "checksum": str(checksum(plain)),
                "first": plain.flatten()[:3].tolist(),
            }
    (folder / "smollm2.json").write_text(json.dumps(expected, indent=1) + "\n")


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    write_safetensors(folder)
    write_gguf(folder)
    if len(sys.argv) > 2:
        describe_smollm2(folder, sys.argv[2])


if __name__ == "__main__":
    main()
