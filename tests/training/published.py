"""Sizes of models as published with them."""

from transformers import LlamaConfig

DEEPSEEK_6_7B = LlamaConfig(
    vocab_size=32256,
    hidden_size=4096,
    intermediate_size=11008,
    num_hidden_layers=32,
    num_attention_heads=32,
    num_key_value_heads=32,
    max_position_embeddings=16384,
)
