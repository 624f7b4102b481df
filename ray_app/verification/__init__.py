"""Is it so: claims held against the semantic record of a run."""
