"""The parts of ``nn.functional``, by family."""
