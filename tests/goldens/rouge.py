"""ROUGE-L of some texts by Google's implementation, for tests/eval/rouge_test.cpp.

    pip install rouge-score
    python tests/goldens/rouge.py tests/data/eval/rouge.json
"""

import json
import random
import sys

from rouge_score import rouge_scorer

PAIRS = [
    ("the cat sat on the mat", "the cat sat on the mat"),
    ("The Cat, sat on: the MAT!", "the cat lay on a mat"),
    ("", "words"),
    ("words", ""),
    ("", ""),
    ("... !?", "words"),
    ("one", "two"),
    ("it's 5pm, don't be late", "it s 5pm don t be early"),
    ("a b c d e f", "f e d c b a"),
    ("a a a a b", "a b a b a"),
    ("na\u00efve caf\u00e9 in Z\u00fcrich", "naive cafe in Zurich"),
    ("\u65e5\u672c\u8a9e only", "only \u65e5\u672c\u8a9e"),
    ("snake_case and CamelCase", "snake case and camelcase"),
    ("tab\tnew\nline", "tab new line"),
]

draw = random.Random(7)
VOCABULARY = "my friend left me and I want to know what to say when we meet again at work".split()
for _ in range(40):
    PAIRS.append(tuple(" ".join(draw.choices(VOCABULARY, k=draw.randrange(1, 40))) for _ in "xy"))

scorer = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=False)
rows = []
for text, reference in PAIRS:
    score = scorer.score(reference, text)["rougeL"]
    rows.append({"text": text, "reference": reference, "precision": score.precision,
                 "recall": score.recall, "f": score.fmeasure})
with open(sys.argv[1], "w", encoding="utf-8") as file:
    json.dump(rows, file, indent=0)
    file.write("\n")
