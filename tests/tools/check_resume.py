"""prefopt score, evaluate and train-classifier --model: killed, stopped and resumed, they end with the
bytes of a run that was not. (sample and logprobs: check_texts.py; train and sft: check_train.py.)

    check_resume.py PROGRAM
"""

import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

from tool import MODEL, PROGRAM, WORDS, check, done, encoder, refused, rows_of, run, write


def check_stopped(name, base, work):
    """A run to its end, and one that is stopped as soon as it has kept something."""
    whole, out = work / f"{name}_whole.jsonl", work / f"{name}.jsonl"
    partial = pathlib.Path(str(out) + ".partial")
    check(run(*base, "--output", whole).returncode == 0, f"{name}: a run to its end")
    for number, code in [(signal.SIGKILL, -9), (signal.SIGTERM, 143)]:
        process = subprocess.Popen([PROGRAM, *map(str, base), "--output", str(out)],
                                   stderr=subprocess.DEVNULL)
        while process.poll() is None and not (partial.exists() and partial.stat().st_size > 100):
            time.sleep(0.001)
        process.send_signal(number)
        check(process.wait() == code and not out.exists(),
              f"{name}: stopped by signal {int(number)}: {code}, and no file appears")
        kept = partial.read_bytes().count(b"\n") - 1
        result = run(*base, "--output", out, "--resume")
        check(kept > 0 and result.returncode == 0 and out.read_bytes() == whole.read_bytes()
              and not partial.exists(), f"and resumed after {kept} rows: the same bytes "
              f"{result.stderr if result.returncode else ''}")
        out.unlink()
    partial.write_text('{"partial":"another thing"}\n')
    refused([partial.name, "another run"], *base, "--output", out, "--resume", code=2)
    refused(["--resume", "--output"], *base, "--output", "-", "--resume", code=2)
    check(run(*base, "--output", out).returncode == 0 and out.read_bytes() == whole.read_bytes(),
          f"{name}: without --resume it is begun anew")
    out.unlink()
    partial.write_text('{"partial":"torn')  # killed before its first line was whole
    result = run(*base, "--output", out, "--resume")
    check(result.returncode == 0 and out.read_bytes() == whole.read_bytes(),
          f"{name}: without a whole line there is nothing to lose, and it is begun anew")


def check_score(work):
    folder = encoder(work / "bert", "tiny-bert")
    rows = [{"prompt": "the plot", "response": " ".join(WORDS[(i * k) % 8] for k in range(1, 9))}
            for i in range(6000)]
    base = ["score", "--input", write(work / "texts.jsonl", rows), "--classifier", folder,
            "--label", "best"]
    check_stopped("score", base, work)
    cut = ["score", "--input", write(work / "texts.jsonl", rows[:1000]), "--classifier", folder]
    partial = work / "other.jsonl.partial"
    process = subprocess.Popen([PROGRAM, *map(str, base), "--output", str(work / "other.jsonl")],
                               stderr=subprocess.DEVNULL)
    while process.poll() is None and not (partial.exists() and partial.stat().st_size > 100):
        time.sleep(0.001)
    process.kill()
    process.wait()
    refused(["another run"], *cut, "--label", "worst", "--output", work / "other.jsonl", "--resume",
            code=2)


def check_evaluate(work):
    rows = [{"prompt": f"The film {i}", "response": f" was seen {i * i} times."}
            for i in range(1500)]
    base = ["evaluate", "--input", write(work / "responses.jsonl", rows), "--model", MODEL,
            "--reference", MODEL]
    check_stopped("evaluate", base, work)
    few = ["evaluate", "--input", write(work / "few.jsonl", rows[:3]), *base[3:]]
    check(run(*few, "--output", "/dev/stdout").stdout == run(*few).stdout,
          "evaluate: a pipe gets the measures and nothing else")
    refused(["--resume", "--model"], "evaluate", "--input", work / "responses.jsonl", "--output",
            work / "x.jsonl", "--resume", code=2)


def check_encoder(work):
    """What the options of train-classifier ask for; how it learns: example.train_classifier."""
    model = encoder(work / "minilm", "tiny-minilm")
    rows = [{"text": f"the {a} was {good} and {b}", "label": good == "good"}
            for a in WORDS for b in WORDS for good in ("good", "bad")]
    data = write(work / "labelled.jsonl", rows)
    base = ["train-classifier", "--model", model, "--data", data, "--epochs", "6",
            "--learning-rate", "3e-3", "--threads", "1", "--save-every", "5"]
    whole = run(*base, "--held-out", data, "--out", work / "whole")
    check("held out    128 texts" in whole.stdout and "accuracy 100.00 %" in whole.stdout,
          f"train-classifier --model: learns what is easy {whole.stdout} {whole.stderr}")
    out = work / "stopped"
    process = subprocess.Popen([PROGRAM, *map(str, base), "--out", str(out)],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not (out / "metrics.jsonl").exists():
        time.sleep(0.001)
    process.terminate()
    check(process.wait() in (0, 143), "train-classifier: stopped")
    run(*base, "--out", out, "--resume")
    weights = [(folder / "checkpoint" / "model.safetensors").read_bytes()
               for folder in (work / "whole", out)]
    check(weights[0] == weights[1], "and resumed: the same weights")
    text = write(work / "good.jsonl", [{"response": "the film was good"},
                                       {"response": "the film was bad"}])
    scored = run("score", "--input", text, "--classifier", work / "whole" / "checkpoint")
    scores = [row["score"] for row in rows_of(scored.stdout)]
    check(scores[0] > 0.5 > scores[1], "score --classifier takes its checkpoint")
    refused(["--output", "--out"], "train-classifier", "--data", data, "--model", model, code=2)
    refused(["--output", "--out"], "train-classifier", "--data", data, code=2)
    refused(["--resume", "--model"], "train-classifier", "--data", data, "--output", work / "x",
            "--resume", code=2)
    refused(["--labels", "encoder"], "train-classifier", "--data", data, "--output", work / "x",
            "--labels", "a", "b", code=2)
    refused(["--bits", "n-grams"], "train-classifier", "--data", data, "--model", model, "--out",
            work / "y", "--bits", "18", code=2)
    names = write(work / "names.jsonl", [{"text": "a good film", "label": "positive"},
                                         {"text": "a bad film", "label": "negative"},
                                         {"text": "a bad plot", "label": "ngative"}])
    refused([f"{names}:3", "'ngative'", "'positive'", "'negative'"], "train-classifier", "--data",
            names, "--output", work / "x")
    refused([str(names), "0 of 2", "--positive"], "train-classifier", "--data",
            write(names, [{"text": "a", "label": "b"}] * 2), "--output", work / "x", code=2)
    (work / "empty.jsonl").write_text("")
    refused(["empty.jsonl", "no rows"], "train-classifier", "--data", data, "--held-out",
            work / "empty.jsonl", "--output", work / "x")


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="prefopt-resume-"))
    try:
        check_score(folder)
        check_evaluate(folder)
        check_encoder(folder)
    finally:
        shutil.rmtree(folder)
    done()


if __name__ == "__main__":
    main()
