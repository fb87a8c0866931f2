"""A session as files that leave the tool: tables, subtitles, projects of annotation programs."""
