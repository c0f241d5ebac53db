"""The audit record: canonical bytes, Merkle trees, seals, anchors, evidence, retention."""
