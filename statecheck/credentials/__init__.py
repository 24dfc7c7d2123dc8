"""Credentials: how they are known by their shape, what stands for them, where people keep them."""
