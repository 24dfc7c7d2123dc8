"""statecheck reproduces lost conversation state in LlamaIndex apps and names the cause.

This module imports nothing, so that `--version` and plugins stay cheap.
"""

__version__ = "0.1.0"
