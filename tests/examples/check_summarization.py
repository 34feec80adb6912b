"""The summarization program as a person meets it: with and without a judge, killed and resumed.

    python3 tests/examples/check_summarization.py PROGRAM TOKENIZER_JSON

Writes posts, summaries and a checkpoint of random weights, a size of seconds, and needs Python
alone. The judge is a server in this process, which prefers the summary with more letters e and fails
now and then.
"""

import http.server
import json
import os
import pathlib
import random
import re
import signal
import sys
import tempfile
import threading

from tiny_task import (changed, check, failures, outcome, read_csv, run, stop_and_resume, write_model,
                       write_rows)

PROGRAM, TOKENIZER = sys.argv[1:]
WORDS = "my friend and I had a good film night but she left the end of it out".split()
TABLES = ["summaries.csv", "head_to_head.csv", "reference_log_probs.csv", "offsets.csv"]


class Judge(http.server.BaseHTTPRequestHandler):
    """Every seventh request gets no proper answer, each time another way."""

    protocol_version = "HTTP/1.1"
    requests = []
    lock = threading.Lock()

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.lock:
            self.requests.append((body, self.headers.get("Authorization")))
            number = len(self.requests)
        if number % 7 == 0:
            kind = number // 7 % 4
            if kind == 0:
                return self.reply(500, b"oops", "text/plain")
            if kind == 1:
                return self.reply(200, b"<html>", "text/html")
            if kind == 2:
                return self.reply(429, b"{}", "application/json", {"Retry-After": "0.01"})
            self.send_response(200)
            self.send_header("Content-Length", "500")
            self.end_headers()
            self.wfile.write(b'{"choices": [')
            self.close_connection = True
            return None
        text = body["messages"][0]["content"]
        first, second = re.search(r"Summary A:\n(.*)\n\nSummary B:\n(.*)\n\nAnswer", text, re.S).groups()
        answer = "Comparison: by letters.\nPreferred: " + ("A" if first.count("e") > second.count("e") else "B")
        if len(body["messages"]) == 1 and len(first) % 11 == 3:
            answer = "Both are fine."
        return self.reply(200, json.dumps({
            "choices": [{"message": {"content": answer}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 10}}).encode(), "application/json")

    def reply(self, status, body, kind, headers=None):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def text(draw, low, high):
    return " ".join(draw.choices(WORDS, k=draw.randrange(low, high)))


def write_data(work):
    draw = random.Random(5)
    posts = {}
    for _ in range(12):
        count = draw.randrange(3, 6)
        posts[text(draw, 20, 60)] = {
            "responses": [" " + text(draw, 3, 9) for _ in range(count)],
            "rewards": [draw.randrange(1, 8) for _ in range(count)]}
    (work / "posts.json").write_text(json.dumps(posts), encoding="utf-8")
    references = [{"subreddit": "relationships" if i % 4 else "cooking", "title": "t",
                   "instruction": text(draw, 20, 60), "gold_response": text(draw, 3, 9)}
                  for i in range(32)]
    return posts, write_rows(work / "references.jsonl", references)


def unequal_pairs(posts):
    gaps = []
    for post in posts.values():
        scores = post["rewards"]
        for i, a in enumerate(scores):
            gaps += [abs(a - b) for b in scores[:i] if a != b]
    return gaps


def check_judge(small, whole, expected, url):
    judged = [*small, "--out", whole, "--resume", "--judge-url", url, "--judge-model", "m",
              "--judge-first-wait", "0.001", "--judge-price-prompt", 3, "--judge-price-answer", 6]
    os.environ["OPENAI_API_KEY"] = "the-key"
    first = run(PROGRAM, *judged)
    if not check(first.returncode == 0, "a finished run is judged"):
        print(first.stderr[-2000:])
        return
    sent = len(Judge.requests)
    check(all(key == "Bearer the-key" for _, key in Judge.requests), "the key is sent")
    rows = read_csv(whole / "summaries.csv")
    check(len(rows) == 4 * 5 and all("win_rate" in row for row in rows),
          "before and three policies at five temperatures have win rates")
    check(all(int(r["wins"]) + int(r["ties"]) + int(r["losses"]) + int(r["unparsed"]) == 8 for r in rows),
          "of all eight posts")
    check(all(0 <= float(r["win_rate_low"]) <= float(r["win_rate"]) <= float(r["win_rate_high"]) <= 1
              for r in rows), "with intervals")
    check(len(read_csv(whole / "head_to_head.csv")) == 3 * 5, "three policies make three pairs")
    usage = re.search(r"Judge: (\d+) questions, 0 without a readable answer; (\d+) answers asked of m, "
                      r"(\d+) known before; (\d+) asked again, (\d+) requests repeated", first.stdout)
    if check(usage is not None, "usage is printed"):
        questions, answers, known, again, repeated = map(int, usage.groups())
        # Two policies may have written the same: then the question is the same too.
        check(answers + known >= questions > answers - again, "each question has an answer")
        check(questions == 7 * 5 * 8, "280 questions")
        check(answers + repeated == sent, "every request is accounted for")
        check(again > 0 and repeated > 0, "some were asked again, some requests repeated")
        cost = answers * (100 * 3 + 10 * 6) / 1e6
        check(f"{100 * answers} prompt tokens, {10 * answers} answer tokens, {cost:.4f} at" in first.stdout,
              "tokens and cost are printed")
    check("the-key" not in first.stdout + first.stderr
          and all(b"the-key" not in p.read_bytes() for p in whole.rglob("*") if p.is_file()),
          "the key is neither printed nor written")
    check(outcome(whole) == expected, "judging changes nothing else")
    tables = [read_csv(whole / name) for name in TABLES]
    again = run(PROGRAM, *judged)
    check(again.returncode == 0 and len(Judge.requests) == sent, "judged again, nothing is paid twice")
    check([read_csv(whole / name) for name in TABLES] == tables, "and the tables are the same")
    check("0.0000 at" in again.stdout, "at no cost")
    both = run(PROGRAM, *judged, "--judge-order", "both")
    check(both.returncode == 0 and "Judge: 560 questions" in both.stdout, "both orders: twice as many")


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Judge)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    with tempfile.TemporaryDirectory() as name:
        work = pathlib.Path(name)
        model = write_model(work / "model", TOKENIZER)
        posts, references = write_data(work)
        data = ["--model", model, "--posts", work / "posts.json", "--references", references]
        small = [*data, "--post-tokens", 40, "--max-new-tokens", 12, "--method", "dpo,odpo,slic",
                 "--beta", 0.5, "--learning-rate", "1e-3", "--batch", 8, "--save-every", 1,
                 "--sft", "--sft-texts", 8, "--eval-prompts", 8, "--eval-responses", 2,
                 "--threads", 1]
        whole = work / "whole"
        first = run(PROGRAM, *small, "--out", whole)
        if not check(first.returncode == 0, "a whole run exits 0"):
            print(first.stderr[-2000:])
            return
        expected = outcome(whole)
        check(len(expected[1]) == 3, "three policies, each with its checkpoint")
        gaps = unequal_pairs(posts)
        found = {int(float(r["gap"])): int(r["pairs"]) for r in read_csv(whole / "offsets.csv")}
        check(found == {gap: gaps.count(gap) for gap in set(gaps)},
              f"the offsets' histogram has the {len(gaps)} pairs of unequal scores")
        check("Offsets of the pairs" in first.stdout, "and is printed")
        rows = read_csv(whole / "summaries.csv")
        check(len(rows) == 4 * 5 and "win_rate" not in rows[0] and float(rows[0]["rouge_l"]) >= 0,
              "without a judge: ROUGE-L, and no win rate")
        check("overlap with the human summary, not quality" in first.stdout, "named as what it is")
        changes = read_csv(whole / "reference_log_probs.csv")
        check(len(changes) == 4 and float(changes[0]["change"]) == 0
              and all(float(r["mean"]) < 0 for r in changes), "log-probs of the human summaries")
        greedy = [json.loads(line) for line in
                  (whole / "before" / "summaries_0.jsonl").read_text().splitlines()]
        check(len(greedy) == 8 and all(r["prompt"].startswith("POST: ") and
                                       r["prompt"].endswith("\n\nTL;DR:") for r in greedy),
              "prompts end in TL;DR:")
        prompts = {json.loads(line)["prompt"] for line in (whole / "pairs.jsonl").read_text().splitlines()}
        check(not prompts & {r["prompt"] for r in greedy}, "no held-out post is trained on")
        check("cut to 40 tokens" in first.stderr, "how many posts were cut is said")
        check_judge(small, whole, expected, url)

        folder = work / "killed"
        stopped = stop_and_resume(PROGRAM, small, folder, [(signal.SIGKILL, -9)])
        check(stopped > 0 and outcome(folder) == expected,
              f"killed {stopped} times and resumed: the same results and weights")

        server.shutdown()
        server.server_close()
        gone = run(PROGRAM, *small, "--out", work / "killed", "--resume", "--judge-url", url,
                   "--judge-model", "m", "--judge-tries", 2, "--judge-first-wait", 0.001)
        check(gone.returncode == 1 and "no answer in 2 tries" in gone.stderr, "no judge: an error says so")
        begun = run(PROGRAM, *changed(small, ["--method", "dpo"]), "--cut", "beginning", "--temperatures",
                    "0,1", "--out", work / "begun")
        check(begun.returncode == 0, "cut at the beginning: exits 0")
        bad = [(["--eval-prompts", 1000], "--eval-prompts"), (["--prompts", 1000], "--prompts"),
               (["--posts", references], "references.jsonl"), (["--references", model + "/config.json"], "config.json"),
               (["--judge-url", "nowhere", "--judge-model", "m"], "nowhere"),
               (["--judge-url", url], "--judge-model"), (["--judge-model", "m"], "--judge-url"),
               (["--temperatures", "-1"], "--temperatures"),
               (["--judge-url", url, "--judge-model", "m", "--judge-prompt", references], "<post>"),
               (["--judge-url", url, "--judge-model", "m", "--judge-request", "3"], "--judge-request")]
        for extra, word in bad:
            result = run(PROGRAM, *changed(small, extra), "--out", work / "bad")
            check(result.returncode in (1, 2) and word in result.stderr,
                  f"{' '.join(map(str, extra))}: refused, and {word} named")
            check(not (work / "bad").exists(), "and nothing is written")
        check(run(PROGRAM, "--help").returncode == 0, "--help exits 0")


main()
print(f"{len(failures)} failed")
sys.exit(1 if failures else 0)
