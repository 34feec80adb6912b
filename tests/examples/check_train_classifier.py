"""Runs train_classifier on a tiny encoder: learns, stops and goes on to the same weights, refuses.

    check_train_classifier.py PROGRAM TINY_ENCODER
"""

import json
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PROGRAM, ENCODER = sys.argv[1:]
WORDS = "the film was good bad and plot music".split()


def run(*arguments, expect=0):
    done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == expect, (done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="prefopt-classifier-"))
    try:
        check(folder)
    finally:
        shutil.rmtree(folder)


def check(folder):
    model = folder / "model"
    shutil.copytree(ENCODER, model)
    (model / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]"] + WORDS) + "\n")
    rows = [{"text": f"The {a} was {'good' if good else 'bad'} and the {b}.",
             "label": ("YES" if good else "NO") if i % 2 else int(good)}
            for i, (a, b, good) in enumerate((a, b, good) for a in WORDS for b in WORDS
                                             for good in (True, False))]
    data = folder / "texts.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    common = ["--model", model, "--data", data, "--labels", "NO", "YES", "--epochs", 12,
              "--learning-rate", 3e-3, "--threads", 1, "--max-tokens", 12]

    said = run(*common, "--held-out", data, "--out", folder / "one")
    assert "128 texts" in said and "accuracy 100.00 %" in said, said
    config = json.loads((folder / "one/checkpoint/config.json").read_text())
    assert config["id2label"] == {"0": "NO", "1": "YES"}, config
    assert config["architectures"] == ["BertForSequenceClassification"], config
    assert (folder / "one/checkpoint/vocab.txt").exists()
    run(*common, "--out", folder / "one", expect=2)  # it holds a run

    stopped = subprocess.Popen([PROGRAM, *map(str, common + ["--out", folder / "two", "--save-every", 5])],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (folder / "two/metrics.jsonl").exists() and stopped.poll() is None:
        time.sleep(0.005)
    stopped.send_signal(signal.SIGTERM)
    assert stopped.wait() in (0, 143)
    run(*common, "--out", folder / "two", "--save-every", 5, "--resume")
    weights = [(folder / name / "checkpoint/model.safetensors").read_bytes() for name in ("one", "two")]
    assert weights[0] == weights[1], "a run that was stopped ends elsewhere"

    data.write_text('{"text": "a", "label": "MAYBE"}\n')
    said = run(*common, "--out", folder / "three", expect=1)
    assert "texts.jsonl" in said and "is none of NO, YES" in said, said


main()
