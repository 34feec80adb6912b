"""Compares prefopt, through parity_probe, with transformers: see scripts/parity."""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")

import torch
import transformers
from safetensors import safe_open

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "goldens"))
import decoders

transformers.utils.logging.disable_progress_bar()

GREEDY_TOKENS = 12
SAMPLED_TOKENS = 10
TEXTS = ["Hello, world!", " two  spaces\n\nand\ttabs", "naïve café 東京 🙂", "it's 12345.67", ""]


class Report:
    """Prints a line a check, and remembers whether all were equal."""

    def __init__(self):
        self.failed = 0
        self.count = 0

    def line(self, model, check, good, detail):
        self.count += 1
        self.failed += not good
        print(f"{'equal    ' if good else 'DIFFERENT'} {model:26} {check:28} {detail}", flush=True)

    def within(self, model, check, difference, bound):
        self.line(model, check, difference <= bound, f"max {difference:.2g} (bound {bound:g})")


def largest(pairs):
    """The largest of |a - b|, NaN counting as infinite."""
    worst = 0.0
    for a, b in pairs:
        a, b = (torch.as_tensor(x, dtype=torch.float64) for x in (a, b))
        if a.shape != b.shape:
            return float("inf")
        if a.numel():
            worst = max(worst, torch.nan_to_num((a - b).abs(), nan=float("inf")).max().item())
    return worst


def tensors(folder):
    """All tensors of a folder of safetensors, or of one file, by name."""
    folder = pathlib.Path(folder)
    result = {}
    for path in [folder] if folder.is_file() else sorted(folder.glob("*.safetensors")):
        with safe_open(path, "pt") as file:
            result.update({name: file.get_tensor(name) for name in file.keys()})
    return result


def load(folder):
    # Eager attention and double precision: the plainest path through transformers.
    model = transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager").eval()
    model = decoders.train_padding(model)
    return model.double() if sum(p.numel() for p in model.parameters()) < 3e8 else model


def generate(model, prompt, count):
    """transformers' own loop over its cache. No token ends it: prefopt is asked for `count` too."""
    ids = torch.tensor([prompt])
    out = model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False,
                         max_new_tokens=count, min_new_tokens=count, eos_token_id=None,
                         pad_token_id=0, temperature=None, top_p=None, top_k=None)
    return out[0, len(prompt):].tolist()


def check_gradients(report, name, model, scratch):
    decoders.gradient_model(model).save_pretrained(scratch / "gradients")
    expected = tensors(scratch / "gradients")
    found = tensors(scratch / "gradients.safetensors")
    if sorted(found) != sorted(expected):
        report.line(name, "gradients", False,
                    f"tensors {sorted(set(found) ^ set(expected))[:4]} on one side only")
        return
    relative = {key: ((found[key].double() - of.double()).norm() / of.double().norm()).item()
                for key, of in expected.items() if of.norm() > 0}
    worst = max(relative, key=relative.get)
    report.line(name, f"gradients of {len(relative)} tensors", relative[worst] <= 1e-3,
                f"max {relative[worst]:.2g} relative, of {worst} (bound 0.001)")


def check_saved(report, name, model, saved, groups):
    """What prefopt saved, loaded in transformers: every logit must be the very same."""
    again = load(saved)
    with torch.no_grad():
        difference = largest((again(torch.tensor([g["prompt"]])).logits,
                              model(torch.tensor([g["prompt"]])).logits) for g in groups)
    report.within(name, f"saved, config {saved.name}", difference, 0.0)


def check_tokenizer(report, name, folder, ids):
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    expected = [tokenizer(text, add_special_tokens=False).input_ids for text in TEXTS]
    report.line(name, "ids of the tokenizer", ids == expected, f"{len(TEXTS)} texts")


def compare(report, name, folder, probe, generator):
    model = load(folder)
    vocabulary = model.config.vocab_size
    groups = decoders.random_groups(vocabulary, generator)
    weights = torch.randn(6, generator=generator, dtype=torch.float64).tolist()
    tokenizes = any((pathlib.Path(folder) / file).exists() for file in ("tokenizer.json",
                                                                       "vocab.json"))
    with tempfile.TemporaryDirectory() as path:
        scratch = pathlib.Path(path)
        (scratch / "request.json").write_text(json.dumps({
            "groups": groups, "weights": weights, "greedy_tokens": GREEDY_TOKENS,
            "sampled_tokens": SAMPLED_TOKENS, "texts": TEXTS if tokenizes else []}))
        run = subprocess.run([probe, folder, scratch / "request.json", scratch],
                             capture_output=True, text=True)
        if run.returncode != 0:
            report.line(name, "prefopt reads it", False, run.stderr.strip())
            return
        result = json.loads((scratch / "result.json").read_text())

        parts = [decoders.token_log_probs(model, g["prompt"], r)
                 for g in groups for r in g["responses"]]
        report.within(name, "log-probs", largest(zip(result["token_log_probs"], parts)), 1e-4)
        with torch.no_grad():
            logits = [model(torch.tensor([g["prompt"]])).logits[0, -1] for g in groups]
        scale = max(1.0, max(x.abs().max().item() for x in logits))
        report.within(name, "logits / their largest",
                      largest(zip(result["logits"], logits)) / scale, 1e-5)
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
        check_gradients(report, name, model, scratch)
        for kind in ("copied", "described"):
            check_saved(report, name, model, scratch / kind, groups)
        if tokenizes:
            check_tokenizer(report, name, folder, result["ids"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--probe", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("folders", nargs="*")
    chosen = parser.parse_args()
    torch.manual_seed(chosen.seed)
    report = Report()
    generator = torch.Generator().manual_seed(chosen.seed)
    for folder in chosen.folders:
        compare(report, pathlib.Path(folder).name, folder, chosen.probe, generator)
    for name in [] if chosen.folders else decoders.DECODERS:
        with tempfile.TemporaryDirectory() as folder:
            decoders.build(name, generator).save_pretrained(folder)
            compare(report, name, folder, chosen.probe, generator)
    print(f"{report.count - report.failed} of {report.count} checks equal")
    return report.failed != 0


if __name__ == "__main__":
    sys.exit(main())
