"""Chaos exercises on the sandbox through Airflow: each fault must raise its alert, be told, be repaired and resolve."""
