"""How a run is kept and executed: store, supervisor, zygote, worker, and the client that pages and shell call."""
