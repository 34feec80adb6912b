"""Makes tests/data/model/: tiny random decoders in Hugging Face's format, and what transformers
computes from them. Needs torch, transformers and safetensors (made with transformers 5.23.0).

    python tests/goldens/transformer.py [SMOLLM2_GGUF]

Each tiny-*/ holds config.json, model.safetensors, expected.json and gradients.safetensors:
groups of a prompt with responses, the log-prob of every response token, the logits after the first
prompt, its greedy continuation, a weight a response, and the gradient of the weighted sum of
log-probs with respect to every tensor. With the GGUF file of SmolLM2 (which needs the package gguf
too), smollm2_log_probs.json is made as well.
"""

import json
import pathlib
import shutil
import sys
import tempfile

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import decoders

DATA = pathlib.Path(__file__).parent.parent / "data" / "model"


def make(name):
    generator = torch.Generator().manual_seed(decoders.DECODERS[name][2])
    model = decoders.build(name, generator)
    folder = DATA / name
    model.save_pretrained(folder)
    groups = decoders.random_groups(model.config.vocab_size, generator)
    weights = torch.randn(6, generator=generator, dtype=torch.float64).tolist()
    # The reference is computed in double precision from the float32 weights.
    model = model.double()
    parts = [decoders.token_log_probs(model, g["prompt"], r)
             for g in groups for r in g["responses"]]
    sum(w * part.sum() for w, part in zip(weights, parts)).backward()
    first = groups[0]["prompt"]
    with torch.no_grad():
        logits = model(torch.tensor([first])).logits[0, -1]
    expected = {
        "groups": groups,
        "weights": weights,
        "token_log_probs": [[round(x, 7) for x in part.tolist()] for part in parts],
        "logits": [round(x, 7) for x in logits.tolist()],
        "greedy": decoders.greedy(model, first, 12),
    }
    (folder / "expected.json").write_text(json.dumps(expected) + "\n")
    with tempfile.TemporaryDirectory() as scratch:
        decoders.gradient_model(model).save_pretrained(scratch)
        shutil.copy(pathlib.Path(scratch) / "model.safetensors",
                    folder / "gradients.safetensors")
    (folder / "generation_config.json").unlink(missing_ok=True)


def smollm2(path):
    path = pathlib.Path(path)
    model = AutoModelForCausalLM.from_pretrained(str(path.parent), gguf_file=path.name,
                                                 dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(str(path.parent), gguf_file=path.name)
    texts = [("The weather in the mountains", [" changed before anyone had noticed.",
                                               " is 3 degrees colder.", " purple seven of"]),
             ("def add(a, b):", ["\n    return a + b\n"]),
             ("Once", [" upon a time there was a small house at the edge of the forest."])]
    groups = []
    expected = []
    with torch.no_grad():
        for prompt, responses in texts:
            ids = tokenizer(prompt, add_special_tokens=False).input_ids
            rows = [tokenizer(r, add_special_tokens=False).input_ids for r in responses]
            groups.append({"prompt": ids, "responses": rows})
            expected += [[round(x, 6) for x in
                          decoders.token_log_probs(model, ids, r).tolist()] for r in rows]
    (DATA / "smollm2_log_probs.json").write_text(
        json.dumps({"groups": groups, "token_log_probs": expected}) + "\n")


def main():
    for name in decoders.DECODERS:
        make(name)
    if len(sys.argv) > 1:
        smollm2(sys.argv[1])


main()
