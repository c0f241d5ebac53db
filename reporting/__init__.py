"""The report page and the run's summary."""
