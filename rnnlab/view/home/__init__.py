"""The Home page: the gallery of the published experiments."""
