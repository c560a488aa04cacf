"""Submissions: pack one, check it without running foreign code, execute it again on hidden units, show it."""
