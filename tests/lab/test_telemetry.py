"""Tracing and telemetry are off for a run: the variables that say so, by what an app imports."""

from __future__ import annotations

import pytest

from statecheck.lab.environment.telemetry import silence_telemetry


@pytest.mark.parametrize(
    ("modules", "name", "value"),
    [
        (["opentelemetry.sdk.trace"], "OTEL_SDK_DISABLED", "true"),
        (["openinference.instrumentation.llama_index"], "OTEL_SDK_DISABLED", "true"),
        (["langfuse.llama_index"], "LANGFUSE_TRACING_ENABLED", "false"),
        (["phoenix"], "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "1"),
    ],
)
def test_what_an_app_imports_for_tracing_is_off_and_told(modules: list[str], name: str, value: str) -> None:
    values, (note,) = silence_telemetry(["fastapi", *modules], ())

    assert values[name] == value
    assert note.startswith("off for the run, as nothing beyond this machine can be reached: ")


def test_what_the_user_gives_wins_and_an_app_without_tracing_is_left_alone() -> None:
    values, _ = silence_telemetry(["opentelemetry"], {"OTEL_SDK_DISABLED": "false"})

    assert "OTEL_SDK_DISABLED" not in values
    assert silence_telemetry(["fastapi", "phoenix_of_ours"], ()) == ({}, [])
