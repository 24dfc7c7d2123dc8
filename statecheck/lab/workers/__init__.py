"""Processes that serve the target: launched, made ready, told what to do, and ended."""
