"""What pair_loss_benchmark's odpo/log_diff takes in torch, eager: ODPO's loss and gradients over a
million float pairs. Prints the median in milliseconds for 1 and for all threads, as JSON.

Packages: torch. Run beside the benchmark, on the same machine: python pair_loss_baseline.py"""
import json
import statistics
import time

import torch
import torch.nn.functional as F

PAIRS, BETA, ALPHA, ROUNDS = 1_000_000, 0.1, 0.5, 21


def measure(threads):
    torch.set_num_threads(threads)
    generator = torch.Generator().manual_seed(1)
    policy = [(torch.rand(PAIRS, generator=generator) * 70 - 135).requires_grad_() for _ in range(2)]
    reference = [torch.rand(PAIRS, generator=generator) * 70 - 135 for _ in range(2)]
    winner_score = 1 + torch.rand(PAIRS, generator=generator)
    loser_score = 0.9 * torch.rand(PAIRS, generator=generator)
    times = []
    for _ in range(ROUNDS):
        for leaf in policy:
            leaf.grad = None
        start = time.perf_counter()
        h = (policy[0] - reference[0]) - (policy[1] - reference[1])
        margin = BETA * h - ALPHA * torch.log(winner_score - loser_score)
        (-F.logsigmoid(margin)).sum().backward()
        times.append(1e3 * (time.perf_counter() - start))
    return round(statistics.median(times), 2)


everything = torch.get_num_threads()
print(json.dumps({f"threads_{n}": measure(n) for n in sorted({1, everything})}))
