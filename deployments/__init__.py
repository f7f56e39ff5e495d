"""Runs µCode from a Prefect server: deployments, work pools, images."""
