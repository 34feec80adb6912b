"""prefopt tokenize, logprobs and sample: their numbers are those of transformers, their rows read
one another, and odd texts are handled as documented or refused by name.

    python3 tests/tools/check_texts.py PROGRAM
"""

import json
import pathlib
import signal
import subprocess
import tempfile
import time

from tool import EXPECTED, MODEL, PROGRAM, check, done, lines_of, refused, rows_of, run, write

ROWS = EXPECTED["rows"]
WINDOW = 64


def check_tokenize(work):
    texts = write(work / "texts.jsonl", [{"text": each["text"]} for each in EXPECTED["texts"]])
    result = run("tokenize", "--model", MODEL, "--input", texts)
    ids = [row["ids"] for row in rows_of(result.stdout)]
    check(ids == [each["ids"] for each in EXPECTED["texts"]], "tokenize: the ids of transformers")
    again = run("tokenize", "--model", MODEL, text=texts.read_text(encoding="utf-8"))
    check(again.stdout == result.stdout, "tokenize: the same from standard input")
    run("tokenize", "--model", MODEL, "--input", texts, "--output", work / "ids.jsonl.gz")
    check((work / "ids.jsonl.gz").read_bytes()[:2] == b"\x1f\x8b", "tokenize: packed by its name")
    plain = run("tokenize", "--model", MODEL, "--plain-text", text='{"text": "<|end|>"}\n')
    check(len(rows_of(plain.stdout)[0]["ids"]) > 1, "tokenize: --plain-text spells special tokens")
    refused(["/dev/stdin:2", "field 'text'"], "tokenize", "--model", MODEL,
            text='{"text": "a"}\n{"txt": "b"}\n')
    bad = work / "bad.jsonl"
    bad.write_bytes(b'{"text": "a"}\n{"text": "b\xff"}\n')
    refused(["bad.jsonl:2", "UTF-8"], "tokenize", "--model", MODEL, "--input", bad, "--output",
            work / "none.jsonl")
    check(not (work / "none.jsonl").exists(), "and no output appears")


def logprobs(rows, *args):
    result = run("logprobs", "--model", MODEL, *args, text=lines_of(rows))
    if result.returncode:
        print(result.stderr)
    return rows_of(result.stdout)


def close(row, expected):
    return (len(row["token_logprobs"]) == len(expected["token_logprobs"])
            and all(abs(a - b) < 1e-4
                    for a, b in zip(row["token_logprobs"], expected["token_logprobs"]))
            and abs(row["logprob"] - sum(row["token_logprobs"])) < 1e-6)


def check_logprobs(work):
    texts = [{"prompt": row["prompt"], "response": row["response"]} for row in ROWS]
    got = logprobs(texts)
    check([row["ids"] for row in got] == [row["ids"] for row in ROWS],
          "logprobs: prompt and response are tokenized apart, the end token follows")
    check(len(got) == len(ROWS) and all(map(close, got, ROWS)),
          "logprobs: those of transformers within 1e-4")
    ids = [{"prompt_ids": row["prompt_ids"], "response_ids": row["ids"]} for row in ROWS]
    check(logprobs(ids) == got, "logprobs: ids are taken as they are")
    check(logprobs(texts, "--batch-tokens", "1") == got,
          "logprobs: the same bits whatever is computed at once")
    short = logprobs(texts[:1], "--no-end-token")[0]
    check(short["ids"] == ROWS[0]["ids"][:-1]
          and short["token_logprobs"] == got[0]["token_logprobs"][:-1],
          "logprobs: --no-end-token leaves the end token out")
    empty = logprobs([{"prompt": "The", "response": ""}])[0]
    check(empty["ids"] == [0], "logprobs: an empty response is its end token")


def check_windows():
    long = "ab " * 40
    row = lines_of([{"prompt": "x"}, {"prompt": long, "response": "good"}])
    model = ["logprobs", "--model", MODEL]
    first = '{"prompt": "x", "response": "y"}\n'
    refused([":2", "field 'prompt'", "--truncate"], *model, text=first + row.splitlines()[1])
    for side, kept in [("left", lambda ids, n: ids[-n:]), ("right", lambda ids, n: ids[:n])]:
        cut = run(*model, "--truncate", side, text=row.splitlines()[1])
        ids = rows_of(run("tokenize", "--model", MODEL, text=json.dumps({"text": long})).stdout)[0]
        response = rows_of(cut.stdout)[0]["ids"]
        whole = logprobs([{"prompt_ids": kept(ids["ids"], WINDOW - len(response)),
                           "response_ids": response}])
        check(rows_of(cut.stdout) == whole and "1 of 1 prompts were cut" in cut.stderr,
              f"logprobs: --truncate {side} keeps the other end, and says so")
    refused([":1", "field 'response'", "window"], *model, "--truncate", "left",
            text=lines_of([{"prompt": "x", "response": long}]))
    sample = ["sample", "--model", MODEL, "--max-new-tokens", "8"]
    prompt = lines_of([{"prompt": long}])
    refused([":1", "field 'prompt'", "--truncate"], *sample, text=prompt)
    cut = run(*sample, "--truncate", "left", "--no-end-token", text=prompt)
    check(len(rows_of(cut.stdout)[0]["response_ids"]) == 8,
          "sample: a prompt that is cut leaves room for --max-new-tokens")
    near = lines_of([{"prompt_ids": [5] * (WINDOW - 3)}])
    whole = rows_of(run(*sample, "--no-end-token", text=near).stdout)[0]
    check(len(whole["response_ids"]) == 3 and not whole["ended"],
          "sample: one that is not cut has its response end with the window")


