"""Decoders against transformers' AutoModelForCausalLM."""

import pathlib
import tempfile

import torch
import transformers

import decoders
from report import ask, in_double, largest, largest_of_scale, tensors

GREEDY_TOKENS = 12
SAMPLED_TOKENS = 10
TEXTS = ["Hello, world!", " two  spaces\n\nand\ttabs", "naïve café 東京 🙂", "it's 12345.67", ""]


def load(folder):
    # Eager attention and double precision: the plainest path through transformers.
    model = transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager").eval()
    return in_double(decoders.train_padding(model))


def generate(model, prompt, count):
    """transformers' own loop over its cache. No token ends it: prefopt is asked for `count` too."""
    ids = torch.tensor([prompt])
    out = model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False,
                         max_new_tokens=count, min_new_tokens=count, eos_token_id=None,
                         pad_token_id=0, temperature=None, top_p=None, top_k=None)
    return out[0, len(prompt):].tolist()


def logits_after(model, groups):
    """The logits of the token after every prompt."""
    with torch.no_grad():
        return [model(torch.tensor([g["prompt"]])).logits[0, -1] for g in groups]


def check_saved(report, name, model, saved, groups):
    """What prefopt saved, loaded in transformers: every logit must be the very same."""
    difference = largest(zip(logits_after(load(saved), groups), logits_after(model, groups)))
    report.within(name, f"saved, config {saved.name}", difference, 0.0)


def compare(report, name, folder, probe, generator):
    model = load(folder)
    groups = decoders.random_groups(model.config.vocab_size, generator)
    weights = torch.randn(6, generator=generator, dtype=torch.float64).tolist()
    tokenizes = any((pathlib.Path(folder) / file).exists() for file in ("tokenizer.json",
                                                                       "vocab.json"))
    with tempfile.TemporaryDirectory() as path:
        scratch = pathlib.Path(path)
        result = ask(probe, "decoder", folder, {
            "groups": groups, "weights": weights, "greedy_tokens": GREEDY_TOKENS,
            "sampled_tokens": SAMPLED_TOKENS, "texts": TEXTS if tokenizes else []},
            scratch, report, name)
        if result is None:
            return
        parts = [decoders.token_log_probs(model, g["prompt"], r)
                 for g in groups for r in g["responses"]]
        report.within(name, "log-probs", largest(zip(result["token_log_probs"], parts)), 1e-4)
        report.within(name, "logits / their largest",
                      largest_of_scale(result["logits"], logits_after(model, groups)), 1e-5)
        continuations = [generate(model, g["prompt"], GREEDY_TOKENS) for g in groups]
        report.line(name, "greedy continuations",
                    [row["tokens"] for row in result["greedy"]] == continuations,
                    f"{len(groups)} of {GREEDY_TOKENS} tokens")
        with torch.no_grad():
            pairs = [(row["log_probs"],
                      decoders.token_log_probs(model, groups[i // 3]["prompt"], row["tokens"]))
                     for i, row in enumerate(result["sampled"])]
        report.within(name, "log-probs of sampled tokens", largest(pairs), 1e-4)
        sum(w * part.sum() for w, part in zip(weights, parts)).backward()
        decoders.gradient_model(model).save_pretrained(scratch / "gradients")
        report.gradients(name, tensors(scratch / "gradients"),
                         tensors(scratch / "gradients.safetensors"))
        for kind in ("copied", "described"):
            check_saved(report, name, model, scratch / kind, groups)
        if tokenizes:
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
            expected = [tokenizer(text, add_special_tokens=False).input_ids for text in TEXTS]
            report.line(name, "ids of the tokenizer", result["ids"] == expected,
                        f"{len(TEXTS)} texts")


def compare_random(report, name, probe, generator):
    with tempfile.TemporaryDirectory() as folder:
        decoders.build(name, generator).save_pretrained(folder)
        compare(report, name, folder, probe, generator)
