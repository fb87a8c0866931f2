"""What reviewers say of a session's episodes: attached again, counted in the figures, compared with each other."""
