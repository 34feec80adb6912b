"""Encoders with a classification head against transformers' AutoModelForSequenceClassification."""

import json
import pathlib
import re
import tempfile

import torch
import transformers

import classifiers
from report import ask, in_double, largest, largest_of_scale, tensors

TOKENIZERS = pathlib.Path(__file__).parent.parent / "data" / "text" / "classifiers"
NEW_LABELS = ["worst", "middle", "best"]  # of an encoder without a head
KINDS = ("bert", "distilbert", "roberta")
OTHER = re.compile(r"position_ids$|^(cls|lm_head|vocab_)")  # buffers, heads of other tasks
TEXTS = [bytes.fromhex(row["text"]).decode() for row in
         json.loads((TOKENIZERS / "nasty.json").read_text())] + ["The film was good. " * 300]


def load(folder):
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager").eval()
    return in_double(model)


def window(config):
    """Tokens that a text may have. RoBERTa's positions begin after the padding token's number."""
    first = config.pad_token_id + 1 if config.model_type == "roberta" else 0
    return config.max_position_embeddings - first


def random_texts(config, generator):
    lengths = [n for n in classifiers.LENGTHS if n <= window(config)] + [window(config)]
    texts = classifiers.random_texts(config.vocab_size, lengths, generator)
    # A text with padding in it is no text to prefopt, and of other positions to RoBERTa.
    return [[token if token != config.pad_token_id else 2 for token in text] for text in texts]


def check_encoder(report, name, folder, saved):
    """An encoder that has got a head is the encoder that it was."""
    kept = tensors(saved)
    own = {key: value for key, value in tensors(folder).items() if not OTHER.search(key)}
    found = {key: kept[p + key] for key in own for p in ("", *(kind + "." for kind in KINDS))
             if p + key in kept}
    difference = largest((value, own[key]) for key, value in found.items())
    report.line(name, f"{len(own)} tensors kept", len(found) == len(own) and difference == 0.0,
                f"{len(found)} found, max {difference:.2g} (bound 0)")


def check_saved(report, name, model, saved, texts):
    again = load(saved)
    with torch.no_grad():
        difference = largest([(classifiers.logits_of(again, texts),
                               classifiers.logits_of(model, texts))])
    good = difference == 0.0 and again.config.id2label == model.config.id2label
    report.line(name, f"saved, config {saved.name}", good,
                f"max {difference:.2g} (bound 0), classes {list(again.config.id2label.values())}")


def check_tokenizer(report, name, folder, config, ids):
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    most = min(window(config), tokenizer.model_max_length)
    # Text that spells a special token is that token, as in transformers.
    expected = [tokenizer(text, truncation=True, max_length=most).input_ids for text in TEXTS]
    wrong = sum(a != b for a, b in zip(ids, expected))
    report.line(name, "ids of the tokenizer", wrong == 0, f"{len(TEXTS)} texts, {wrong} differ")


def compare(report, name, folder, probe, generator):
    config = transformers.AutoConfig.from_pretrained(folder)
    headless = not any("ForSequenceClassification" in kind for kind in config.architectures or [])
    texts = random_texts(config, generator)
    classes = len(NEW_LABELS) if headless else config.num_labels
    weights = torch.randn(len(texts), classes, generator=generator, dtype=torch.float64)
    files = ("tokenizer.json", "vocab.txt", "vocab.json")
    tokenizes = any((pathlib.Path(folder) / file).exists() for file in files)
    with tempfile.TemporaryDirectory() as path:
        scratch = pathlib.Path(path)
        result = ask(probe, "classifier", folder, {
            "tokens": texts, "weights": weights.flatten().tolist(),
            "new_labels": NEW_LABELS if headless else [], "texts": TEXTS if tokenizes else []},
            scratch, report, name)
        if result is None:
            return
        if headless:  # the head is prefopt's, so transformers has it from what was saved
            check_encoder(report, name, folder, scratch / "copied")
        model = load(scratch / "copied" if headless else folder)
        logits = classifiers.logits_of(model, texts)
        report.within(name, "logits / their largest",
                      largest_of_scale([result["logits"]], [logits.detach().flatten()]), 1e-5)
        (weights * logits).sum().backward()
        expected = {key: p.grad for key, p in model.named_parameters() if p.grad is not None}
        report.gradients(name, expected, tensors(scratch / "gradients.safetensors"))
        for kind in ("copied", "described"):
            check_saved(report, name, model, scratch / kind, texts)
        if tokenizes:
            check_tokenizer(report, name, folder, config, result["ids"])


def put_tokenizer(name, folder):
    """A small tokenizer of the kind that such models have. Returns its number of tokens."""
    kind = "roberta" if name == "tiny-roberta" else "wordpiece"
    fields = json.loads((TOKENIZERS / kind / "tokenizer.json").read_text())
    if name == "tiny-minilm":
        fields["normalizer"]["lowercase"] = True
    (folder / "tokenizer.json").write_text(json.dumps(fields))
    (folder / "tokenizer_config.json").write_text(json.dumps(
        {"tokenizer_class": "PreTrainedTokenizerFast", "truncation_side": "right"}))
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    return len(tokenizer)


def compare_random(report, name, probe, generator):
    with tempfile.TemporaryDirectory() as path:
        folder = pathlib.Path(path)
        vocabulary = put_tokenizer(name, folder)
        classifiers.build(name, generator, vocab_size=vocabulary).save_pretrained(folder)
        compare(report, name, folder, probe, generator)
