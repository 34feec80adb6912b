"""Tiny random classifiers in Hugging Face's format, one of every kind that prefopt reads, and what
transformers computes from them: makes tests/data/model/classifiers/. scripts/parity uses the same.
Needs torch, transformers and safetensors.

    python tests/goldens/classifiers.py [FOLDER]

Each folder holds config.json, model.safetensors and expected.json: texts as tokens, their logits, a
weight for each logit, and the gradient of the weighted sum of logits with respect to every tensor.
tiny-bert is of three classes, tiny-distilbert multi-label and in two shards, tiny-roberta a
regression, and tiny-minilm an encoder without a head, under bare names.
"""

import json
import pathlib
import sys

import torch
import transformers as hf

DATA = pathlib.Path(__file__).parent.parent / "data" / "model" / "classifiers"
LENGTHS = [1, 7, 2, 16, 23]
SHAPE = dict(vocab_size=53, hidden_size=30, num_hidden_layers=2, num_attention_heads=5,
             intermediate_size=44, max_position_embeddings=29)

# name: (class of the model, that of its configuration, the fields, seed of the weights)
CLASSIFIERS = {
    "tiny-bert": (hf.BertForSequenceClassification, hf.BertConfig, dict(
        **SHAPE, type_vocab_size=3, hidden_act="gelu_new",
        id2label={0: "worst", 1: "middle", 2: "best"}), 1),
    "tiny-roberta": (hf.RobertaForSequenceClassification, hf.RobertaConfig, dict(
        **SHAPE | {"max_position_embeddings": 32}, type_vocab_size=1, pad_token_id=1,
        num_labels=1, layer_norm_eps=1e-5), 2),
    "tiny-distilbert": (hf.DistilBertForSequenceClassification, hf.DistilBertConfig, dict(
        vocab_size=47, dim=28, n_layers=3, n_heads=4, hidden_dim=36, max_position_embeddings=26,
        problem_type="multi_label_classification", id2label={0: "rude", 1: "angry"}), 3),
    "tiny-minilm": (hf.BertModel, hf.BertConfig, dict(**SHAPE | {"num_hidden_layers": 1}), 4),
}


def build(name, generator, **fields):
    """A model with random weights; `fields` take the place of the table's."""
    model_class, config_class, own, _ = CLASSIFIERS[name]
    model = model_class(config_class(**own | fields))
    with torch.no_grad():  # larger than the usual initialization, so that errors show
        for key, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=generator)
            p.copy_(1 + 0.2 * noise if p.ndim == 1 and "bias" not in key else 0.15 * noise)
    return model.float().eval()


def random_texts(vocabulary, lengths, generator):
    """Without the padding token, which RoBERTa's positions would pass over."""
    return [torch.randint(3, vocabulary, (n,), generator=generator).tolist() for n in lengths]


def logits_of(model, texts):
    """One text at a time: (texts, classes)."""
    return torch.cat([model(torch.tensor([text])).logits for text in texts])


def make(folder, name, **save):
    generator = torch.Generator().manual_seed(CLASSIFIERS[name][-1])
    model = build(name, generator)
    model.save_pretrained(folder / name, **save)
    if name == "tiny-minilm":
        return
    texts = random_texts(model.config.vocab_size, LENGTHS, generator)
    weights = torch.randn(len(texts), model.config.num_labels, generator=generator,
                          dtype=torch.float64)
    model = model.double()  # the reference is computed in double precision from float32 weights
    logits = logits_of(model, texts)
    (weights * logits).sum().backward()
    expected = {
        "texts": texts,
        "logits": [round(x, 8) for x in logits.flatten().tolist()],
        "weights": weights.flatten().tolist(),
        "gradients": {key: [float(f"{x:.6g}") for x in p.grad.flatten().tolist()]
                      for key, p in model.named_parameters() if p.grad is not None},
    }
    (folder / name / "expected.json").write_text(json.dumps(expected) + "\n")


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else DATA
    for name in CLASSIFIERS:
        make(folder, name, **({"max_shard_size": "25kB"} if name == "tiny-distilbert" else {}))


if __name__ == "__main__":
    main()
