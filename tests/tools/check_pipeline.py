"""The commands of prefopt one after another, each on what the one before wrote: sample, score, pair,
train, evaluate; sft, train-classifier, convert and plot beside them.

    python3 tests/tools/check_pipeline.py PROGRAM
"""

import json
import math
import os
import pathlib
import shutil
import tempfile

from tool import MODEL, TESTS, check, done, lines_of, refused, rows_of, run, write

GOOD = ["good", "great", "fine film", "a good cast"]
BAD = ["bad", "dull", "bad plot", "a dull end"]


def ok(what, result):
    check(result.returncode == 0, f"{what} exits 0 {result.stderr if result.returncode else ''}")
    return result


def check_chain(work):
    lexicon = work / "lexicon.txt"
    lexicon.write_text("good\t2.0\t1\t[]\nbad\t-2.0\t1\t[]\ne\t1.5\t1\t[]\ns\t-1.0\t1\t[]\n")
    prompts = write(work / "prompts.jsonl",
                    [{"text": f"The {word} is"} for word in ["film", "plot", "cast", "end"]])
    sampled, scored, pairs = (work / f"{name}.jsonl" for name in ["sampled", "scored", "pairs"])
    ok("sample", run("sample", "--model", MODEL, "--prompts", prompts, "--responses", "12",
                     "--max-new-tokens", "10", "--output", sampled))
    # A random model says nothing of worth: some of its responses get words that have.
    rows = rows_of(sampled.read_text(encoding="utf-8"))
    for i, row in enumerate(rows):
        if i % 3 < 2:
            word = [" good", " bad"][i % 3]
            row["response"] += word
            row["response_ids"] += rows_of(run("tokenize", "--model", MODEL,
                                               text=json.dumps({"text": word})).stdout)[0]["ids"]
            row["response_ids"] = [token for token in row["response_ids"] if token != 0]
    write(sampled, rows)
    ok("score", run("score", "--input", sampled, "--lexicon", lexicon, "--output", scored))
    after = rows_of(scored.read_text(encoding="utf-8"))
    check([{k: v for k, v in row.items() if k != "score"} for row in after] == rows
          and all(0 < row["score"] < 1 for row in after), "score adds a score and keeps the rest")
    text = json.dumps({"prompt": "a", "response": " good"}) + "\n"
    compound = 2 / math.sqrt(2 ** 2 + 15)
    got = rows_of(run("score", "--lexicon", lexicon, text=text).stdout)[0]["score"]
    check(abs(got - (compound + 1) / 2) < 1e-12, "score: VADER's formula")
    whole = rows_of(run("score", "--lexicon", lexicon, "--whole-text",
                        text=text.replace('"a"', '"bad"')).stdout)[0]["score"]
    check(abs(whole - 0.5) < 1e-12, "score: --whole-text joins prompt and response")

    result = ok("pair", run("pair", "--input", scored, "--sampler", "best-vs-worst",
                            "--pairs-per-prompt", "2", "--output", pairs))
    made = rows_of(pairs.read_text(encoding="utf-8"))
    check(10 <= len(made) <= 16 and f"{len(made)} pairs of 48 responses to 4 prompts" in
          result.stderr, f"pair: k^2 pairs a prompt, but for ties, and a summary {result.stderr}")
    known = {(row["prompt"], tuple(row["response_ids"])): row["score"] for row in after}
    check(all(row["score_chosen"] > row["score_rejected"]
              and known[row["prompt"], tuple(row["chosen_ids"])] == row["score_chosen"]
              and known[row["prompt"], tuple(row["rejected_ids"])] == row["score_rejected"]
              for row in made), "pair: each response has its own score and tokens")
    every = rows_of(run("pair", "--input", scored, "--sampler", "all").stdout)
    by_prompt = {}
    for row in after:
        by_prompt.setdefault(row["prompt"], []).append(row["score"])
    expected = sum(a > b for scores in by_prompt.values() for a in scores for b in scores)
    check(len(every) == expected, "pair: --sampler all makes every pair but ties")
    random = ["pair", "--input", scored, "--sampler", "random", "--pairs-per-prompt", "3"]
    check(run(*random).stdout == run(*random).stdout != run(*random, "--seed", "1").stdout,
          "pair: random pairs depend on the seed alone")

    out = work / "odpo"
    ok("train", run("train", "--model", MODEL, "--data", pairs, "--loss", "odpo", "--alpha", "0.5",
                    "--epochs", "6", "--learning-rate", "2e-3", "--out", out))
    again = work / "again.jsonl"
    ok("sample", run("sample", "--model", out / "checkpoint", "--prompts", prompts, "--responses",
                     "12", "--max-new-tokens", "10", "--output", again))
    scored_again = work / "scored_again.jsonl"
    run("score", "--input", again, "--lexicon", lexicon, "--output", scored_again)
    result = ok("evaluate", run("evaluate", "--input", scored_again, "--model", out / "checkpoint",
                                "--reference", MODEL, "--against", scored))
    measures = {row["measure"]: row for row in rows_of(result.stdout)}
    rows = rows_of(scored_again.read_text(encoding="utf-8"))
    mean = sum(row["score"] for row in rows) / len(rows)
    check(abs(measures["reward"]["mean"] - mean) < 1e-9, "evaluate: the mean score")
    other = rows_of(scored.read_text(encoding="utf-8"))
    wins = sum((a["score"] > b["score"]) + 0.5 * (a["score"] == b["score"])
               for a, b in zip(rows, other)) / len(rows)
    check(abs(measures["win_rate"]["mean"] - wins) < 1e-9, "evaluate: the win rate")
    logprobs = [rows_of(run("logprobs", "--model", model, "--input", scored_again).stdout)
                for model in [out / "checkpoint", MODEL]]
    k1 = sum(a["logprob"] - b["logprob"] for a, b in zip(*logprobs)) / len(rows)
    check(abs(measures["kl_k1"]["mean"] - k1) < 1e-3, "evaluate: k1 is the log-probs' difference")
    check(measures["kl"]["mean"] > 0.01 and all(m["low"] <= m["mean"] <= m["high"]
                                                for m in measures.values()),
          "evaluate: a divergence, with intervals")
    zero = rows_of(run("evaluate", "--input", scored_again, "--model", MODEL, "--reference",
                       MODEL).stdout)
    check(zero[0]["measure"] == "kl" and zero[0]["mean"] == 0, "evaluate: of a model from itself: 0")
    result = ok("plot", run("plot", "--metrics", out, work / "odpo" / "metrics.jsonl", "--out",
                            work / "curves"))
    check((work / "curves.csv").stat().st_size > 100 and (work / "curves.gp").exists(),
          "plot: data and script")


