"""What is kept: sessions, people, comments, files."""
