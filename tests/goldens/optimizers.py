"""Makes tests/data/train/optimizers.json: a few steps of torch.optim's optimizers and of
transformers' schedules. Packages: torch, transformers. Run: python optimizers.py OUTPUT"""
import json
import sys

import torch
from transformers import (
    get_constant_schedule_with_warmup,
    get_cosine_schedule_with_warmup,
    get_linear_schedule_with_warmup,
)

SIZE, STEPS = 11, 5


def inputs():
    generator = torch.Generator().manual_seed(1)
    value = torch.randn(SIZE, generator=generator)
    gradients = torch.randn(STEPS, SIZE, generator=generator)
    gradients[:, 0] = 1e-9  # where epsilon decides
    gradients[2] = 0
    return value, gradients


def run(make):
    value, gradients = inputs()
    parameter = torch.nn.Parameter(value.clone())
    optimizer = make([parameter])
    trace = []
    for gradient in gradients:
        parameter.grad = gradient.clone()
        optimizer.step()
        trace.append(parameter.detach().tolist())
    return trace


def rates(make):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    schedule = make(optimizer)
    out = []
    for _ in range(12):
        out.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return out


def main():
    value, gradients = inputs()
    plain = {"foreach": False}
    optimizers = {
        "adamw": lambda p: torch.optim.AdamW(p, lr=0.1, weight_decay=0.0, **plain),
        "adamw_decay": lambda p: torch.optim.AdamW(
            p, lr=0.1, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.3, **plain),
        "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.1, **plain),
        "rmsprop_decay": lambda p: torch.optim.RMSprop(
            p, lr=0.1, alpha=0.9, eps=1e-3, weight_decay=0.3, **plain),
        "rmsprop_momentum": lambda p: torch.optim.RMSprop(
            p, lr=0.1, momentum=0.9, weight_decay=0.1, **plain),
        "sgd": lambda p: torch.optim.SGD(p, lr=0.1, **plain),
        "sgd_decay": lambda p: torch.optim.SGD(p, lr=0.1, weight_decay=0.3, **plain),
        "sgd_momentum": lambda p: torch.optim.SGD(
            p, lr=0.1, momentum=0.9, weight_decay=0.1, **plain),
        "sgd_nesterov": lambda p: torch.optim.SGD(
            p, lr=0.1, momentum=0.9, nesterov=True, **plain),
    }
    # Clipped: the gradient is rescaled in place before the step.
    def clipped():
        parameter = torch.nn.Parameter(value.clone())
        optimizer = torch.optim.AdamW([parameter], lr=0.1, weight_decay=0.0, **plain)
        norms, trace = [], []
        for gradient in gradients:
            parameter.grad = gradient.clone()
            norms.append(torch.nn.utils.clip_grad_norm_([parameter], 1.0).item())
            optimizer.step()
            trace.append(parameter.detach().tolist())
        return {"norms": norms, "trace": trace}

    schedules = {
        "constant": lambda o: get_constant_schedule_with_warmup(o, 3),
        "linear": lambda o: get_linear_schedule_with_warmup(o, 3, 10),
        "cosine": lambda o: get_cosine_schedule_with_warmup(o, 3, 10),
    }
    with open(sys.argv[1], "w") as out:
        json.dump(
            {
                "torch": torch.__version__.split("+")[0],
                "value": value.tolist(),
                "gradients": gradients.tolist(),
                "optimizers": {name: run(make) for name, make in optimizers.items()},
                "clipped": clipped(),
                "schedules": {name: rates(make) for name, make in schedules.items()},
            },
            out, indent=0)
        out.write("\n")


main()
