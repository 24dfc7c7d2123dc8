"""What to install for a module that is missing, where its distribution is named otherwise."""

from __future__ import annotations

import re

_NAMES = {
    "PIL": "pillow",
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "docx": "python-docx",
    "dotenv": "python-dotenv",
    "fitz": "pymupdf",
    "google.generativeai": "google-generativeai",
    "google.genai": "google-genai",
    "jose": "python-jose",
    "jwt": "PyJWT",
    "magic": "python-magic",
    "multipart": "python-multipart",
    "pkg_resources": "'setuptools<81'",  # removed from it since
    "psycopg2": "psycopg2-binary",
    "pptx": "python-pptx",
    "sklearn": "scikit-learn",
    "socketio": "python-socketio",
    "yaml": "PyYAML",
}
"""Distributions by their module. A module that is not here may be the user's own: no stranger's package is named."""


def name_distribution(module: str) -> str:
    """Return what `pip install` takes for a module, or "" where that is not known."""
    if module.startswith("llama_index.") and module.count(".") > 1:  # an integration is named as its module is
        return re.sub("[._]", "-", module)
    parts = module.split(".")
    return next((found for end in (2, 1) if (found := _NAMES.get(".".join(parts[:end])))), "")
