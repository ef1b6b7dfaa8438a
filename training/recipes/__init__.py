"""Complete runs: each recipe is a function that returns every number of one."""
