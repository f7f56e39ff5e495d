"""Training by TRL in processes of its own: torchrun, DeepSpeed, LoRA, checkpoints to resume from."""
