#!/usr/bin/env python3
"""Loads GGUF files that prefopt wrote with llama.cpp and compares the logits with transformers'.

Needs the packages torch, transformers and llama-cpp-python (which is built from source: slow; tried
with 0.3.36). Not part of CI.
Run:  python tests/goldens/check_gguf.py FOLDER FILE.gguf [FILE.gguf ...]

FOLDER is the same model as transformers reads it. For every file it prints the largest difference of
a log-prob over the vocabulary and 24 random tokens, the mean KL divergence and in how many positions
the most likely token is the same, and exits 1 where the divergence exceeds what the format of the
file explains. llama.cpp computes GELU by a table of halves, so that GPT-2 and GPT-NeoX are never
exact there.
"""

import sys

import gguf
import llama_cpp
import numpy as np
import torch
from transformers import AutoModelForCausalLM

# KL divergences, by general.file_type: F32; F16, Q8_0 and BF16, where activations are rounded too.
ALLOWED = {0: 1e-6, 1: 1e-4, 7: 3e-2, 32: 1e-2}


def llama_logits(path, tokens):
    model = llama_cpp.Llama(
        model_path=path, n_ctx=len(tokens), n_batch=len(tokens), n_threads=1, n_threads_batch=1,
        logits_all=True, verbose=False, type_k=0, type_v=0,  # a cache of float32, not of halves
    )  # fmt: skip
    model.eval(tokens)
    return np.array(model.scores[: len(tokens)], dtype=np.float64)


def main():
    torch.set_num_threads(1)
    reference = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32).eval()
    vocabulary = reference.config.vocab_size
    length = min(24, reference.config.max_position_embeddings)
    tokens = np.random.default_rng(3).integers(0, vocabulary, length).tolist()
    with torch.no_grad():
        expected = torch.log_softmax(reference(torch.tensor([tokens])).logits[0].double(), -1)
    expected = expected.numpy()
    failed = False
    for path in sys.argv[2:]:
        fields = gguf.GGUFReader(path).fields
        kind = fields["general.file_type"].contents()
        logits = llama_logits(path, tokens)
        found = torch.log_softmax(torch.tensor(logits), -1).numpy()
        largest = abs(found - expected).max()
        divergence = (np.exp(expected) * (expected - found)).sum(-1).mean()
        same = (found.argmax(-1) == expected.argmax(-1)).sum()
        good = abs(divergence) <= ALLOWED[kind]
        failed |= not good
        print(
            f"{path}: {fields['general.architecture'].contents()}, file type {kind}: largest "
            f"difference {largest:.2g}, KL {divergence:.2g}, same token {same} of {length}: "
            f"{'good' if good else 'WRONG'}"
        )
    sys.exit(failed)


if __name__ == "__main__":
    main()