def check_odd_rows():
    model = ["logprobs", "--model", MODEL]
    chat = [{"role": "user", "content": "Hi"}]
    for row, words in [
            ({"prompt": "", "response": "a"}, ["field 'prompt'", "no tokens"]),
            ({"prompt": "a", "response_ids": []}, ["field 'response_ids'", "no tokens"]),
            ({"prompt": "a", "response_ids": [301]}, ["field 'response_ids'", "below 301"]),
            ({"prompt_ids": [-1], "response": "a"}, ["field 'prompt_ids'", "-1"]),
            ({"prompt_ids": "a", "response": "a"}, ["field 'prompt_ids'", "list"]),
            ({"prompt": "a"}, ["field 'response'", "missing"]),
            ({"response": "a"}, ["field 'prompt'", "missing"]),
            ({"prompt": 3, "response": "a"}, ["field 'prompt'", "expected text"]),
            ({"messages": chat}, ["field 'messages'", "chat template"]),
            ({"prompt": chat, "response": "a"}, ["field 'prompt'", "chat template"]),
            ({"prompt": "a", "response": chat}, ["field 'response'", "chat template"])]:
        refused(["/dev/stdin:1", *words], *model, text=json.dumps(row) + "\n")
    refused(["/dev/stdin:2", "JSON"], *model, text='{"prompt": "a", "response": "b"}\n{"prompt\n')
    refused(["/dev/stdin:1", "JSON"], *model, text='{"prompt": "\\ud800", "response": "a"}\n')


def check_sample(work):
    prompts = write(work / "prompts.jsonl", [{"prompt": row["prompt"]} for row in ROWS])
    base = ["sample", "--model", MODEL, "--prompts", prompts, "--max-new-tokens", "12"]
    greedy = rows_of(run(*base, "--temperature", "0").stdout)
    check([row["response_ids"] for row in greedy] == [row["greedy"] for row in ROWS],
          "sample: greedy continuations are those of transformers")
    check(list(greedy[0])[:4] == ["prompt", "response", "response_ids", "logprob"],
          "sample: the documented fields")
    drawn = run(*base, "--responses", "3", "--seed", "7", "--top-k", "20", "--top-p", "0.9")
    rows = rows_of(drawn.stdout)
    check(len(rows) == 3 * len(ROWS)
          and [row["prompt"] for row in rows] == [r["prompt"] for r in ROWS for _ in range(3)],
          "sample: every prompt's responses, in order")
    check(all(row["ended"] == (row["response_ids"][-1] == 0) for row in rows)
          and any(row["ended"] for row in rows) and not all(row["ended"] for row in rows),
          "sample: ended tells whether the end token came")
    scored = logprobs(rows)
    check(len(scored) == len(rows)
          and all(abs(a["logprob"] - b["logprob"]) < 1e-4 for a, b in zip(scored, rows))
          and [a["ids"] for a in scored] == [b["response_ids"] for b in rows],
          "sample: logprobs reads its rows and finds its log-probs")
    few = write(work / "few.jsonl", [{"prompt": row["prompt"]} for row in ROWS[:2]])
    part = run("sample", "--model", MODEL, "--prompts", few, "--max-new-tokens", "12", "--responses",
               "3", "--seed", "7", "--top-k", "20", "--top-p", "0.9", "--batch-rows", "2")
    check(rows_of(part.stdout) == rows[:6], "sample: the same whatever else is sampled")
    other = run(*base, "--responses", "3", "--seed", "8", "--top-k", "20", "--top-p", "0.9")
    check(other.returncode == 0 and other.stdout != drawn.stdout, "sample: another seed, others")
    lines = work / "prompts.txt"
    lines.write_text("The film is\n\nThe f\n", encoding="utf-8")
    text = run("sample", "--model", MODEL, "--prompts", lines, "--temperature", "0",
               "--max-new-tokens", "12")
    check([row["response_ids"] for row in rows_of(text.stdout)]
          == [ROWS[0]["greedy"], ROWS[2]["greedy"]], "sample: a .txt file has a prompt a line")
    lines.write_bytes(b"good\nbad \xff\n")
    refused(["prompts.txt:2", "UTF-8"], "sample", "--model", MODEL, "--prompts", lines)
    config = work / "sample.toml"
    config.write_text(f'model = "{MODEL}"\nmax-new-tokens = 12\ntemperature = 0\n')
    toml = run("sample", "--config", config, "--prompts", prompts)
    check(rows_of(toml.stdout) == greedy, "sample: options may stand in a TOML file")
    config.write_text("temprature = 0\n")
    refused(["temprature"], "sample", "--config", config, "--model", MODEL, code=2)
    for option in [("--top-p", "0"), ("--temperature", "-1"), ("--max-new-tokens", "0"),
                   ("--responses", "-1"), ("--truncate", "middle"), ("--no-such", "1")]:
        refused([option[0].strip("-").split("-")[0]], *base, *option, code=2)


