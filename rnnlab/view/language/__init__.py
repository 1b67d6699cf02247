"""The texts of the pages: catalogues in two languages, names of settings, sections, equations."""
