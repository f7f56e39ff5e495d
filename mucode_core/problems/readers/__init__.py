"""Readers of published rows: one module for each family of data sets, with a `DATASETS`."""
