"""Configurations of the trainings behind the shipped weights."""
