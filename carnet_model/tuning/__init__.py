"""Search of settings: many trainings, of which the best is kept."""
