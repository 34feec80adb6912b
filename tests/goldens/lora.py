#!/usr/bin/env python3
"""Writes tests/data/lora: adapters as PEFT saves them on the tiny models of tests/data/model, and
what PEFT computes with them. scripts/parity makes the same adapters on models of its own.

Needs the packages torch, transformers, safetensors and peft (made with peft 0.21.2).
Run:  python tests/goldens/lora.py tests/data/model tests/data/lora [NAME ...]

Each folder holds adapter_config.json, adapter_model.safetensors and expected.json: the base model's
folder, groups of a prompt with responses, the log-prob of every response token with the adapter,
merged and without it, a weight a response, and the gradient of the weighted sum of log-probs with
respect to every A and B.
"""

import json
import sys
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

ADAPTERS = {
    "gpt2": ("tiny-gpt2", dict(r=3, lora_alpha=5, target_modules=["c_attn", "mlp.c_proj", "c_fc"],
                               fan_in_fan_out=True)),
    "llama": ("tiny-llama", dict(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"])),
    "llama-all": ("tiny-llama-tied", dict(r=2, lora_alpha=3.5, target_modules="all-linear",
                                          use_rslora=True)),
    "gpt-neox": ("tiny-gpt-neox", dict(r=3, lora_alpha=6, target_modules=["query_key_value",
                                                                          "dense_h_to_4h"])),
    "qwen3": ("tiny-qwen3", dict(r=2, lora_alpha=4, target_modules="all-linear")),
}


def token_log_probs(model, prompt, response):
    ids = torch.tensor([prompt + response])
    logits = model(ids).logits[0, len(prompt) - 1 : -1]
    return torch.log_softmax(logits, -1).gather(1, torch.tensor(response)[:, None])[:, 0]


def adapt(model, settings, generator=None):
    """The model with an adapter of random numbers."""
    model = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **settings))
    with torch.no_grad():
        for key, value in model.named_parameters():
            if "lora_" in key:
                value.copy_(0.2 * torch.randn(value.shape, generator=generator))
    return model


def main():
    models, out = Path(sys.argv[1]), Path(sys.argv[2])
    for name, (base, settings) in ADAPTERS.items():
        if len(sys.argv) > 3 and name not in sys.argv[3:]:
            continue
        torch.manual_seed(len(name))
        model = AutoModelForCausalLM.from_pretrained(models / base, dtype=torch.float32).eval()
        model = adapt(model, settings)
        folder = out / name
        model.save_pretrained(folder)
        (folder / "README.md").unlink()
        config = json.loads((folder / "adapter_config.json").read_text())
        config["base_model_name_or_path"] = base
        config["target_modules"] = sorted(config["target_modules"])
        (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")

        model = model.double()
        known = json.loads((models / base / "expected.json").read_text())
        texts = [(g["prompt"], r) for g in known["groups"] for r in g["responses"]]
        parts = [token_log_probs(model, *text) for text in texts]
        sum(w * part.sum() for w, part in zip(known["weights"], parts)).backward()
        gradients = {
            key.removeprefix("base_model.model.").replace(".default", ""): [
                float(f"{x:.6g}") for x in value.grad.flatten().tolist()
            ]
            for key, value in model.named_parameters()
            if "lora_" in key
        }
        rounded = lambda parts: [[round(x, 7) for x in part.tolist()] for part in parts]
        with torch.no_grad():
            with model.disable_adapter():
                without = [token_log_probs(model, *text) for text in texts]
            merged = model.merge_and_unload()
            together = [token_log_probs(merged, *text) for text in texts]
        expected = {
            "base": base,
            "groups": known["groups"],
            "weights": known["weights"],
            "token_log_probs": rounded(parts),
            "merged": rounded(together),
            "without": rounded(without),
            "gradients": gradients,
        }
        (folder / "expected.json").write_text(json.dumps(expected) + "\n")


if __name__ == "__main__":
    main()
