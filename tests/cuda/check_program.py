"""The program prefopt with CUDA's models on the emulated device: what it trains, samples and measures
there is what it does on the CPU, up to rounding.

    python3 tests/cuda/check_program.py PROGRAM
"""

import array
import json
import pathlib
import struct
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools"))
from tool import MODEL, check, done, encoder, refused, rows_of, run, write  # noqa: E402

ON_CUDA = "device: cuda:0 (emulated device), products in "


def floats_of(file):
    """{tensor's name: its numbers} of a safetensors file in float32."""
    data = file.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    header.pop("__metadata__", None)
    numbers = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        numbers[name] = array.array("f", data[8 + size + begin:8 + size + end])
    return numbers


def distance(found, expected):
    """The largest difference, as a share of the array's largest number."""
    largest = max(map(abs, expected)) or 1.0
    return max(abs(a - b) for a, b in zip(found, expected, strict=True)) / largest


def same_weights(found, expected, tolerance):
    found, expected = floats_of(found), floats_of(expected)
    return found.keys() == expected.keys() and all(
        distance(found[name], expected[name]) < tolerance for name in expected)


def metrics(out):
    return rows_of((out / "metrics.jsonl").read_text())


def both(work, name, *args, out="--out"):
    """Runs a command on the CPU and on the device; gives what each wrote."""
    paths = {}
    for on in ["cpu", "cuda"]:
        paths[on] = work / f"{name}-{on}"
        result = run(*args, out, paths[on], "--device", on)
        expected = "device: cpu, " if on == "cpu" else ON_CUDA + "float32"
        check(result.returncode == 0 and expected in result.stderr,
              f"{name} on {on}: exits 0 and names the device {result.stderr[-300:]}")
    return paths["cuda"], paths["cpu"]


def check_training(pairs, work):
    for name, more, files in [
            ("adamw", ["--weight-decay", "0.1"], ["checkpoint/model.safetensors"]),
            ("rmsprop", ["--optimizer", "rmsprop"], ["checkpoint/model.safetensors"]),
            ("sgd", ["--optimizer", "sgd"], ["checkpoint/model.safetensors"]),
            ("adapter", ["--lora-rank", "2"],
             ["adapter/adapter_model.safetensors", "checkpoint/model.safetensors"])]:
        found, expected = both(
            work, name, "train", "--model", MODEL, "--data", pairs, "--loss", "odpo",
            "--learning-rate", "1e-4", "--batch", "4", "--epochs", "2", "--held-out", pairs, *more)
        pairs_of_rows = list(zip(metrics(found), metrics(expected), strict=True))
        check(len(pairs_of_rows) == 7, f"{name}: six steps and held-out pairs")
        check(all(abs(ours[key] - theirs[key]) < 1e-4 * (1 + abs(theirs[key]))
                  for ours, theirs in pairs_of_rows for key in theirs
                  if key not in {"tokens_per_second", "step_seconds"}),
              f"{name}: the metrics of every step are the CPU's")
        check(all(same_weights(found / file, expected / file, 2e-4) for file in files),
              f"{name}: so are the weights")


def check_resume(pairs, work):
    """A run goes on with the other device: its optimizer's state is the same."""
    args = ["train", "--model", MODEL, "--data", pairs, "--learning-rate", "1e-4", "--batch", "4"]
    whole, mixed = work / "whole", work / "mixed"
    for out, on, steps, more in [(whole, "cpu", 6, []), (mixed, "cpu", 3, []),
                                 (mixed, "cuda", 6, ["--resume"])]:
        result = run(*args, "--out", out, "--device", on, "--max-steps", steps, *more)
        check(result.returncode == 0, f"{steps} steps on {on} exit 0 {result.stderr[-300:]}")
    check(same_weights(mixed / "checkpoint/model.safetensors",
                       whole / "checkpoint/model.safetensors", 2e-4),
          "three steps on the CPU and three on the device: the weights of six on the CPU")


