"""`python -m mucode_core` is `mucode`."""

from mucode_core.cli import main

main()
