"""LLMs behind an OpenAI-compatible endpoint: one client for teacher, student and evaluation."""
