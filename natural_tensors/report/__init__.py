"""The page of a tensor of a crystal: ``report(crystal).write("quartz.html")``."""

from .page import Report, report

__all__ = ["Report", "report"]
