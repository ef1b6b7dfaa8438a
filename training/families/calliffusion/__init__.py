"""CalliffusionV2: single characters of a hand that is known from a few samples."""
