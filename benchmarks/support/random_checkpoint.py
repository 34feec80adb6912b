"""A GPT-2 with random weights as a folder that prefopt and transformers load, and what such folders
say about themselves. Needs the standard library alone."""

import array
import json
import math
import pathlib
import random
import struct
import sys

BLOCK = 65537  # numbers that are drawn; a prime, so that no two rows are alike


def shapes(layers, width, vocabulary, positions):
    """Names and shapes of all tensors. GPT-2 stores matrices as (inputs, outputs)."""
    found = {"wte.weight": [vocabulary, width], "wpe.weight": [positions, width]}

    def norm(name):
        found.update({f"{name}.weight": [width], f"{name}.bias": [width]})

    def matrix(name, inputs, outputs):
        found.update({f"{name}.weight": [inputs, outputs], f"{name}.bias": [outputs]})

    for layer in range(layers):
        norm(f"h.{layer}.ln_1")
        matrix(f"h.{layer}.attn.c_attn", width, 3 * width)
        matrix(f"h.{layer}.attn.c_proj", width, width)
        norm(f"h.{layer}.ln_2")
        matrix(f"h.{layer}.mlp.c_fc", width, 4 * width)
        matrix(f"h.{layer}.mlp.c_proj", 4 * width, width)
    norm("ln_f")
    return {f"transformer.{name}": found[name] for name in sorted(found)}


def header(tensors):
    """What stands before the numbers of a safetensors file: a length of eight bytes, then JSON."""
    entries, end = {"__metadata__": {"format": "pt"}}, 0
    for name, shape in tensors.items():
        size = 4 * math.prod(shape)
        entries[name] = {"dtype": "F32", "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text


def little_endian(numbers):
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


def write(folder, layers, width=256, heads=4, vocabulary=5000, positions=2048):
    """Makes the folder with config.json and model.safetensors. Weights are normal with deviation
    0.02, as GPT-2 begins; norms are ones, biases zeros."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True)
    config = {"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "vocab_size": vocabulary,
              "n_embd": width, "n_layer": layers, "n_head": heads, "n_positions": positions}
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    draw = random.Random(1)
    block = little_endian(array.array("f", (draw.gauss(0, 0.02) for _ in range(BLOCK))))
    one = little_endian(array.array("f", [1]))
    tensors = shapes(layers, width, vocabulary, positions)
    with open(folder / "model.safetensors", "wb") as out:
        out.write(header(tensors))
        for name, shape in tensors.items():
            size = 4 * math.prod(shape)
            if name.endswith(".bias"):
                out.write(bytes(size))
            elif len(shape) == 1:
                out.write(one * shape[0])
            else:
                out.write(block * (size // len(block)) + block[:size % len(block)])
    return folder


def parameters(folder):
    """Of a checkpoint folder, without a table of positions, which no product reads."""
    count = 0
    files = sorted(pathlib.Path(folder).glob("*.safetensors"))
    if not files:
        raise OSError(f"{folder}: has no *.safetensors")
    for file in files:
        with open(file, "rb") as opened:
            try:
                entries = json.loads(opened.read(struct.unpack("<Q", opened.read(8))[0]))
            except (struct.error, ValueError, MemoryError, OverflowError) as problem:
                raise OSError(f"{file}: is no safetensors file ({problem})") from None
        entries.pop("__metadata__", None)
        count += sum(math.prod(entry["shape"]) for name, entry in entries.items()
                     if not name.endswith("wpe.weight"))
    return count


def positions(folder):
    """The longest text that a checkpoint folder takes, or None where it does not say."""
    path = pathlib.Path(folder) / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as problem:
        raise OSError(f"{path}: is no JSON ({problem})") from None
    return config.get("n_positions") or config.get("max_position_embeddings")
