#!/usr/bin/env python3
"""Writes k_quants.gguf and k_quants.json into tests/data/checkpoint: random blocks of ggml's
K-quants and their numbers as the package gguf dequantizes them; and q8_0.json: numbers and their
blocks as it quantizes them.

Needs the packages numpy and gguf (made with gguf 0.19.0).
Run:  python tests/goldens/k_quants.py tests/data/checkpoint
"""

import json
import sys
from pathlib import Path

import gguf
import numpy as np

# Where a block's halves stand.
HALVES = {"Q2_K": [80, 82], "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208]}


def checksum(numbers):
    """sum_i (i + 1) * bits(x_i) modulo 2^64."""
    bits = np.ascontiguousarray(numbers, np.float32).view(np.uint32).flatten().astype(np.uint64)
    return int((bits * np.arange(1, bits.size + 1, dtype=np.uint64)).sum())


def write_q8_0(folder):
    random = np.random.default_rng(18)
    values = random.standard_normal((6, 32)).astype(np.float32)
    values[1] *= 1e-3
    values[2] *= 300
    values[3] = 0
    values[4] = np.arange(32) * 0.5 - 4  # ties: with -127 the scale is 1
    values[4, 0] = -127
    blocks = gguf.quants.quantize(values, gguf.GGMLQuantizationType.Q8_0)
    expected = {"values": values.flatten().tolist(), "bytes": blocks.flatten().tolist()}
    (folder / "q8_0.json").write_text(json.dumps(expected) + "\n")


def main():
    folder = Path(sys.argv[1])
    write_q8_0(folder)
    random = np.random.default_rng(17)
    writer = gguf.GGUFWriter(folder / "k_quants.gguf", "none")
    expected = {}
    for name, places in HALVES.items():
        kind = gguf.GGMLQuantizationType[name]
        _, size = gguf.GGML_QUANT_SIZES[kind]
        raw = random.integers(0, 256, (3, 2 * size), dtype=np.uint8)
        for row in raw:  # scales finite, of both signs and many sizes
            for start in [0, size]:
                for place in places:
                    half = np.float16(random.standard_normal() * 10.0 ** random.integers(-6, 3))
                    row[start + place : start + place + 2] = np.frombuffer(half.tobytes(), np.uint8)
        writer.add_tensor(name, raw, raw_dtype=kind)
        plain = gguf.quants.dequantize(raw, kind).astype(np.float32)
        expected[name] = {
            "checksum": str(checksum(plain)),
            "first": plain.flatten()[:512].tolist(),
        }
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    text = json.dumps(expected)
    (folder / "k_quants.json").write_text(text.replace('}, "', '},\n "') + "\n")


if __name__ == "__main__":
    main()
