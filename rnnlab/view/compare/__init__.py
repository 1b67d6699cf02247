"""The Compare page: overlaid runs, races, random seeds, scratch and library."""
