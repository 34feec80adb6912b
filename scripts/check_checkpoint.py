#!/usr/bin/env python3
"""Loads a checkpoint that prefopt wrote, and its source, with transformers, and compares them.

Needs the packages torch and transformers (and gguf, where the source is a GGUF file).
Run:  python scripts/check_checkpoint.py WRITTEN_FOLDER SOURCE [--tolerance 0] [--no-tokenizer]
SOURCE is a folder or a GGUF file. Prints the largest differences of weights and logits, and exits
with 1 if one exceeds the tolerance or a text is tokenized differently.
"""

import argparse
import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

TEXTS = [
    "I went to see this film in 1997, and it's the best I've ever seen!",
    "  Two  spaces,\ttabs\nlines\n\n\nand \u00e9t\u00e9, \u4f60\u597d, \U0001f600\u200d\U0001f4bb.",
    "<|im_start|>user\nHello<|im_end|>\n",
]


def load(kind, path, **options):
    path = Path(path)
    if path.is_file():
        return kind.from_pretrained(path.parent, gguf_file=path.name, **options)
    return kind.from_pretrained(path, **options)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("written")
    parser.add_argument("source")
    parser.add_argument("--tolerance", type=float, default=0.0)
    parser.add_argument("--no-tokenizer", action="store_true")
    arguments = parser.parse_args()
    good = True

    written, problems = load(
        AutoModelForCausalLM, arguments.written, dtype=torch.float32, output_loading_info=True
    )
    source = load(AutoModelForCausalLM, arguments.source, dtype=torch.float32)
    for what, names in problems.items():
        if names:
            print(f"transformers reports {what}: {names}")
            good = False
    ours, theirs = written.state_dict(), source.state_dict()
    if ours.keys() != theirs.keys():
        print("names differ:", sorted(ours.keys() ^ theirs.keys()))
        return 1
    weights = max((ours[name] - theirs[name]).abs().max().item() for name in ours)
    tokens = torch.randint(
        0, source.config.vocab_size, (2, min(64, source.config.max_position_embeddings)),
        generator=torch.Generator().manual_seed(1),
    )  # fmt: skip
    with torch.no_grad():
        logits = (written.eval()(tokens).logits - source.eval()(tokens).logits).abs().max().item()
    print(f"{len(ours)} tensors; largest difference of weights {weights:g}, of logits {logits:g}")
    good = good and weights <= arguments.tolerance and logits <= arguments.tolerance

    if not arguments.no_tokenizer:
        ours = AutoTokenizer.from_pretrained(arguments.written)
        theirs = load(AutoTokenizer, arguments.source)
        for text in TEXTS:
            if ours(text)["input_ids"] != theirs(text)["input_ids"]:
                print(f"tokens of {text!r} differ")
                good = False
            if ours.decode(ours(text)["input_ids"]) != text:
                print(f"{text!r} does not come back from its tokens")
                good = False
        print(f"{len(TEXTS)} texts tokenized; vocabulary {len(ours)}, end token {ours.eos_token!r}")
    print("equal" if good else "NOT EQUAL")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
