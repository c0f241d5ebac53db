"""Declarative rules over the marts, evaluated by Great Expectations; each evaluation is recorded."""
