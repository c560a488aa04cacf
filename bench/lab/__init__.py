"""A laboratory's own recordings: from its BIDS folder and its model to a score that says what it is worth."""
