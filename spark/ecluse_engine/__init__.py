"""The Spark engine of Écluse: what `ecluse run` has done on many machines. docs/spark.md"""
