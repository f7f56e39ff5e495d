"""The demo in sizes for tests of what is around it: its figures say nothing, its stages are all there.

One process samples and trains: to load PyTorch in a second one takes longer than what it would take over.
"""

SMALL = [
    "run.num_workers=1",
    "problems.num_train=60",
    "problems.num_validation=20",
    "problems.num_test=20",
    "generator.bootstrap.num_dialogues=1500",
    "rollouts.num_rollouts=16",
    "run.iterations=1",
    "verifier.final_fit=false",
]
TINY = {
    "run.num_workers": 1,
    "problems.num_train": 40,
    "problems.num_validation": 10,
    "problems.num_test": 10,
    "generator.bootstrap.num_dialogues": 2000,
    "rollouts.num_rollouts": 8,
    "run.iterations": 1,
    "verifier.final_fit": "false",
    "evaluation.enabled": "false",
    "sandbox.backend": "process",
}
