"""What the scripts share that are run beside prefopt's programs, as support/side_by_side.hpp is for
those: options, random tokens, the time of repeated work, and figures as one JSON line."""
import argparse
import json
import resource
import statistics
import time

import torch


def options(description, **counts):
    """--model, --dtype and an option for each count, whose value is its default."""
    parser = argparse.ArgumentParser(description=description,
                                     formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--model", required=True, help="folder in Hugging Face's format")
    parser.add_argument("--dtype", choices=["fp32", "bf16"], default="fp32", help="of the products")
    for name, default in counts.items():
        parser.add_argument(f"--{name}", type=int, default=default, metavar="N", help="count")
    return parser.parse_args()


def random_tokens(*shape):
    """Tokens that any of the models has, the same ones in every run."""
    return torch.randint(0, 40000, shape, generator=torch.Generator().manual_seed(0))


def seconds(work, repeats):
    """Median of `repeats` calls, after a first one that takes memory."""
    times = []
    for _ in range(repeats + 1):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:])


def report(peer, chosen, **figures):
    """`chosen` are the options; the process's largest resident set is in 10^9 bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    print(json.dumps({"peer": peer} | vars(chosen) | figures | {"peak_gb": peak}), flush=True)
