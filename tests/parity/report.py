"""Lines of a comparison, and what they are computed with."""

import json
import os
import pathlib
import subprocess

os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")

import torch
import transformers
from safetensors import safe_open

transformers.utils.logging.disable_progress_bar()


class Report:
    """Prints a line a check, and remembers whether all were equal."""

    def __init__(self):
        self.failed = 0
        self.count = 0

    def line(self, model, check, good, detail):
        self.count += 1
        self.failed += not good
        print(f"{'equal    ' if good else 'DIFFERENT'} {model:33} {check:32} {detail}", flush=True)

    def within(self, model, check, difference, bound):
        self.line(model, check, difference <= bound, f"max {difference:.2g} (bound {bound:g})")

    def gradients(self, model, expected, found):
        """Tensors by name. A tensor's difference is relative to its length, or to a thousandth of
        the longest one's: the gradient of a key's bias, which moves all scores of a row alike, is
        rounding and nothing else."""
        if sorted(found) != sorted(expected):
            self.line(model, "gradients", False,
                      f"tensors {sorted(set(found) ^ set(expected))[:4]} on one side only")
            return
        least = 1e-3 * max(of.double().norm().item() for of in expected.values())
        relative = {key: (found[key].double() - of.double()).norm().item()
                    / max(of.double().norm().item(), least) for key, of in expected.items()}
        worst = max(relative, key=relative.get)
        self.line(model, f"gradients of {len(relative)} tensors", relative[worst] <= 1e-3,
                  f"max {relative[worst]:.2g} relative, of {worst} (bound 0.001)")


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


def largest_of_scale(found, expected):
    """The largest difference, in parts of the largest of `expected` where that is above 1."""
    scale = max(1.0, max(torch.as_tensor(x).abs().max().item() for x in expected))
    return largest(zip(found, expected)) / scale


def tensors(folder):
    """All tensors of a folder of safetensors, or of one file, by name."""
    folder = pathlib.Path(folder)
    result = {}
    for path in [folder] if folder.is_file() else sorted(folder.glob("*.safetensors")):
        with safe_open(path, "pt") as file:
            result.update({name: file.get_tensor(name) for name in file.keys()})
    return result


def ask(probe, kind, folder, request, scratch, report, name):
    """What prefopt computes, or None where it refused, which is a line of the report."""
    (scratch / "request.json").write_text(json.dumps(request))
    run = subprocess.run([probe, kind, folder, scratch / "request.json", scratch],
                         capture_output=True, text=True)
    if run.returncode != 0:
        report.line(name, "prefopt reads it", False, run.stderr.strip())
        return None
    return json.loads((scratch / "result.json").read_text())


def in_double(model):
    """The plainest reference, where memory allows it."""
    return model.double() if sum(p.numel() for p in model.parameters()) < 3e8 else model
