"""Makes tests/data/model/classifiers/: tiny random classifiers in Hugging Face's format, and what
transformers computes from them. Needs torch, transformers and safetensors.

    python tests/goldens/classifiers.py

Each folder holds config.json, model.safetensors and expected.json: texts as tokens, their logits, a
weight for each logit, and the gradient of the weighted sum of logits with respect to every tensor.
tiny-bert is of three classes, tiny-distilbert multi-label and in two shards, tiny-roberta a
regression, and tiny-minilm an encoder without a head, under bare names.
"""

import json
import pathlib

import torch
from transformers import (BertConfig, BertForSequenceClassification, BertModel, DistilBertConfig,
                          DistilBertForSequenceClassification, RobertaConfig,
                          RobertaForSequenceClassification)

DATA = pathlib.Path(__file__).parent.parent / "data" / "model" / "classifiers"
LENGTHS = [1, 7, 2, 16, 23]


def randomize(model, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():  # larger than the usual initialization, so that errors show
        for key, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=generator)
            p.copy_(1 + 0.2 * noise if p.ndim == 1 and "bias" not in key else 0.15 * noise)
    return model.float().eval(), generator


def make(name, model, seed, **save):
    model, generator = randomize(model, seed)
    folder = DATA / name
    model.save_pretrained(folder, **save)
    config = model.config
    # Not the padding token: RoBERTa's positions would pass over it.
    texts = [torch.randint(3, config.vocab_size, (n,), generator=generator).tolist()
             for n in LENGTHS]
    weights = torch.randn(len(texts), config.num_labels, generator=generator, dtype=torch.float64)
    model = model.double()  # the reference is computed in double precision from float32 weights
    logits = torch.cat([model(torch.tensor([text])).logits for text in texts])
    (weights * logits).sum().backward()
    expected = {
        "texts": texts,
        "logits": [round(x, 8) for x in logits.flatten().tolist()],
        "weights": weights.flatten().tolist(),
        "gradients": {key: [float(f"{x:.6g}") for x in p.grad.flatten().tolist()]
                      for key, p in model.named_parameters() if p.grad is not None},
    }
    (folder / "expected.json").write_text(json.dumps(expected) + "\n")


def main():
    shape = dict(vocab_size=53, hidden_size=30, num_hidden_layers=2, num_attention_heads=5,
                 intermediate_size=44, max_position_embeddings=29)
    make("tiny-bert", BertForSequenceClassification(BertConfig(
        **shape, type_vocab_size=3, hidden_act="gelu_new",
        id2label={0: "worst", 1: "middle", 2: "best"})), 1)
    make("tiny-roberta", RobertaForSequenceClassification(RobertaConfig(
        **shape | {"max_position_embeddings": 32}, type_vocab_size=1, pad_token_id=1, num_labels=1,
        layer_norm_eps=1e-5)), 2)
    make("tiny-distilbert", DistilBertForSequenceClassification(DistilBertConfig(
        vocab_size=47, dim=28, n_layers=3, n_heads=4, hidden_dim=36, max_position_embeddings=26,
        problem_type="multi_label_classification", id2label={0: "rude", 1: "angry"})), 3,
         max_shard_size="25kB")
    encoder, _ = randomize(BertModel(BertConfig(**shape | {"num_hidden_layers": 1})), 4)
    encoder.save_pretrained(DATA / "tiny-minilm")


if __name__ == "__main__":
    main()
