"""What the checks of the program `prefopt` share. Python alone is needed."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

PROGRAM = sys.argv[1]
TESTS = pathlib.Path(__file__).resolve().parent.parent
MODEL = TESTS / "data" / "tools" / "model"
EXPECTED = json.loads((TESTS / "data" / "tools" / "expected.json").read_text())

WORDS = "the film was good bad and plot music".split()

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")  # what is expected was computed on a CPU
failures = []


def check(good, text):
    print(("ok      " if good else "FAILED  ") + text)
    if not good:
        failures.append(text)


def run(*args, text=None, environment=None):
    """The finished process; `text` is its standard input."""
    return subprocess.run([PROGRAM, *map(str, args)], input=text, capture_output=True, text=True,
                          check=False, env=os.environ | (environment or {}))


def rows_of(text):
    return [json.loads(line) for line in text.splitlines()]


def lines_of(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def write(file, rows):
    file.write_text(lines_of(rows), encoding="utf-8")
    return file


def encoder(folder, name):
    """A small classifier's checkpoint whose tokenizer knows WORDS."""
    shutil.copytree(TESTS / "data" / "model" / "classifiers" / name, folder)
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    (folder / "vocab.txt").write_text("\n".join(special + WORDS) + "\n")
    return folder


def refused(words, *args, text=None, code=None):
    """The command fails and its message has all the words; a crash is no refusal."""
    result = run(*args, text=text)
    good = (result.returncode == code if code else result.returncode in (1, 2))
    check(good and all(word in result.stderr for word in words),
          f"refused, naming {', '.join(words)}: {result.returncode} {result.stderr.strip()[-300:]}")
    return result


def done():
    print(f"{len(failures)} failed")
    sys.exit(1 if failures else 0)
