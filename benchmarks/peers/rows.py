"""The rows of the table that compare.py prints: which programs do which work."""
import dataclasses
import fnmatch
import os
import sys

MODELS = {"gpt2": ("gpt2-124m", "GPT-2 124M"), "smollm2": ("smollm2-135m", "SmolLM2-135M")}
DTYPES = ["fp32", "bf16"]
PEERS = ["floor", "torch", "trl"]
NO_DTYPE = "–"  # of a row that has none to choose


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    work: str
    unit: str  # of what is compared: a time (s, ms) or a rate
    commands: dict  # for "ours" and peers: the field that is compared, and the command's words
    dtypes: tuple = tuple(DTYPES)  # "{dtype}" in a command is one of these
    skipped: str = ""  # why it cannot be run here


def all_threads():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def all_rows(build, models, peers, threads, text):
    def program(figure, name, *words):
        return figure, [str(build / "benchmarks" / name), *map(str, words)]

    def script(figure, path, *words):
        return figure, [sys.executable, "-B", str(path), *map(str, words)]

    def of_model(model):
        return "--model", models / MODELS[model][0], "--dtype", "{dtype}"

    def floor(figure, model, *words):
        return program(figure, "product_floor", "--model", model, "--dtype", "{dtype}", *words)

    def step(name, model, pairs, prompt, response, responses=2, accumulate=1):
        sizes = [*of_model(model), "--pairs", pairs, "--prompt", prompt, "--response", response]
        prompts = pairs * 2 // (responses * (responses - 1))
        work = f"DPO step, {MODELS[model][1]}, {pairs} pairs, prompt {prompt}, response {response}"
        if responses > 2:
            work += (f", all pairs of {prompts} x {responses} responses (the others: "
                     f"{2 * pairs} rows in {accumulate} parts)")
        return Row(name, work, "s", {
            "ours": program("median_s", "training_step_benchmark", *sizes,
                            "--responses-per-prompt", responses),
            "floor": floor("median_s", model, "--work", "step", "--prompt", prompt, "--response", response,
                           "--prompts", prompts, "--responses-per-prompt", responses),
            "torch": script("median_s", peers / "torch_step.py", *sizes, "--accumulate", accumulate),
            "trl": script("median_s", peers / "trl_step.py", *sizes, "--accumulate", accumulate)})

    def scoring(model, prompt, responses, response):
        sizes = [*of_model(model), "--prompt", prompt, "--responses", responses, "--response", response]
        work = (f"log-probs alone, {MODELS[model][1]}, {responses} responses of {response} to a prompt of "
                f"{prompt}, against a padded batch in torch")
        return Row(f"scoring-{model}", work, "s", {
            "ours": program("median_s", "scoring_benchmark", *sizes),
            "floor": floor("median_s", model, "--work", "log_probs", "--prompts", 1, "--prompt", prompt,
                           "--responses-per-prompt", responses, "--response", response),
            "torch": script("median_s", peers / "torch_scoring.py", *sizes)})

    def sampling(model, batch, prompt=5, new=32):
        sizes = [*of_model(model), "--batch", batch, "--prompt", prompt, "--new", new]
        work = (f"sampling, {MODELS[model][1]}, batch {batch}, prompt {prompt}, {new} new tokens, "
                "against transformers' generate")
        return Row(f"sampling-{model}-{batch}", work, "tokens/s", {
            "ours": program("tokens_per_s", "sampling_benchmark", *sizes),
            "floor": floor("tokens_per_s", model, "--work", "sampling", "--batch", batch),
            "torch": script("tokens_per_s", peers / "generate.py", *sizes)})

    def pair_loss(name, how, prefix):
        skipped = "" if threads in (1, all_threads()) else "pair_loss_benchmark runs on 1 or on all threads"
        return Row(name, f"ODPO's loss and gradients of 1,000,000 pairs, against torch {how}", "ms", {
            "ours": program("ms", "pair_loss_benchmark", "--benchmark_format=json",
                            f"--benchmark_filter=odpo/log_diff/threads:{threads}/"),
            "torch": script(f"{prefix}threads_{threads}", peers.parent / "pair_loss_baseline.py")},
            ("fp32",), skipped)

    def tokenizing(what):
        work = f"tokenizing, {what}, one thread, against Hugging Face's tokenizers"
        return Row(f"tokenizing-{what}", work, "MB/s", {
            "ours": program("mb_per_s", "tokenizer_benchmark", "--benchmark_format=json",
                            f"--benchmark_filter={what}"),
            "torch": script(f"{what}_mb_per_s", peers.parent / "tokenizer_baseline.py")},
            (NO_DTYPE,), "" if text else "PREFOPT_TEXT is not set")

    return [step("step-gpt2", "gpt2", 8, 5, 64),
            step("step-smollm2", "smollm2", 8, 5, 64),
            step("step-gpt2-long", "gpt2", 4, 400, 40),
            step("step-gpt2-all-pairs", "gpt2", 56, 5, 64, responses=8, accumulate=7),
            scoring("gpt2", 400, 16, 40),
            *(sampling(model, batch) for model in MODELS for batch in (1, 32, 128)),
            pair_loss("pair-loss", "eager", ""),
            pair_loss("pair-loss-compiled", "compiled", "compiled_"),
            tokenizing("encode"), tokenizing("decode")]


def choose_rows(rows, patterns):
    """Those whose names fit one of the patterns, in the table's order."""
    for pattern in patterns:
        if not fnmatch.filter([row.name for row in rows], pattern):
            raise ValueError(f"no row is called {pattern}; --list names them")
    return [row for row in rows if any(fnmatch.fnmatchcase(row.name, pattern) for pattern in patterns)]
