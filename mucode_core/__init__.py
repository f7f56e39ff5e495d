"""µCode: multi-turn code generation through single-step rewards."""

__version__ = "0.2.0"
