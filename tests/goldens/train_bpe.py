"""Makes tests/data/text/train_bpe.json: a small text and what Hugging Face's BpeTrainer learns of
it. Packages: tokenizers. Run: python train_bpe.py OUTPUT"""
import json
import random
import sys

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

SYLLABLES = ["ka", "to", "mi", "ran", "el", "os", "bu", "th", "aa", "aaa", "é", "映画", "..."]


def texts():
    random.seed(7)
    words = ["".join(random.choices(SYLLABLES, k=random.randint(1, 4))) for _ in range(60)]
    weights = [1 / (i + 1) for i in range(len(words))]
    return [" ".join(random.choices(words, weights, k=12)) + random.choice(["!", ".\n", " 1999"])
            for _ in range(60)]


def main(output):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=360, min_frequency=2, special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(texts(), trainer)
    state = json.loads(tokenizer.to_str())["model"]
    vocabulary = sorted(state["vocab"], key=state["vocab"].get)
    merges = [m if isinstance(m, list) else m.split(" ") for m in state["merges"]]
    with open(output, "w") as out:
        json.dump({"texts": texts(), "vocabulary": vocabulary, "merges": merges}, out)


main(sys.argv[1])
