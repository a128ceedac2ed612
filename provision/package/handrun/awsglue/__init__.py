"""A small stand-in for AWS Glue's Python library, for runs by hand with `glueproj local run`: arguments, contexts, jobs and dynamic frames over
Spark's own data frames. What it does not have fails by name. Nothing here needs Spark before a module of frames is imported."""
