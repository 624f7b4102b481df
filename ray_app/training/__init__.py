"""Samples to a fine-tuned model: tokens, packing, DeepSpeed, Ray Train, export."""
