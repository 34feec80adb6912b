"""Adapters against PEFT."""

import json
import pathlib
import tempfile

import peft
import torch

import decoder_parity
import decoders
import lora
from decoder_parity import logits_after
from report import ask, in_double, largest, largest_of_scale, tensors

# Of the decoders that lora.ADAPTERS leaves out, every matrix of every layer.
EVERYWHERE = dict(r=2, lora_alpha=4, target_modules="all-linear")
ADAPTERS = [(base, settings) for base, settings in lora.ADAPTERS.values()] + [
    (base, EVERYWHERE) for base in decoders.DECODERS
    if base not in [base for base, _ in lora.ADAPTERS.values()]]


def with_adapter(folder, adapter):
    model = decoder_parity.load(folder)
    return in_double(peft.PeftModel.from_pretrained(model, adapter, is_trainable=True).eval())


def token_log_probs(model, groups):
    return [decoders.token_log_probs(model, g["prompt"], r) for g in groups for r in g["responses"]]


def compare(report, name, folder, adapter, probe, generator):
    model = with_adapter(folder, adapter)
    own = model.peft_config["default"]
    groups = decoders.random_groups(model.config.vocab_size, generator)
    weights = torch.randn(6, generator=generator, dtype=torch.float64).tolist()
    with tempfile.TemporaryDirectory() as path:
        scratch = pathlib.Path(path)
        result = ask(probe, "adapter", folder, {
            "groups": groups, "weights": weights, "adapter": str(adapter),
            "own": {"rank": own.r, "alpha": own.lora_alpha, "rank_stabilized": own.use_rslora,
                    "targets": sorted(own.target_modules)}}, scratch, report, name)
        if result is None:
            return
        parts = token_log_probs(model, groups)
        check_computed(report, name, "", result["loaded"], model, groups)
        sum(w * part.sum() for w, part in zip(weights, parts)).backward()
        report.gradients(name, {key.replace(".default", ""): p.grad for key, p
                                in model.named_parameters() if "lora_" in key},
                         tensors(scratch / "gradients"))
        with model.disable_adapter():
            check_computed(report, name, "switched off: ", result["switched_off"], model, groups)
        report.within(name, "saved, loaded by PEFT: logits", largest(zip(
            logits_after(with_adapter(folder, scratch / "saved"), groups),
            logits_after(model, groups))), 0.0)
        check_own(report, name, folder, scratch / "own", result, groups)
        merged = model.merge_and_unload()
        check_computed(report, name, "merged: ", result["merged"], merged, groups)
        report.within(name, "merged, saved: logits", largest_of_scale(
            logits_after(decoder_parity.load(scratch / "merged"), groups),
            logits_after(merged, groups)), 1e-5)


def check_computed(report, name, state, found, model, groups):
    with torch.no_grad():
        report.within(name, f"{state}log-probs", largest(zip(
            found["token_log_probs"], token_log_probs(model, groups))), 1e-4)
    report.within(name, f"{state}logits / largest", largest_of_scale(
        found["logits"], logits_after(model, groups)), 1e-5)


def check_own(report, name, folder, adapter, result, groups):
    """An adapter that prefopt began and trained a little."""
    at_its_start = zip(result["own"]["at_its_start"], result["switched_off"]["token_log_probs"])
    report.within(name, "prefopt's, at its start", largest(at_its_start), 0.0)
    check_computed(report, name, "prefopt's: ", result["own"], with_adapter(folder, adapter),
                   groups)


def base_of(adapter):
    """The base model's folder, where the adapter names one."""
    fields = json.loads((pathlib.Path(adapter) / "adapter_config.json").read_text())
    base = pathlib.Path(fields.get("base_model_name_or_path") or "")
    if not (base / "config.json").exists():
        raise SystemExit(f"parity: {adapter} is an adapter of '{base}', which is no folder here; "
                         "give BASE_DIR:ADAPTER_DIR")
    return base


def compare_random(report, base, settings, probe, generator):
    with tempfile.TemporaryDirectory() as path:
        folder, adapter = pathlib.Path(path) / "base", pathlib.Path(path) / "adapter"
        model = decoders.build(base, generator)
        model.save_pretrained(folder)
        lora.adapt(model, settings, generator).save_pretrained(adapter)
        compare(report, base + ", adapter", folder, adapter, probe, generator)