def stop(args, out, number, code):
    """Sends the signal as soon as the command has begun to write."""
    partial = pathlib.Path(str(out) + ".partial")

    def has_begun():
        try:
            return partial.stat().st_size > 100
        except FileNotFoundError:
            return False

    process = subprocess.Popen([PROGRAM, *map(str, args), str(out)], stderr=subprocess.DEVNULL)
    while process.poll() is None and not has_begun():
        time.sleep(0.001)
    check(process.poll() is None, f"{args[0]}: is still under way when it is stopped")
    process.send_signal(number)
    check(process.wait() == code and not out.exists(),
          f"{args[0]}: stopped by signal {int(number)}: {code}, and no file appears")


def check_resume(work):
    prompts = write(work / "many.jsonl", [{"prompt": f"The film {i}"} for i in range(400)])
    words = [" is", " good", " bad", " the"]
    texts = write(work / "texts.jsonl",
                  [{"prompt": f"The film {i}", "response": words[i % 4] + words[i // 4 % 4]}
                   for i in range(4000)])
    sample = ["sample", "--model", MODEL, "--prompts", prompts, "--responses", "4",
              "--no-end-token", "--max-new-tokens", "40", "--output"]
    logprobs = ["logprobs", "--model", MODEL, "--input", texts, "--batch-tokens", "128", "--output"]
    for base in [sample, logprobs]:
        out, whole = work / f"{base[0]}-killed.jsonl", work / f"{base[0]}-whole.jsonl"
        check(run(*base, whole).returncode == 0, f"{base[0]}: a run to its end")
        for number, code in [(signal.SIGKILL, -9), (signal.SIGTERM, 143), (signal.SIGINT, 130)]:
            stop(base, out, number, code)
            refused([out.name + ".partial", "another run"], *base, out, "--resume", "--precision",
                    "bfloat16", code=2)
            result = run(*base, out, "--resume")
            check(result.returncode == 0 and out.read_bytes() == whole.read_bytes()
                  and not pathlib.Path(str(out) + ".partial").exists(), "and resumed: the same bytes")
            out.unlink()
        pathlib.Path(str(out) + ".partial").write_text('{"partial":"of other things"}\n')
        refused([out.name + ".partial", "another run"], *base, out, "--resume", code=2)
        refused(["--resume", "--output"], *base, "-", "--resume", code=2)


def check_program(work):
    for name in ["tokenize", "logprobs", "sample"]:
        result = run(name, "--help")
        check(result.returncode == 0 and "--config" in result.stdout and "Example" in result.stdout,
              f"{name} --help")
        check(name in run("--help").stdout, f"--help names {name}")
    check(run("--version").stdout.startswith("prefopt "), "--version")
    check(run().returncode == 2 and run("no-such-command").returncode == 2, "no command: 2")
    refused(["no/such-model", "hf download no/such-model"], "tokenize", "--model", "no/such-model",
            code=1)
    script = run("completion").stdout
    complete = ("source /dev/stdin <<'END'\n" + script + "END\n"
                "COMP_WORDS=(prefopt sample --trunc); COMP_CWORD=2; _prefopt\n"
                'echo "${COMPREPLY[@]}"\n'
                "COMP_WORDS=(prefopt sample --truncate l); COMP_CWORD=3; _prefopt\n"
                'echo "${COMPREPLY[@]}"\n'
                "COMP_WORDS=(prefopt tok); COMP_CWORD=1; _prefopt\n"
                'echo "${COMPREPLY[@]}"\n')
    result = subprocess.run(["bash", "-c", complete], capture_output=True, text=True, check=False)
    check(result.stdout.split() == ["--truncate", "left", "tokenize"],
          f"bash completes commands, options and words: {result.stdout.split()} {result.stderr}")
    cache = work / "hub" / "models--me--tiny"
    (cache / "refs").mkdir(parents=True)
    (cache / "snapshots").mkdir()
    (cache / "refs" / "main").write_text("0123")
    (cache / "snapshots" / "0123").symlink_to(MODEL)
    result = run("tokenize", "--model", "me/tiny", text='{"text": "The film is good."}\n',
                 environment={"HF_HUB_CACHE": str(work / "hub")})
    check(result.returncode == 0 and rows_of(result.stdout)[0]["ids"] == EXPECTED["texts"][1]["ids"],
          "a model of Hugging Face's cache by its name")


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    check_tokenize(folder)
    check_logprobs(folder)
    check_windows()
    check_odd_rows()
    check_sample(folder)
    check_resume(folder)
    check_program(folder)
done()
