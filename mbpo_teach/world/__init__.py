"""Real simulators, and what was lived in them. Chapters 2 and 3."""
