"""The peer of `diagnose`: one cold start of the same app under uvicorn, until its first answer, on a bound socket.

Run by `benchmarks/run.py` with the number of a listening descriptor. The model is LlamaIndex's own mock, set as
a user would, so that the app answers without a key.
"""

from __future__ import annotations

import sys

import uvicorn
from article import app
from llama_index.core import Settings
from llama_index.core.llms import MockLLM

Settings.llm = MockLLM()
uvicorn.run(app, fd=int(sys.argv[1]), log_level="error")