def check_classifier(work):
    rows = [{"text": text, "label": label} for texts, label in [(GOOD, 1), (BAD, 0)]
            for text in texts]
    data = write(work / "labelled.jsonl", rows)
    file = work / "ngrams.safetensors"
    result = ok("train-classifier", run("train-classifier", "--data", data, "--held-out", data,
                                        "--bits", "10", "--output", file))
    check(result.stdout.count("right: 8 (100.00 %)") == 2, "train-classifier: learns what is easy")
    names = write(work / "names.jsonl",
                  [row | {"label": ["POS", "NEG"][1 - row["label"]]} for row in rows])
    named = work / "names.safetensors"
    run("train-classifier", "--data", names, "--positive", "POS", "--bits", "10", "--output", named)
    check(named.read_bytes() == file.read_bytes(), "train-classifier: labels may be names")
    text = lines_of([{"prompt": "", "response": text} for text in GOOD + BAD])
    scores = [row["score"] for row in rows_of(run("score", "--classifier", file, text=text).stdout)]
    check(min(scores[:4]) > 0.5 > max(scores[4:]), "score --classifier")
    paper = [row["score"] for row in rows_of(run("score", "--classifier", file, "--form", "paper",
                                                 text=text).stdout)]
    check(all(abs(p - (s + 1 if s >= 0.5 else s)) < 1e-12 for p, s in zip(paper, scores)),
          "score --form paper")
    refused(["names.jsonl:1", "field 'label'"], "train-classifier", "--data",
            write(work / "names.jsonl", [{"text": "a", "label": 2}]), "--output", work / "x")
    refused(["of 1 texts are positive"], "train-classifier", "--data",
            write(work / "one.jsonl", [{"text": "a", "label": 1}]), "--output", work / "x")
    refused(["--lexicon", "--classifier"], "score", text=text, code=2)
    check(not (work / "x").exists(), "and nothing is written")


