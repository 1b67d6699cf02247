"""Corpora, vocabulary, n-gram perplexities and copied passages: everything about texts that needs no network."""
