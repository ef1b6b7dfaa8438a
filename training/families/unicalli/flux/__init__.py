"""UniCalli on FLUX, as in the paper: the blocks of a FLUX.1 checkpoint read and write columns."""
