"""Which numbers: recipes, and the jobs that `ray job submit` runs."""