def check_sampling(work):
    prompts = write(work / "prompts.jsonl", [{"prompt": text} for text in ["The film", "The", "A"]])
    found, expected = both(work, "sample", "sample", "--model", MODEL, "--prompts", prompts,
                           "--responses", "3", "--max-new-tokens", "8", out="--output")
    found, expected = (rows_of(file.read_text(encoding="utf-8")) for file in [found, expected])
    check(len(found) == 9 and [row["response_ids"] for row in found]
          == [row["response_ids"] for row in expected], "sample: the very tokens of the CPU")
    rows = write(work / "sampled.jsonl", found)
    found, expected = both(work, "logprobs", "logprobs", "--model", MODEL, "--input", rows,
                           out="--output")
    found, expected = ([row["logprob"] for row in rows_of(file.read_text())]
                       for file in [found, expected])
    check(distance(found, expected) < 1e-5, "logprobs: the CPU's")
    found, expected = both(work, "evaluate", "evaluate", "--input", rows, "--model", MODEL,
                           "--reference", work / "adamw-cpu/checkpoint", out="--output")
    found, expected = ([row["mean"] for row in rows_of(file.read_text())]
                       for file in [found, expected])
    check(expected[0] > 0 and all(abs(a - b) < 1e-4 * (1 + abs(b))
                                  for a, b in zip(found, expected, strict=True)),
          f"evaluate: the CPU's divergences {found} {expected}")


def check_classifier(work):
    texts = write(work / "texts.jsonl", [{"text": f"the {word} was {kind}", "label": int(good)}
                                         for word in ["film", "plot", "music"]
                                         for good, kind in enumerate(["bad", "good"])])
    model = encoder(work / "minilm", "tiny-minilm")
    found, expected = both(work, "classifier", "train-classifier", "--data", texts, "--model",
                           model, "--labels", "bad", "good", "--learning-rate", "1e-4",
                           "--max-tokens", "10")
    check(same_weights(found / "checkpoint/model.safetensors",
                       expected / "checkpoint/model.safetensors", 2e-4),
          "train-classifier: the weights of the CPU")
    rows = write(work / "rows.jsonl", [{"response": "the film was good"}, {"response": "bad"}])
    found, expected = both(work, "score", "score", "--input", rows, "--classifier",
                           expected / "checkpoint", "--label", "good", out="--output")
    found, expected = ([row["score"] for row in rows_of(file.read_text())]
                       for file in [found, expected])
    check(distance(found, expected) < 1e-5, "score: the CPU's probabilities")


def check_choice(work):
    prompts = write(work / "one.jsonl", [{"prompt": "The film"}])
    sample = ["sample", "--model", MODEL, "--prompts", prompts, "--max-new-tokens", "2"]
    for more in [[], ["--device", "auto"], ["--device", "cuda"], ["--device", "cuda:0"]]:
        check(ON_CUDA + "float32\n" in run(*sample, *more).stderr, f"{more}: the CUDA device")
    check(run(*sample, "--quiet").stderr == "", "--quiet: nothing is said of it")
    refused(["--device cuda:1", "there is 1 CUDA device, cuda:0"], *sample, "--device", "cuda:1",
            code=2)
    rows = write(work / "for-bf16.jsonl", [{"prompt": "The film", "response": " is good"}])
    exact, rounded, tf32 = (
        run("logprobs", "--model", MODEL, "--input", rows, "--precision", precision)
        for precision in ["float32", "bfloat16", "tf32"])
    check(ON_CUDA + "bfloat16" in rounded.stderr and ON_CUDA + "tf32" in tf32.stderr,
          "the precision of products is named")
    exact, rounded = (rows_of(result.stdout)[0]["logprob"] for result in [exact, rounded])
    check(exact != rounded and abs(exact - rounded) < 0.02 * abs(exact),
          f"products in bfloat16: nearly the same log-prob {exact} {rounded}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        rows = [{"prompt": f"The {film} is", "chosen": f" good {i}", "rejected": f" bad {i}",
                 "score_chosen": 2.5 + i, "score_rejected": 1}
                for i, film in enumerate(["film", "plot", "cast", "end"] * 3)]
        pairs = write(work / "pairs.jsonl", rows)
        check_choice(work)
        check_training(pairs, work)
        check_resume(pairs, work)
        check_sampling(work)
        check_classifier(work)
    done()


main()
