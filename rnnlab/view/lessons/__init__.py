"""The Lessons page: the chapter in order, with something to try at each step, and the book's exercises."""
