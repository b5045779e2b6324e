"""Floor 2: networks, weights and backends; the only home of torch."""
