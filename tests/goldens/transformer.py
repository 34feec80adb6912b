"""Makes tests/data/model/: tiny random decoders in Hugging Face's format, and what transformers
computes from them. Needs torch, transformers and safetensors.

    python tests/goldens/transformer.py [SMOLLM2_GGUF]

Each tiny-*/ holds config.json, model.safetensors and expected.json: groups of a prompt with
responses, the log-prob of every response token, a weight a response, and the gradient of the
weighted sum of log-probs with respect to every tensor. With the GGUF file of SmolLM2 (which needs
the package gguf too), smollm2_log_probs.json is made as well.
"""

import json
import pathlib
import sys

import torch
from transformers import (AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel, LlamaConfig,
                          LlamaForCausalLM)

DATA = pathlib.Path(__file__).parent.parent / "data" / "model"


def token_log_probs(model, prompt, response):
    ids = torch.tensor([prompt + response])
    logits = model(ids).logits[0, len(prompt) - 1:-1].float()
    return torch.log_softmax(logits, -1).gather(1, torch.tensor(response)[:, None])[:, 0]


def groups_for(vocabulary, generator):
    def tokens(n):
        return torch.randint(vocabulary, (n,), generator=generator).tolist()
    return [{"prompt": tokens(p), "responses": [tokens(n) for n in lengths]}
            for p, lengths in [(5, [3, 1, 13]), (1, [7]), (9, [2, 2])]]


def make(name, model, vocabulary, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():  # larger than the usual initialization, so that errors show
        for key, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=generator)
            p.copy_(1 + 0.2 * noise if p.ndim == 1 and "bias" not in key else 0.15 * noise)
    model = model.float().eval()
    folder = DATA / name
    model.save_pretrained(folder)
    groups = groups_for(vocabulary, generator)
    weights = torch.randn(6, generator=generator, dtype=torch.float64).tolist()
    # The reference is computed in double precision from the float32 weights.
    model = model.double()
    parts = [token_log_probs(model, g["prompt"], r) for g in groups for r in g["responses"]]
    sum(w * part.sum() for w, part in zip(weights, parts)).backward()
    expected = {
        "groups": groups,
        "weights": weights,
        "token_log_probs": [[round(x, 7) for x in part.tolist()] for part in parts],
        "gradients": {key: [float(f"{x:.6g}") for x in p.grad.flatten().tolist()]
                      for key, p in model.named_parameters()},
    }
    (folder / "expected.json").write_text(json.dumps(expected) + "\n")


def smollm2(path):
    path = pathlib.Path(path)
    model = AutoModelForCausalLM.from_pretrained(str(path.parent), gguf_file=path.name,
                                                 torch_dtype=torch.float32).eval()
    from transformers import AutoTokenizer
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
            expected += [[round(x, 6) for x in token_log_probs(model, ids, r).tolist()]
                         for r in rows]
    (DATA / "smollm2_log_probs.json").write_text(
        json.dumps({"groups": groups, "token_log_probs": expected}) + "\n")


def main():
    torch.manual_seed(0)
    make("tiny-gpt2", GPT2LMHeadModel(GPT2Config(
        vocab_size=97, n_positions=40, n_embd=36, n_layer=2, n_head=3, n_inner=50,
        bos_token_id=0, eos_token_id=0)), 97, 1)
    llama = dict(vocab_size=83, hidden_size=30, intermediate_size=44, num_hidden_layers=2,
                 num_attention_heads=6, num_key_value_heads=2, head_dim=8,
                 max_position_embeddings=64, rms_norm_eps=1e-6, bos_token_id=0, eos_token_id=0)
    make("tiny-llama", LlamaForCausalLM(LlamaConfig(
        **llama, rope_theta=500.0, tie_word_embeddings=False)), 83, 2)
    make("tiny-llama-tied", LlamaForCausalLM(LlamaConfig(
        **{**llama, "num_key_value_heads": 6, "vocab_size": 71}, tie_word_embeddings=True)), 71, 3)
    if len(sys.argv) > 1:
        smollm2(sys.argv[1])


main()
