"""Event files for TensorBoard, written without TensorBoard or TensorFlow."""

from .writer import FileWriter, SummaryWriter

__all__ = ["FileWriter", "SummaryWriter"]
