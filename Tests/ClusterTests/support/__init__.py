"""What the tests with real processes share: clusters, clients, and what was promised to clients."""
