#!/usr/bin/env python3
"""Writes tests/data/checkpoint: small files of Hugging Face's and ggml's own writers.

Needs the packages numpy, torch, transformers, safetensors and gguf (made with transformers 5.23.0,
safetensors 0.8.0, gguf 0.19.0).
Run:  python tests/goldens/checkpoints.py tests/data/checkpoint [SmolLM2-135M-Instruct.Q4_1.gguf]
The file is the one that scripts/fetch_models leaves in ~/.cache/prefopt.
"""

import json
import sys
from pathlib import Path

import gguf
import numpy as np
import torch
from safetensors.torch import save_file
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM


def values(count, seed):
    """Numbers of many sizes, with halves' ties, subnormals and zeros among them."""
    random = np.random.default_rng(seed)
    numbers = random.standard_normal(count) * 10.0 ** random.integers(-6, 4, count)
    numbers[: min(count, 6)] = [0.0, -0.0, 1.0 + 2.0**-11, 1.0 + 2.0**-8, 3.0e-8, -65504.0][:count]
    return torch.tensor(numbers, dtype=torch.float32)


def write_safetensors(folder):
    tensors = {
        "b.weight": values(15, 1).reshape(3, 5),
        "a": values(7, 2),
        "scalar": torch.tensor(2.5),
        "c.empty": torch.zeros(0, 4),
        "c.deep": values(24, 3).reshape(2, 3, 4),
    }
    expected = {}
    for name, dtype in [("f32", torch.float32), ("f16", torch.float16), ("bf16", torch.bfloat16)]:
        stored = {key: value.to(dtype) for key, value in tensors.items()}
        save_file(stored, folder / f"{name}.safetensors", metadata={"format": "pt"})
        expected[name] = {
            key: {"shape": list(value.shape), "values": value.float().flatten().tolist()}
            for key, value in stored.items()
        }
    (folder / "safetensors.json").write_text(json.dumps(expected, indent=1) + "\n")
    mixed = {"weight": values(4, 4), "position_ids": torch.arange(3)}
    save_file(mixed, folder / "mixed.safetensors")


QUANTIZED = ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"]


