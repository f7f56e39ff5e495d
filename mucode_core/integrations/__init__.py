"""Verdicts for other people's trainers and evaluators: one thin module for each."""
