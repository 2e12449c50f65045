"""Networks, Gaussians and Adam as functions of tensors. Chapters 2 and 6."""
