"""Where people keep credentials: files and folders of a home, and what configuration files are called."""

from __future__ import annotations

import re

EMPTIED = (
    *(".netrc", "_netrc", ".pgpass", ".my.cnf", ".mylogin.cnf", ".git-credentials", ".npmrc", ".yarnrc.yml", ".pypirc"),
    *(".vault-token", ".docker/config.json", ".huggingface/token", ".cache/huggingface/token"),
    *(".cache/huggingface/stored_tokens", ".boto", ".s3cfg", ".cdsapirc", ".claude.json", ".bash_history"),
    *(".zsh_history", ".python_history", ".psql_history", ".mysql_history", ".rediscli_history"),
    *(".ssh", ".gnupg", ".kube", ".azure", ".oci", ".password-store", ".terraform.d", ".claude", ".codex", ".gemini"),
    *(".mozilla", ".thunderbird", ".local/share/keyrings", ".local/share/kwalletd", ".pki"),
    *(".aws/sso", ".aws/cli", ".aws/login"),
    *(
        ".config/gcloud",
        ".config/gh",
        ".config/hub",
        ".config/op",
        ".config/rclone",
        ".config/doctl",
        ".config/configstore",
    ),
    *(
        ".config/google-chrome",
        ".config/chromium",
        ".config/BraveSoftware",
        ".config/microsoft-edge",
        ".config/Bitwarden",
    ),
    *(".config/1Password", ".config/keybase", ".config/Slack", ".config/discord", ".config/Code", ".config/Cursor"),
)
"""Of a home: what holds little else than credentials. The app sees an empty file or folder in its place."""

SCRUBBED = (
    ".aws",
    ".config",
    ".streamlit",
    ".kaggle",
    ".jupyter",
    ".pip",
    ".dbt",
    ".snowflake",
    ".databrickscfg",
    ".env",
)
"""Of a home: what holds settings too, which the app may need. The app sees dummies for the credentials in them."""

CONFIG = re.compile(
    r"\.env(\..+)?|.+\.env|\.(netrc|pgpass|npmrc|pypirc|git-credentials)|(config|credentials|secrets?|settings)"
    r"|.+\.(ya?ml|toml|ini|cfg|conf|config|cnf|properties|json|json5|jsonc|tfvars|pem|key|secrets?|credentials)",
    re.IGNORECASE,
)
"""Names of files of settings, which may hold credentials."""
_LOCKS = re.compile(
    r"(package-lock|composer\.lock|pnpm-lock|tsconfig|package|npm-shrinkwrap)\.(json|ya?ml)", re.IGNORECASE
)


def is_config(name: str) -> bool:
    """Whether a file of this name may hold settings, and credentials among them."""
    return CONFIG.fullmatch(name) is not None and _LOCKS.fullmatch(name) is None


def is_env(name: str) -> bool:
    """Whether a file of this name holds variables."""
    return name.startswith(".env") or name.endswith(".env")