def check_transformer_classifier(work):
    """A checkpoint with three classes; what it computes is compared with transformers elsewhere."""
    folder = work / "bert"
    shutil.copytree(TESTS / "data" / "model" / "classifiers" / "tiny-bert", folder)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "film", "plot"]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    rows = [{"prompt": "plot", "response": text} for text in GOOD + BAD]
    text = lines_of(rows)
    def scores(*more, text=text):
        result = ok("score --classifier DIR", run("score", "--classifier", folder, *more, text=text))
        return [row["score"] for row in rows_of(result.stdout)]
    by_label = [scores("--label", label) for label in ["worst", "middle", "best"]]
    check(all(abs(sum(three) - 1) < 1e-6 and min(three) > 0 for three in zip(*by_label)),
          "score: the probabilities of a checkpoint's classes")
    check(len(set(by_label[0])) > 2, "score: which depend on the text")
    whole = scores("--label", "best", "--whole-text")
    joined = lines_of([row | {"response": row["prompt"] + row["response"]} for row in rows])
    check(whole == scores("--label", "best", text=joined) != by_label[2],
          "score: --whole-text, for a checkpoint too")
    refused(["worst", "middle", "best"], "score", "--classifier", folder, text=text)
    refused(["finest", "best"], "score", "--classifier", folder, "--label", "finest", text=text)


def check_sft(work):
    data = write(work / "texts.jsonl", [{"text": f"The {word} is good."} for word in
                                        ["film", "plot", "cast", "end"]])
    out = work / "sft"
    ok("sft", run("sft", "--model", MODEL, "--data", data, "--held-out", data, "--epochs", "60",
                  "--batch", "4", "--learning-rate", "3e-3", "--out", out))
    steps = rows_of((out / "metrics.jsonl").read_text())
    check(steps[-1]["eval_loss"] < 0.3 * steps[0]["loss"], "sft: the loss falls")
    said = rows_of(run("sample", "--model", out / "checkpoint", "--temperature", "0",
                       text='{"prompt": "The film is"}\n').stdout)[0]
    check(said["response"] == " good." and said["ended"], f"sft: and the texts are learnt: {said}")
    # The loss is what logprobs says.
    row = {"prompt": "The film is", "response": " good."}
    one = write(work / "one_row.jsonl", [row, {"prompt": "The plot", "completion": " is bad"}])
    run("sft", "--model", MODEL, "--data", one, "--batch", "2", "--out", work / "first")
    logprobs = rows_of(run("logprobs", "--model", MODEL, "--input", one).stdout)
    tokens = sum(len(each["ids"]) for each in logprobs)
    loss = -sum(each["logprob"] for each in logprobs) / tokens
    check(abs(rows_of((work / "first" / "metrics.jsonl").read_text())[0]["loss"] - loss) < 1e-5,
          "sft: of a prompt and a response, the response alone is learnt")
    plan = run("sft", "--model", MODEL, "--data",
               write(work / "long.jsonl", [{"text": "x" * 100}, {"text": "x"}]), "--dry-run",
               "--out", work / "nowhere")
    check("cut to 64 tokens: 1" in plan.stdout and "memory, about" in plan.stdout
          and not (work / "nowhere").exists(), "sft: a dry run tells what would be cut")
    for rows, words in [([{"text": "x" * 100}], ["bad.jsonl:1", "field 'text'", "--truncate"]),
                        ([{"text": ""}], ["bad.jsonl:1", "field 'text'", "two tokens"]),
                        ([{"messages": []}], ["bad.jsonl:1", "field 'messages'", "template"]),
                        ([{"prompt": "a"}], ["bad.jsonl:1", "field 'response'"]),
                        ([], ["bad.jsonl", "no rows"])]:
        refused(words, "sft", "--model", MODEL, "--data", write(work / "bad.jsonl", rows),
                "--truncate", "refuse", "--out", work / "nowhere")


def check_convert(work):
    text = '{"prompt": "The film is", "response": " good."}\n'
    before = rows_of(run("logprobs", "--model", MODEL, text=text).stdout)[0]
    for name, dtype, near in [("folder", "float32", 0), ("half", "bfloat16", 0.2),
                              ("file.gguf", "float32", 0), ("small.gguf", "float16", 0.05)]:
        ok(f"convert to {name}", run("convert", "--model", MODEL, "--output", work / name, "--dtype",
                                     dtype))
        after = rows_of(run("logprobs", "--model", work / name, text=text).stdout)[0]
        check(after["ids"] == before["ids"] and abs(after["logprob"] - before["logprob"]) <= near,
              f"convert: {name} in {dtype} says the same")
    ok("convert", run("convert", "--model", work / "file.gguf", "--output", work / "back"))
    after = rows_of(run("logprobs", "--model", work / "back", text=text).stdout)[0]
    check(after == before, "convert: there and back")
    refused(["q8_0", ".gguf"], "convert", "--model", MODEL, "--output", work / "q", "--dtype", "q8_0",
            code=2)
    full = work / "full"
    full.mkdir()
    (full / "letter.txt").write_text("dear")
    refused(["full", "letter.txt"], "convert", "--model", MODEL, "--output", full)
    check(os.listdir(full) == ["letter.txt"], "and other files stay")


