"""`python -m mucode_flows.cli` is `mucode`."""

from mucode_flows.cli.main import main

main()
