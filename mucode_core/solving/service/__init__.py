"""An OpenAI-compatible server of searches, with a page to search from."""

from mucode_core.solving.service.app import make_app

__all__ = ["make_app"]
