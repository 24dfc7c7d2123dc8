"""Tracing and telemetry of the app's, off for a run: no collector can be reached, and exporters wait and try again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True)
class _Telemetry:
    """How libraries that report elsewhere are told not to, by the variables that they read.

    Attributes:
        packages: any of which an app imports that reports so.
        variables: what turns it off, or lets it give up at once.
    """

    name: str
    packages: tuple[str, ...]
    variables: Mapping[str, str]


_SECONDS = "1"
"""Until an exporter gives up that is not turned off by its SDK: the least that all of them take."""
_TELEMETRY = (
    _Telemetry(
        "OpenTelemetry",
        (
            *("opentelemetry", "openinference", "phoenix", "traceloop", "openlit", "arize", "langtrace_python_sdk"),
            *("llama_index.observability.otel", "azure.monitor.opentelemetry", "lmnr", "logfire", "langfuse"),
        ),
        {
            "OTEL_SDK_DISABLED": "true",
            "OTEL_EXPORTER_OTLP_TIMEOUT": _SECONDS,
            "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": _SECONDS,
            "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT": _SECONDS,
            "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT": _SECONDS,
        },
    ),
    _Telemetry("Traceloop", ("traceloop",), {"TRACELOOP_TELEMETRY": "false"}),
    _Telemetry(
        "Langfuse",
        ("langfuse", "llama_index.callbacks.langfuse"),
        {
            "LANGFUSE_TRACING_ENABLED": "false",
            "LANGFUSE_SAMPLE_RATE": "0",  # of version 2, which knows no other
            "LANGFUSE_MAX_RETRIES": "0",
            "LANGFUSE_TIMEOUT": _SECONDS,
        },
    ),
    _Telemetry("Logfire", ("logfire",), {"LOGFIRE_SEND_TO_LOGFIRE": "false"}),
    _Telemetry("LangSmith", ("langsmith",), {"LANGSMITH_TRACING": "false", "LANGCHAIN_TRACING_V2": "false"}),
    _Telemetry("Opik", ("opik",), {"OPIK_TRACK_DISABLE": "true"}),
    _Telemetry("Weights & Biases", ("wandb", "weave"), {"WANDB_MODE": "disabled", "WEAVE_DISABLED": "true"}),
    _Telemetry("Chroma's telemetry", ("chromadb",), {"ANONYMIZED_TELEMETRY": "False"}),
    _Telemetry("Mem0's telemetry", ("mem0",), {"MEM0_TELEMETRY": "False"}),
)


def silence_telemetry(modules: Iterable[str], given: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """Return the variables that turn an app's tracing and telemetry off, and what the report should say of them.

    Args:
        modules: what the app imports.
        given: variables that the user gave for the run; these win.
    """
    imported = tuple(modules)
    found = [each for each in _TELEMETRY if any(_is_imported(package, imported) for package in each.packages)]
    values = {name: value for each in found for name, value in each.variables.items() if name not in given}
    if not values:
        return {}, []
    first = next(iter(values))
    named = ", ".join(each.name for each in found)
    said = f"off for the run, as nothing beyond this machine can be reached: {named}"
    return values, [f"{said}; `--env {first}=…` sets it otherwise"]


def _is_imported(package: str, modules: Iterable[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for module in modules)
