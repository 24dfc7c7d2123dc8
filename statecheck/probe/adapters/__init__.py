"""How each kind of target is driven: one file a framework, asked in order, until one takes what is offered.

None of the frameworks is needed: an adapter is asked only about an object that the target's own code has made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import (
    asgi,
    aws_lambda,
    callables,
    celery,
    chainlit,
    django,
    fastapi,
    flask,
    gradio,
    routed,
    sanic,
    slack,
    streamlit,
    telegram,
    workflow_server,
    workflows,
    wsgi,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from .offer import Loaded, Offer

ADAPTERS: tuple[Callable[[Offer], Loaded | None], ...] = (
    streamlit.adapt,
    chainlit.adapt,
    gradio.adapt,
    workflow_server.adapt,
    workflows.adapt,
    aws_lambda.adapt,
    celery.adapt,
    slack.adapt,
    telegram.adapt,
    django.adapt,
    flask.adapt,
    sanic.adapt,
    routed.adapt,
    fastapi.adapt,
    asgi.adapt,
    wsgi.adapt,
    callables.adapt,
)
"""The particular before the general."""