def check_adapter(work):
    text = lines_of([{"prompt": f"The {word} is", "chosen": " good.", "rejected": " bad."}
                     for word in ["film", "plot", "cast", "end"]])
    data = work / "adapter_pairs.jsonl"
    data.write_text(text)
    out = work / "lora"
    args = ["train", "--model", MODEL, "--data", data, "--batch", "2", "--learning-rate", "2e-2",
            "--epochs", "4", "--lora-rank", "2"]
    ok("train --lora-rank", run(*args, "--held-out", data, "--out", out))
    steps = rows_of((out / "metrics.jsonl").read_text())
    check(abs(steps[0]["loss"] - math.log(2)) < 1e-12 and steps[-1]["eval_loss"] < 0.6,
          "lora: the first loss is ln 2, and it falls")
    config = json.loads((out / "adapter" / "adapter_config.json").read_text())
    check(config["r"] == 2 and config["peft_type"] == "LORA", "lora: PEFT's files are there")
    row = '{"prompt": "The film is", "response": " good."}\n'
    def logprob(*model):
        return rows_of(run("logprobs", "--model", *model, text=row).stdout)[0]["logprob"]
    ok("convert --adapter", run("convert", "--model", MODEL, "--adapter", out / "adapter",
                                "--output", work / "merged"))
    values = [logprob(MODEL), logprob(out / "checkpoint"), logprob(work / "merged"),
              logprob(MODEL, "--adapter", out / "adapter")]
    check(values[1] > values[0] + 0.1 and max(values[1:]) - min(values[1:]) < 1e-4,
          f"lora: merged by train or by convert or beside the model, it says the same: {values}")
    some = run(*args, "--lora-targets", "q_proj,mlp.down_proj", "--max-steps", "1", "--out",
               work / "some")
    config = json.loads((work / "some" / "adapter" / "adapter_config.json").read_text())
    check(some.returncode == 0 and config["target_modules"] == ["down_proj", "q_proj"]
          or config["target_modules"] == ["mlp.down_proj", "q_proj"], "lora: targets by name")
    more = run(*args[:-4], "--epochs", "2", "--lora-rank", "2", "--out", work / "part")
    again = run(*args, "--out", work / "part", "--resume")
    name = "adapter/adapter_model.safetensors"
    check(more.returncode == again.returncode == 0
          and (work / "part" / name).read_bytes() == (out / name).read_bytes(),
          f"lora: resumed, the same adapter {more.stderr} {again.stderr}")
    plans = [run(*args[:-2], *more, "--dry-run", "--out", work / "plan").stdout
             for more in [[], ["--lora-rank", "2"]]]
    check("optimizer" in plans[1] and plans[0] != plans[1], "lora: a dry run knows of it")
    ok("sft --lora-rank", run("sft", "--model", MODEL, "--data",
                              write(work / "lora_texts.jsonl", [{"text": "The film is good."}]),
                              "--lora-rank", "2", "--out", work / "lora_sft"))
    refused(["no_such_module"], *args, "--lora-targets", "no_such_module", "--out", work / "bad_lora")
    refused(["adapter_config.json"], "logprobs", "--model", MODEL, "--adapter", work / "merged",
            text=row)


def check_plot(work):
    csv = work / "results.csv"
    head = "method,beta,reward,reward_low,reward_high,kl,kl_low,kl_high\n"
    csv.write_text(head + "before,,0.5,0.4,0.6,0,0,0\ndpo,0.1,0.7,0.6,0.8,2,1,3\n"
                   + "odpo,0.1,0.8,0.7,0.9,3,2,4\n")
    ok("plot", run("plot", "--results", csv, "--out", work / "front", "--title", "A title"))
    rows = (work / "front.csv").read_text().splitlines()
    check(len(rows) == 3 and "odpo" in rows[2], "plot: a row for each run")
    csv.write_text(head + "dpo,0.1,good,0.6,0.8,2,1,3\n")
    refused(["results.csv:2", "field 'reward'", "good"], "plot", "--results", csv, "--out",
            work / "front")
    refused(["--metrics", "--results"], "plot", "--out", work / "front", code=2)


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    check_chain(folder)
    check_classifier(folder)
    check_transformer_classifier(folder)
    check_sft(folder)
    check_convert(folder)
    check_adapter(folder)
    check_plot(folder)
done()
