"""From one crystal to ten million: inputs as a stream, results as Parquet, a run that goes on."""
