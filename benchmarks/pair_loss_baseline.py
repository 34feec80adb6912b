"""What pair_loss_benchmark's odpo/log_diff takes in torch: ODPO's loss and gradients over a million
float pairs. Prints medians in milliseconds for 1 and for all threads, eager and by torch.compile
(null where it cannot compile), as JSON.

Packages: torch. Run beside the benchmark, on the same machine: python pair_loss_baseline.py"""
import json
import statistics
import sys
import time

import torch
import torch.nn.functional as F

PAIRS, BETA, ALPHA, ROUNDS = 1_000_000, 0.1, 0.5, 21


def odpo(policy, reference, winner_score, loser_score):
    h = (policy[0] - reference[0]) - (policy[1] - reference[1])
    margin = BETA * h - ALPHA * torch.log(winner_score - loser_score)
    return (-F.logsigmoid(margin)).sum()


def measure(loss, threads):
    torch.set_num_threads(threads)
    generator = torch.Generator().manual_seed(1)
    policy = [(torch.rand(PAIRS, generator=generator) * 70 - 135).requires_grad_() for _ in range(2)]
    reference = [torch.rand(PAIRS, generator=generator) * 70 - 135 for _ in range(2)]
    winner_score = 1 + torch.rand(PAIRS, generator=generator)
    loser_score = 0.9 * torch.rand(PAIRS, generator=generator)
    times = []
    for _ in range(ROUNDS + 1):
        for leaf in policy:
            leaf.grad = None
        start = time.perf_counter()
        loss(policy, reference, winner_score, loser_score).backward()
        times.append(1e3 * (time.perf_counter() - start))
    return round(statistics.median(times[1:]), 2)  # the first compiles


def measure_compiled(threads):
    torch.compiler.reset()  # what was compiled may hold the number of threads
    try:
        return measure(torch.compile(odpo), threads)
    except RuntimeError as problem:  # no compiler, or one that torch cannot use
        print(f"pair_loss_baseline: not compiled: {str(problem).splitlines()[0]}", file=sys.stderr)
        return None


counts = sorted({1, torch.get_num_threads()})
figures = {f"threads_{n}": measure(odpo, n) for n in counts}
figures |= {f"compiled_threads_{n}": measure_compiled(n) for n in counts}
print(json.dumps(figures))
