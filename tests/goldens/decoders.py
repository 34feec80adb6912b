"""Random decoders of odd shapes, one for every kind that prefopt reads and every variant of it that
changes the mathematics. Needs torch and transformers; transformer.py and scripts/parity use it.
"""

import torch
import transformers as hf

GPT2 = dict(vocab_size=97, n_positions=40, n_embd=36, n_layer=2, n_head=3, n_inner=50,
            bos_token_id=0, eos_token_id=0)
LLAMA = dict(vocab_size=83, hidden_size=30, intermediate_size=44, num_hidden_layers=2,
             num_attention_heads=6, num_key_value_heads=2, head_dim=8, max_position_embeddings=64,
             rms_norm_eps=1e-6, bos_token_id=0, eos_token_id=0)
SMALL = {**LLAMA, "vocab_size": 37, "hidden_size": 20, "intermediate_size": 26,
         "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 6,
         "max_position_embeddings": 40}
NEO = dict(vocab_size=37, hidden_size=20, num_layers=3, num_heads=4, intermediate_size=30,
           attention_types=[[["global", "local"], 1], [["local"], 1]], window_size=4,
           max_position_embeddings=40, bos_token_id=0, eos_token_id=0)
GPTJ = dict(vocab_size=41, n_embd=24, n_layer=2, n_head=3, rotary_dim=4, n_inner=30,
            n_positions=40, bos_token_id=0, eos_token_id=0)
NEOX = dict(vocab_size=43, hidden_size=24, num_hidden_layers=2, num_attention_heads=3,
            intermediate_size=30, max_position_embeddings=40, bos_token_id=0, eos_token_id=0)


def rope(**fields):
    return {"rope_type": "default", "rope_theta": 500.0, **fields}


LLAMA3 = rope(rope_type="llama3", factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=24)

# name: (class of the configuration, its fields, seed of the weights)
DECODERS = {
    "tiny-gpt2": (hf.GPT2Config, GPT2, 1),
    "tiny-llama": (hf.LlamaConfig, {**LLAMA, "rope_parameters": rope(),
                                    "tie_word_embeddings": False}, 2),
    "tiny-llama-tied": (hf.LlamaConfig, {**LLAMA, "num_key_value_heads": 6, "vocab_size": 71,
                                         "tie_word_embeddings": True}, 3),
    "tiny-llama3": (hf.LlamaConfig, {**SMALL, "rope_parameters": LLAMA3, "attention_bias": True,
                                     "mlp_bias": True}, 4),
    "tiny-llama-linear": (hf.LlamaConfig, {
        **SMALL, "rope_parameters": rope(rope_type="linear", factor=2.5)}, 5),
    "tiny-mistral": (hf.MistralConfig, {**SMALL, "num_key_value_heads": 1, "sliding_window": 5,
                                        "rope_parameters": rope()}, 6),
    "tiny-qwen2": (hf.Qwen2Config, {
        **{k: v for k, v in SMALL.items() if k != "head_dim"}, "hidden_size": 24,
        "use_sliding_window": True, "sliding_window": 4, "max_window_layers": 1,
        "tie_word_embeddings": True, "rope_parameters": rope()}, 7),
    "tiny-qwen3": (hf.Qwen3Config, {**SMALL, "head_dim": 10, "attention_bias": True,
                                    "rope_parameters": rope()}, 8),
    "tiny-smollm3": (hf.SmolLM3Config, {
        **{k: v for k, v in SMALL.items() if k != "head_dim"}, "hidden_size": 24,
        "num_hidden_layers": 3, "no_rope_layers": [1, 0, 1], "use_sliding_window": True,
        "sliding_window": 4, "pad_token_id": 0, "rope_parameters": rope()}, 9),
    "tiny-gpt-neo": (hf.GPTNeoConfig, NEO, 10),
    "tiny-gptj": (hf.GPTJConfig, GPTJ, 11),
    "tiny-gpt-neox": (hf.GPTNeoXConfig, {
        **NEOX, "rope_parameters": rope(partial_rotary_factor=0.75)}, 12),
    "tiny-gpt-neox-sequential": (hf.GPTNeoXConfig, {
        **NEOX, "use_parallel_residual": False, "attention_bias": False,
        "rope_parameters": rope(partial_rotary_factor=0.25)}, 13),
}


def randomize(model, generator):
    """Weights larger than the usual initialization, so that errors show."""
    with torch.no_grad():
        for key, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=generator)
            p.copy_(1 + 0.2 * noise if p.ndim == 1 and "bias" not in key else 0.15 * noise)


def train_padding(model):
    """transformers leaves the padding token's row out of the embedding's gradient, which is right
    for padding; prefopt has none, so to it this token is one as any other."""
    model.get_input_embeddings().padding_idx = None
    return model


def build(name, generator):
    kind, fields, _ = DECODERS[name]
    model = hf.AutoModelForCausalLM.from_config(kind(**fields), attn_implementation="eager")
    randomize(model, generator)
    return train_padding(model).float().eval()


def token_log_probs(model, prompt, response):
    ids = torch.tensor([prompt + response])
    logits = model(ids).logits[0, len(prompt) - 1:-1].double()
    return torch.log_softmax(logits, -1).gather(1, torch.tensor(response)[:, None])[:, 0]


def random_groups(vocabulary, generator):
    """Prompts with their responses; windows end within either, and one response is one token."""
    def tokens(n):
        return torch.randint(vocabulary, (n,), generator=generator).tolist()
    return [{"prompt": tokens(p), "responses": [tokens(n) for n in lengths]}
            for p, lengths in [(5, [3, 1, 13]), (1, [7]), (9, [2, 2])]]


def greedy(model, prompt, count):
    """Without a cache, every token from the whole text before it."""
    ids = list(prompt)
    with torch.no_grad():
        for _ in range(count):
            ids.append(int(model(torch.tensor([ids])).logits[0, -1].argmax()))
    return ids[len(prompt):]


def gradient_model(model):
    """A copy whose weights are the gradients, so that saving it writes them under the names that
    files have."""
    result = type(model)(model.config)
    with torch.no_grad():
        for (_, to), (_, of) in zip(result.named_parameters(), model.named_parameters()):
            to.copy_(of.grad)
    return result.float()
