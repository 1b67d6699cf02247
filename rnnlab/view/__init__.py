"""How it is shown: events into tables, tables into charts, words in two languages, and the live panel."""
