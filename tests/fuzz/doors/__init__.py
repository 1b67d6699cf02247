"""The doors: each reads inputs of one kind from outside."""
