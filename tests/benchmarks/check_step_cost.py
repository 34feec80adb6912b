"""What step_cost counts against closed forms, and what docs/performance.md says that it prints.

    python3 tests/benchmarks/check_step_cost.py STEP_COST [--write]

--write puts what it prints now into the page.
"""

import json
import pathlib
import re
import subprocess
import sys

PROGRAM = sys.argv[1]
PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "performance.md"
failures = 0


def check(good, text):
    global failures
    print(("ok      " if good else "FAILED  ") + text)
    failures += not good


def run(*args, refused=False):
    result = subprocess.run([PROGRAM, *args], capture_output=True, text=True, check=False)
    check((result.returncode in (1, 2) if refused else result.returncode == 0)
          and bool(result.stderr) == refused,
          f"step_cost {' '.join(args)} is {'refused' if refused else 'run'} {result.stderr[:200]}")
    return result


def counts(*args):
    found = json.loads(run(*args, "--json").stdout)
    found["sums"] = {(row["phase"], row["operation"]): row for row in found["operations"]}
    return found


def check_counts():
    pairs, prompt, response = 32, 8, 100
    rows = pairs * (prompt + 2 * (response - 1))  # nothing is predicted from a last token
    head_rows = pairs * (1 + 2 * (response - 1))
    seen = pairs * (prompt * (prompt + 1) // 2
                    + 2 * sum(prompt + 1 + i for i in range(response - 1)))
    for name, width, layers, vocabulary, parameters in [
            ("gpt2-large", 1280, 36, 50257, 774030080),
            ("gpt-neo-2.7b", 2560, 32, 50257, 2651307520),
            ("gpt-j-6b", 4096, 28, 50400, 6050882784)]:
        found = counts("--model", name, "--pairs", str(pairs), "--prompt", str(prompt),
                       "--response", str(response))
        sums = found["sums"]
        check(found["parameters"] == found["trained"] == parameters, f"{name}: parameters")
        layer_products = 2 * rows * layers * 12 * width ** 2
        head = 2 * head_rows * width * vocabulary
        for key, expected in [(("forward", "products, forward"), layer_products + head),
                              (("backward", "products, forward"), head),
                              (("backward", "products, input gradients"), layer_products + head),
                              (("backward", "products, weight gradients"), layer_products + head)]:
            check(sums[key]["product"] == expected, f"{name}: {key[0]}, {key[1]}")
        check(sums["forward", "attention"]["vector"] == layers * seen * 4 * width,
              f"{name}: attention (no window is shorter than these texts)")
        check(sums["update", "AdamW"]["bytes"] == 28 * parameters, f"{name}: AdamW")
        check(found["memory"]["packed"] == 2 * (12 * layers * width ** 2 + vocabulary * width),
              f"{name}: a bfloat16 copy of every matrix")
    narrow = counts("--model", "gpt-neo-2.7b", "--prompt", "600")["sums"]
    wide = counts("--model", "gpt-neo-2.7b", "--prompt", "600", "--products", "fp32")["sums"]
    check(("forward", "factors to bfloat16") not in wide, "float32 factors are not rounded")
    windowed = sum(min(i + 1, 256) for i in range(600)) + 2 * 99 * 256
    whole = 600 * 601 // 2 + 2 * sum(601 + i for i in range(99))
    check(narrow["forward", "attention"]["vector"] == 32 * 16 * (windowed + whole) * 4 * 2560,
          "every other layer sees 256 positions")
    rank = 8
    adapted = counts("--model", "gpt-j-6b", "--lora", str(rank))
    modules = 28 * (4 * (4096 + 4096) + 2 * (4096 + 16384))
    check(adapted["trained"] == rank * modules, "an adapter's parameters")
    weights = adapted["sums"]["backward", "products, weight gradients"]
    # Adapters of queries, keys and values each compute as wide as the three together.
    computed = modules + 28 * 3 * (3 - 1) * 4096
    check(weights["product"] == 2 * rows * rank * computed, "and no other gradient of a weight")
    check(adapted["memory"]["parameters"] < 4.1 * adapted["parameters"],
          "whose gradients take no room either")


def check_errors():
    for words, *args in [("no-such.json", "--model", "no-such.json"), ("--card", "--card", "1,2"),
                         ("--card", "--card", "1,0,2"), ("--pairs", "--pairs", "0")]:
        check(words in run(*args, refused=True).stderr, f"naming {words}")


def check_page(write):
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"```text\n\$ step_cost(.*)\n((?:.*\n)*?)```", text)
    check(len(blocks) >= 2, "the page shows commands")
    for arguments, printed in blocks:
        now = run(*arguments.split()).stdout
        if write:
            text = text.replace(f"$ step_cost{arguments}\n{printed}", f"$ step_cost{arguments}\n{now}")
        else:
            check(now == printed, f"{PAGE.name}: step_cost{arguments} prints what stands there")
    if write:
        PAGE.write_text(text, encoding="utf-8")


check_counts()
check_errors()
check_page("--write" in sys.argv)
print(f"{failures} failed")
sys.exit(1 if failures else 0)
