"""The source of tests: what it binds, reads, imports and defines."""
