"""The common base of the project's HTTP services: token, body limit, bounded queue, errors, logs, metrics, drain."""

from mucode_core.services.admission import Admission, Places
from mucode_core.services.app import Service, describe_body, invalid_input, make_service
from mucode_core.services.errors import ServiceError, render_error
from mucode_core.services.runner import read_token, require_token, run_service
from mucode_core.services.streams import LateStream

__all__ = [
    "Admission",
    "LateStream",
    "Places",
    "Service",
    "ServiceError",
    "describe_body",
    "invalid_input",
    "make_service",
    "read_token",
    "render_error",
    "require_token",
    "run_service",
]
