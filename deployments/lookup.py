"""Checks before a command starts: the server answers, and the work pool exists."""

from __future__ import annotations

from mucode_tasks.engine.server import API_URL, require_server
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import WorkPool
from prefect.exceptions import ObjectNotFound
from prefect.settings import get_current_settings

from mucode_core.errors import ConfigError


def require_pool(name: str) -> WorkPool:
    """The work pool of that name; Prefect would otherwise create one with all GPUs visible.

    Raises:
        ConfigError: It does not exist.
        ServerError: The server does not answer.
    """
    require_answer()
    try:
        with get_client(sync_client=True) as client:
            return client.read_work_pool(name)
    except ObjectNotFound:
        hint = 'make pools GPUS="0,1,2,3 4,5,6,7", with the groups of this machine (docs/deployments.md)'
        raise ConfigError("there is no such work pool", location=name, hint=hint) from None


def require_answer() -> None:
    """Refuses to continue without a server: Prefect would start a temporary one, and what is made there is lost.

    Raises:
        ConfigError: None is named.
        ServerError: It does not answer.
    """
    api = get_current_settings().api.url
    if not api:
        raise ConfigError("is not set", location=API_URL, hint="name the server: http://127.0.0.1:4200/api")
    require_server(api)
