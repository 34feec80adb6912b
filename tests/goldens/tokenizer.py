"""Makes tests/data/text/: tokens that Hugging Face `tokenizers` gives, for byte_level_bpe's tests.

Needs the package tokenizers (0.23.3 made the files), the folder of real data with tokenizers/ and
sentiment/ in $PREFOPT_DATA, and SmolLM2-135M-Instruct as scripts/fetch_models leaves it together
with the package gguf. Run: PREFOPT_DATA=... python tests/goldens/tokenizer.py

nasty.json   texts (in hexadecimal UTF-8) with their GPT-2 and SmolLM2 ids
reviews.txt  one line for tokenizer and split: number of reviews, of tokens, and the FNV-1a hash of
             all ids as little-endian 32-bit words, each review followed by the word 0xFFFFFFFF
small/       a tokenizer.json trained on a few lines here, with its ids
"""

import json
import lzma
import os
import random
from pathlib import Path

from gguf import GGUFReader
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

DATA = Path(os.environ["PREFOPT_DATA"])
CACHE = Path(os.environ.get("PREFOPT_CACHE", Path.home() / ".cache/prefopt"))
OUT = Path(__file__).resolve().parents[1] / "data/text"


def finish(tokenizer, digits):
    steps = [pre_tokenizers.Digits(individual_digits=True)] if digits else []
    steps.append(pre_tokenizers.ByteLevel(add_prefix_space=False))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps) if digits else steps[0]
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def gpt2():
    folder = DATA / "tokenizers"
    model = models.BPE.from_file(str(folder / "gpt2-encoder.json"), str(folder / "gpt2-vocab.bpe"))
    tokenizer = finish(Tokenizer(model), digits=False)
    tokenizer.add_special_tokens([AddedToken("<|endoftext|>", special=True)])
    return tokenizer


def smollm2():
    fields = GGUFReader(CACHE / "SmolLM2-135M-Instruct.Q4_1.gguf").fields
    tokens = fields["tokenizer.ggml.tokens"].contents()
    merges = [tuple(m.split(" ")) for m in fields["tokenizer.ggml.merges"].contents()]
    model = models.BPE({token: i for i, token in enumerate(tokens)}, merges)
    tokenizer = finish(Tokenizer(model), digits=True)
    types = fields["tokenizer.ggml.token_type"].contents()
    control = [token for token, kind in zip(tokens, types) if kind == 3]
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in control])
    return tokenizer


def nasty():
    texts = ["", " ", "  ", "\n", "\n\n", " \n ", "\t\t x", "a  b   c    d", "x \u00a0\u3000 y", "\u2028\u2029",
             "\x85 \x1c\x1d", "a\r\nb\r\n", "don't DON'T we'll we've I'm he'd you're 's 't '", "it\u2019s",
             "1", "12345", " 1 22  333   4", "3.14e-10", "1,000,000", "\u00bd\u00b2\u2167\u0663\u0e52", "a1b2 c3",
             "  12", "a  1", "1  a", " \n1", "e\u0301e\u0301 n\u0303", "\u0301", "\u1e9b\u0323 \u0e01\u0e33",
             "\u0928\u092e\u0938\u094d\u0924\u0947", "\u4f60\u597d\uff0c\u4e16\u754c", "\u3053\u3093\u306b\u3061\u306f \uc548\ub155",
             "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea", "\U0001d4d7\U00020000", "\ufeffx", "\u200b \u200d",
             "\x00\x01\x02\x7f", "<br /><br />", "<|endoftext|>", "a<|endoftext|> b", "<|endoftext", "<|im_start|>user\nhi<|im_end|>",
             "<|endoftext|><|endoftext|>", "https://a.b/c?d=e&f=%20", "def f(x):\n    return x**2\n\n\n", "\u0130\u0131\u00df\ufb01",
             "x" * 1000, "ab" * 700, " " * 500, " " * 300 + "x", "\u4e00" * 300, "!" * 400, "\U0001f600" * 100, "7" * 200]
    rng = random.Random(1)
    pieces = [" ", "  ", "\n", "a", "The", "'s", "'", "1", "23", ".", "!?", "\u00e9", "e\u0301", "\u4f60", "\U0001f600", "\u00a0",
              "\t", "<", "|>", "<|endoftext|>", "\u0663", "\u200d", "-", "ing", " of"]
    texts += ["".join(rng.choices(pieces, k=rng.randint(1, 40))) for _ in range(300)]
    return texts


def fnv(ids, state):
    for value in ids:
        for byte in value.to_bytes(4, "little"):
            state = ((state ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return state


def main():
    (OUT / "small").mkdir(parents=True, exist_ok=True)
    tokenizers = {"gpt2": gpt2(), "smollm2": smollm2()}
    rows = [{"text": t.encode().hex()} | {name: k.encode(t).ids for name, k in tokenizers.items()} for t in nasty()]
    (OUT / "nasty.json").write_text("[\n" + ",\n".join(json.dumps(r, separators=(",", ":")) for r in rows) + "\n]\n")

    small = finish(Tokenizer(models.BPE()), digits=True)
    lines = ["the film was good and the acting was fine", "the film was bad and the plot was thin", "I saw it 12 times"]
    small.train_from_iterator(lines, trainers.BpeTrainer(
        vocab_size=320, special_tokens=["<|end|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    small.add_tokens([AddedToken("good", special=False, normalized=False)])
    small.save(str(OUT / "small/tokenizer.json"))
    texts = nasty()[:48] + lines + ["good<|end|>goods not good"]
    (OUT / "small/ids.json").write_text(json.dumps([[t.encode().hex(), small.encode(t).ids] for t in texts], separators=(",", ":")) + "\n")

    with open(OUT / "reviews.txt", "w") as out:
        for split in ("train", "test"):
            with lzma.open(DATA / f"sentiment/imdb_{split}_25000.tsv.xz", "rt", encoding="utf-8", newline="\n") as file:
                texts = [line.rstrip("\n").split("\t")[4] for line in file][1:]
            for name, tokenizer in tokenizers.items():
                state, count = 0xCBF29CE484222325, 0
                for text in texts:
                    ids = tokenizer.encode(text, add_special_tokens=False).ids
                    state = fnv(ids + [0xFFFFFFFF], state)
                    count += len(ids)
                out.write(f"{name} {split} {len(texts)} {count} {state:016x}\n")


main()
