#!/usr/bin/env python3
"""Writes tests/data/checkpoint: small files of Hugging Face's and ggml's own writers.

Needs the packages numpy, torch, safetensors and gguf (made with safetensors 0.8.0, gguf 0.19.0).
Run:  python tests/goldens/checkpoints.py tests/data/checkpoint
"""

import json
import sys
from pathlib import Path

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


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    write_safetensors(folder)


if __name__ == "__main__":
    main()
