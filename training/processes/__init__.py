"""The mathematics of noise, free of any network."""
