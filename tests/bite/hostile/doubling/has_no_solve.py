"""Has no function `solve`."""
