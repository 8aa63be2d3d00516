"""`sounddesk study`: the paper's listening study as a web page, served to a room, and its report."""