def write_gguf(folder):
    """A file with metadata of every type and a tensor of every type that prefopt reads."""
    writer = gguf.GGUFWriter(folder / "types.gguf", "none")
    writer.add_uint8("u8", 200)
    writer.add_int8("i8", -100)
    writer.add_uint16("u16", 60000)
    writer.add_int16("i16", -30000)
    writer.add_uint32("u32", 4000000000)
    writer.add_int32("i32", -2000000000)
    writer.add_uint64("u64", 2**60)
    writer.add_int64("i64", -(2**60))
    writer.add_float32("f32", 1e-5)
    writer.add_float64("f64", 1e-300)
    writer.add_bool("yes", True)
    writer.add_string("text", "\u00e9t\u00e9")
    writer.add_array("texts", ["a", "", "bc"])
    writer.add_array("integers", [1, -2, 3])
    writer.add_array("reals", [0.5, -1.5])
    expected = {}

    def add(name, stored, kind):
        writer.add_tensor(name, stored, raw_dtype=kind)
        plain = gguf.quants.dequantize(stored, kind).astype(np.float32)
        expected[name] = {"shape": list(plain.shape), "values": plain.flatten().tolist()}

    random = np.random.default_rng(5)
    numbers = values(64 * 3, 6).numpy().reshape(3, 64)
    for name in ["F32", "F16", "BF16"]:
        kind = gguf.GGMLQuantizationType[name]
        add(name, gguf.quants.quantize(numbers[:, :10].copy(), kind), kind)
    for name in QUANTIZED:
        kind = gguf.GGMLQuantizationType[name]
        small = (random.standard_normal((3, 64)) * 0.1).astype(np.float32)
        add(name, gguf.quants.quantize(small, kind), kind)
        # Any bytes are a block: every quant and every sign occurs. Scales are kept finite.
        block, size = gguf.GGML_QUANT_SIZES[kind]
        raw = random.integers(0, 256, (5, 2 * size), dtype=np.uint8)
        halves = 2 if name.endswith("_1") else 1
        for start in [0, size]:
            for half in range(halves):
                scale = np.float16(random.standard_normal() * 10.0 ** random.integers(-5, 3))
                raw[:, start + 2 * half : start + 2 * half + 2] = np.frombuffer(
                    scale.tobytes(), np.uint8
                )
        add(name + ".raw", raw, kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    text = json.dumps(expected)
    (folder / "gguf.json").write_text(text.replace('}, "', '},\n "') + "\n")


def checksum(numbers):
    """sum_i (i + 1) * bits(x_i) modulo 2^64: equal only where every bit is, for practical purposes."""
    bits = np.ascontiguousarray(numbers, np.float32).view(np.uint32).flatten().astype(np.uint64)
    return int((bits * np.arange(1, bits.size + 1, dtype=np.uint64)).sum())


def describe_smollm2(folder, path):
    """Some dequantized tensors of the real model, in the file's own order of rows."""
    expected = {}
    for tensor in gguf.GGUFReader(path).tensors:
        if tensor.name.startswith(("token_embd", "blk.0.", "blk.29.ffn", "output_norm")):
            plain = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
            expected[tensor.name] = {
                "type": tensor.tensor_type.name,
                "shape": list(plain.shape),
                "checksum": str(checksum(plain)),
                "first": plain.flatten()[:3].tolist(),
            }
    (folder / "smollm2.json").write_text(json.dumps(expected, indent=1) + "\n")


def canonical(model):
    """prefopt's parameters of a Hugging Face model: names of transformer_layout.hpp."""
    config = model.config
    tensors = {key: value.numpy() for key, value in model.state_dict().items()}
    plain = {}

    def put(name, source, transpose=False):
        for ending in [".weight", ".bias"]:
            parts = [tensors[key + ending] for key in source if key + ending in tensors]
            if parts:
                whole = np.concatenate(parts)
                plain[name + ending] = whole.T if transpose and whole.ndim == 2 else whole

    if config.model_type == "gpt2":
        put("embedding", ["transformer.wte"])
        put("positions", ["transformer.wpe"])
        for i in range(config.n_layer):
            ours, theirs = f"layers.{i}.", f"transformer.h.{i}."
            put(ours + "attention_norm", [theirs + "ln_1"])
            put(ours + "attention.qkv", [theirs + "attn.c_attn"], True)
            put(ours + "attention.output", [theirs + "attn.c_proj"], True)
            put(ours + "feed_forward_norm", [theirs + "ln_2"])
            put(ours + "feed_forward.up", [theirs + "mlp.c_fc"], True)
            put(ours + "feed_forward.down", [theirs + "mlp.c_proj"], True)
        put("final_norm", ["transformer.ln_f"])
    else:
        put("embedding", ["model.embed_tokens"])
        for i in range(config.num_hidden_layers):
            ours, theirs = f"layers.{i}.", f"model.layers.{i}."
            put(ours + "attention_norm", [theirs + "input_layernorm"])
            put(ours + "attention.qkv", [f"{theirs}self_attn.{x}_proj" for x in "qkv"])
            put(ours + "attention.output", [theirs + "self_attn.o_proj"])
            put(ours + "feed_forward_norm", [theirs + "post_attention_layernorm"])
            for part in ["gate", "up", "down"]:
                put(f"{ours}feed_forward.{part}", [f"{theirs}mlp.{part}_proj"])
        put("final_norm", ["model.norm"])
    if not config.tie_word_embeddings:
        put("head", ["lm_head"])
    return plain


def permuted(matrix, heads):
    """llama.cpp's order of the rows of queries and keys."""
    rows = matrix.shape[0]
    return (
        matrix.reshape(heads, 2, rows // heads // 2, *matrix.shape[1:])
        .swapaxes(1, 2)
        .reshape(matrix.shape)
    )


def write_tiny_gguf(path, model):
    """As llama.cpp's conversion writes it, in float32, with a tokenizer of eight tokens."""
    config = model.config
    kind = config.model_type
    writer = gguf.GGUFWriter(path, kind)
    if kind == "gpt2":
        writer.add_context_length(config.n_positions)
        writer.add_embedding_length(config.n_embd)
        writer.add_feed_forward_length(config.n_inner)
        writer.add_block_count(config.n_layer)
        writer.add_head_count(config.n_head)
        writer.add_layer_norm_eps(config.layer_norm_epsilon)
    else:
        writer.add_context_length(config.max_position_embeddings)
        writer.add_embedding_length(config.hidden_size)
        writer.add_feed_forward_length(config.intermediate_size)
        writer.add_block_count(config.num_hidden_layers)
        writer.add_head_count(config.num_attention_heads)
        writer.add_head_count_kv(config.num_key_value_heads)
        writer.add_key_length(config.head_dim)
        writer.add_value_length(config.head_dim)
        writer.add_rope_dimension_count(config.head_dim)
        writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
        writer.add_layer_norm_rms_eps(config.rms_norm_eps)
        writer.add_vocab_size(config.vocab_size)
    writer.add_file_type(0)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2" if kind == "gpt2" else "smollm")
    letters = list("abcdefghijklmnopqrs")[: config.vocab_size - 2]
    writer.add_token_list(["<end>"] + letters + ["ab"])
    writer.add_token_types([3] + [1] * (config.vocab_size - 1))
    writer.add_token_merges(["a b"])
    writer.add_eos_token_id(0)
    writer.add_chat_template("{{ messages }}")
    names = {
        "embedding": "token_embd",
        "positions": "position_embd",
        "final_norm": "output_norm",
        "head": "output",
        "attention_norm": "attn_norm",
        "attention.qkv": "attn_qkv",
        "attention.output": "attn_output",
        "feed_forward_norm": "ffn_norm",
        "feed_forward.gate": "ffn_gate",
        "feed_forward.up": "ffn_up",
        "feed_forward.down": "ffn_down",
    }
    for name, value in canonical(model).items():
        stem, ending = name.rsplit(".", 1)
        block = ""
        if stem.startswith("layers."):
            block = "blk." + stem.split(".")[1] + "."
            stem = stem.split(".", 2)[2]
        if stem == "attention.qkv" and kind == "llama":
            heads, kv_heads = config.num_attention_heads, config.num_key_value_heads
            cuts = np.cumsum([heads, kv_heads]) * config.head_dim
            query, key, rest = np.split(value, cuts)
            for short, part in [
                ("q", permuted(query, heads)),
                ("k", permuted(key, kv_heads)),
                ("v", rest),
            ]:
                writer.add_tensor(f"{block}attn_{short}.{ending}", np.ascontiguousarray(part))
        else:
            writer.add_tensor(f"{block}{names[stem]}.{ending}", np.ascontiguousarray(value))
    if kind == "gpt2":  # older conversions store the tied head too
        writer.add_tensor("output.weight", canonical(model)["embedding.weight"])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def tiny_models():
    torch.manual_seed(3)
    yield "gpt2", GPT2LMHeadModel(
        GPT2Config(
            vocab_size=11, n_embd=6, n_layer=2, n_head=3, n_inner=10, n_positions=7,
            bos_token_id=0, eos_token_id=0, layer_norm_epsilon=1e-4,
        )
    )  # fmt: skip
    yield "llama", LlamaForCausalLM(
        LlamaConfig(
            vocab_size=13, hidden_size=8, intermediate_size=6, num_hidden_layers=2,
            num_attention_heads=2, num_key_value_heads=1, head_dim=6, max_position_embeddings=9,
            rope_parameters={"rope_type": "default", "rope_theta": 5000.0}, bos_token_id=0,
            eos_token_id=0, tie_word_embeddings=False,
        )
    )  # fmt: skip
    yield "llama-bias", LlamaForCausalLM(
        LlamaConfig(
            vocab_size=9, hidden_size=8, intermediate_size=6, num_hidden_layers=1,
            num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=9,
            bos_token_id=0, eos_token_id=0, tie_word_embeddings=True, attention_bias=True,
            mlp_bias=True,
        )
    )  # fmt: skip


def write_tiny_models(folder):
    expected = {}
    for name, model in tiny_models():
        with torch.no_grad():
            for value in model.parameters():
                value.normal_()  # norms and biases too, which else are ones and zeros
        model.save_pretrained(folder / name)
        write_tiny_gguf(folder / f"{name}.gguf", model)
        expected[name] = {
            key: {"shape": list(value.shape), "checksum": str(checksum(value))}
            for key, value in canonical(model).items()
        }
    torch.manual_seed(3)
    sharded = next(tiny_models())[1]
    sharded.transformer.to(torch.bfloat16).save_pretrained(  # the bare model: no prefix
        folder / "gpt2-bare-sharded", max_shard_size="1KB"
    )
    expected["gpt2-bare-sharded"] = {
        key: {"shape": list(value.shape), "checksum": str(checksum(value))}
        for key, value in canonical(sharded.float()).items()
    }
    (folder / "tiny.json").write_text(json.dumps(expected, indent=1) + "\n")


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    write_safetensors(folder)
    write_gguf(folder)
    write_tiny_models(folder)
    if len(sys.argv) > 2:
        describe_smollm2(folder, sys.argv[2])


if __name__ == "__main__":
    main()
