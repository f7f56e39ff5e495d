"""Training: this project's loop for CPU, and TRL in separate processes (torchrun, DeepSpeed, LoRA, checkpoints)."""
