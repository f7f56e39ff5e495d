"""What a command needs of the server before it starts: that it answers, and that a work pool is there."""

from __future__ import annotations

import sys
from collections.abc import Callable

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import WorkPool
from prefect.exceptions import ObjectNotFound
from prefect.settings import get_current_settings

from mucode_core.errors import ConfigError, MucodeError
from mucode_core.prefect_server import API_URL, require_server


def require_pool(name: str) -> WorkPool:
    """The work pool of that name, which Prefect would make of its own template otherwise, with every GPU in sight.

    Raises:
        ConfigError: It is not there.
        ServerError: The server does not answer.
    """
    api = get_current_settings().api.url
    if not api:
        raise ConfigError("is not set", place=API_URL, cure="name the server: http://127.0.0.1:4200/api")
    require_server(api)
    try:
        with get_client(sync_client=True) as client:
            return client.read_work_pool(name)
    except ObjectNotFound:
        cure = 'make pools GPUS="0,1,2,3 4,5,6,7", with the groups of this machine (docs/deployments.md)'
        raise ConfigError("there is no such work pool", place=name, cure=cure) from None


def run_command(main: Callable[[], None]) -> None:
    """Runs a command of this package; what a user can mend ends it with a message."""
    try:
        main()
    except MucodeError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
