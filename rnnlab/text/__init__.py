"""What is known of a text without a network: corpora, vocabulary, n-gram ladder, quotes; no torch."""
