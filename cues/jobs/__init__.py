"""Long work: what runs an analysis, on which processes."""
